"""Data sets: pages, filters, searches and rows by number of ten million rows, and the memory that they take.

Each figure comes from a process of its own, as the web process would do it: nothing is loaded before the clock starts
but the libraries. Milliseconds of wall time and of CPU time (of all threads): the second holds on a busy machine.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import bigdata
from studio.data import substring, views
from studio.data.filters import Condition
from studio.data.finding import Search
from studio.data.records import Dataset
from studio.data.views import View

SCATTERED = 100
COMMON, RARE = "ba", "zivo zutu"  # in nearly every text; two rare words side by side
GOALS = {
    "first page": 50,
    "page at row 9 M": 50,
    "filter and count": 100,
    "by numbers": 100,
    "substring, rare": 500,
    "search box, rare": 500,
}

Figure = Callable[[Dataset], Any]


def _filtered(column: str, op: str, value: Any) -> View:
    return View(conditions=(Condition(column=column, op=op, value=value),))


def _searched(dataset: Dataset, query: str) -> Any:
    """The page's box: whatever case, and the rows of the hits."""
    hits = substring.search(dataset, Search(query=query), ["text"])
    return views.by_numbers(dataset, "train", hits.rows)


def _by_numbers(dataset: Dataset) -> Any:
    total = dataset.info.splits["train"]
    return views.by_numbers(dataset, "train", random.Random(1).sample(range(total), min(SCATTERED, total)))


def _text_by_numbers(dataset: Dataset) -> Any:
    total = dataset.info.splits["train"]
    return views.by_numbers(dataset, "train", random.Random(1).sample(range(total), min(SCATTERED, total)), ["text"])


FIGURES: dict[str, Figure] = {
    "first page": lambda dataset: views.page(dataset),
    "page at row 9 M": lambda dataset: views.page(dataset, View(offset=dataset.info.splits["train"] * 9 // 10)),
    "filter and count": lambda dataset: views.page(dataset, _filtered("label", "is", "health")),
    "filter and count, number": lambda dataset: views.page(dataset, _filtered("score", ">", 0.5)),
    "filter and count, date": lambda dataset: views.page(dataset, _filtered("date", "<", "2018-01-01")),
    "filter, page at depth": lambda dataset: views.page(
        dataset, _filtered("label", "is", "health").model_copy(update={"offset": dataset.info.splits["train"] // 10})
    ),
    "sort": lambda dataset: views.page(dataset, View(sort="score", descending=True)),
    "substring, common": lambda dataset: views.page(dataset, _filtered("text", "contains", COMMON), counting=False),
    "substring, rare": lambda dataset: views.page(dataset, _filtered("text", "contains", RARE), counting=False),
    "search box, common": lambda dataset: _searched(dataset, COMMON),
    "search box, rare": lambda dataset: _searched(dataset, RARE),
    "by numbers": _by_numbers,
    "by numbers, text alone": _text_by_numbers,
}


def measured(dataset: Dataset, figure: Figure, rounds: int) -> dict[str, float]:
    """The first time and the best of the others in milliseconds, and the peak memory of this process in MB."""
    walls, cpus = [], []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        figure(dataset)
        walls.append((time.perf_counter() - wall) * 1e3)
        cpus.append((time.process_time() - cpu) * 1e3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {
        "first_ms": round(walls[0], 1),
        "best_ms": round(min(walls), 1),
        "cpu_ms": round(min(cpus), 1),
        "peak_mb": round(peak / 1e6),
    }


def main() -> None:
    """Measure, and print a line per figure or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the data set lies, or is written")
    parser.add_argument("--rows", type=int, default=bigdata.ROWS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="one figure")
    parser.add_argument("--foreign", action="store_true", help="large pages, as most files of the Hub have them")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    dataset = bigdata.dataset(given.folder, given.rows, foreign=given.foreign)
    if given.only:
        print(json.dumps(measured(dataset, FIGURES[given.only], given.rounds)))
        return
    found = {}
    for name in FIGURES:
        command = [sys.executable, "-m", "benchmarks.data", "--folder", str(given.folder), "--rows", str(given.rows)]
        command += ["--rounds", str(given.rounds), "--only", name, *(["--foreign"] if given.foreign else [])]
        found[name] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        if not given.json:
            goal = f", goal {GOALS[name]} ms" if name in GOALS else ""
            print(f"{name}: {', '.join(f'{key} {value}' for key, value in found[name].items())}{goal}", flush=True)
    if given.json:
        load = os.getloadavg()[0] / (os.cpu_count() or 1)
        facts = {"rows": given.rows, "bytes": dataset.info.bytes, "load_per_core": round(load, 2)}
        print(json.dumps({"data": facts, "figures": found, "goals_ms": GOALS}, indent=2))


if __name__ == "__main__":
    main()
