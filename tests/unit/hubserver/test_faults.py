"""Each kind of fault as a client meets it, and the log of requests."""

from __future__ import annotations

import time
from contextlib import closing

import httpx
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from tests.hubserver import FOREVER, Fault, HubServer, LoggedRequest

WHOAMI = "/api/whoami-v2"


@pytest.fixture
def signed(hub_server: HubServer) -> dict[str, str]:
    return {"Authorization": f"Bearer {hub_server.token}"}


def test_silent_server_takes_the_request_and_never_answers(hub_server: HubServer, signed: dict[str, str]) -> None:
    hub_server.faults.add(Fault("GET", WHOAMI, "silent"))
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(hub_server.endpoint + WHOAMI, headers=signed, timeout=0.3)
    assert hub_server.requests == [LoggedRequest("GET", WHOAMI, 0, "", "silent")]
    assert httpx.get(hub_server.endpoint + WHOAMI, headers=signed).status_code == 200


def test_server_stops_while_it_is_silent() -> None:
    with HubServer() as server, closing(httpx.Client(timeout=0.2)) as client:
        server.faults.add(Fault("*", ".", "silent"))
        with pytest.raises(httpx.ReadTimeout):
            client.get(server.endpoint)
        started = time.monotonic()
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("status", [401, 403, 409, 429, 500, 503])
def test_status(hub_server: HubServer, signed: dict[str, str], status: int) -> None:
    hub_server.faults.add(Fault("POST", "/api/repos/create", "status", status=status, retry_after=7))
    body = {"name": "m", "organization": "alice"}
    answer = httpx.post(f"{hub_server.endpoint}/api/repos/create", json=body, headers=signed)
    assert answer.status_code == status
    assert answer.json()["error"] == f"Injected fault: status {status}"
    assert answer.headers.get("Retry-After") == ("7" if status == 429 else None)
    assert hub_server.hub.repos == {}


def test_client_retries_a_busy_server(hub_server: HubServer, hub_api: HfApi) -> None:
    hub_server.add_repo("alice/m", {})
    hub_server.faults.add(Fault("GET", "/api/models$", "status", status=503))
    assert [model.id for model in hub_api.list_models()] == ["alice/m"]
    assert [item.status for item in hub_server.requests] == [503, 200]


def test_client_gives_up_on_a_refusal(hub_server: HubServer, hub_api: HfApi) -> None:
    hub_server.faults.add(Fault("GET", WHOAMI, "status", times=FOREVER, status=403))
    with pytest.raises(HfHubHTTPError) as error:
        hub_api.whoami()
    assert error.value.response.status_code == 403


def test_cut_request_is_not_carried_out(hub_server: HubServer, signed: dict[str, str]) -> None:
    hub_server.faults.add(Fault("POST", "/api/repos/create", "cut_request"))
    with pytest.raises(httpx.TransportError):
        httpx.post(f"{hub_server.endpoint}/api/repos/create", json={"name": "m"}, headers=signed)
    assert hub_server.hub.repos == {}


def test_cut_response_is_carried_out_and_the_answer_lost(hub_server: HubServer, signed: dict[str, str]) -> None:
    hub_server.faults.add(Fault("POST", "/api/repos/create", "cut_response"))
    with pytest.raises(httpx.TransportError):
        httpx.post(f"{hub_server.endpoint}/api/repos/create", json={"name": "m"}, headers=signed)
    assert list(hub_server.hub.repos) == [("model", "alice/m")]


def test_cut_response_gives_so_many_bytes(hub_server: HubServer) -> None:
    hub_server.add_repo("alice/m", {"a.txt": b"x" * 1000})
    hub_server.faults.add(Fault("GET", "/resolve/", "cut_response", after=300))
    received: list[bytes] = []
    with httpx.stream("GET", f"{hub_server.endpoint}/alice/m/resolve/main/a.txt") as answer:
        assert answer.headers["Content-Length"] == "1000"
        with pytest.raises(httpx.RemoteProtocolError):
            received.extend(answer.iter_raw())
    assert b"".join(received) == b"x" * 300


def test_slow_answer_comes_late(hub_server: HubServer, signed: dict[str, str]) -> None:
    hub_server.faults.add(Fault("GET", WHOAMI, "slow", seconds=0.3))
    started = time.monotonic()
    assert httpx.get(hub_server.endpoint + WHOAMI, headers=signed).status_code == 200
    assert time.monotonic() - started >= 0.3


def test_faults_happen_in_order_as_often_as_asked(hub_server: HubServer, signed: dict[str, str]) -> None:
    hub_server.faults.add(Fault("GET", WHOAMI, "status", times=2, status=500))
    hub_server.faults.add(Fault("*", "whoami", "status", status=429))
    statuses = [httpx.get(hub_server.endpoint + WHOAMI, headers=signed).status_code for _ in range(4)]
    assert statuses == [500, 500, 429, 200]
    assert hub_server.faults.pending == 0
    hub_server.faults.add(Fault("GET", WHOAMI, "silent", times=FOREVER))
    hub_server.faults.clear()
    assert httpx.get(hub_server.endpoint + WHOAMI, headers=signed).status_code == 200


def test_log_holds_no_token_and_no_signature(hub_server: HubServer, signed: dict[str, str]) -> None:
    hub_server.add_repo("alice/m", {"a.bin": b"\0"})
    url = f"{hub_server.endpoint}/alice/m/resolve/main/a.bin?download=true"
    assert httpx.get(url, headers=signed, follow_redirects=True).content == b"\0"
    logged = [(item.path.split("/")[1], item.status, item.query) for item in hub_server.requests]
    assert logged == [("alice", 302, "download=true"), ("cdn", 200, "")]
    assert hub_server.token not in repr(hub_server.requests)


def test_unknown_route_says_so(hub_server: HubServer) -> None:
    answer = httpx.get(f"{hub_server.endpoint}/api/nothing/of/that/kind")
    assert answer.status_code == 404
    assert "does not serve" in answer.json()["error"]
