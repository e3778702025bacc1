"""mask-generation and keypoint-matching: what is found by rule, checked on numbers made by hand."""

import io
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio.core.errors import InvalidInput
from studio.tasks import keypoint_matching, mask_generation
from studio.tasks.base import EXAMPLES
from studio.tasks.keypoint_matching import KeypointMatchingParams
from studio.tasks.mask_generation import MaskGenerationParams
from tests.contract.test_tasks import run, same
from tests.tiny import vision
from tests.unit.tasks.test_media_pictures import encoded

SCENE = EXAMPLES / "scene-cat.png"
EVERYTHING = {"points_per_crop": 4, "pred_iou_thresh": 0.0, "stability_score_thresh": 0.0}


@pytest.fixture(scope="module", params=["Sam", "SamHQ"])
def sam(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp(str(request.param))
    vision.save_sam(folder, str(request.param))
    return folder, mask_generation.load(folder, None, "cpu")


def masks(pipe: Any, content: bytes, **params: Any) -> list[dict[str, Any]]:
    return mask_generation.predict(pipe, [{"inputs": content}], MaskGenerationParams(**params))[0]


def test_each_point_has_its_mask(sam: tuple[Path, Any]) -> None:
    content = encoded(Image.open(SCENE).resize((90, 60)))
    found = masks(sam[1], content, points=["5, 50", [80, 10.5], "0, 0"])
    assert [one["label"] for one in found] == ["mask 1", "mask 2", "mask 3"]
    assert all(Image.open(io.BytesIO(one["mask"])).size == (90, 60) for one in found)
    again = masks(sam[1], content, points=["80, 10.5"], points_per_batch=1)
    assert same(again[0]["score"], found[1]["score"])
    assert again[0]["mask"] == found[1]["mask"]


@pytest.mark.parametrize("point", ["", "5", "1, 2, 3", "a, b", "nan, 3", "-1, 5", "128, 5", "5, 128"])
def test_a_point_that_lies_nowhere_is_named(sam: tuple[Path, Any], point: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        masks(sam[1], SCENE.read_bytes(), points=[point])
    assert caught.value.field == "points"
    assert caught.value.value == point


def test_the_grid_keeps_what_it_is_told_to(sam: tuple[Path, Any]) -> None:
    content = SCENE.read_bytes()
    found = masks(sam[1], content, **EVERYTHING, crops_nms_thresh=1.0)
    scores = [one["score"] for one in found]
    assert scores == sorted(scores, reverse=True)
    assert len(found) > len(masks(sam[1], content, **EVERYTHING, crops_nms_thresh=0.3)) > 0
    assert len(masks(sam[1], content, **{**EVERYTHING, "pred_iou_thresh": scores[2]}, crops_nms_thresh=1.0)) == 2
    assert masks(sam[1], content, points_per_crop=4) == []  # its weights are random: it is sure of nothing


def test_the_grids_snippet_prints_the_same(sam: tuple[Path, Any], tmp_path: Path) -> None:
    folder, pipe = sam
    params = MaskGenerationParams(**EVERYTHING)
    code = mask_generation.snippet(str(folder), {"inputs": str(SCENE)}, params)
    found = masks(pipe, SCENE.read_bytes(), **EVERYTHING)
    assert same(run(code, tmp_path), [{name: one[name] for name in ("label", "score")} for one in found])
    for number, one in enumerate(found, 1):
        written = np.asarray(Image.open(tmp_path / f"mask-{number}.png"))
        assert (written == np.asarray(Image.open(io.BytesIO(one["mask"])))).all()


def test_the_grid_lies_in_the_middles_of_its_cells() -> None:
    points = mask_generation.points_of(MaskGenerationParams(points_per_crop=2), 100, 40)
    assert points == [[25, 10], [75, 10], [25, 30], [75, 30]]


def test_boxes_lie_around_their_masks() -> None:
    import torch

    mask = torch.zeros(2, 6, 8, dtype=torch.bool)
    mask[0, 2:4, 3:7] = True
    mask[1, 5, 0] = True
    assert mask_generation.boxes_of(mask).tolist() == [[3, 2, 7, 4], [0, 5, 1, 6]]


def test_of_boxes_that_overlap_the_best_stays() -> None:
    import torch

    boxes = torch.tensor([[0, 0, 10, 10], [0, 0, 10, 9], [5, 5, 15, 15], [0, 0, 10, 10]])
    scores = torch.tensor([0.8, 0.9, 0.7, 0.8])
    assert mask_generation.apart(boxes, scores, MaskGenerationParams()) == [1, 2]
    assert mask_generation.apart(boxes, scores, MaskGenerationParams(crops_nms_thresh=0.95)) == [1, 0, 2]


def test_too_many_points_are_refused() -> None:
    with pytest.raises(ValueError, match="points"):
        MaskGenerationParams(points=["1, 1"] * 101)


@pytest.fixture(scope="module")
def matcher(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("matcher")
    vision.save_matcher(folder)
    return keypoint_matching.load(folder, None, "cpu")


def test_places_that_belong_together_stand_together(matcher: Any) -> None:
    import torch

    model, _ = matcher.pipe
    scores = torch.zeros(1, 2, 2, 2, 2)
    for first, second, score in ((0, 3, 0.9), (1, 0, 0.8), (2, 1, 0.7)):
        scores.view(1, 4, 4)[0, first, second] = score
    places, found = model._get_matches_from_scores(scores)
    assert places[0].T.tolist() == [[0, 3], [1, 0], [2, 1], [-1, -1]]
    assert found[0, 0].tolist() == pytest.approx([0.9, 0.8, 0.7, 0.0])
    assert found[0, 0].tolist() == found[0, 1].tolist()


def test_a_picture_matches_itself_and_sizes_are_those_of_each_picture(matcher: Any) -> None:
    scene = Image.open(SCENE)
    wide, tall = encoded(scene.resize((200, 50))), encoded(scene.resize((60, 300)))
    params = KeypointMatchingParams()
    pairs = keypoint_matching.predict(matcher, [{"image_0": wide, "image_1": tall}], params)[0]
    assert pairs
    margin = 16  # pixels of 64 by which a random model's fine step may leave the picture
    for pair in pairs:
        one, other = pair["keypoint_image_0"], pair["keypoint_image_1"]
        assert -200 * margin / 64 <= one["x"] <= 200 + 200 * margin / 64
        assert -50 * margin / 64 <= one["y"] <= 50 + 50 * margin / 64
        assert -300 * margin / 64 <= other["y"] <= 300 + 300 * margin / 64
    scores = [pair["score"] for pair in pairs]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("slot", ["image_0", "image_1"])
def test_the_picture_that_is_none_is_named(matcher: Any, slot: str) -> None:
    inputs = {"image_0": SCENE.read_bytes(), "image_1": SCENE.read_bytes(), slot: b"no picture"}
    ask = partial(keypoint_matching.predict, matcher, [inputs], KeypointMatchingParams())
    with pytest.raises(InvalidInput) as caught:
        ask()
    assert caught.value.field == slot
