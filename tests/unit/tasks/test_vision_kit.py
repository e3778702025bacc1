"""The kit's models of pictures and videos, by way of their tasks: what they see on the examples."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio.core.settings import ROOT, Settings
from studio.inference import models
from studio.starter import kit
from studio.starter.build import tables
from studio.starter.build.vision import matcher, video
from studio.tasks import TASKS
from studio.tasks.base import EXAMPLES, with_media
from tests.contract.test_tasks import run, same


def entry_of(name: str) -> kit.KitEntry:
    return kit.entry(f"kit:{name}")


def ask(task: str, name: str, file: str, **params: Any) -> Any:
    entry = entry_of(name)
    inputs = with_media(TASKS[task], {"inputs": file})
    pipe = TASKS[task].load(entry.path, None, "cpu")
    return TASKS[task].predict(pipe, [inputs], TASKS[task].params(**params))[0]


def mask_of(one: dict[str, Any]) -> Any:
    return np.asarray(Image.open(io.BytesIO(one["mask"]))) > 0


def overlap(box: dict[str, int], left: float, top: float, width: float, height: float) -> float:
    """Intersection over union."""
    x = min(box["xmax"], left + width) - max(box["xmin"], left)
    y = min(box["ymax"], top + height) - max(box["ymin"], top)
    shared = max(0.0, x) * max(0.0, y)
    return shared / ((box["xmax"] - box["xmin"]) * (box["ymax"] - box["ymin"]) + width * height - shared)


@pytest.mark.parametrize(("file", "row"), [("scene-cat.png", 43), ("scene-car.png", 42), ("scene-fruit.png", 6)])
def test_the_segmenters_masks_cover_the_things(file: str, row: int) -> None:
    data = tables.read_split(entry_of("emoji-scenes").path, "test")
    truth = np.asarray(Image.open(io.BytesIO(data["mask"][row]["bytes"])))
    labels = entry_of("segmenter").labels
    found = {one["label"]: mask_of(one) for one in ask("image-segmentation", "segmenter", file)}
    for category in data["objects"][row]["category"]:
        there = truth == labels.index(category)
        assert (found[category] & there).sum() / (found[category] | there).sum() > 0.4, category


def test_the_model_of_persons_finds_the_man() -> None:
    (person,) = ask("image-segmentation", "selfie-segmentation", "camera.jpg")
    mask = mask_of(person)
    assert person["label"] == "person"
    assert person["score"] > 0.9
    assert mask[120, 70]  # his chest
    assert not mask[20, 200]  # the sky
    assert not ask("image-segmentation", "selfie-segmentation", "camera.jpg", threshold=0.999)
    assert (
        mask_of(ask("image-segmentation", "selfie-segmentation", "camera.jpg", mask_threshold=0.9)[0]).sum()
        < mask.sum()
    )


@pytest.mark.parametrize(
    ("file", "right", "others"),
    [
        ("cat.jpg", "a pet", ["a wild animal", "a hot drink", "a ship"]),
        ("coffee.jpg", "a hot drink", ["fruit", "a pet", "clothes"]),
        ("cheetah.jpg", "a wild animal", ["a plate of food", "a space launch", "clothes"]),
    ],
)
def test_conse_chooses_the_right_label(file: str, right: str, others: list[str]) -> None:
    found = ask("zero-shot-image-classification", "conse", file, candidate_labels=[*others, right])
    assert found[0]["label"] == right
    assert sum(one["score"] for one in found) == pytest.approx(1)


def test_conse_takes_a_sentence_of_ones_own() -> None:
    labels = ["a pet", "a ship"]
    found = ask("zero-shot-image-classification", "conse", "cat.jpg", candidate_labels=labels)
    other = ask(
        "zero-shot-image-classification",
        "conse",
        "cat.jpg",
        candidate_labels=labels,
        hypothesis_template="it is {}, I think",
    )
    assert not same(found, other)


def test_features_of_like_pictures_are_near() -> None:
    vectors = {}
    for file in ("cat.jpg", "cheetah.jpg", "coffee.jpg"):
        vector = np.array(ask("image-feature-extraction", "efficientnet-lite0", file))
        assert vector.shape == (1280,)
        vectors[file] = vector / np.linalg.norm(vector)
    assert vectors["cat.jpg"] @ vectors["cheetah.jpg"] > vectors["cat.jpg"] @ vectors["coffee.jpg"]


def test_the_detector_finds_the_things() -> None:
    objects = tables.read_split(entry_of("emoji-scenes").path, "test")["objects"][42]
    found = ask("object-detection", "detector", "scene-car.png")
    for category, box in zip(objects["category"], objects["bbox"], strict=True):
        assert any(one["label"] == category and overlap(one["box"], *box) > 0.5 for one in found), category


def test_depths_of_a_room_grow_towards_its_end() -> None:
    found = ask("depth-estimation", "depth", "room.png")
    depth, shown = np.array(found["predicted_depth"]), np.asarray(Image.open(io.BytesIO(found["depth"])))
    floor, end = depth[-4:, 40:56].mean(), depth[40:48, 44:52].mean()
    assert 1 < floor < end < 12  # metres
    assert shown[-4:, 40:56].mean() > shown[40:48, 44:52].mean()  # bright is near


@pytest.mark.parametrize(("file", "motion"), [("moves-left.mp4", 0), ("grows.mp4", 4)])
def test_motions_are_told(file: str, motion: int) -> None:
    assert ask("video-classification", "video", file)[0]["label"] == video.MOTIONS[motion]


def test_what_is_pointed_at_is_masked() -> None:
    found = ask("mask-generation", "pointer", "scene-fruit.png", points=["82, 35"])
    mask = mask_of(found[0])
    assert mask[35, 82]  # the fruit
    assert not mask[60, 37]  # the face
    assert not mask[120, 5]  # the ground


def test_places_are_found_again_in_another_view(tmp_path: Path) -> None:
    task = TASKS["keypoint-matching"]
    entry = entry_of("matcher")
    pipe = task.load(entry.path, None, "cpu")
    pair = matcher.photo_pairs(5, matcher.TURNED, entry_of("efficientnet-lite0").path)[-1]
    files = {"image_0": tmp_path / "one.png", "image_1": tmp_path / "other.png"}
    for pixels, file in zip((pair.one, pair.other), files.values(), strict=True):
        Image.fromarray(pixels).save(file)
    found = task.predict(pipe, [{name: file.read_bytes() for name, file in files.items()}], task.params())[0]
    places = np.array([[one["keypoint_image_0"][axis] for axis in "xy"] for one in found])
    seen = np.array([[one["keypoint_image_1"][axis] for axis in "xy"] for one in found])
    assert len(found) > 50
    assert matcher.right(pair, (places, seen)).mean() > 0.7
    assert not task.predict(pipe, [{name: blank() for name in files}], task.params())[0]
    code = task.snippet(str(entry.path), {name: str(file) for name, file in files.items()}, task.params())
    assert same(run(code, tmp_path), found)


def blank() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("task", [name for name, one in TASKS.items() if one.group == "Vision"])
def test_the_kits_models_are_offered_where_they_fit(task: str) -> None:
    here = {entry.id for entry in kit.entries()}
    settings = Settings(offline=True)
    for ref in [one for one in TASKS[task].models if one in here]:
        model = models.resolve_model(ref, settings, "local")
        models.check_task(model, task)
        assert model.bytes > 0


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("image-segmentation", "segmenter"),
        ("image-segmentation", "selfie-segmentation"),
        ("object-detection", "detector"),
        ("zero-shot-image-classification", "conse"),
        ("depth-estimation", "depth"),
        ("image-feature-extraction", "efficientnet-lite0"),
        ("mask-generation", "pointer"),
        ("video-classification", "video"),
    ],
)
def test_snippets_print_what_the_studio_answers(task: str, name: str, tmp_path: Path) -> None:
    example = TASKS[task].examples[3 if name == "selfie-segmentation" else 0]
    answer = ask(task, name, example.inputs["inputs"], **example.params)
    params = TASKS[task].params(**example.params)
    folder = str(entry_of(name).path.relative_to(ROOT))
    code = TASKS[task].snippet(folder, {"inputs": str(EXAMPLES / example.inputs["inputs"])}, params)
    (tmp_path / "assets").symlink_to(ROOT / "assets")  # scripts are run from the root
    printed = run(code, tmp_path)
    if task in ("image-segmentation", "mask-generation"):
        answer = [{key: value for key, value in one.items() if key != "mask"} for one in answer]
        assert len(list(tmp_path.glob("*.png"))) == len(answer)
    if task == "depth-estimation":
        answer = {"predicted_depth": answer["predicted_depth"]}
    assert same(printed, answer)
