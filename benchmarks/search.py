"""Searching and knowing a large data set: ten million rows, one gigabyte of Parquet.

`python -m benchmarks.search --folder FOLDER [--rows 10000000]`: the index by words (made once, kept in the folder),
BM25 queries of common and rare words, all statistics, and the peak memory of each in a process of its own.
"""

import argparse
import json
import resource
import statistics as medians
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import bigdata
from studio.data import fulltext, statistics

QUERIES = {"common words": 3, "rare words": 30_000, "both": 0}
REPEATS = 9
PARTS = ("build", "bm25", "statistics")


def build(folder: Path, rows: int) -> dict[str, Any]:
    """The index by words; rows per second."""
    made = folder / f"words-{rows}"
    if made.exists():
        return {"kept from an earlier run": True}
    dataset = bigdata.dataset(folder, rows)
    started, cpu = time.perf_counter(), time.process_time()
    fulltext.build(dataset, "train", ["text"], made, lambda *_: None, lambda: None)
    seconds = time.perf_counter() - started
    size = sum(file.stat().st_size for file in made.iterdir())
    return {
        "rows_per_second": round(rows / seconds),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "index_mb": round(size / 1e6),
    }


def bm25(folder: Path, rows: int) -> dict[str, Any]:
    """Milliseconds of one query: the median, each time with other words."""
    made, words = folder / f"words-{rows}", bigdata.words()
    fulltext.search(made, words[0], 0, 1)  # opens it
    found: dict[str, Any] = {}
    for name, first in QUERIES.items():
        seconds, hits = [], 0
        for turn in range(REPEATS):
            chosen = [words[first + 2 * turn], words[first + 2 * turn + 1]]
            if not first:
                chosen = [words[turn], words[20_000 + turn]]
            started = time.perf_counter()
            hits = fulltext.search(made, " ".join(chosen), 0, 100).total
            seconds.append(time.perf_counter() - started)
        found[name] = {"ms": round(1000 * medians.median(seconds), 1), "most_ms": round(1000 * max(seconds), 1)}
        found[name]["rows_found_by_the_last"] = hits
    return found


def columns(folder: Path, rows: int) -> dict[str, Any]:
    """Seconds for all figures of each column."""
    dataset = bigdata.dataset(folder, rows)
    found = {}
    for column in dataset.info.columns:
        started = time.perf_counter()
        statistics.figures(dataset, "train", column.name)
        found[column.name] = round(time.perf_counter() - started, 2)
    return {"seconds": found, "all_seconds": round(sum(found.values()), 1)}


RUN: dict[str, Callable[[Path, int], dict[str, Any]]] = {"build": build, "bm25": bm25, "statistics": columns}


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=bigdata.ROWS)
    parser.add_argument("--part", choices=PARTS, default=None)
    given = parser.parse_args()
    if given.part:
        found = RUN[given.part](given.folder, given.rows)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        print(json.dumps({**found, "peak_memory_mb": round(peak)}))
        return
    bigdata.dataset(given.folder, given.rows)
    table = {}
    for part in PARTS:
        command = [sys.executable, "-m", "benchmarks.search", "--folder", str(given.folder), "--rows", str(given.rows)]
        table[part] = json.loads(subprocess.check_output([*command, "--part", part]))
    print(json.dumps(table, indent=2))


if __name__ == "__main__":
    main()
