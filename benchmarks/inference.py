"""Latency and throughput of the warm inference worker, with and without batching, interleaved in one run.

`python -m benchmarks.inference [--rounds 5]`: a BERT of MiniLM's size (6 layers of 384) with random weights, texts of
about 26 tokens. Without batching means: every user asks a model of its own key, so that none finds company; the
compute is the same.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from studio.core.settings import Settings
from studio.inference.client import Inference
from studio.inference.models import ModelFiles, resolve_model
from tests.unit.inference import tiny

TEXT = f"{tiny.TEXT} {' '.join(tiny.WORDS[:8])}"
USERS, REQUESTS = 8, 25


def ask(inference: Inference, model: ModelFiles) -> float:
    """Seconds of one round trip."""
    started = time.perf_counter()
    inference.predict("text-classification", model, {"inputs": TEXT}, {})
    return time.perf_counter() - started


def throughput(inference: Inference, models: Sequence[ModelFiles]) -> float:
    """Requests per second of one user per model, all at once."""
    started = time.perf_counter()
    with ThreadPoolExecutor(len(models)) as pool:
        list(pool.map(lambda model: [ask(inference, model) for _ in range(REQUESTS)], models))
    return len(models) * REQUESTS / (time.perf_counter() - started)


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as home, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        settings = Settings.model_validate({"home": Path(home)})
        model = resolve_model(tiny.classifier(settings, layers=6, hidden=384, inner=1536), settings, tiny.OWNER)
        inference = Inference(settings)
        together, apart = [model] * USERS, [replace(model, ref=f"copy {user}") for user in range(USERS)]
        cold = ask(inference, model)
        for one in apart:
            ask(inference, one)
        alone, batched, unbatched = [], [], []
        for _ in range(rounds):
            alone += [ask(inference, model) for _ in range(REQUESTS)]
            batched.append(throughput(inference, together))
            unbatched.append(throughput(inference, apart))
        inference.close()
    figures = {
        "first_answer_seconds": round(cold, 2),
        "warm_p50_ms": round(1000 * statistics.median(alone), 2),
        "warm_p95_ms": round(1000 * statistics.quantiles(alone, n=20)[-1], 2),
        f"requests_per_second_{USERS}_users": round(statistics.median(batched), 1),
        f"without_batching_{USERS}_users": round(statistics.median(unbatched), 1),
        "gain": round(statistics.median(a / b for a, b in zip(batched, unbatched, strict=True)), 2),
        "load_average": [round(load, 1) for load in os.getloadavg()],
    }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
