"""Opening data: a large file converted, and Parquet on a Hub read where it lies. Time, bytes and peak memory.

Each figure comes from a process of its own. The Hub is the test Hub, in another process of this machine.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from studio.core.settings import Settings
from studio.data import conversion, reading, rows, sources, views
from studio.data.views import View

GOAL_MB = 500  # of memory
LINES = 10_000  # written at once
GROUP = 1_000_000  # rows of a row group, as pyarrow makes them


def generated(folder: Path, name: str, size: int) -> Path:
    """A file of about `size` bytes with numbers, labels and texts; made once."""
    path, suffix = folder / name, Path(name).suffix
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    chosen, number, written = random.Random(1), 0, 0
    words = [chosen.randbytes(4).hex() for _ in range(5_000)]
    growing = path.with_suffix(".part")
    with growing.open("w", encoding="utf-8") as file:
        written += file.write("id,label,score,text\n") if suffix == ".csv" else 0
        while written < size:
            records = [(number + place, "abc"[place % 3], chosen.random(), " ".join(chosen.choices(words, k=14)))
                       for place in range(LINES)]  # fmt: skip
            number += LINES
            written += file.write("".join(map(_csv if suffix == ".csv" else _jsonl, records)))
    return growing.rename(path)


def _csv(record: tuple[Any, ...]) -> str:
    return "{},{},{:.6f},{}\n".format(*record)


def _jsonl(record: tuple[Any, ...]) -> str:
    return json.dumps(dict(zip(("id", "label", "score", "text"), record, strict=True))) + "\n"


def convert(source: Path) -> dict[str, Any]:
    """One conversion; what it took."""
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        begin, used = time.perf_counter(), time.process_time()
        conversion.to_parquet(source, source.name, Path(folder) / "done.parquet")
        return {"seconds": time.perf_counter() - begin, "cpu": time.process_time() - used} | _memory()


def remote(folder: Path) -> dict[str, Any]:
    """Parquet on the Hub: what each look brings here."""
    command = [sys.executable, "-m", "benchmarks.opening", "--serve", "--folder", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as hub:
        assert hub.stdin is not None
        assert hub.stdout is not None
        os.environ["HF_ENDPOINT"] = hub.stdout.readline().strip()
        found: dict[str, Any] = {}
        with tempfile.TemporaryDirectory() as home:
            settings = Settings(home=Path(home))
            dataset = sources.resolve("alice/big", settings, "local")
            looks: dict[str, Callable[[], Any]] = {
                "first page": lambda: views.page(dataset),
                "page at nine tenths": lambda: views.page(dataset, View(offset=dataset.info.splits["train"] * 9 // 10)),
                "counts of one column": lambda: rows.label_counts(dataset, "train", "label"),
                "all rows": lambda: sum(batch.num_rows for batch in reading.batches(dataset, "train")),
                "all rows again": lambda: sum(batch.num_rows for batch in reading.batches(dataset, "train")),
            }
            for name, look in looks.items():
                begin = time.perf_counter()
                look()
                seconds = time.perf_counter() - begin
                hub.stdin.write("\n")
                hub.stdin.flush()
                found[name] = {"seconds": seconds, "served": int(hub.stdout.readline())} | _memory()
        hub.stdin.close()
    return found | {"size": dataset.info.bytes}


def serve(folder: Path) -> None:
    """A Hub with one data set; says its address, and for each line that it reads how many bytes it has served."""
    from tests.hubserver.server import HubServer

    path = folder / "opening.parquet"
    if not path.exists():
        chosen = random.Random(2)
        numbers = range(2 * GROUP)
        columns = {
            "n": list(numbers),
            "label": ["abc"[number % 3] for number in numbers],
            "text": [chosen.randbytes(50).hex() for _ in numbers],
        }
        pq.write_table(pa.table(columns), path, row_group_size=GROUP)
    with HubServer() as hub:
        hub.add_repo("alice/big", {"data/train-00000-of-00001.parquet": path.read_bytes()}, "dataset")
        print(hub.endpoint, flush=True)
        for _ in sys.stdin:
            print(hub.served(r"^/cdn/|/resolve/"), flush=True)


def _memory() -> dict[str, float]:
    return {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000}


def main() -> None:
    """Run all figures, each in a process of its own, and print them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="Where the generated files lie; kept.")
    parser.add_argument("--size", type=int, default=1_000, help="Of the files to convert, in MB.")
    parser.add_argument("--figure", default="", help="Only this one: csv, jsonl or remote.")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    if given.serve:
        serve(given.folder)
    elif given.figure == "remote":
        print(json.dumps(remote(given.folder), indent=2))
    elif given.figure:
        source = generated(given.folder, f"opening-{given.size}.{given.figure}", given.size * 1_000_000)
        print(json.dumps(convert(source) | {"goal_mb": GOAL_MB}, indent=2))
    else:
        for figure in ("csv", "jsonl", "remote"):
            command = [sys.executable, "-m", "benchmarks.opening", "--folder", str(given.folder), "--figure", figure]
            done = subprocess.run([*command, "--size", str(given.size)], check=True, capture_output=True, text=True)
            print(f"{figure}: {done.stdout}", end="")


if __name__ == "__main__":
    main()
