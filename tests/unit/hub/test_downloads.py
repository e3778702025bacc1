"""What of a pipeline of diffusers is brought here: the weights that are loaded, and no other form of them."""

from pathlib import Path

import pytest

from studio.core.errors import HubUnreachable
from studio.core.settings import Settings
from studio.hub import downloads, models
from studio.starter import kit
from studio.tasks import text_to_image
from tests.hubserver.server import HubServer

REPO = "alice/drawer"
OTHERS = (  # as the repositories of Stable Diffusion have them
    "v1-5-pruned.safetensors",
    "v1-5-pruned-emaonly.ckpt",
    "unet/diffusion_pytorch_model.fp16.safetensors",
    "unet/diffusion_pytorch_model.non_ema.safetensors",
    "unet/diffusion_pytorch_model.fp16-00001-of-00002.safetensors",
    "unet/diffusion_pytorch_model.safetensors.index.fp16.json",
    "unet/diffusion_pytorch_model.bin",
    "unet/diffusion_flax_model.msgpack",
    "unet/model.onnx",
    "vae/openvino/model.safetensors",
    "text_encoder/model.fp16.safetensors",
)


@pytest.fixture
def own() -> dict[str, bytes]:
    folder = kit.entry("kit:tiny-sd").path
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    return {name: file.read_bytes() for name, file in files.items() if "/" in name or name == downloads.PIPELINE}


def names(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def test_only_the_weights_that_are_loaded_come(server: HubServer, settings: Settings, own: dict[str, bytes]) -> None:
    server.add_repo(REPO, own | dict.fromkeys(OTHERS, b"0" * 1_000_000))
    small = settings.model_copy(update={"max_model_mb": sum(map(len, own.values())) // 10**6 + 1})
    found = models.look_up(REPO, "", small)
    assert (found.bytes, {file.path for file in found.wanted}) == (sum(map(len, own.values())), set(own))
    snapshot = downloads.download_model(REPO, settings=small)
    assert names(snapshot.path) == set(own)
    for part in OTHERS:
        assert server.count("GET", f"/resolve/.*/{part}") == 0
    offline = downloads.download_model(REPO, settings=settings.model_copy(update={"offline": True}))
    assert offline.path == snapshot.path
    drawer = text_to_image.load(snapshot.path, None, "cpu")
    assert drawer.bytes > 0


def test_an_earlier_download_that_is_incomplete_serves_nobody(
    server: HubServer, settings: Settings, own: dict[str, bytes]
) -> None:
    server.add_repo(REPO, own | dict.fromkeys(OTHERS, b"0"))
    snapshot = downloads.download_model(REPO, settings=settings)
    next(snapshot.path.glob("unet/*.safetensors")).unlink()
    with pytest.raises(HubUnreachable, match="not on this machine"):
        downloads.download_model(REPO, settings=settings.model_copy(update={"offline": True}))


def test_shards_and_their_index_come_whole() -> None:
    index = "transformer/diffusion_pytorch_model.safetensors.index.json"
    shards = [f"transformer/diffusion_pytorch_model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    assert downloads.model_files(["model_index.json", index, *shards]) == ["model_index.json", index, *shards]


def test_other_models_keep_all_of_their_safetensors() -> None:
    files = ["config.json", "model.safetensors", "1_Pooling/config.json", "base/model.safetensors", "tokenizer.json"]
    assert downloads.model_files([*files, "pytorch_model.bin", "code.py"]) == files
