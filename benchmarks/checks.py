"""Rows per second and peak memory of every check of data, each in a process of its own.

`python -m benchmarks.checks --folder FOLDER [--scale 1.0] [CHECK …]`: a generated table of texts with planted
duplicates, leaks, wrong labels and addresses; a million rows for what is counted exactly, a hundred thousand for near
duplicates. The table is kept in the folder. Prints JSON.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from studio.data import parquet
from studio.data.checks import CHECKS
from studio.data.records import Dataset, DatasetInfo

MILLION, HUNDRED_THOUSAND, TWENTY_THOUSAND = 1_000_000, 100_000, 20_000
ROWS = {
    "leakage": HUNDRED_THOUSAND,
    "near-duplicates": HUNDRED_THOUSAND,
    "label-errors": TWENTY_THOUSAND,
    "language": TWENTY_THOUSAND,
    "pii": HUNDRED_THOUSAND,
    "mojibake": HUNDRED_THOUSAND,
}
EXACT_LEAKAGE = "leakage, exact only"
BATCH = 50_000


def texts(rows: int, seed: int) -> Iterator[pa.RecordBatch]:
    """Rows of 10 to 60 words with a label that the words depend on; every hundredth is like an earlier one."""
    chosen = random.Random(seed)
    words = ["".join(random.Random(n).choices("abcdefghijklmnopqrstuvwxyz", k=2 + n % 8)) for n in range(5_000)]
    earlier: list[str] = ["the first text of all"]
    for start in range(0, rows, BATCH):
        found, labels = [], []
        for number in range(start, min(rows, start + BATCH)):
            label = number % 10
            text = " ".join(
                chosen.choices(words[label * 20 : label * 20 + 20], k=4)
                + chosen.choices(words, k=chosen.randrange(6, 56))
            )
            if number % 100 == 0:
                text = chosen.choice(earlier) + ("" if number % 200 else " again")
            elif number % 100 == 1:
                text += f" mail somebody{number}@mail.example or see 93.184.216.34"
                earlier = [*earlier[-1_000:], text]
            found.append(text)
            labels.append(f"class {label if number % 50 else (label + 1) % 10}")
        number_column = [chosen.gauss(0, 1) for _ in found]
        yield pa.record_batch(
            {"text": found, "label": labels, "number": number_column, "id": list(range(start, start + len(found)))}
        )


def table(folder: Path, rows: int) -> Dataset:
    """Train and a tenth as many test rows, in files that are made once."""
    files = {}
    for seed, (split, count) in enumerate((("train", rows), ("test", rows // 10))):
        path = folder / f"{split}-{rows}.parquet"
        if not path.is_file():
            partial = path.with_suffix(".partial")
            first, *others = texts(count, seed)
            with pq.ParquetWriter(partial, first.schema) as writer:
                for batch in (first, *others):
                    writer.write_batch(batch)
            partial.replace(path)
        files[split] = (path,)
    counts, columns = parquet.describe(files, "generated")
    size = sum(path.stat().st_size for paths in files.values() for path in paths)
    return Dataset(DatasetInfo("generated", "Generated", "file", counts, columns, bytes=size), files)


def measure(folder: Path, name: str, rows: int) -> dict[str, Any]:
    """One check over one table, in this process."""
    dataset = table(folder, rows)
    check = CHECKS[name.partition(",")[0]]
    wishes: dict[str, Any] = {"columns": ["text", "label"]} if check.needs == "any column" else {}
    params = check.params(**wishes, **({"near": False, "columns": ["text"]} if name == EXACT_LEAKAGE else {}))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, cpu = time.perf_counter(), time.process_time()
    finding = check.run(dataset, params, lambda *_: None, lambda: None)
    seconds = time.perf_counter() - started
    read = sum(basis.rows_seen for basis in finding.basis.values())
    return {
        "check": name,
        "rows": read,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "rows_per_second": round(read / seconds),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "before_mb": round(before / 1024),
        "found": finding.found,
        "severity": finding.severity,
    }


def main() -> None:
    """Every check in turn; with `--one` a single one in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of rows")
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    if given.one:
        name, _, rows = given.one.rpartition(":")
        if name:
            print(json.dumps(measure(given.folder, name, int(rows))))
        else:
            table(given.folder, int(rows))
        return
    found = []
    for name in given.names or [*CHECKS, EXACT_LEAKAGE]:
        rows = max(1_000, int(ROWS.get(name, MILLION) * given.scale))
        command = [sys.executable, "-m", "benchmarks.checks", "--folder", str(given.folder), "--one"]
        subprocess.run([*command, f":{rows}"], check=True)  # elsewhere: a child's peak is at least its parent's
        done = subprocess.run([*command, f"{name}:{rows}"], capture_output=True, text=True, check=False)
        found.append(json.loads(done.stdout) if not done.returncode else {"check": name, "error": done.stderr[-500:]})
        print(json.dumps(found[-1]), file=sys.stderr, flush=True)
    print(json.dumps({"load": os.getloadavg(), "checks": found}, indent=1))


if __name__ == "__main__":
    main()
