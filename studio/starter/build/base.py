"""What a builder is: how one entry of the kit is made, tried and measured again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from studio.starter.kit import KitEntry, Tier


@dataclass(frozen=True)
class Builder:
    """One entry's builder.

    Attributes:
        id: the entry's, "kit:…".
        minutes: about how long `build` takes on two cores without a GPU.
        build: `out` (the kit's folder) → the entry. Fetches, trains, measures on the held-out rows, writes the folder
            and the line in the manifest, both whole or not at all.
        first: loads the entry from its folder with the plain library, without a network, and answers once: the first
            prediction that a newcomer would ask for, or the first row of a data set.
        measure: `(entry, rows)` → figures of `entry.quality`, by name, measured anew on that many held-out rows (all
            when there are fewer), the same rows every time. Needs neither network nor anything beside the kit.
        tier: "extra" for what does not lie in the repository. Its `build` runs on the user's machine: it takes its
            wheels from `fetch.wheel(WHEEL, out)`, needs nothing else from a network, and gives an entry with
            `tier="extra"` and `extra=Extra(wheels=(WHEEL,), hub=…)`.
    """

    id: str
    minutes: float
    build: Callable[[Path], KitEntry]
    first: Callable[[KitEntry], object]
    measure: Callable[[KitEntry, int], Mapping[str, float]]
    tier: Tier = "kit"
