"""What is known of a model before it is loaded, and what is refused with which reason: local ones, and on a Hub."""

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import Forbidden, HubUnreachable, InvalidInput
from studio.core.settings import Settings
from studio.hub.models import ModelFilters
from studio.inference import facts, memory, models
from studio.inference.facts import ModelFacts
from studio.inference.pool import MB
from tests.hubserver.faults import FOREVER, Fault
from tests.hubserver.server import HubServer
from tests.unit.hub.conftest import server

__all__ = ["server"]

TASK = "text-classification"
BERT = {"architectures": ["BertForSequenceClassification"], "model_type": "bert"}
CARD = "---\nlicense: mit\npipeline_tag: text-classification\n---\n# A model\n"


@pytest.fixture
def place(settings: Settings, server: HubServer, tmp_path: Path) -> Settings:
    """The shared models in a home of one's own, with a Hub."""
    shutil.copytree(settings.artifacts_dir, tmp_path / "home" / "artifacts")
    return Settings.model_validate({"home": tmp_path / "home", "hub_deadline": 4, "max_model_mb": 1})


def weights(count: int, kind: str = "F32") -> bytes:
    """A safetensors file of so many weights, as the Hub counts them, in zeros."""
    width = {"F32": 4, "F16": 2}[kind]
    header = json.dumps({"a": {"dtype": kind, "shape": [count], "data_offsets": [0, count * width]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(count * width)


def put(server: HubServer, name: str, files: dict[str, Any] | None = None, **config: Any) -> str:
    """A model on the Hub: a classifier of 1,000 weights, but for what is said otherwise."""
    standard = {"config.json": json.dumps(BERT | config).encode(), "model.safetensors": weights(1000)}
    given = {path: content for path, content in (standard | (files or {})).items() if content is not None}
    server.add_repo(f"alice/{name}", {"README.md": CARD.encode(), **given})
    return f"alice/{name}"


def look(ref: str, place: Settings, task: str = TASK) -> ModelFacts:
    return facts.of(ref, task, place, "local", "cpu")


def test_a_local_model_shows_its_size_and_memory(place: Settings) -> None:
    found = look("artifact:adapted", place)
    files = models.resolve_model("artifact:adapted", place, "local")
    assert (found.title, found.source, found.license, found.format) == ("Adapted", "artifact", "mit", "safetensors")
    assert found.bytes == files.bytes
    assert found.memory_bytes == models.memory_bytes(files, "cpu") > 0
    assert (found.device, found.dtype, found.gated, found.problem) == ("cpu", "float32", False, "")


def test_what_is_wrong_with_a_local_model_is_one_sentence(place: Settings) -> None:
    folder = place.artifacts_dir / "whole"
    assert "made for text-classification, not for fill-mask" in look("artifact:whole", place, "fill-mask").problem
    assert look("artifact:nothing", place).problem == "There is no artifact 'nothing'."
    assert "Known: kit:" in look("kit:nothing", place).problem
    assert "It is a data set" in look("kit:debian-topics", place).problem
    assert 'Give "kit:ID"' in look("just words", place).problem
    small = place.model_copy(update={"inference_memory_mb": 0})
    assert "0 MB are set aside for warm models (STUDIO_INFERENCE_MEMORY_MB)" in look("artifact:whole", small).problem
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "only pickle weights" in look("artifact:whole", place).problem


def test_a_stranger_learns_nothing_of_an_artifact(place: Settings) -> None:
    found = facts.of("artifact:whole", TASK, place, "session:x", "cpu")
    assert (found.title, found.problem) == ("artifact:whole", "There is no artifact 'whole'.")
    assert found.bytes == 0


def test_a_model_of_the_hub_is_known_without_its_weights(server: HubServer, place: Settings) -> None:
    ref = put(server, "good", {"model.safetensors": weights(1000, "F16")})
    server.repo(ref).downloads, server.repo(ref).likes = 12_000, 7
    found = look(ref, place)
    assert (found.ref, found.source, found.license, found.format) == (ref, "hub", "mit", "safetensors")
    assert (found.downloads, found.likes, found.gated, found.problem) == (12_000, 7, False, "")
    assert found.memory_bytes == 4000  # float32 once it is loaded
    assert found.bytes == sum(len(data) for path, data in server.files(ref).items() if path != ".gitattributes")
    assert server.count("GET", "/resolve/") == 0


def test_one_look_serves_a_minute(server: HubServer, place: Settings) -> None:
    ref = put(server, "asked-often")
    for _ in range(3):
        look(ref, place)
    assert server.count("GET", "/api/models/alice/asked-often") == 1


@pytest.mark.parametrize(
    ("files", "config", "task", "reason"),
    [
        ({"model.safetensors": None, "pytorch_model.bin": b"x"}, {}, TASK, "It has only pickle weights"),
        ({}, {"auto_map": {"AutoModel": "m.M"}, "model_type": "odd"}, TASK, "It needs code from its repository"),
        ({"config.json": None}, {}, TASK, "It has no config.json"),
        ({}, {"architectures": ["BertForMaskedLM"]}, TASK, "It is made for fill-mask, not for text-classification."),
        ({}, {"architectures": ["BertModel"]}, TASK, "BertModel has no head for text-classification."),
        ({"model.safetensors": weights(500_000)}, {}, TASK, "at most 1 MB are downloaded here (STUDIO_MAX_MODEL_MB)"),
        ({"model.safetensors": None, "model.onnx": b"x"}, {}, TASK, "It has no weights as safetensors"),
    ],
)
def test_what_cannot_be_used_is_said_and_refused_before_the_download(
    server: HubServer, place: Settings, files: dict[str, Any], config: dict[str, Any], task: str, reason: str
) -> None:
    ref = put(server, "bad", files, **config)
    assert reason in look(ref, place, task).problem
    with pytest.raises(InvalidInput) as refused:
        models.resolve_model(ref, place, "local", task)
    assert reason in refused.value.expected
    assert server.count("GET", "/resolve/") == 0


def test_too_large_for_the_memory_is_refused_before_the_download(server: HubServer, place: Settings) -> None:
    ref = put(server, "large", {"model.safetensors": weights(400_000, "F16")})
    tight = place.model_copy(update={"inference_memory_mb": 1})
    assert look(ref, tight).memory_bytes == 1_600_000
    assert "It takes about 2 MB once loaded, and 1 MB are set aside" in look(ref, tight).problem
    with pytest.raises(InvalidInput, match="once loaded"):
        models.resolve_model(ref, tight, "local", TASK)
    assert server.count("GET", "/resolve/") == 0


def test_an_adapter_counts_its_base(server: HubServer, place: Settings) -> None:
    base = put(server, "base", {"model.safetensors": weights(5000)}, architectures=["BertModel"])
    config = json.dumps({"base_model_name_or_path": base, "task_type": "SEQ_CLS", "peft_type": "LORA"})
    card = f"---\nlicense: mit\nbase_model: {base}\n---\n"
    adapter = {"adapter_config.json": config.encode(), "adapter_model.safetensors": weights(100)}
    ref = put(
        server, "adapter", {"config.json": None, "model.safetensors": None, "README.md": card.encode(), **adapter}
    )
    found = look(ref, place)
    assert found.problem == ""
    assert 20_000 <= found.memory_bytes < 21_000
    assert "made for text-classification, not for fill-mask" in look(ref, place, "fill-mask").problem


def test_a_gate_is_shown_with_the_way_in(server: HubServer, place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = put(server, "gated")
    server.repo(ref).gated = "manual"
    outside = look(ref, place)
    assert outside.gated
    assert "is gated: ask for access on its Hub page, then sign in" in outside.problem
    with pytest.raises(Forbidden, match="is gated"):
        models.resolve_model(ref, place, "local", TASK)
    monkeypatch.setenv("HF_TOKEN", server.token)
    inside = look(ref, place)
    assert (inside.gated, inside.problem) == (True, "")


def test_nothing_on_the_hub_makes_it_raise(server: HubServer, place: Settings) -> None:
    assert "does not exist, or is private" in look("alice/nothing", place).problem
    assert "such revision" in look(f"{put(server, 'one')}@v9", place).problem
    server.faults.add(Fault("GET", "/api/models/alice/two", "status", FOREVER, 500))
    assert "fault of its own (500)" in look("alice/two", place).problem
    assert "to work offline" in look("alice/three", place.model_copy(update={"offline": True})).problem
    odd: list[dict[str, Any]] = [{"architectures": "no list"}, {"architectures": [3]}, {"architectures": None}]
    for number, config in enumerate(odd):
        look(put(server, f"odd-{number}", **config), place)


# -- searching


@pytest.fixture
def shelf(server: HubServer) -> Callable[..., None]:
    def add(name: str, downloads: int, likes: int, count: int = 1000, terms: str = "mit") -> None:
        card = CARD.replace("mit", terms).encode()
        ref = put(server, name, {"README.md": card, "model.safetensors": weights(count)})
        server.repo(ref).downloads, server.repo(ref).likes = downloads, likes

    return add


def find(place: Settings, words: str = "", **filters: Any) -> list[str]:
    found = facts.search(TASK, words, ModelFilters(**filters), place, "cpu")
    return [one.ref.removeprefix("alice/") for one in found]


def test_search_sorts_and_filters(server: HubServer, place: Settings, shelf: Callable[..., None]) -> None:
    shelf("small-happy", 10, 3)
    shelf("large-happy", 30, 1, count=100_000)
    shelf("sad", 20, 2, terms="apache-2.0")
    server.add_repo("alice/other-task", {"README.md": CARD.replace("text-classification", "fill-mask").encode()})
    assert find(place) == ["large-happy", "sad", "small-happy"]
    assert find(place, sort="likes") == ["small-happy", "sad", "large-happy"]
    assert find(place, sort="trending") == ["small-happy", "sad", "large-happy"]
    assert find(place, "happy") == ["large-happy", "small-happy"]
    assert find(place, license="apache-2.0") == ["sad"]
    assert find(place, max_bytes=10_000) == ["sad", "small-happy"]
    assert find(place, limit=1) == ["large-happy"]
    assert find(place, "nowhere") == []


def test_search_tells_what_a_menu_shows(server: HubServer, place: Settings, shelf: Callable[..., None]) -> None:
    shelf("fine", 10, 3, count=2000)
    put(server, "pickled", {"model.safetensors": None, "pytorch_model.bin": b"x"})
    fine, pickled = facts.search(TASK, "", ModelFilters(), place, "cpu")
    assert (fine.bytes, fine.memory_bytes, fine.license, fine.downloads, fine.problem) == (8000, 8000, "mit", 10, "")
    assert "pickle" in pickled.problem
    assert pickled.format == "pickle"
    assert server.count("GET", "/api/models$") == 1


def test_search_refuses_what_makes_no_sense_and_says_when_there_is_no_hub(place: Settings, server: HubServer) -> None:
    with pytest.raises(InvalidInput, match="One of: downloads, likes, trending"):
        find(place, sort="beauty")
    with pytest.raises(InvalidInput, match="limit"):
        find(place, limit=0)
    with pytest.raises(HubUnreachable):
        find(place.model_copy(update={"offline": True}))
    server.faults.add(Fault("GET", "/api/models", "silent", FOREVER))
    with pytest.raises(HubUnreachable):
        find(place.model_copy(update={"hub_deadline": 0.5}))


# -- memory


def test_large_weights_are_halved_on_a_gpu_only() -> None:
    assert memory.taken(10, 3_000_000_000, "cuda") == 20
    assert memory.taken(10, 3_000_000_000, "cpu") == memory.taken(10, 100, "cuda") == 40
    assert memory.dtype(3_000_000_000, "cuda") == "bfloat16"


def test_room_is_the_budget_or_the_machine(place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert memory.room(place, "cpu").bytes == place.inference_memory_mb * MB
    monkeypatch.setattr(memory, "_whole", lambda device: 100 * MB)
    assert memory.room(place, "cpu").bytes == 100 * MB
    with pytest.raises(InvalidInput, match="this machine has 100 MB in all"):
        memory.check("big", 200 * MB, place, "cpu")
