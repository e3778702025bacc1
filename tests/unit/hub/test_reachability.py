"""The probe, and the offline mode that follows from it."""

import socket
import sys
import time
from types import ModuleType

import huggingface_hub.constants
import pytest

from studio.core.settings import Settings
from studio.hub.reachability import Reachability, probe
from tests.hubserver.faults import FOREVER, Fault
from tests.hubserver.server import HubServer


def test_a_hub_is_reachable(server: HubServer) -> None:
    status = probe(server.endpoint)
    assert status.reachable
    assert status.reason == ""
    assert abs(status.checked_at - time.time()) < 10


def test_a_closed_port_is_known_at_once() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    began = time.monotonic()
    status = probe(endpoint)
    assert not status.reachable
    assert "cannot be reached" in status.reason
    assert time.monotonic() - began < 1


def test_a_silent_hub_costs_the_deadline_and_no_more(server: HubServer) -> None:
    server.faults.add(Fault("GET", "/api/models", "silent"))
    began = time.monotonic()
    assert not probe(server.endpoint, 0.5).reachable
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(("status", "reachable"), [(429, True), (500, False), (403, False)])
def test_what_answers_is_not_always_a_hub(server: HubServer, status: int, reachable: bool) -> None:
    server.faults.add(Fault("GET", "/api/models", "status", status=status))
    assert probe(server.endpoint).reachable is reachable


def test_nonsense_is_no_endpoint() -> None:
    assert not probe("http://[").reachable


def test_offline_mode_follows(server: HubServer, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = ModuleType("datasets.config")
    datasets.HF_HUB_OFFLINE = False  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets.config", datasets)
    reachability = Reachability(settings)
    assert not reachability.status.reachable
    server.faults.add(Fault("GET", "/api/models", "status", status=503, times=FOREVER))
    assert not reachability.refresh().reachable
    assert (huggingface_hub.constants.HF_HUB_OFFLINE, datasets.HF_HUB_OFFLINE) == (True, True)
    server.faults.clear()
    assert reachability.refresh().reachable
    assert (huggingface_hub.constants.HF_HUB_OFFLINE, datasets.HF_HUB_OFFLINE) == (False, False)


def test_started_in_the_background(server: HubServer, settings: Settings) -> None:
    reachability = Reachability(settings)
    reachability.start()
    deadline = time.monotonic() + 10
    while not reachability.status.reachable and time.monotonic() < deadline:
        reachability.refresh()
    assert reachability.status.reachable


def test_the_setting_forces_offline(server: HubServer, settings: Settings) -> None:
    reachability = Reachability(settings.model_copy(update={"offline": True}))
    status = reachability.refresh()
    assert not status.reachable
    assert "set to work offline" in status.reason
    assert server.requests == []
