"""Runs the real huggingface_hub client in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Mapping

DEADLINE = 120.0


def run_client(code: str, environment: Mapping[str, str], *, xet: bool, expect: int | None = 0) -> str:
    """Run `code` with the library pointed at the test Hub, and return what it printed.

    `expect` is the exit status it must have (None: any).
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)],
        env={**environment, "HF_HUB_DISABLE_XET": "0" if xet else "1"},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert expect is None or done.returncode == expect, done.stdout + done.stderr
    return done.stdout
