"""Folders of diffusers: what is taken, and what is refused because it would run code or unpickle."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import InvalidInput
from studio.core.settings import Settings
from studio.inference import folders
from studio.inference.models import check_task, resolve_model
from studio.jobs.artifacts import stage
from studio.starter import kit
from tests.unit.inference.tiny import OWNER, add_artifact


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "pipeline"
    shutil.copytree(kit.entry("kit:tiny-sd").path, copy)
    return copy


def change(folder: Path, **parts: Any) -> None:
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    (folder / "model_index.json").write_text(json.dumps(index | parts), encoding="utf-8")


def test_a_pipeline_of_safetensors_is_taken(folder: Path) -> None:
    assert folders.check_pipeline("a/b", folder) == "StableDiffusionPipeline"


@pytest.mark.parametrize(
    "parts",
    [
        {"_class_name": ["my_pipeline", "MyPipeline"]},
        {"unet": ["my_unet", "MyUNet"]},
        {"unet": ["os", "system"]},
        {"unet": ["diffusers", "UNet2DConditionModel", "more"]},
        {"../unet": ["diffusers", "UNet2DConditionModel"]},
    ],
)
def test_code_of_the_repository_is_refused(folder: Path, parts: dict[str, Any]) -> None:
    change(folder, **parts)
    with pytest.raises(InvalidInput, match="code from its repository"):
        folders.check_pipeline("a/b", folder)


@pytest.mark.parametrize("file", ["text_encoder/config.json", "tokenizer/tokenizer_config.json"])
def test_code_of_a_part_is_refused(folder: Path, file: str) -> None:
    found = json.loads((folder / file).read_text(encoding="utf-8"))
    found |= {"auto_map": {"AutoModel": "evil.Model"}, "model_type": "evil"}
    (folder / file).write_text(json.dumps(found), encoding="utf-8")
    with pytest.raises(InvalidInput, match="code from its repository"):
        folders.check_pipeline("a/b", folder)


def test_a_part_with_pickles_only_or_without_weights_is_refused(folder: Path) -> None:
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(InvalidInput, match="only pickle weights"):
        folders.check_pipeline("a/b", folder)
    weights.with_suffix(".bin").unlink()
    with pytest.raises(InvalidInput, match="part unet has no safetensors"):
        folders.check_pipeline("a/b", folder)


def test_weights_are_counted_once(folder: Path) -> None:
    before = folders.parameters(folder)
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    shutil.copy(weights, folder / "unet" / "diffusion_pytorch_model.fp16.safetensors")
    shutil.copy(weights, folder / "whole.safetensors")
    assert folders.parameters(folder) == before > 3_000_000
    weights.unlink()
    with pytest.raises(InvalidInput, match="part unet has no safetensors"):
        folders.check_pipeline("a/b", folder)


def test_a_part_in_pieces_has_to_be_whole(folder: Path) -> None:
    index = folder / "unet" / "diffusion_pytorch_model.safetensors.index.json"
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(folder / "unet" / "one.safetensors")
    index.write_text('{"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}', encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"missing: two\.safetensors"):
        folders.check_pipeline("a/b", folder)


def test_an_artifact_of_diffusers_draws_and_nothing_else(tmp_path: Path, folder: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    settings.artifacts_dir.mkdir(parents=True)
    staged = stage(settings.artifacts_dir)
    shutil.copytree(folder, staged, dirs_exist_ok=True)
    model = resolve_model(add_artifact(settings, staged, "drawer", task=""), settings, OWNER)
    assert model.architectures == ("StableDiffusionPipeline",)
    check_task(model, "text-to-image")
    with pytest.raises(InvalidInput, match="text-to-image"):
        check_task(model, "text-classification")
