"""image-to-image by models that draw: what the prompt changes, what stays, and what is refused."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio.core.errors import InvalidInput
from studio.starter import kit
from studio.tasks import image_to_image, text_to_image
from studio.tasks.base import EXAMPLES
from studio.tasks.image_to_image import ImageToImageParams
from studio.tasks.loading import Loaded, WrongModel
from tests.contract.test_tasks import run
from tests.unit.tasks.test_media_pictures import encoded
from tests.unit.tasks.test_text_to_image import Leaver, pixels

SHOE = (EXAMPLES / "shoe.png").read_bytes()
FEW: dict[str, Any] = {"prompt": "a blue shoe", "num_inference_steps": 12, "guidance_scale": 3.0}


@pytest.fixture(scope="module")
def pipe() -> Loaded:
    return image_to_image.load(kit.entry("kit:tiny-sd").path, None, "cpu")


def change(pipe: Loaded, content: bytes = SHOE, **params: Any) -> bytes:
    return image_to_image.predict(pipe, [{"inputs": content}], ImageToImageParams(**{**FEW, **params}))[0]


def share_of_blue(picture: bytes) -> float:
    found = pixels(picture)
    coloured = found[(found.max(-1) - found.min(-1)) > 60]
    return float((coloured.argmax(-1) == 2).mean())


def outline(picture: bytes) -> Any:
    return pixels(picture).min(-1) < 200


def test_the_prompt_changes_the_picture_and_its_shape_stays(pipe: Loaded) -> None:
    found = change(pipe, strength=0.75)
    assert share_of_blue(SHOE) < 0.1 < 0.9 < share_of_blue(found)
    assert (outline(found) == outline(SHOE)).mean() > 0.9
    drawn = text_to_image.predict(
        text_to_image.load(kit.entry("kit:tiny-sd").path, None, "cpu"),
        [{"inputs": "a green heart"}],
        text_to_image.TextToImageParams(num_inference_steps=12, guidance_scale=3.0),
    )[0]
    assert (outline(drawn) == outline(SHOE)).mean() < (outline(found) == outline(SHOE)).mean()


def test_strength_says_how_far_it_goes_and_a_seed_goes_there_again(pipe: Loaded) -> None:
    far = [np.abs(pixels(change(pipe, strength=strength)) - pixels(SHOE)).mean() for strength in (0.2, 0.5, 0.9)]
    assert far == sorted(far)
    assert change(pipe, seed=1) == change(pipe, seed=1) != change(pipe, seed=2)
    assert change(pipe) == change(pipe, seed=0)
    assert change(pipe, negative_prompt="a blue shoe") != change(pipe)


@pytest.mark.parametrize(
    ("size", "made"), [((64, 64), (64, 64)), ((640, 320), (64, 32)), ((30, 90), (24, 64)), ((1, 1), (64, 64))]
)
def test_a_picture_of_any_size_is_drawn_as_large_as_the_model_draws(
    pipe: Loaded, size: tuple[int, int], made: tuple[int, int]
) -> None:
    found = Image.open(io.BytesIO(change(pipe, encoded(Image.new("RGB", size, "red")), num_inference_steps=4)))
    assert found.size == made


def test_the_result_has_the_size_that_was_asked_for(pipe: Loaded) -> None:
    found = change(pipe, num_inference_steps=4, target_size={"width": 100, "height": 50})
    assert Image.open(io.BytesIO(found)).size == (100, 50)


@pytest.mark.parametrize(
    ("params", "field", "hint"),
    [
        ({"prompt": None}, "prompt", "write it"),
        ({"prompt": "  "}, "prompt", "write it"),
        ({"strength": 0.05, "num_inference_steps": 10}, "strength", "at least 0.1"),
        ({"target_size": {"width": 9}}, "target_size.height", "both sides"),
    ],
)
def test_what_cannot_be_drawn_is_named(pipe: Loaded, params: dict[str, Any], field: str, hint: str) -> None:
    with pytest.raises(InvalidInput, match=hint) as caught:
        change(pipe, **params)
    assert caught.value.field == field


def test_a_picture_that_cannot_be_read_is_named(pipe: Loaded) -> None:
    with pytest.raises(InvalidInput, match="can be read"):
        change(pipe, b"no picture")


def test_the_rest_is_left_out_when_nobody_waits(pipe: Loaded) -> None:
    leaver = Leaver()
    image_to_image.alone(pipe, {"inputs": SHOE}, ImageToImageParams(**{**FEW, "num_inference_steps": 50}), leaver)
    assert leaver.asked == 2


def test_a_pipeline_without_such_a_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "SanaPipeline"}')
    with pytest.raises(WrongModel, match="choose another model"):
        image_to_image.load(tmp_path, None, "cpu")


def test_the_script_draws_the_same(pipe: Loaded, tmp_path: Path) -> None:
    params = ImageToImageParams.model_validate(
        FEW | {"strength": 0.5, "seed": 3, "target_size": {"width": 70, "height": 60}}
    )
    file = EXAMPLES / "scene-cat.png"
    run(image_to_image.snippet(str(kit.entry("kit:tiny-sd").path), {"inputs": str(file)}, params), tmp_path)
    ours = pixels(image_to_image.predict(pipe, [{"inputs": file.read_bytes()}], params)[0])
    assert np.abs(ours - pixels((tmp_path / "image.png").read_bytes())).max() <= 1
