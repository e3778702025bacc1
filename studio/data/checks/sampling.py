"""The rows that a check reads: whole columns as a stream of texts, or a random sample of rows with a stated seed."""

import random
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from studio.data import reading
from studio.data.records import Basis, Column, Dataset

BATCH = 2_000  # rows; texts may be long


def chosen(dataset: Dataset, split: str, limit: int, seed: int) -> tuple[npt.NDArray[np.int64] | None, Basis]:
    """The numbers of the rows to read, in order, or None for all of them; and what figures then rest on."""
    total = dataset.info.splits[split]
    if total <= limit:
        return None, Basis(total, total)
    numbers = random.Random(f"{seed} {split}").sample(range(total), limit)  # noqa: S311  a sample, no secret
    return np.sort(np.array(numbers, dtype=np.int64)), Basis(limit, total)


def batches(
    dataset: Dataset, split: str, columns: Sequence[str], numbers: npt.NDArray[np.int64] | None = None
) -> Iterator[tuple[npt.NDArray[np.int64], pa.RecordBatch]]:
    """Row numbers and their cells; of `numbers` only, where they are given."""
    start = at = 0
    for batch in reading.batches(dataset, split, columns, BATCH):
        end = start + len(batch)
        if numbers is None:
            yield np.arange(start, end), batch
        else:
            until = int(np.searchsorted(numbers, end))
            wanted = numbers[at:until]
            if len(wanted):
                yield wanted, batch.take(pa.array(wanted - start))
            at = until
            if at == len(numbers):
                return
        start = end


def texts(
    dataset: Dataset, split: str, columns: Sequence[str], numbers: npt.NDArray[np.int64] | None = None
) -> Iterator[tuple[int, str]]:
    """Row number and text; several columns are joined by a line's end, nulls are empty."""
    for found, batch in batches(dataset, split, columns, numbers):
        cells = [batch.column(place).to_pylist() for place in range(len(columns))]
        for number, row in zip(found.tolist(), zip(*cells, strict=True), strict=True):
            yield number, "\n".join(str(cell) for cell in row if cell not in {None, ""})


def present(dataset: Dataset, split: str, columns: Sequence[Column]) -> list[Column]:
    """Those of the columns that this split has, with the types that they have there."""
    with reading.opened(dataset, split) as opened:
        here = {column.name: column for column in opened.columns}
    return [here[column.name] for column in columns if column.name in here]
