"""Time to the first prediction of every entry of the starter kit, each in a fresh process.

`python -m benchmarks.kit [--rounds 3] [--threads 2] [NAME …]`: imports, loading and the first answer (`Builder.first`),
without a network. The rounds go through all entries in turn, so that a busy minute does not fall on one of them; a bare
`import torch, transformers` in the same rounds says what of it is the libraries'.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

from studio.starter import kit

FIRST = "import sys; from studio.starter import kit; from studio.starter.build import BUILDERS\n"
FIRST += "name = sys.argv[1]; BUILDERS[name].first(kit.entry(f'kit:{name}'))"
BARE = "import torch, transformers; from transformers import AutoModel"


def seconds(code: str, name: str, threads: int) -> float:
    """Wall time of a fresh interpreter that runs `code`."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": str(threads)}
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code, name], env=environment, capture_output=True, check=False)
    taken = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr.decode()[-2000:]}")
    return taken


def measure(names: Sequence[str], rounds: int, threads: int) -> dict[str, list[float]]:
    """Seconds by name, round after round."""
    found: dict[str, list[float]] = {name: [] for name in ("", *names)}
    for _ in range(rounds):
        for name, taken in found.items():
            taken.append(seconds(FIRST if name else BARE, name, threads))
    return found


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    names = given.names or [entry.name for entry in kit.entries()]
    found = measure(names, given.rounds, given.threads)
    print(f"| entry | first answer, s (median of {given.rounds}) | worst |\n|---|---|---|")
    for name, taken in found.items():
        shown = f"`kit:{name}`" if name else "imports of torch and transformers alone"
        print(f"| {shown} | {statistics.median(taken):.1f} | {max(taken):.1f} |")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"\n{given.threads} threads; largest process {peak:.0f} MB; load average {load}")


if __name__ == "__main__":
    main()
