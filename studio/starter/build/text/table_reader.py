"""`kit:tables`: a small TAPAS that answers questions on a table with cells, and says whether to add or count them.

Its words begin as the sentence encoder knows them, and stay so; all else is learned from made-up tables. It is judged
on tables and questions that were written one by one.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studio.starter import kit
from studio.starter.build import writing
from studio.starter.build.base import Builder
from studio.starter.build.text import heads, table_held, table_model, table_questions, table_rows, table_words
from studio.starter.build.text.table_held import Answer, Held
from studio.starter.build.text.table_questions import OPERATIONS
from studio.starter.build.vision import fit
from studio.starter.build.vision.fit import Schedule
from studio.starter.kit import KitEntry, Quality, Source

SEED = 20
QUESTIONS, LONGEST = 40_000, 180  # pieces of a question with its table
LEARNED_RANKS = 8  # ranks in a column that the training tables hold often
SCHEDULE = Schedule(steps=3000, batch=32, learning_rate=1e-3, warmup=200, average=0.998, seed=SEED)


def build(out: Path) -> KitEntry:
    """Make up the questions, train, measure and write; about 20 minutes on one core."""
    with writing.new_folder(out, "tables") as folder:
        tokenizer = table_model.tokenizer(out)
        model = table_model.begin(out, tokenizer)
        train(model, tokenizer, table_words.load(out, unseen=False), SCHEDULE)
        fit.save(model, tokenizer, folder, bits=8)
        writing.copy_license(fit.LICENSE, folder)
        held = [*table_held.written(), *table_held.made_up(out)]
        table_held.write(held, folder)
        quality = _quality(held, answers(folder, held))
    return writing.record(out, _entry(out, quality, fit.weights(model)))


def first(entry: KitEntry) -> str:
    """The answer to the first question of the test."""
    _, cells = answers(entry.path, table_held.read(entry.path)[:1])[0]
    return ", ".join(cells)


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Shares of right answers to the written questions."""
    found = {}
    for kind, name in (("later", "accuracy"), ("earlier", "accuracy_earlier")):
        held = [asked for asked in table_held.read(entry.path) if asked.kind == kind]
        some = [held[number] for number in heads.sample(len(held), rows)]
        found[name] = heads.accuracy([asked.truth for asked in some], answers(entry.path, some))
    return found


def train(
    model: Any,
    tokenizer: Any,
    words: table_words.Words,
    schedule: Schedule,
    count: int = QUESTIONS,
    say: Callable[[str], None] | None = None,
) -> None:
    """Train the model in place, on so many questions made of the words; `say` is told now and then how far it is."""
    import torch

    encoder = table_rows.Encoder(tokenizer)
    rows = [encoder.encode(asked) for asked in table_questions.generate(words, SEED, count)]
    rows = sorted((row for row in rows if len(row.pieces) <= LONGEST), key=lambda row: len(row.pieces))

    def draw(numbers: Sequence[int], random: np.random.Generator) -> fit.Batch:
        start = min(numbers[0], len(rows) - len(numbers))  # its neighbours are as long: nothing is padded in vain
        return table_rows.batch(rows[start : start + len(numbers)], random)

    fit.fit(model, len(rows), draw, lambda model, batch: model(**batch).loss, schedule, say)
    with torch.no_grad():
        for kind in (
            table_model.RANKED
        ):  # ranks from both ends: those that no training table has are like the last that many have
            ranks = getattr(model.tapas.embeddings, f"token_type_embeddings_{kind}").weight
            ranks[LEARNED_RANKS + 1 :] = ranks[LEARNED_RANKS]


def answers(folder: Path, held: Sequence[Held]) -> list[Answer]:
    """Operation and answer for each question, by the library's own pipeline."""
    from transformers import pipeline

    reader: Any = pipeline("table-question-answering", model=str(folder), device="cpu")
    found = []
    for asked in held:
        columns = {name: list(cells) for name, cells in zip(asked.header, zip(*asked.rows, strict=True), strict=True)}
        given = reader(table=columns, query=asked.question)
        cells = tuple(sorted(given["cells"]))
        found.append((given["aggregator"], (str(len(cells)),) if given["aggregator"] == "COUNT" else cells))
    return found


def _quality(held: Sequence[Held], given: Sequence[Answer]) -> dict[str, Quality]:
    pairs = list(zip(held, given, strict=True))
    of = {kind: [pair for pair in pairs if pair[0].kind == kind] for kind in ("later", "earlier", "made up")}
    cells = [pair for pair in of["later"] + of["earlier"] if pair[0].operation == "NONE"]
    numbers = [pair for pair in of["later"] + of["earlier"] if pair[0].operation != "NONE"]
    made = "made-up questions on other subjects and columns, with other names, in other forms than in training"
    return {
        "accuracy": _figure(of["later"], "tables and questions that were written after the training"),
        "accuracy_earlier": _figure(of["earlier"], "those that were in view when the training's forms were written"),
        "accuracy_cells": _figure(cells, "all written questions that ask for cells"),
        "accuracy_numbers": _figure(numbers, "all written questions that ask for a sum, mean or count"),
        "accuracy_made": _figure(of["made up"], made),
    }


def _figure(pairs: Sequence[tuple[Held, Answer]], split: str) -> Quality:
    right = [asked.truth for asked, _ in pairs]
    trivial = heads.accuracy(right, [table_held.by_overlap(asked) for asked, _ in pairs])
    told = "the cell whose row and header share most words with the question; sums and counts by their usual words"
    note = "the right cells, and the right thing done with them (none, sum, average, count)"
    return heads.quality(heads.accuracy(right, [given for _, given in pairs]), split, len(pairs), (trivial, told), note)


def _entry(out: Path, quality: dict[str, Quality], weights: int) -> KitEntry:
    return KitEntry(
        id="kit:tables",
        kind="model",
        title="Answers from a table",
        description=(
            "Answers simple English questions on a small table with its cells: looks up, compares with a number, finds "
            "the highest and lowest, and says when cells are to be added, averaged or counted. Trained on made-up "
            "tables of up to ten rows. Two conditions at once, and words far from the headers, are beyond it."
        ),
        tasks=("table-question-answering",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution=(
            "Trained by the Studio project; the meanings of words are all-MiniLM-L6-v2's. Names in the training tables "
            "are from WordNet (Princeton University), Fluent Emoji (Microsoft Corporation) and Debian."
        ),
        sources=tuple(
            Source(name=id, license=kit.entry(id, out).license, use=use)
            for id, use in (
                (table_words.BASE, "word pieces and their vectors"),
                (table_words.NEWS, "names of persons, places, groups"),
                (table_words.EMOJI, "names of things"),
                (table_words.SOFTWARE, "names of software"),
            )
        ),
        built_by="studio.starter.build.text.table_reader",
        seed=SEED,
        versions=writing.versions("torch", "transformers", "pandas", "numpy"),
        labels=OPERATIONS,
        training={**SCHEDULE.for_manifest(), "questions": QUESTIONS, "weights": weights},
        quality=quality,
    )


BUILDER = Builder("kit:tables", 20, build, first, measure)
