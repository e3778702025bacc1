"""text-to-image: what the kit's model draws, seeds, sizes, schedulers, and who leaves early."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio.core.errors import InvalidInput
from studio.starter import kit
from studio.tasks import text_to_image
from studio.tasks.loading import Loaded, WrongModel
from studio.tasks.text_to_image import TextToImageParams
from tests.unit.inference import tiny

FEW = {"num_inference_steps": 4, "guidance_scale": 3.0}


@pytest.fixture(scope="module")
def pipe() -> Loaded:
    return text_to_image.load(kit.entry("kit:tiny-sd").path, None, "cpu")


def draw(pipe: Loaded, text: str = "a red shoe", **params: Any) -> bytes:
    return text_to_image.predict(pipe, [{"inputs": text}], TextToImageParams(**{**FEW, **params}))[0]


def pixels(picture: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(picture)), np.int16)


def test_it_draws_what_was_asked_for(pipe: Loaded) -> None:
    found = pixels(draw(pipe, num_inference_steps=15))
    assert found.shape == (64, 64, 3)
    coloured = found[(found.max(-1) - found.min(-1)) > 60]
    assert len(coloured) > 100
    assert (coloured.argmax(-1) == 0).mean() > 0.9  # red


def test_a_seed_draws_its_own_picture_again(pipe: Loaded) -> None:
    first = draw(pipe, seed=1)
    assert draw(pipe, seed=1) == first
    assert draw(pipe, seed=2) != first
    assert draw(pipe) == draw(pipe, seed=0)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers', with numpy 2
def test_size_scheduler_and_negative_prompt_are_heeded(pipe: Loaded) -> None:
    own = type(pipe.pipe.scheduler)
    assert pixels(draw(pipe, width=96, height=32)).shape == (32, 96, 3)
    assert draw(pipe, scheduler="EulerDiscreteScheduler") != draw(pipe)
    assert draw(pipe, negative_prompt="a red shoe") != draw(pipe)
    assert type(pipe.pipe.scheduler) is own  # the next one gets the model's own again


@pytest.mark.parametrize(
    ("params", "field", "hint"),
    [
        ({"scheduler": "BestScheduler"}, "scheduler", "DDIMScheduler, "),
        ({"width": 60}, "width", "multiple of 8"),
        ({"height": 100}, "height", "multiple of 8"),
        ({"num_inference_steps": 1000, "scheduler": "DPMSolverSDEScheduler"}, "scheduler", "torchsde"),
    ],
)
def test_what_the_model_does_not_have_is_named(pipe: Loaded, params: dict[str, Any], field: str, hint: str) -> None:
    with pytest.raises(InvalidInput, match=hint) as caught:
        draw(pipe, **params)
    assert caught.value.field == field


def test_the_rest_is_left_out_when_nobody_waits(pipe: Loaded) -> None:
    leaver = Leaver()
    text_to_image.alone(pipe, {"inputs": "a red shoe"}, TextToImageParams(num_inference_steps=50), leaver)
    assert leaver.asked == 2  # of fifty steps two were taken


@dataclass
class Leaver:
    """Goes after the first step; counts how often it was asked."""

    asked: int = 0

    def part(self, text: str) -> None:
        raise AssertionError("a picture has no parts")

    @property
    def gone(self) -> bool:
        self.asked += 1
        return self.asked > 1


def test_a_model_of_texts_is_refused(tmp_path: Path) -> None:
    tiny.save_classifier(tmp_path)
    with pytest.raises(WrongModel, match="no pipeline of diffusers"):
        text_to_image.load(tmp_path, None, "cpu")
