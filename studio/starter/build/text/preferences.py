"""`kit:preferences`: a prompt, a reply that was given, and one that belongs elsewhere. Data only, no model.

The rule, as nobody compared two replies in the source: chosen is what a person did reply in a conversation that was
rated well; rejected is a reply of like length from a conversation on another topic. A model that learns from it learns
to stay with what was said.
"""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.text import dialogues
from studio.starter.build.text.dialogues import SEED, Talk, as_messages
from studio.starter.build.text.minilm_l6 import TALK
from studio.starter.kit import KitEntry, Quality, Source

WELL = 7.0  # mean rating from which a conversation counts as a good one
SHORTEST = 25  # characters of a reply; shorter ones fit anywhere
CONTEXT = 6  # turns of the prompt at most
PER_TALK = 2


@dataclass(frozen=True)
class Preference:
    """Turns said so far, and two ways to go on."""

    prompt: tuple[str, ...]
    chosen: str
    rejected: str


def build(out: Path) -> KitEntry:
    """Fetch, pair and write the data set; half a minute."""
    terms, talks = dialogues.fetch()
    splits = {name: pair(rows) for name, rows in dialogues.split(talks).items()}
    with writing.new_folder(out, "preferences") as folder:
        for name, rows in splits.items():
            columns: dict[str, Sequence[Any]] = {
                "prompt": [as_messages(row.prompt) for row in rows],
                "chosen": [_reply(row.chosen) for row in rows],
                "rejected": [_reply(row.rejected) for row in rows],
            }
            tables.write_split(columns, folder / f"{name}.parquet")
        (folder / "LICENSE").write_text(terms, encoding="utf-8")
    return writing.record(out, _entry(splits))


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """The trivial judges anew."""
    test = tables.read_split(entry.path, "test")
    found = [
        Preference(tuple(message["content"] for message in prompt), chosen[0]["content"], rejected[0]["content"])
        for prompt, chosen, rejected in zip(test["prompt"], test["chosen"], test["rejected"], strict=True)
    ]
    return judges(found[:rows])


def pair(talks: Sequence[Talk]) -> list[Preference]:
    """The preferences of one split; both replies come from it, so that no reply stands in two splits."""
    choice = random.Random(SEED)  # noqa: S311  not a secret
    replies = _replies(talks)
    used: set[str] = set()
    found = []
    for talk in talks:
        rated = talk.ratings and sum(talk.ratings.values()) / len(talk.ratings) >= WELL
        places = [place for place in range(1, len(talk.turns), 2) if len(talk.turns[place]) >= SHORTEST]
        for place in choice.sample(places, min(PER_TALK, len(places))) if rated and talk.topic else ():
            chosen = talk.turns[place]
            others = [
                reply
                for topic, reply in replies[len(chosen) // 10]
                if topic != talk.topic and reply not in used and reply not in talk.turns
            ]
            if others and chosen not in used:
                rejected = choice.choice(others)
                used |= {rejected, chosen}
                start = max(0, place - CONTEXT + 1)
                found.append(Preference(talk.turns[start + start % 2 : place], chosen, rejected))
    return found


def judges(rows: Sequence[Preference]) -> dict[str, float]:
    """How often trivial judges take the chosen reply: the longer one, the one that shares more words with the prompt.

    A tie counts as one half.
    """
    longer = [_taken(len(row.chosen), len(row.rejected)) for row in rows]
    sharing = [_taken(_shared(row.chosen, row), _shared(row.rejected, row)) for row in rows]
    return {"overlap_accuracy": sum(sharing) / len(rows), "longer_accuracy": sum(longer) / len(rows)}


def _taken(chosen: int, rejected: int) -> float:
    return 0.5 if chosen == rejected else float(chosen > rejected)


def _shared(reply: str, row: Preference) -> int:
    return len(dialogues.words(" ".join(row.prompt)) & dialogues.words(reply))


def _replies(talks: Sequence[Talk]) -> Mapping[int, list[tuple[str, str]]]:
    """Topic and text of every reply, by its length in steps of ten characters."""
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for talk in talks:
        for turn in talk.turns[1::2]:
            if len(turn) >= SHORTEST and talk.topic:
                found[len(turn) // 10].append((talk.topic, turn))
    return found


def _reply(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def _entry(splits: Mapping[str, Sequence[Preference]]) -> KitEntry:
    test = splits["test"]
    notes = {
        "overlap_accuracy": "how often the chosen reply shares more words of four letters or more with the prompt",
        "longer_accuracy": "how often the chosen reply is the longer one",
    }
    return KitEntry(
        id="kit:preferences",
        kind="dataset",
        library="datasets",
        title="Preferences",
        description=(
            "Prompts with a chosen and a rejected reply, made by a rule: chosen is what a person did reply in a "
            "conversation that was rated well, rejected a reply of like length from a conversation on another topic. "
            "A toy for trying preference training: it teaches to stay with what was said, and nobody compared the two. "
            "Same conversations and splits as kit:dialogues."
        ),
        tasks=("text-generation",),
        toy=True,
        license="MIT",
        license_file="LICENSE",
        attribution="The authors of chitchat-dataset and the students who talked (Chit-Chat Challenge).",
        sources=(Source(name=TALK.requirement, sha256=TALK.sha256, license="MIT", use="conversations and ratings"),),
        built_by="studio.starter.build.text.preferences",
        seed=SEED,
        versions=writing.versions("pyarrow"),
        splits={name: len(rows) for name, rows in splits.items()},
        quality={
            name: Quality(
                value=round(value, 4),
                split="test",
                n=len(test),
                note=notes[name],
                baseline=0.5,
                baseline_note="chance",
                band=0.11,
            )
            for name, value in judges(test).items()
        },
    )


BUILDER = Builder("kit:preferences", 1, build, tables.first_row, measure)
