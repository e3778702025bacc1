"""The server run by hand."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import httpx


def test_module_prints_address_and_token_and_stops_on_a_signal() -> None:
    command = [sys.executable, "-m", "tests.hubserver", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            endpoint = re.search(r"HF_ENDPOINT=(\S+)", process.stdout.readline())
            token = re.search(r"HF_TOKEN=(\S+)", process.stdout.readline())
            assert endpoint is not None
            assert token is not None
            headers = {"Authorization": f"Bearer {token.group(1)}"}
            assert httpx.get(f"{endpoint.group(1)}/api/whoami-v2", headers=headers).json()["name"] == "alice"
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
