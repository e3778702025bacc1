"""A Hub whose router answers for Inference Providers: what is asked goes there over real HTTP, and nowhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
from huggingface_hub.inference._providers import PROVIDERS, _common, hf_inference

from tests.hubserver.server import HubServer
from tests.unit.hub.conftest import running

CHAT = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "together/model",
    "system_fingerprint": "",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello!"}}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}
MESSAGES = {"messages": [{"role": "user", "content": "Hi"}]}


def route(server: HubServer, patch: pytest.MonkeyPatch) -> None:
    """Let the library find its router at the server."""
    template = server.endpoint + "/router/{provider}"
    patch.setattr(huggingface_hub.constants, "ENDPOINT", server.endpoint)
    patch.setattr(huggingface_hub.constants, "INFERENCE_PROXY_TEMPLATE", template)
    for helper in PROVIDERS["hf-inference"].values():
        patch.setattr(helper, "base_url", template.format(provider="hf-inference"))
    _common._fetch_inference_provider_mapping.cache_clear()
    hf_inference._check_supported_task.cache_clear()


@contextmanager
def routing(folder: Path) -> Iterator[HubServer]:
    """A running server that is the Hub and the router of this process."""
    with pytest.MonkeyPatch.context() as patch, contextmanager(running)(patch, folder) as server:
        route(server, patch)
        yield server


def offer(server: HubServer, task: str, answer: Any, provider: str = "hf-inference", name: str = "model") -> str:
    """A model of alice's that a provider serves, and what it answers."""
    repo = server.add_repo(f"alice/{name}", {"README.md": f"---\npipeline_tag: {task}\n---\n".encode()})
    id_there = repo.id if provider == "hf-inference" else f"{provider}/{name}"
    repo.providers[provider] = {"status": "live", "providerId": id_there, "task": task}
    server.hub.served[provider, id_there] = answer
    return repo.id
