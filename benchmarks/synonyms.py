"""Whether sentences keep their meaning when the step `synonyms` has replaced words in them.

`python -m benchmarks.synonyms [--rows 500]`: descriptions of `kit:debian-topics` and turns of `kit:dialogues`. The
cosine of `kit:minilm-l6` between a text and its changed self, against the same words replaced by random ones of the
table of the same kind and ending. Prints JSON.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping
from random import Random
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from studio.data.steps.synonyms import TABLE, partners, reworded
from studio.starter.kit import KIT
from studio.starter.sentences import encode
from studio.tasks import TASKS

SHARES = (0.3, 0.5, 1.0)
SAME = 0.9  # cosine from which on a text counts as meaning the same


def texts(name: str, rows: int) -> list[str]:
    """Some texts of a set: descriptions, or what a person has said."""
    if name == "debian-topics":
        found = pq.read_table(KIT / name / "test.parquet").column("text").to_pylist()
    else:
        turns = pq.read_table(KIT / name / "test.parquet").column("messages").to_pylist()
        found = [turn["content"] for messages in turns for turn in messages if len(turn["content"]) > 30]
    return [str(one) for one in Random(0).sample(found, min(rows, len(found)))]


def strangers() -> Mapping[str, tuple[str, ...]]:
    """Word → five random ones of its kind and ending that are no synonyms of it."""
    kinds: dict[str, list[str]] = defaultdict(list)
    listed = [line.split() for line in TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    for kind, word, *_ in listed:
        kinds[kind].append(word)
    drawn = Random(1)
    return {
        word: tuple(one for one in drawn.sample(kinds[kind], 9) if one not in (word, *others))[:5]
        for kind, word, *others in listed
    }


def main() -> None:
    """Both sets, three shares, both ways."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500)
    given = parser.parse_args()
    loaded: Any = TASKS["sentence-similarity"].load(KIT / "minilm-l6", None, "cpu")
    ways = {"synonyms": partners(), "random words": strangers()}
    found = []
    for name in ("debian-topics", "dialogues"):
        whole = texts(name, given.rows)
        model, tokenizer = loaded.pipe
        vectors = encode(model, tokenizer, whole, 256).numpy()
        for share in SHARES:
            row: dict[str, Any] = {"set": name, "texts": len(whole), "share": share}
            for way, known in ways.items():
                changed = [reworded(text, Random(place), known, share) for place, text in enumerate(whole)]
                pairs = [zip(a.split(), b.split(), strict=False) for a, b in zip(whole, changed, strict=True)]
                row["words_replaced"] = round(
                    sum(x != y for pair in pairs for x, y in pair) / sum(len(text.split()) for text in whole), 3
                )
                touched = np.array([a != b for a, b in zip(whole, changed, strict=True)])
                cosines = (vectors * encode(model, tokenizer, changed, 256).numpy()).sum(axis=1)[touched]
                row[way] = {
                    "mean_cosine": round(float(cosines.mean()), 3),
                    "same_meaning": round(float((cosines >= SAME).mean()), 3),
                }
            found.append(row)
    print(json.dumps({"same_meaning_from": SAME, "results": found}, indent=1))


if __name__ == "__main__":
    main()
