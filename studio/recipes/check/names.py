"""person-names: names of people in texts, by a model for token classification. Jobs only: it loads the model."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from studio.data.checks import sampling
from studio.data.checks.base import (
    CheckParams,
    Evidence,
    Finding,
    Progress,
    RowNumber,
    Stop,
    percent,
    plural,
    prose,
    share,
    splits_of,
)
from studio.data.records import Basis, Dataset
from studio.recipes.check.params import NAMES

TITLE = "Names of people"
PERSON = frozenset({"PER", "PERSON", "PERS"})
BATCH = 16
LONGEST = 2_000  # characters of a cell
SURE = 0.8

Entities = Callable[[Sequence[str]], list[list[dict[str, Any]]]]


def run(
    dataset: Dataset, params: CheckParams, limit: int, entities: Entities, progress: Progress, stop: Stop
) -> Finding:
    """Rows of a sample with what the model takes for a person. `entities` gives those of each text."""
    splits = splits_of(dataset, params)
    columns = prose(dataset, params, splits[0])
    if not columns:
        return Finding(NAMES, TITLE, "not run", "There is no column of free text.")
    basis: dict[str, Basis] = {}
    evidence: list[Evidence] = []
    rows = names = 0
    for split in splits:
        here = [column.name for column in sampling.present(dataset, split, columns) if column.kind == "text"]
        numbers, basis[split] = sampling.chosen(dataset, split, limit, 0)
        cells = sampling.texts(dataset, split, here, numbers) if here else iter(())
        done = 0
        for batch in _batches(cells):
            stop()
            progress(done, basis[split].rows_seen, f"{split}: {done:,} of {basis[split].rows_seen:,} rows read")
            done += len(batch)
            for (row, text), found in zip(batch, entities([text[:LONGEST] for _, text in batch]), strict=True):
                people = [one for one in found if _person(one)]
                rows, names = rows + bool(people), names + len(people)
                evidence += [_evidence(split, row, text, one) for one in people][: params.shown]
        evidence = sorted(evidence, key=lambda one: -(one.score or 0))[: params.shown]
    seen = sum(one.rows_seen for one in basis.values())
    return Finding(
        check=NAMES,
        title=TITLE,
        severity="warning" if names else "ok",
        summary=(
            f"{plural(rows, 'row names', 'rows name')} what the model takes for a person ({percent(rows, seen)}), "
            f"{plural(names, 'name')} in all."
            if names
            else "The model sees no name of a person."
        ),
        figures={"rows": rows, "rows_share": share(rows, seen), "names": names},
        basis=basis,
        found=names,
        evidence=tuple(evidence),
        method=(
            f"A model marks persons; those it is sure of by at least {SURE} count. Of a row the first {LONGEST:,} "
            "characters are read, and of these what the model can take in. It misses names and invents some."
        ),
        remedy="Look at some, then edit or delete these rows." if names else "",
    )


def _batches(cells: Iterator[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    filled = ((row, text) for row, text in cells if text.strip())
    while batch := list(islice(filled, BATCH)):
        yield batch


def _person(entity: dict[str, Any]) -> bool:
    kind = str(entity.get("entity_group", entity.get("entity", ""))).rpartition("-")[2].upper()
    return kind in PERSON and float(entity.get("score", 0)) >= SURE


def _evidence(split: str, row: int, text: str, entity: dict[str, Any]) -> Evidence:
    start, end = int(entity["start"]), int(entity["end"])
    told = f"person, characters {start:,} to {end:,}: {text[start : start + 1]}… ({end - start} characters)"
    return Evidence((RowNumber(split, row),), told, 1, round(float(entity["score"]), 4))
