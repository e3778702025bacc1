"""Seconds to an answer through REST: the first of a studio that has just started, cold and warm ones, and first tokens.

`python -m benchmarks.answers [--rounds 3]`: each round starts a studio on the data folder of the settings. "first" is
asked the
moment the studio answers at all, while the worker still imports; "cold" is another model, which has to be loaded;
"warm" the same again. Writing tasks say when their first token came, and how many came each second after it. A task
whose model is not here (an extra) is left out.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Mapping
from typing import Any

import httpx

from benchmarks.measure import free_port
from benchmarks.serving import running
from studio.core.settings import Settings
from studio.starter import kit

FIRST = ("text-classification", {"inputs": "A chess program with a strong engine"})
COLD: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "token-classification": ("kit:ner", {"inputs": "Ada Lovelace lived in London."}),
    "question-answering": ("kit:qa", {"inputs": {"question": "Who wrote it?", "context": "It was written by Ada."}}),
    "translation": ("kit:translator", {"inputs": "This package contains the documentation."}),
}
WRITING: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "text-generation": ("kit:writer", {"inputs": "A simple game", "parameters": {"max_new_tokens": 64}}),
    "conversational": (
        "kit:chat",
        {"inputs": [{"role": "user", "content": "Tell me about bees."}], "parameters": {"max_tokens": 64}},
    ),
}
Figures = dict[str, list[float]]


def ask(client: httpx.Client, task: str, model: str, body: Mapping[str, Any]) -> float:
    """Seconds of one answer."""
    started = time.perf_counter()
    client.post(f"/api/tasks/{task}", params={"model": model} if model else {}, json=body).raise_for_status()
    return time.perf_counter() - started


def listen(client: httpx.Client, task: str, model: str, body: Mapping[str, Any]) -> tuple[float, float]:
    """Seconds to the first token, and tokens per second after it."""
    started = time.perf_counter()
    times: list[float] = []
    with client.stream("POST", f"/api/tasks/{task}", params={"model": model}, json={**body, "stream": True}) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            if line.startswith("data:"):
                times.append(time.perf_counter())
    return times[0] - started, (len(times) - 1) / max(times[-1] - times[0], 1e-9)


def one_round(figures: Figures, here: set[str]) -> None:
    """Start a studio, ask it everything once."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    own = {"STUDIO_PORT": str(port), "STUDIO_OFFLINE": "true"}
    with (
        running([sys.executable, "app.py"], f"{url}/healthz", own),
        httpx.Client(base_url=url, timeout=120, trust_env=False) as client,
    ):
        note(figures, "first answer of a new studio", ask(client, FIRST[0], "", FIRST[1]))
        note(figures, f"{FIRST[0]}, warm", statistics.median(ask(client, FIRST[0], "", FIRST[1]) for _ in range(9)))
        for task, (model, body) in COLD.items():
            note(figures, f"{task}, cold", ask(client, task, model, body))
            note(figures, f"{task}, warm", statistics.median(ask(client, task, model, body) for _ in range(5)))
        for task, (model, body) in WRITING.items():
            if model in here:
                note(figures, f"{task}, cold: first token", listen(client, task, model, body)[0])
                first, speed = listen(client, task, model, body)
                note(figures, f"{task}, warm: first token", first)
                note(figures, f"{task}, warm: tokens per second", speed)


def note(figures: Figures, name: str, value: float) -> None:
    """Add a figure to those of its name."""
    figures.setdefault(name, []).append(value)


def main() -> None:
    """Print the medians as JSON; seconds where no unit is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    figures: Figures = {}
    here = {entry.id for entry in kit.entries(root=Settings())}
    for _ in range(rounds):
        one_round(figures, here)
    found: dict[str, Any] = {name: round(statistics.median(values), 4) for name, values in figures.items()}
    print(json.dumps({**found, "load_average": [round(load, 1) for load in os.getloadavg()]}, indent=1))


if __name__ == "__main__":
    main()
