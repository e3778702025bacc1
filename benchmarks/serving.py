"""Requests per second and latency of the studio at 1, 8 and 32 users, against its peers, interleaved in one run.

`python -m benchmarks.serving [--rounds 5] [--model 4x256] [--litserve FOLDER]`: a BERT with random weights, of 4 layers
of 256 as the goals were set with, or of MiniLM's size (`--model 6x384`), whose own arithmetic weighs more; texts of 24
words. All servers stand at once and are asked in turns, in short rounds of random order, so that
what else runs on the machine strikes all alike; the median over the rounds counts, as a ratio. "page" and
"from_pipeline" speak Gradio's protocol (a call, then its events), "rest" and "litserve" plain POST. Every model
runs with as many threads as `--threads` says.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.measure import free_port
from studio.core.settings import ROOT
from tests.unit.inference import tiny

USERS = (1, 8, 32)
REQUESTS = {1: 40, 8: 120, 32: 160}
MODELS = {"4x256": (4, 256), "6x384": (6, 384)}  # layers, hidden size
PATIENCE = 180.0  # seconds that a server may take to start
WORDS = (
    "the",
    "movie",
    "was",
    "great",
    "but",
    "plot",
    "boring",
    "and",
    "i",
    "would",
    "never",
    "watch",
    "it",
    "again",
    "really",
    "fun",
    "actor",
    "story",
)
Ask = Callable[[httpx.AsyncClient, str, str], Awaitable[None]]  # with a text, for a user


@dataclass(frozen=True)
class Round:
    """What one server did for one number of users."""

    per_second: float
    seconds: tuple[float, ...]

    def at(self, share: float) -> float:
        """Latency in ms that this share of the requests kept below."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def text() -> str:
    """24 random words."""
    return " ".join(random.choices(WORDS, k=24))


def by_page(url: str, name: str, body: Callable[[str], Any]) -> Ask:
    """Gradio's protocol: a call gives an id, whose events bring the answer. A user is one session, as a page is."""

    async def ask(client: httpx.AsyncClient, given: str, user: str) -> None:
        call = {"data": body(given), "session_hash": user}
        answer = await client.post(f"{url}/gradio_api/call/{name}", json=call)
        answer.raise_for_status()
        event = answer.json()["event_id"]
        async with client.stream("GET", f"{url}/gradio_api/call/{name}/{event}") as events:
            async for line in events.aiter_lines():
                if line.startswith("event: complete"):
                    return
                if line.startswith("event: error"):
                    raise RuntimeError(f"{url} answered with an error")
        raise RuntimeError(f"{url} did not answer")

    return ask


def by_post(url: str) -> Ask:
    """One request, one answer."""

    async def ask(client: httpx.AsyncClient, given: str, _user: str) -> None:
        (await client.post(url, json={"inputs": given})).raise_for_status()

    return ask


async def load(ask: Ask, users: int, count: int) -> Round:
    """`count` requests by `users` who each wait for an answer before the next."""
    seconds: list[float] = []
    left = iter(range(count))
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    async with httpx.AsyncClient(timeout=60, limits=limits, trust_env=False) as client:
        names = [f"user{number}" for number in range(users)]
        await asyncio.gather(*[ask(client, text(), name) for name in names])  # everybody's page is open

        async def user(name: str) -> None:
            for _ in left:
                started = time.perf_counter()
                await ask(client, text(), name)
                seconds.append(time.perf_counter() - started)

        started = time.perf_counter()
        await asyncio.gather(*[user(name) for name in names])
        return Round(count / (time.perf_counter() - started), tuple(seconds))


@contextmanager
def running(command: list[str], url: str, environment: Mapping[str, str]) -> Iterator[None]:
    """A server in a process group of its own, until the block is left."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, start_new_session=True, **quiet)  # type: ignore[call-overload]
    try:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and process.poll() is None:
            try:
                httpx.get(url, timeout=2)
                break
            except httpx.HTTPError:
                time.sleep(0.3)
        else:
            raise RuntimeError(f"{' '.join(command)} did not start")
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def start(stack: ExitStack, folder: Path, size: tuple[int, int], litserve: str, threads: int) -> dict[str, Ask]:
    """Every server, and how it is asked."""
    home = Path(folder) / "home"
    model, ports = artifact(home, *size), {name: free_port() for name in ("studio", "from_pipeline", "litserve")}
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    calm = {"OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1", "GRADIO_ANALYTICS_ENABLED": "False"}
    own = {"STUDIO_HOME": str(home), "STUDIO_PORT": str(ports["studio"]), "STUDIO_OFFLINE": "true"}
    stack.enter_context(running([sys.executable, "app.py"], f"{urls['studio']}/healthz", {**calm, **own}))
    ref = f"artifact:{model.name}"
    asks = {
        "page": by_page(urls["studio"], "predict", lambda given: ["text-classification", given, {}, ref]),
        "rest": by_post(f"{urls['studio']}/api/tasks/text-classification?model={ref}"),
    }
    peer = [sys.executable, "-m", "benchmarks.peers"]
    command = [*peer, "from_pipeline", str(model), str(ports["from_pipeline"])]
    stack.enter_context(running(command, urls["from_pipeline"], calm))
    asks["from_pipeline"] = by_page(urls["from_pipeline"], "fn", lambda given: [given])
    if litserve:
        command = [*peer, "litserve", str(model), str(ports["litserve"])]
        stack.enter_context(running(command, f"{urls['litserve']}/health", {**calm, "PYTHONPATH": litserve}))
        asks["litserve"] = by_post(f"{urls['litserve']}/predict")
    return asks


def artifact(home: Path, layers: int, hidden: int) -> Path:
    """The model, as a result in the studio's data folder."""
    from studio.core.settings import Settings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        settings = Settings.model_validate({"home": home})
        ref = tiny.classifier(settings, "bench", layers=layers, hidden=hidden, inner=4 * hidden)
    return settings.artifacts_dir / ref.removeprefix("artifact:")


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", choices=MODELS, default="4x256")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--litserve", default="", help="folder that litserve is installed in; empty: without it")
    given = parser.parse_args()
    random.seed(1)
    rounds: dict[tuple[str, int], list[Round]] = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        asks = start(stack, Path(folder), MODELS[given.model], given.litserve, given.threads)
        for users in USERS:
            for _ in range(given.rounds):
                for name in random.sample(sorted(asks), len(asks)):
                    found = asyncio.run(load(asks[name], users, REQUESTS[users]))
                    rounds.setdefault((name, users), []).append(found)
    print(json.dumps(summary(rounds), indent=2))


def summary(rounds: Mapping[tuple[str, int], list[Round]]) -> dict[str, Any]:
    """Medians over the rounds, and the ratios that were aimed at."""
    speed = {key: statistics.median(one.per_second for one in found) for key, found in rounds.items()}
    table = {
        f"{name}, {users} users": {
            "requests_per_second": round(speed[name, users], 1),
            "p50_ms": round(statistics.median(one.at(0.5) for one in found), 1),
            "p95_ms": round(statistics.median(one.at(0.95) for one in found), 1),
        }
        for (name, users), found in rounds.items()
    }
    pairs = [("page", "from_pipeline"), ("rest", "from_pipeline"), ("rest", "litserve")]
    ratios = {
        f"{ours} / {theirs}, {users} users": round(speed[ours, users] / speed[theirs, users], 2)
        for ours, theirs in pairs
        for users in USERS
        if (theirs, users) in speed
    }
    return {"servers": table, "ratios": ratios}


if __name__ == "__main__":
    main()
