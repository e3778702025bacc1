"""The data set of the data benchmarks: ten million rows in one Parquet file of about a gigabyte, made once and kept."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from studio.data import parquet, writing
from studio.data.records import Dataset, DatasetInfo

ROWS = 10_000_000
GROUP = 122_880  # rows of a row group: what DuckDB writes
VOCABULARY = 50_000
WORDS = (11, 18)  # of a text, which makes it 60 to 100 bytes
LABELS = ("business", "health", "science", "sports", "technology", "travel", "culture", "politics")
START = np.datetime64("2015-01-01", "s")
SEED = 7
SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]


def dataset(folder: Path, rows: int = ROWS, *, foreign: bool = False) -> Dataset:
    """The data set, written when it is not there yet.

    It lies as the studio writes what it keeps; a `foreign` one as pyarrow writes by itself, Snappy and large pages, and
    so are most files of the Hub.
    """
    path = folder / f"{'foreign' if foreign else 'kept'}-{rows}.parquet"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _write(path, rows, foreign=foreign)
    found, columns = parquet.describe({"train": (path,)}, path.name)
    size = path.stat().st_size
    return Dataset(DatasetInfo(str(path), path.stem, "file", found, columns, bytes=size), {"train": (path,)})


def words(count: int = VOCABULARY) -> list[str]:
    """Different words of two or three syllables, the common ones short."""
    pairs = [first + second for first in SYLLABLES for second in SYLLABLES]
    return (pairs + [pair + third for third in SYLLABLES for pair in pairs])[:count]


def _write(path: Path, rows: int, *, foreign: bool) -> None:
    chosen, vocabulary, part = np.random.default_rng(SEED), words(), path.with_suffix(".part")
    weights = 1 / np.arange(1, len(vocabulary) + 1)
    edges = np.cumsum(weights / weights.sum())
    starts = range(0, rows, GROUP)
    groups = (_group(chosen, edges, vocabulary, start, min(GROUP, rows - start)) for start in starts)
    first = next(groups)
    if foreign:
        with pq.ParquetWriter(part, first.schema, compression="snappy") as plain:
            for group in chain([first], groups):
                plain.write_table(group, row_group_size=GROUP)
    else:
        with writing.Writer(part, first.schema) as own:
            for group in chain([first], groups):
                own.add(group)
    part.rename(path)


def _group(
    chosen: np.random.Generator, edges: np.ndarray, vocabulary: Sequence[str], start: int, rows: int
) -> pa.Table:
    lengths = chosen.integers(*WORDS, size=rows, endpoint=True)
    picked = np.minimum(np.searchsorted(edges, chosen.random(int(lengths.sum()))), len(vocabulary) - 1)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    texts = pa.ListArray.from_arrays(offsets, pa.array(vocabulary).take(pa.array(picked)))
    seconds = START + np.sort(chosen.integers(0, 86_400, size=rows)) + start * 20
    return pa.table(
        {
            "id": pa.array(np.arange(start, start + rows), pa.int64()),
            "key": pa.array([chosen.bytes(16).hex() for _ in range(rows)]),
            "text": pc.binary_join(texts, " "),
            "label": pa.array(LABELS).take(pa.array(chosen.integers(0, len(LABELS), size=rows))),
            "score": pa.array(chosen.random(rows)),
            "date": pa.array(seconds.astype("datetime64[s]"), pa.timestamp("s")),
        }
    )
