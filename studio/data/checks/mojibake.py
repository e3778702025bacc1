"""mojibake: text that was decoded with the wrong encoding, with what it should have been."""

from pydantic import Field

from studio.data.checks.base import (
    TEXT,
    Check,
    Evidence,
    Finding,
    Mend,
    Progress,
    RowNumber,
    SampledParams,
    Stop,
    columns_of,
    excerpt,
    percent,
    plural,
    share,
    splits_of,
)
from studio.data.checks.texts import Reading
from studio.data.records import Dataset

LOST = "\N{REPLACEMENT CHARACTER}"
AROUND = 30  # characters that are shown before the first difference
LONGEST = 100_000  # characters of a cell


class MojibakeParams(SampledParams):
    """How bad is bad."""

    badness: int = Field(
        1, ge=1, le=1_000, title="Badness", description="Unlikely sequences of characters that a text must have."
    )


def run(dataset: Dataset, params: MojibakeParams, progress: Progress, stop: Stop) -> Finding:
    """Texts that ftfy would repair, and texts with characters that are lost for good."""
    from ftfy import fix_encoding
    from ftfy.badness import badness

    splits, columns = splits_of(dataset, params), columns_of(dataset, params, TEXT)
    if not columns:
        return CHECK.not_run("There is no column of text.")
    reading = Reading(dataset, splits, columns, params, progress, stop)
    evidence: list[Evidence] = []
    broken = lost = 0
    held = set[str]()
    for split, row, name, whole in reading:
        if whole.isascii():  # nothing was decoded wrongly that is plain
            continue
        text = whole[:LONGEST]
        bad = badness(text)
        repaired = fix_encoding(text) if bad >= params.badness else text
        if repaired != text:
            broken += 1
            held.add(name)
            told = f"{name!r} reads {_near_change(text, repaired)}"
        elif LOST in text:
            lost += 1
            place = max(0, text.index(LOST) - AROUND)
            told = f"{name!r} has lost characters: {excerpt(text[place:], 80)!r}"
        else:
            continue
        if len(evidence) < params.shown:
            evidence.append(Evidence((RowNumber(split, row),), told, 1, float(bad)))
    both = broken + lost
    return Finding(
        check=CHECK.id,
        title=CHECK.title,
        severity="ok" if not both else "warning" if share(both, reading.seen) > 0.001 else "note",
        summary=(
            f"{plural(broken, 'text was', 'texts were')} decoded with the wrong encoding and can be repaired "
            f"({percent(broken, reading.seen)} of the rows); {lost:,} have lost characters for good."
            if both
            else "No text looks decoded with the wrong encoding."
        ),
        figures={"repairable": broken, "lost": lost, "repairable_share": share(broken, reading.seen)},
        basis=reading.basis,
        found=both,
        evidence=tuple(evidence),
        method=CHECK.source,
        remedy=(
            "Read the source again in its true encoding, or take over ftfy's repair. What is lost stays lost."
            if both
            else ""
        ),
        mends=(_mend(params, sorted(held)),) if held else (),
    )


def _mend(params: MojibakeParams, columns: list[str]) -> Mend:
    return Mend(CHECK.step, {"columns": columns, "badness": params.badness})


def _near_change(text: str, repaired: str) -> str:
    """Both texts around their first difference."""
    same = next((at for at, (a, b) in enumerate(zip(text, repaired, strict=False)) if a != b), 0)
    start = max(0, same - AROUND)
    return f"{excerpt(text[start:], 80)!r} and should perhaps read {excerpt(repaired[start:], 80)!r}"


CHECK = Check(
    id="mojibake",
    title="Mojibake",
    description="Texts that were decoded with the wrong encoding, with what they should have been.",
    needs="a column of text",
    params=MojibakeParams,
    run=run,
    source=(
        "ftfy (Speer 2019): a text is broken when it has unlikely sequences of characters and another decoding has "
        "fewer; U+FFFD is a lost character."
    ),
    step="fix-encoding",
)
