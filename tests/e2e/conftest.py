"""A real studio process, a real browser, a real (test) Hub."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.hubserver.server import HubServer

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "tests" / "plugins"
CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class RunningStudio:
    """A studio in a process of its own; `kill` and `start` are what a crash and a restart are."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.port = self.port or free_port()
        environment = {
            **os.environ,
            "STUDIO_HOME": str(self.home),
            "STUDIO_PORT": str(self.port),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            **self.environment,
        }
        with (self.home.parent / "server.log").open("ab") as log:
            command = [sys.executable, str(ROOT / "app.py")]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        wait_until(self._healthy, 90, "the studio to answer")

    def _healthy(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.home.parent / "server.log").read_text()
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
        self._end_jobs()

    def _end_jobs(self) -> None:
        """Jobs outlive the studio by design; those of a test must not go on beside the next one."""
        for name in ("shim.json", "process.json"):
            for file in self.home.glob(f"jobs/*/attempts/*/{name}"):
                if (file.parent / "result.json").exists():  # over: the number may be somebody else's by now
                    continue
                with contextlib.suppress(ProcessLookupError, ValueError):
                    os.kill(int(json.loads(file.read_text())["pid"]), signal.SIGKILL)


def wait_until(claim: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll until `claim` holds; fails with what was waited for."""
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, hub: HubServer) -> Iterator[RunningStudio]:
    home = tmp_path_factory.mktemp("studio") / "home"
    running = RunningStudio(
        home, {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.token, "HF_HOME": str(home.parent / "hf")}
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One per module: its event loop is in the way of tests that need their own."""
    with sync_playwright() as playwright:
        chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    page = context.new_page()
    page.set_default_timeout(30_000)
    yield page
    context.close()


@pytest.fixture
def visitor(page: Page) -> Iterator[Page]:
    """A page that fails its test when a script of ours does."""
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    yield page
    assert broken == []
