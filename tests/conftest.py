"""What every test shares: no telemetry, and the fixtures of the test Hub."""

from __future__ import annotations

import os

# read by huggingface_hub when it is imported
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

from tests.hubserver.fixtures import hub_api, hub_environment, hub_server

__all__ = ["hub_api", "hub_environment", "hub_server"]
