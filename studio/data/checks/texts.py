"""What checks share that look at one text after the other: the rows of a sample, with progress and a way to stop."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from studio.data.checks import sampling
from studio.data.checks.base import Progress, SampledParams, Stop
from studio.data.records import Basis, Column, Dataset


@dataclass
class Reading:
    """The texts of some columns, split after split; `basis` is filled along the way."""

    dataset: Dataset
    splits: list[str]
    columns: list[Column]
    params: SampledParams
    progress: Progress
    stop: Stop
    basis: dict[str, Basis] = field(default_factory=dict)

    def __iter__(self) -> Iterator[tuple[str, int, str, str]]:
        """Split, row, column and text of every cell that holds one."""
        samples = {
            split: sampling.chosen(self.dataset, split, self.params.rows, self.params.seed) for split in self.splits
        }
        total, done = sum(basis.rows_seen for _, basis in samples.values()), 0
        for split, (numbers, basis) in samples.items():
            self.basis[split] = basis
            here = sampling.present(self.dataset, split, self.columns)
            names = [column.name for column in here if column.kind == "text"]
            if not names:
                continue
            for rows, batch in sampling.batches(self.dataset, split, names, numbers):
                self.stop()
                self.progress(done, total, f"{split}: {done:,} of {total:,} rows read")
                done += len(rows)
                for place, name in enumerate(names):
                    for row, text in zip(rows.tolist(), batch.column(place).to_pylist(), strict=True):
                        if text:
                            yield split, row, name, str(text)

    @property
    def seen(self) -> int:
        """Rows that were read."""
        return sum(basis.rows_seen for basis in self.basis.values())
