"""What a check of labels reads: texts, pictures as vectors, or numbers, each row with its label and its place."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from studio.data import media, reading, thumbnails
from studio.data.checks import sampling
from studio.data.checks.base import Progress, RowNumber, SampledParams, Stop, columns_of, splits_of
from studio.data.checks.conflicting_labels import LabelledParams
from studio.data.checks.judging import Ints
from studio.data.parquet import quote
from studio.data.records import Basis, Dataset

MOST = 200  # classes
CUT = 5_000  # characters of a text that a model reads
AT_ONCE = 64  # rows whose vectors are made at once
PICTURES = 4  # pictures; layers of more do not fit the memory that is used again, which takes thrice as long

Encode = Callable[[Sequence[Any]], Any]


@dataclass(frozen=True)
class Encoder:
    """A model that makes a vector of each text, or of each picture, and what it is called."""

    name: str
    encode: Encode


@dataclass(frozen=True)
class Encoders:
    """The models that may help; None where there is none."""

    texts: Encoder | None = None
    pictures: Encoder | None = None


ALONE = Encoders()


class FoldedParams(LabelledParams, SampledParams):
    """Which rows are judged, and by models trained on which."""

    rows: int = Field(
        20_000,
        ge=20,
        le=25_000,
        title="Rows",
        description="The most rows that are judged, of all splits together; of more it takes a random sample.",
    )
    folds: int = Field(
        5, ge=2, le=20, title="Folds", description="Each row is judged by models trained on the other folds."
    )


@dataclass(frozen=True)
class What:
    """What is judged by what: the label's column, and the columns of texts, of pictures or of numbers."""

    label: str
    inputs: tuple[str, ...]
    kind: Literal["texts", "pictures", "numbers"]


@dataclass(frozen=True)
class Rows:
    """What is judged: where each row stands, its inputs, and its label as a number of `classes`."""

    what: What
    places: list[RowNumber]
    inputs: Any
    labels: Ints
    classes: list[str]
    basis: dict[str, Basis]
    left_out: int


def what_of(dataset: Dataset, params: LabelledParams, label: str, inputs: Sequence[str]) -> What | None:
    """Columns of text, or where there are none one of pictures, or else those of numbers."""
    known = {column.name: column for column in dataset.info.columns}
    chosen = [column.name for column in columns_of(dataset, params) if column.name != label]
    texts = tuple(name for name in inputs if known[name].kind == "text")
    pictures = tuple(name for name in chosen if known[name].type == media.COLUMN and _pictures(dataset, name))
    numbers = tuple(name for name in chosen if known[name].kind == "number")
    if not label or not (texts or pictures or numbers):
        return None
    if texts:
        return What(label, texts, "texts")
    return What(label, pictures[:1], "pictures") if pictures else What(label, numbers, "numbers")


def _pictures(dataset: Dataset, name: str) -> bool:
    """Whether the first file that a column has is a picture."""
    split = next(iter(dataset.info.splits))
    with reading.opened(dataset, split) as opened:
        if name not in {column.name for column in opened.columns}:
            return False
        place = f"{quote(name)}.bytes"
        query = f"SELECT {place} FROM {opened.source} WHERE {place} IS NOT NULL LIMIT 1"  # noqa: S608
        row = opened.select(query)
    return bool(row) and thumbnails.decoded(row[0][0]) is not None


@dataclass(frozen=True)
class Reader:
    """Cells as they are judged. Of pictures only the vectors are kept, so that no more than a few are in memory."""

    what: What
    encoders: Encoders
    progress: Progress
    stop: Stop

    def __call__(self, columns: Sequence[pa.Array]) -> list[Any]:
        """What the models read of each row; None where there is nothing."""
        if self.what.kind == "pictures":
            return self._pictures(columns[0])
        cells = [column.to_pylist() for column in columns]
        if self.what.kind == "texts":
            return ["\n".join(filter(None, row))[:CUT] or None for row in zip(*cells, strict=True)]
        return [[np.nan if one is None else float(one) for one in row] for row in zip(*cells, strict=True)]

    def _pictures(self, column: pa.Array) -> list[Any]:
        if self.encoders.pictures is None:
            raise TypeError("pictures without a model")
        found: list[Any] = []
        for start in range(0, len(column), PICTURES):
            self.stop()
            cells = column.slice(start, PICTURES).to_pylist()
            decoded = [thumbnails.decoded(cell["bytes"]) if cell and cell["bytes"] else None for cell in cells]
            vectors = iter(self.encoders.pictures.encode([one for one in decoded if one is not None]))
            found += [None if one is None else next(vectors) for one in decoded]
        return found


def rows_of(dataset: Dataset, params: FoldedParams, what: What, reader: Reader) -> Rows:
    """The rows that have a label and something to judge it by; classes with fewer rows than folds are left out."""
    splits = splits_of(dataset, params)
    total = sum(dataset.info.splits[split] for split in splits)
    places: list[RowNumber] = []
    inputs: list[Any] = []
    labels: list[str] = []
    basis: dict[str, Basis] = {}
    for split in splits:
        size = dataset.info.splits[split]
        limit = max(1, size * params.rows // total) if total > params.rows else size
        sampled, basis[split] = sampling.chosen(dataset, split, limit, params.seed)
        for row, given, value in _cells(dataset, split, reader, sampled):
            places.append(RowNumber(split, row))
            inputs.append(given)
            labels.append(value)
            if len(places) % AT_ONCE == 0:
                reader.progress(0, params.folds, f"{len(places):,} rows read")
    counts = Counter(labels)
    classes = sorted((name for name in counts if counts[name] >= params.folds), key=lambda name: -counts[name])[:MOST]
    number = {name: place for place, name in enumerate(sorted(classes))}
    kept = [place for place, value in enumerate(labels) if value in number]
    chosen = [inputs[place] for place in kept]
    width = {"numbers": len(what.inputs)}.get(what.kind, -1)
    return Rows(
        what=what,
        places=[places[place] for place in kept],
        inputs=chosen if what.kind == "texts" or not chosen else np.array(chosen).reshape(len(chosen), width),
        labels=np.array([number[labels[place]] for place in kept], dtype=np.int64),
        classes=sorted(classes),
        basis=basis,
        left_out=sum(one.rows_seen for one in basis.values()) - len(kept),
    )


def _cells(dataset: Dataset, split: str, reader: Reader, sampled: Ints | None) -> Iterator[tuple[int, Any, str]]:
    """Row, what is read of it, and label."""
    names = [*reader.what.inputs, reader.what.label]
    with reading.opened(dataset, split) as opened:
        here = {column.name for column in opened.columns}
    if not set(names) <= here:
        return
    for rows, batch in sampling.batches(dataset, split, names, sampled):
        *columns, labels = (batch.column(place) for place in range(batch.num_columns))
        for row, given, value in zip(rows.tolist(), reader(columns), labels.to_pylist(), strict=True):
            if given is not None and value is not None and str(value).strip():
                yield row, given, str(value)


def vectors_of(texts: Sequence[str], encode: Encode, progress: Progress, stop: Stop) -> npt.NDArray[np.float32]:
    """A vector for each text; those alike in length are read together, so that little is padded."""
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    parts = []
    for start in range(0, len(order), AT_ONCE):
        stop()
        progress(0, 1, f"vectors of {start:,} of {len(order):,} texts")
        parts.append(encode([texts[place] for place in order[start : start + AT_ONCE]]))
    found = np.empty((len(order), parts[0].shape[1]), dtype=np.float32)
    found[order] = np.concatenate(parts)
    return found
