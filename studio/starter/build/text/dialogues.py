"""`kit:dialogues`: conversations of two people as messages, with the ratings that they gave. Data only, no model."""

import hashlib
import json
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.sources import fetch_wheel
from studio.starter.build.text.held_out import without_doubles
from studio.starter.build.text.minilm_l6 import TALK
from studio.starter.kit import KitEntry, Quality, Source

SEED = 20
SIZES = {"train": 1500, "validation": 100, "test": 200}
FEWEST, MOST = 4, 16  # turns; longer conversations are cut
LONGEST = 300  # characters of a turn
CANDIDATES = 10
WORDLIKE = 4  # characters from which a word says something about the topic
RATINGS = ("interesting", "witty", "upbeat")
UNRATED = 5  # what all three stand at when nobody moved them
PRIVATE = re.compile(r"://|www\.|@|\d{5,}|\d{3}[-. ]\d{3,4}|\b(facebook|instagram|snapchat|phone number|email)\b", re.I)
COARSE = re.compile(
    r"\b(fuck\w*|shit\w*|bitch\w*|cunt\w*|damn\w*|crap|nigg\w+|fag\w*|retard\w*|rape\w*|sex\w*|porn\w*|dick|pussy|whore"
    r"|slut\w*|nazi\w*|hitler|suicid\w*|kill (your|my)self)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Talk:
    """One conversation: turns alternate between two people, the first speaks first.

    Attributes:
        topic: what the two were asked to talk about; "" where nothing was.
        ratings: by name of `RATINGS`, 1 to 10; empty where nobody rated.
    """

    topic: str
    turns: tuple[str, ...]
    ratings: Mapping[str, int]

    @property
    def messages(self) -> list[dict[str, str]]:
        """The turns as a chat template takes them."""
        return as_messages(self.turns)


def build(out: Path) -> KitEntry:
    """Fetch, choose, split and write the data set; half a minute."""
    terms, talks = fetch()
    splits = split(talks)
    with writing.new_folder(out, "dialogues") as folder:
        for name, rows in splits.items():
            columns: dict[str, Sequence[Any]] = {"messages": [row.messages for row in rows]}
            columns["topic"] = [row.topic for row in rows]
            columns |= {rating: [row.ratings.get(rating) for row in rows] for rating in RATINGS}
            tables.write_split(columns, folder / f"{name}.parquet")
        (folder / "LICENSE").write_text(terms, encoding="utf-8")
    return writing.record(out, _entry(splits))


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """The trivial judge anew."""
    messages = tables.read_split(entry.path, "test")["messages"][:rows]
    return {"overlap_found": overlap_found([[message["content"] for message in talk] for talk in messages])}


def overlap_found(talks: Sequence[Sequence[str]]) -> float:
    """How often the last turn is found among those of the next conversations by the words that it shares with its own.

    There are `CANDIDATES` to choose from; a tie counts in part.
    """
    found = 0.0
    for place, talk in enumerate(talks):
        said = words(" ".join(talk[:-1]))
        others = [talks[(place + step) % len(talks)][-1] for step in range(min(CANDIDATES, len(talks)))]
        shared = [len(said & words(other)) for other in others]
        found += 1 / shared.count(shared[0]) if shared[0] == max(shared) else 0
    return found / len(talks)


def words(text: str) -> set[str]:
    """The words that say something of what is talked about."""
    return {word for word in re.findall(r"\w+", text.lower()) if len(word) >= WORDLIKE}


def fetch() -> tuple[str, list[Talk]]:
    """The licence text, and every conversation that is fit to be shown."""
    with tempfile.TemporaryDirectory() as temporary, fetch_wheel(TALK, Path(temporary)) as wheel:
        conversations = json.loads(wheel.read("chitchat_dataset/dataset.json"))
        terms = wheel.read(f"chitchat_dataset-{TALK.version}.dist-info/LICENSE").decode("utf-8")
    return terms, select(conversations.values())


def select(conversations: Iterable[Mapping[str, Any]]) -> list[Talk]:
    """Conversations of two people, of some length, in plain words and without addresses; each once."""
    talks = [talk for one in conversations if (talk := as_talk(one)) and is_fit(talk)]
    places = without_doubles([" ".join(talk.turns) for talk in talks], [])
    return [talks[place] for place in places]


def as_talk(conversation: Mapping[str, Any]) -> Talk | None:
    """Without names and times, what one says in a row as one turn, cut to `MOST`; None unless two people speak."""
    turns: list[str] = []
    speakers: list[str] = []
    for message in (message for turn in conversation["messages"] for message in turn):
        text = " ".join(str(message["text"]).split())
        if not text:
            continue
        if speakers and speakers[-1] == message["sender"]:
            turns[-1] = f"{turns[-1]}\n{text}"
        else:
            speakers.append(message["sender"])
            turns.append(text)
    if len(set(speakers)) != 2:
        return None
    ratings = {name: int(value) for name, value in conversation.get("ratings", {}).items() if name in RATINGS}
    if set(ratings.values()) == {UNRATED}:
        ratings = {}
    return Talk(
        " ".join(conversation.get("prompt", "").split()), tuple(turns[: min(MOST, len(turns) // 2 * 2)]), ratings
    )


def is_fit(talk: Talk) -> bool:
    """Whether it is long enough, and shows nobody's address and no coarse words."""
    text = "\n".join(talk.turns)
    fair = len(talk.turns) >= FEWEST and all(len(turn) <= LONGEST for turn in talk.turns)
    return fair and not PRIVATE.search(text) and not COARSE.search(text)


def split(talks: Sequence[Talk]) -> dict[str, list[Talk]]:
    """Splits of `SIZES`, in an order that chance alone decides."""
    order = sorted(talks, key=lambda talk: hashlib.sha256(f"{SEED}{talk.turns}".encode()).digest())
    splits: dict[str, list[Talk]] = {}
    for name in ("test", "validation", "train"):
        splits[name], order = order[: SIZES[name]], order[SIZES[name] :]
    return {name: splits[name] for name in SIZES}


def as_messages(turns: Sequence[str]) -> list[dict[str, str]]:
    """Turns by two people as messages of a user and an assistant."""
    roles = ("user", "assistant")
    return [{"role": roles[place % 2], "content": turn} for place, turn in enumerate(turns)]


def _entry(splits: Mapping[str, Sequence[Talk]]) -> KitEntry:
    return KitEntry(
        id="kit:dialogues",
        kind="dataset",
        library="datasets",
        title="Dialogues",
        description=(
            "Small talk of two people as messages, who speaks first as the user, with the topic that they were given "
            f"and how interesting, witty and upbeat they found it (1 to 10; empty where nobody rated). At most {MOST} "
            "turns; senders and times are left out, and so are conversations with addresses or coarse words."
        ),
        tasks=("text-generation",),
        license="MIT",
        license_file="LICENSE",
        attribution="The authors of chitchat-dataset and the students who talked (Chit-Chat Challenge).",
        sources=(Source(name=TALK.requirement, sha256=TALK.sha256, license="MIT", use="conversations and ratings"),),
        built_by="studio.starter.build.text.dialogues",
        seed=SEED,
        versions=writing.versions("pyarrow"),
        splits={name: len(rows) for name, rows in splits.items()},
        quality={
            "overlap_found": Quality(
                value=round(overlap_found([talk.turns for talk in splits["test"]]), 4),
                split="test",
                n=len(splits["test"]),
                note="how often the last turn is told from nine of other conversations by the words that it repeats",
                baseline=1 / CANDIDATES,
                baseline_note="chance",
            )
        },
    )


BUILDER = Builder("kit:dialogues", 1, build, tables.first_row, measure)
