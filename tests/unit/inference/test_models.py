"""References to files: what is found, and what is refused with a reason."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from studio.core.errors import HubUnreachable, InvalidInput, NotFound, StudioError, UnknownName
from studio.core.settings import ROOT, Settings
from studio.hub import downloads
from studio.hub import models as hub_models
from studio.hub.downloads import HubSnapshot, RemoteFile
from studio.hub.models import RemoteModel
from studio.inference import folders, menus, models
from studio.jobs import artifacts
from studio.starter import kit
from studio.tasks.text_classification import TextClassificationParams

TASK = "text-classification"


@pytest.fixture
def home(settings: Settings, tmp_path: Path) -> Settings:
    """A copy of the shared home that a test may damage."""
    shutil.copytree(settings.artifacts_dir, tmp_path / "artifacts")
    return settings.model_copy(update={"home": tmp_path})


@pytest.fixture
def whole(home: Settings) -> Path:
    return home.artifacts_dir / "whole"


def rewrite(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_whole_model_and_an_adapter_are_found(home: Settings) -> None:
    found = models.resolve_model(" artifact:whole ", home, "local")
    assert (found.ref, found.base, models.tasks_of(found)) == ("artifact:whole", None, (TASK,))
    assert found.bytes == sum(file.stat().st_size for file in found.path.iterdir())
    adapted = models.resolve_model("artifact:adapted", home, "local")
    assert adapted.base == home.artifacts_dir / "adapted-base"
    assert (adapted.base_ref, adapted.license, adapted.tasks) == ("artifact:adapted-base", "mit", (TASK,))
    assert adapted.architectures == ("BertModel",)


def test_an_adapter_that_names_no_task_has_its_manifests(home: Settings) -> None:
    rewrite(home.artifacts_dir / "adapted" / "adapter_config.json", task_type=None)
    assert models.resolve_model("artifact:adapted", home, "local").tasks == (TASK,)


def test_memory_is_what_the_weights_take(home: Settings) -> None:
    import torch
    from safetensors.torch import load_file

    found = models.resolve_model("artifact:adapted", home, "local")
    assert found.base is not None
    weights = load_file(found.base / "model.safetensors") | load_file(found.path / folders.ADAPTER_WEIGHTS)
    count = sum(tensor.numel() for tensor in weights.values())
    assert models.memory_bytes(found, "cpu") == count * torch.float32.itemsize


@pytest.mark.parametrize("owner", ["hf:somebody", "session:x", ""])
def test_what_is_somebody_elses_is_not_there(home: Settings, owner: str) -> None:
    with pytest.raises(NotFound) as theirs:
        models.resolve_model("artifact:whole", home, owner)
    with pytest.raises(NotFound) as nobodys:
        models.resolve_model("artifact:nothing", home, owner)
    assert str(theirs.value).replace("whole", "nothing") == str(nobodys.value)
    assert not [info for info in menus.available(TASK, home, owner) if info.source == "artifact"]


@pytest.mark.parametrize(
    "ref", ["", "whole", "kit", "a/b/c", "../x", "./x/y", "/etc/passwd", "https://x/y", "a b/c", "-a/b", "a/b\n/c"]
)
def test_what_is_no_reference_is_told_the_forms(home: Settings, ref: str) -> None:
    with pytest.raises(InvalidInput, match='"kit:ID", "artifact:ID" or a Hub id'):
        models.resolve_model(ref, home, "local")


@pytest.mark.parametrize("ref", ["artifact:../artifacts/whole", "artifact:", "artifact:.", "artifact:/etc"])
def test_artifact_ids_are_no_paths(home: Settings, ref: str) -> None:
    with pytest.raises(NotFound):
        models.resolve_model(ref, home, "local")


def test_pickles_are_refused(home: Settings, whole: Path) -> None:
    (whole / "model.safetensors").rename(whole / "pytorch_model.bin")
    with pytest.raises(InvalidInput, match=r"only pickle weights \(pytorch_model.bin\); only safetensors"):
        models.resolve_model("artifact:whole", home, "local")
    (whole / "pytorch_model.bin").unlink()
    with pytest.raises(InvalidInput, match=r"no model\.safetensors"):
        models.resolve_model("artifact:whole", home, "local")
    adapted = home.artifacts_dir / "adapted"
    (adapted / "adapter_model.safetensors").rename(adapted / "adapter_model.bin")
    with pytest.raises(InvalidInput, match="only pickle weights"):
        models.resolve_model("artifact:adapted", home, "local")


def test_incomplete_shards_are_named(home: Settings, whole: Path) -> None:
    index = whole / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}))
    (whole / "model.safetensors").rename(whole / "one.safetensors")
    with pytest.raises(InvalidInput, match=r"incomplete; missing: two\.safetensors"):
        models.resolve_model("artifact:whole", home, "local")
    index.write_text(json.dumps({"weight_map": {"a": "../adapted/adapter_model.safetensors"}}))
    with pytest.raises(InvalidInput, match="incomplete"):
        models.resolve_model("artifact:whole", home, "local")


def test_damaged_headers_are_refused(home: Settings, whole: Path) -> None:
    found = models.resolve_model("artifact:whole", home, "local")
    for content in (b"", b"\xff" * 100, b"\x02" + b"\0" * 7 + b"[]", b"\x02" + b"\0" * 7 + b"{"):
        (whole / "model.safetensors").write_bytes(content)
        with pytest.raises(InvalidInput, match="damaged"):
            models.memory_bytes(found, "cpu")


def test_code_from_repositories_is_refused_unless_not_needed(home: Settings, whole: Path) -> None:
    auto_map = {"AutoModelForSequenceClassification": "modeling_evil.Evil"}
    rewrite(whole / "config.json", auto_map=auto_map, model_type="evil-bert")
    for model_type in ("evil-bert", "../bert", ""):
        rewrite(whole / "config.json", model_type=model_type)
        with pytest.raises(InvalidInput, match="needs code from its repository"):
            models.resolve_model("artifact:whole", home, "local")
    rewrite(whole / "config.json", model_type="bert")
    assert models.resolve_model("artifact:whole", home, "local").tasks == (TASK,)


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 100_000, "\udcff"])
def test_unreadable_configurations_are_refused(home: Settings, whole: Path, content: str) -> None:
    (whole / "config.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(InvalidInput, match=r"config\.json cannot be read"):
        models.resolve_model("artifact:whole", home, "local")
    (whole / "config.json").unlink()
    with pytest.raises(InvalidInput, match=r"no config\.json"):
        models.resolve_model("artifact:whole", home, "local")


@pytest.mark.parametrize(
    ("architectures", "words"),
    [
        (["ViTForImageClassification"], "made for image-classification, not for text-classification. Choose a model"),
        (["BertModel"], "BertModel has no head for text-classification"),
    ],
)
def test_other_heads_are_refused_for_the_task(
    home: Settings, whole: Path, architectures: list[str], words: str
) -> None:
    rewrite(whole / "config.json", architectures=architectures)
    rewrite(whole / "manifest.json", task="")
    found = models.resolve_model("artifact:whole", home, "local")
    with pytest.raises(InvalidInput, match=words):
        models.check_task(found, TASK)
    models.check_task(replace(found, architectures=("RobertaForSequenceClassification",)), TASK)
    models.check_task(replace(found, architectures=()), TASK)  # not known: loading will tell


@pytest.mark.parametrize("base", ["/etc", "../adapted-base", "artifact:adapted", "artifact:gone", ""])
def test_bases_that_may_not_or_cannot_be_followed(home: Settings, base: str) -> None:
    folder = home.artifacts_dir / "adapted"
    artifact = artifacts.load(home.artifacts_dir, "adapted")
    artifacts.write_manifest(folder, artifact.manifest.model_copy(update={"base_model": None}))
    rewrite(folder / "adapter_config.json", base_model_name_or_path=base)
    if base == "artifact:adapted":
        shutil.copytree(folder, home.artifacts_dir / "chain")
        rewrite(home.artifacts_dir / "chain" / "manifest.json", id="chain")
        rewrite(folder / "adapter_config.json", base_model_name_or_path="artifact:adapted-base")
        with pytest.raises(InvalidInput, match="is an adapter itself"):
            models.resolve_model("artifact:chain", home, "local")
        return
    with pytest.raises(StudioError, match=r"kit or Hub id|no artifact 'gone'"):
        models.resolve_model("artifact:adapted", home, "local")


def test_a_base_inside_the_folder_goes_first(home: Settings) -> None:
    (home.artifacts_dir / "adapted-base").rename(home.artifacts_dir / "adapted" / "base")
    found = models.resolve_model("artifact:adapted", home, "local")
    assert found.base == home.artifacts_dir / "adapted" / "base"
    assert found.bytes == folders.measure(found.path)[0]


def test_artifacts_that_are_no_models_are_refused(home: Settings, whole: Path) -> None:
    rewrite(whole / "manifest.json", kind="predictions")
    with pytest.raises(InvalidInput, match="of kind 'predictions'"):
        models.resolve_model("artifact:whole", home, "local")


def test_unknown_kit_ids_list_the_known(home: Settings) -> None:
    with pytest.raises(UnknownName, match="kit:topic-classifier"):
        models.resolve_model("kit:bogus", home, "local")
    with pytest.raises(InvalidInput, match=r"It is a data set\. Models of the kit: kit:"):
        models.resolve_model(kit.entries(kind="dataset")[0].id, home, "local")


def test_menus_offer_what_answers_and_what_can_be_trained(home: Settings) -> None:
    offered = menus.available(TASK, home, "local")
    assert offered[0].source == "kit"
    assert [info.ref for info in offered if info.source == "artifact"] == [
        "artifact:headless",
        "artifact:adapted",
        "artifact:other",
        "artifact:whole",
    ]
    assert offered[-3].note == "adapter for artifact:adapted-base"
    bases = [info.ref for info in menus.available(TASK, home, "local", use="train")]
    assert "artifact:adapted-base" in bases
    assert "artifact:adapted" not in bases
    shutil.rmtree(home.artifacts_dir / "adapted-base")
    assert "artifact:adapted" not in [info.ref for info in menus.available(TASK, home, "local")]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, whole: Path) -> Callable[[list[str] | None], list[str]]:
    """A Hub layer that gives the folder of "whole" for every id; returns the ids that were downloaded."""

    def serve(names: list[str] | None) -> list[str]:
        asked: list[str] = []

        def look_up(repo_id: str, revision: str, settings: Settings) -> RemoteModel:
            if names is None:
                raise HubUnreachable
            return RemoteModel(repo_id, files=tuple(RemoteFile(name, 1) for name in names))

        def download(repo_id: str, revision: str, settings: Settings) -> HubSnapshot:
            asked.append(f"{repo_id}@{revision}")
            return HubSnapshot(whole, "c0ffee", "apache-2.0")

        monkeypatch.setattr(hub_models, "look_up", look_up)
        monkeypatch.setattr(downloads, "download_model", download)
        return asked

    return serve


def test_hub_ids_are_downloaded_once(home: Settings, hub: Callable[[list[str] | None], list[str]]) -> None:
    asked = hub(["config.json", "model.safetensors"])
    for _ in range(3):
        found = models.resolve_model("somebody/model@v1", home, "local")
    assert (found.revision, found.license, found.path.name) == ("c0ffee", "apache-2.0", "whole")
    assert asked == ["somebody/model@v1"]


def test_hub_pickles_are_refused_before_the_download(
    home: Settings, hub: Callable[[list[str] | None], list[str]]
) -> None:
    asked = hub(["config.json", "pytorch_model.bin"])
    with pytest.raises(InvalidInput, match="only pickle weights"):
        models.resolve_model("somebody/pickles", home, "local")
    assert asked == []


def test_without_a_hub_the_earlier_download_is_taken(
    home: Settings, hub: Callable[[list[str] | None], list[str]]
) -> None:
    hub(None)
    assert models.resolve_model("somebody/cached", home, "local").revision == "c0ffee"


def test_snippets_name_models_as_they_are_found_outside(home: Settings) -> None:
    params, inputs = TextClassificationParams(), {"inputs": 'say "hi"'}
    adapted = models.resolve_model("artifact:adapted", home, "local")
    code = models.snippet(adapted, TASK, inputs, params)
    assert str(adapted.path) in code
    assert str(adapted.base) in code
    on_hub = models.ModelFiles("owner/name", home.home)
    assert 'model="owner/name"' in models.snippet(on_hub, TASK, inputs, params)
    in_kit = models.ModelFiles("kit:thing", ROOT / "assets" / "kit" / "thing")
    assert 'model="assets/kit/thing"' in models.snippet(in_kit, TASK, inputs, params)
