"""Rows per second of a map with tokenization, from Parquet to Parquet, against plain `datasets.map` from Parquet.

Both sides tokenize the same texts with the same tokenizer of the kit, each run in a process of its own, by turns.
`datasets` reads Parquet, maps with `batched=True` in one process and leaves Arrow files, as it does; the studio's side
is the job's own code, with the memory pool that a job has. What is counted begins after the imports; peak memory is the
whole process's.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from studio.engines.local import ARROW_POOL

ROWS, RUNS, LENGTH = 40_000, 3, 128
TEXTS = "assets/kit/debian-summaries/train.parquet"

HEAD = """
import json, re, sys, time
from pathlib import Path
from studio.starter import kit
from transformers import AutoTokenizer

def told(rows, began):
    peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())
    print(json.dumps({"rows": rows, "seconds": time.monotonic() - began, "peak": int(peak[1]) / 1024}))

folder, length = Path(sys.argv[1]), int(sys.argv[2])
model = kit.entry("kit:minilm-l6").path
"""
OURS = """
from studio.core.settings import Settings
from studio.data import mending, sources
from studio.recipes.transform.passes import Run
from studio.recipes.transform.tools import full

settings = Settings(home=folder / "home", offline=True)
began = time.monotonic()
steps = mending.read([{"step": "tokenize", "max_length": length}])
found = sources.resolve(str(folder / "data"), settings, "local")
run = Run(found, steps, folder / "ours", full(settings, "local", "cpu"))
(folder / "out").mkdir()
run.write(run(), folder / "out")
told(sum(run.counts.values()), began)
"""
PLAIN = """
from datasets import disable_progress_bars, load_dataset

disable_progress_bars()
began = time.monotonic()
tokenizer = AutoTokenizer.from_pretrained(model)
rows = load_dataset("parquet", data_files=str(folder / "data" / "train.parquet"), split="train")

def tokenized(batch):
    return tokenizer(batch["text"], truncation=True, max_length=length, return_token_type_ids=False, return_length=True)

told(len(rows.map(tokenized, batched=True)), began)
"""


def main() -> None:
    """Print both sides' rows per second and peak memory, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--runs", type=int, default=RUNS)
    asked = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {"studio": [], "datasets": []}
    with tempfile.TemporaryDirectory(prefix="studio-mapping-") as folder:
        _write(Path(folder) / "data", asked.rows)
        for _ in range(asked.runs):
            found["studio"].append(_measured(OURS, Path(folder) / "data", {"ARROW_DEFAULT_MEMORY_POOL": ARROW_POOL}))
            found["datasets"].append(_measured(PLAIN, Path(folder) / "data", {}))
    for name, runs in found.items():
        speed, peak = statistics.median(one[0] for one in runs), max(one[1] for one in runs)
        each = ", ".join(f"{one[0]:,.0f}" for one in runs)
        print(f"{name}: {speed:,.0f} rows/s ({each}), peak {peak:,.0f} MB")
    ratios = [ours[0] / plain[0] for ours, plain in zip(found["studio"], found["datasets"], strict=True)]
    print(f"ratio: {statistics.median(ratios):.2f} (goal 1.0), {asked.rows:,} rows cut at {LENGTH} tokens")


def _write(folder: Path, rows: int) -> None:
    """The kit's texts, over and over, each with its number so that no two are the same."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir()
    texts = pq.read_table(TEXTS, columns=["text"]).column("text").to_pylist()
    numbered = [f"{number} {texts[number % len(texts)]}" for number in range(rows)]
    pq.write_table(pa.table({"text": numbered}), folder / "train.parquet", row_group_size=10_000)


def _measured(code: str, data: Path, more: dict[str, str]) -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="studio-mapping-") as folder:
        (Path(folder) / "data").symlink_to(data)
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": f"{folder}/hf", **more}
        done = subprocess.run(
            [sys.executable, "-c", HEAD + code, folder, str(LENGTH)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(done.stderr)
        told = json.loads(done.stdout.splitlines()[-1])
        return told["rows"] / told["seconds"], told["peak"]


if __name__ == "__main__":
    main()
