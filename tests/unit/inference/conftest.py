"""Shared by the inference tests: models on disk, a warm worker, and a plug-in task that blocks, fails and dies."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.core.settings import Settings
from studio.inference.client import Inference
from tests.unit.inference import tiny

PLUGIN = """
import time
from pathlib import Path
from pydantic import BaseModel
from studio.core.errors import InvalidInput
from studio.core.types import Modality, Slot
from studio.tasks.base import Task

class Params(BaseModel):
    colour: str = "red"

class Pipe:
    bytes = 1

def predict(pipe, batch, params):
    outputs = []
    for inputs in batch:
        text = inputs["inputs"]
        if text.startswith("block:"):
            folder = Path(text.removeprefix("block:"))
            (folder / "started").touch()
            while not (folder / "release").exists():
                time.sleep(0.01)
        elif text.startswith("write:"):
            Path(text.removeprefix("write:")).touch()
        elif text == "crash":
            raise RuntimeError("secret detail")
        elif text == "refuse":
            raise InvalidInput("inputs", text, "Anything else is right.")
        elif text == "nan":
            outputs.append(float("nan"))
            continue
        print("noise on stdout")
        outputs.append(f"{text} {params.colour}")
    return outputs

slot = Slot("inputs", Modality.TEXT, "Text")
TASK = Task("probe", "Probe", "", (slot,), slot, Params, (), (), lambda *a: Pipe(), predict, lambda *a, **k: "")
"""


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with whole classifiers, adapters (the head of "headless" is in no file), and their bare encoders."""
    settings = Settings.model_validate({"home": tmp_path_factory.mktemp("home")})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # saving is not what is tested
        tiny.classifier(settings)
        tiny.classifier(settings, "other", seed=5)
        tiny.adapter(settings)
        tiny.adapter(settings, "headless", with_head=False)
    return settings


@pytest.fixture(scope="session")
def inference(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inference]:
    """A worker that knows the plug-in task "probe", found through a real entry point."""
    site = tmp_path_factory.mktemp("site")
    install_plugin(site)
    before = {name: os.environ.get(name) for name in ("PYTHONPATH", "OMP_NUM_THREADS", "OMP_WAIT_POLICY")}
    os.environ.pop("OMP_WAIT_POLICY", None)  # what the worker gets by itself
    os.environ |= {"PYTHONPATH": str(site), "OMP_NUM_THREADS": "1", "HF_TOKEN": "hf_of_nobody"}
    client = Inference(settings)
    client.warm()
    yield client
    client.close()
    del os.environ["HF_TOKEN"]
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def install_plugin(site: Path, name: str = "probe", source: str = PLUGIN, kind: str = "task") -> None:
    """What pip would leave of a package with one task, or another kind of entry."""
    (site / f"{name}_{kind}.py").write_text(source)
    info = site / f"{name}_{kind}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-{kind}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[studio.{kind}s]\n{name} = {name}_{kind}:{kind.upper()}\n")
