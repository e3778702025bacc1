"""Tasks of pictures with tiny models: what their parameters do, what is refused, and why."""

import io
import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from studio.core.errors import InvalidInput
from studio.tasks import TASKS
from studio.tasks.base import EXAMPLES, Task, with_media
from studio.tasks.loading import WrongModel
from tests.contract.test_tasks import run, same
from tests.tiny import TINY, vision
from tests.unit.inference import tiny
from tests.unit.tasks.test_media_pictures import encoded

PICTURES = [
    "image-classification",
    "image-segmentation",
    "object-detection",
    "zero-shot-object-detection",
    "zero-shot-image-classification",
    "depth-estimation",
    "image-feature-extraction",
    "mask-generation",
    "keypoint-matching",
    "image-to-image",
]
MODELS = {**TINY, "image-to-image": vision.save_enlarger}  # those that draw have tests of their own
SCENE = (EXAMPLES / "scene-cat.png").read_bytes()
CLIP = (EXAMPLES / "grows.mp4").read_bytes()


@pytest.fixture(scope="module")
def pipes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A tiny model for each task."""
    found = {}
    for name in (*PICTURES, "video-classification"):
        folder = tmp_path_factory.mktemp(name)
        MODELS[name](folder)
        found[name] = TASKS[name].load(folder, None, "cpu")
    return found


def saved(folder: Path, kind: str, **options: Any) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # saving is not what is tested
        getattr(vision, f"save_{kind}")(folder, **options)
    return folder


def asked(task: Task, content: bytes = SCENE) -> dict[str, Any]:
    return {slot.name: content for slot in task.inputs}


def ask(name: str, pipe: Any, content: bytes = SCENE, **params: Any) -> Any:
    task = TASKS[name]
    if "candidate_labels" in task.params.model_fields:
        params.setdefault("candidate_labels", ["a cat", "a clock"])
    return task.predict(pipe, [asked(task, content)], task.params(**params))[0]


def picture_of(content: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(content)))


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("size", [(1, 1), (3, 3), (1, 40), (50, 3), (301, 200)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "I;16"])
def test_pictures_of_every_size_and_mode_are_answered(
    pipes: dict[str, Any], name: str, size: tuple[int, int], mode: str
) -> None:
    answer = ask(name, pipes[name], encoded(Image.new(mode, size)))
    for one in answer if isinstance(answer, list) else [answer]:
        content = (
            one if isinstance(one, bytes) else one.get("mask", one.get("depth")) if isinstance(one, dict) else None
        )
        if content is not None:
            scale = 2 if name == "image-to-image" else 1
            assert picture_of(content).shape[:2] == (scale * size[1], scale * size[0])


@pytest.mark.parametrize("name", [*PICTURES, "video-classification"])
def test_a_model_of_texts_is_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    tiny.save_encoder(tmp_path)
    with pytest.raises(WrongModel, match=r"type 'bert' (cannot do this task|reads no pictures)"):
        TASKS[name].load(tmp_path, None, "cpu")


@pytest.mark.parametrize("name", ["object-detection", "image-feature-extraction"])
def test_a_processor_for_torchvision_only_is_named(tmp_path: Path, name: str) -> None:
    saved(tmp_path, "detector" if name == "object-detection" else "image_encoder")
    settings = {"image_processor_type": "Sam2ImageProcessorFast"}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    with pytest.raises(WrongModel, match="torchvision only"):
        TASKS[name].load(tmp_path, None, "cpu")


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("mask-generation", "Sam2Config", "torchvision only"),
        ("depth-estimation", "ZoeDepthConfig", "torchvision only"),
        ("zero-shot-object-detection", "OmDetTurboConfig", "torchvision only"),
        ("image-segmentation", "OneFormerConfig", "wants its question as text"),
    ],
)
def test_models_that_cannot_run_here_are_refused_before_they_are_loaded(
    tmp_path: Path, name: str, kind: str, told: str
) -> None:
    import transformers

    model_type = getattr(transformers, kind).model_type
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    with pytest.raises(WrongModel, match=told):
        TASKS[name].load(tmp_path, None, "cpu")


def test_a_model_without_a_processor_is_named(tmp_path: Path) -> None:
    saved(tmp_path, "depth_estimator")
    (tmp_path / "preprocessor_config.json").unlink()
    with pytest.raises(WrongModel, match="has no image processor"):
        TASKS["depth-estimation"].load(tmp_path, None, "cpu")


def test_a_model_of_videos_makes_no_features_of_pictures(tmp_path: Path) -> None:
    from transformers import VideoMAEConfig, VideoMAEImageProcessorPil

    config = VideoMAEConfig(**vision.TRANSFORMER, num_frames=4)
    vision.save(tmp_path, "VideoMAEModel", config, VideoMAEImageProcessorPil(**vision.CROP))
    with pytest.raises(WrongModel, match="reads no pictures"):
        TASKS["image-feature-extraction"].load(tmp_path, None, "cpu")


@pytest.mark.parametrize("name", ["image-classification", "video-classification"])
def test_top_k_beyond_the_labels_is_refused(pipes: dict[str, Any], name: str) -> None:
    content = CLIP if name == "video-classification" else SCENE
    assert len(ask(name, pipes[name], content, top_k=6)) == 6
    with pytest.raises(InvalidInput, match="1 to 6") as caught:
        ask(name, pipes[name], content, top_k=7)
    assert caught.value.field == "top_k"


@pytest.mark.parametrize(
    "name", ["object-detection", "image-segmentation", "zero-shot-object-detection", "keypoint-matching"]
)
@pytest.mark.parametrize("threshold", [float("nan"), -0.1, 1.1, "high"])
def test_thresholds_are_from_0_to_1(name: str, threshold: object) -> None:
    required = {"candidate_labels": ["a"]} if name.startswith("zero") else {}
    with pytest.raises(ValidationError, match="threshold"):
        TASKS[name].params(**required, threshold=threshold)


@pytest.mark.parametrize("name", ["zero-shot-object-detection", "zero-shot-image-classification"])
@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([], "at least one"),
        (["cat", " "], "at least one"),
        (["cat", " cat"], "twice"),
        ([str(number) for number in range(101)], "At most 100"),
        (["cat", "a very long label " * 20], "tokens long"),
    ],
)
def test_labels_that_cannot_be_used_are_named(pipes: dict[str, Any], name: str, labels: list[str], told: str) -> None:
    with pytest.raises(InvalidInput, match=told) as caught:
        ask(name, pipes[name], candidate_labels=labels)
    assert caught.value.field == "candidate_labels"


@pytest.mark.parametrize("template", ["a photo", "{label}", "{} and {x}", "{} {"])
def test_a_sentence_needs_one_kind_of_place_for_its_label(pipes: dict[str, Any], template: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ask("zero-shot-image-classification", pipes["zero-shot-image-classification"], hypothesis_template=template)
    assert caught.value.field == "hypothesis_template"


def test_siglip_judges_each_label_by_itself(tmp_path: Path) -> None:
    pipe = TASKS["zero-shot-image-classification"].load(saved(tmp_path, "siglip"), None, "cpu")
    alone = ask("zero-shot-image-classification", pipe, candidate_labels=["cat"])[0]["score"]
    both = ask("zero-shot-image-classification", pipe, candidate_labels=["cat", "dog"])
    assert same(alone, next(one["score"] for one in both if one["label"] == "cat"))


def test_boxes_come_with_falling_scores_and_from_the_threshold(pipes: dict[str, Any]) -> None:
    found = ask("object-detection", pipes["object-detection"], threshold=0.0)
    scores = [one["score"] for one in found]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 5
    assert ask("object-detection", pipes["object-detection"], threshold=0.99) == []


def test_the_best_boxes_of_named_things(pipes: dict[str, Any]) -> None:
    found = ask("zero-shot-object-detection", pipes["zero-shot-object-detection"], threshold=0.0)
    best = ask("zero-shot-object-detection", pipes["zero-shot-object-detection"], threshold=0.0, top_k=3)
    assert same(best, found[:3])


@pytest.mark.parametrize("subtask", ["semantic", "instance", "panoptic"])
def test_a_segmenter_of_things_does_what_it_is_asked_for(tmp_path: Path, subtask: str) -> None:
    pipe = TASKS["image-segmentation"].load(saved(tmp_path, "panoptic_segmenter"), None, "cpu")
    found = ask("image-segmentation", pipe, subtask=subtask, threshold=0.0, overlap_mask_area_threshold=0.0)
    for one in found:
        assert (one["score"] is None) == (subtask == "semantic")
        assert set(np.unique(picture_of(one["mask"]))) <= {0, 255}
    assert found or subtask != "semantic"


def test_a_subtask_that_the_model_cannot_do_is_refused(pipes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="does semantic") as caught:
        ask("image-segmentation", pipes["image-segmentation"], subtask="panoptic")
    assert caught.value.field == "subtask"


def test_semantic_masks_share_out_a_picture_larger_than_the_model_sees(pipes: dict[str, Any]) -> None:
    large = encoded(Image.open(io.BytesIO(SCENE)).resize((1400, 1100)), "JPEG")
    masks = [picture_of(one["mask"]) / 255 for one in ask("image-segmentation", pipes["image-segmentation"], large)]
    assert (np.sum(masks, 0) == 1).all()
    assert masks[0].shape == (1100, 1400)


def test_bright_is_near_for_distances_and_their_inverse(pipes: dict[str, Any], tmp_path: Path) -> None:
    distances = TASKS["depth-estimation"].load(saved(tmp_path, "distance_estimator"), None, "cpu")
    for pipe, sign in ((pipes["depth-estimation"], 1), (distances, -1)):
        found = ask("depth-estimation", pipe)
        values, shown = np.array(found["predicted_depth"]).ravel(), picture_of(found["depth"]).ravel()
        assert values.shape == shown.shape
        assert sign * np.corrcoef(values, shown)[0, 1] > 0.99
        assert (shown.min(), shown.max()) == (0, 255)


def test_depths_of_a_large_picture_are_those_of_a_smaller_one(pipes: dict[str, Any]) -> None:
    large = encoded(Image.open(io.BytesIO(SCENE)).resize((1536, 1000)), "JPEG")
    found = ask("depth-estimation", pipes["depth-estimation"], large)
    assert np.array(found["predicted_depth"]).shape == (500, 768)
    assert picture_of(found["depth"]).shape == (1000, 1536)


@pytest.mark.parametrize(
    ("kind", "width", "parts"), [("image_encoder", 32, 17), ("map_encoder", 16, 1), ("clip", 16, 17)]
)
def test_features_are_one_vector_or_one_for_each_part(tmp_path: Path, kind: str, width: int, parts: int) -> None:
    pipe = TASKS["image-feature-extraction"].load(saved(tmp_path, kind), None, "cpu")
    assert np.shape(ask("image-feature-extraction", pipe)) == (width,)
    assert same(ask("image-feature-extraction", pipe, pool=True), ask("image-feature-extraction", pipe))
    assert np.shape(ask("image-feature-extraction", pipe, pool=False))[0] == parts


def test_a_model_that_pools_nothing_says_so(pipes: dict[str, Any]) -> None:
    pipe = pipes["image-feature-extraction"]
    pooler, pipe.pipe[0].pooler = pipe.pipe[0].pooler, None
    try:
        assert np.shape(ask("image-feature-extraction", pipe)) == (17, 32)
        with pytest.raises(InvalidInput, match="no single vector") as caught:
            ask("image-feature-extraction", pipe, pool=True)
    finally:
        pipe.pipe[0].pooler = pooler
    assert caught.value.field == "pool"


def test_pictures_are_made_larger_without_a_border(pipes: dict[str, Any]) -> None:
    pipe = pipes["image-to-image"]
    content = encoded(Image.new("RGB", (30, 21), "red"))
    assert picture_of(ask("image-to-image", pipe, content)).shape == (42, 60, 3)
    size = {"width": 11, "height": 13}
    assert picture_of(ask("image-to-image", pipe, content, target_size=size)).shape == (13, 11, 3)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"prompt": "a dog"}, "prompt"),
        ({"negative_prompt": "a dog"}, "negative_prompt"),
        ({"guidance_scale": 3.0}, "guidance_scale"),
        ({"num_inference_steps": 3}, "num_inference_steps"),
        ({"strength": 0.5}, "strength"),
        ({"seed": 1}, "seed"),
        ({"target_size": {"width": 3}}, "target_size.height"),
        ({"target_size": {"height": 3}}, "target_size.width"),
    ],
)
def test_what_super_resolution_cannot_do_is_named(pipes: dict[str, Any], params: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ask("image-to-image", pipes["image-to-image"], **params)
    assert caught.value.field == field


def test_a_picture_too_large_to_be_made_larger_is_refused(pipes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="1,000,000 pixels are made larger"):
        ask("image-to-image", pipes["image-to-image"], encoded(Image.new("RGB", (1200, 900))))


def test_a_video_says_its_labels(pipes: dict[str, Any]) -> None:
    pipe = pipes["video-classification"]
    found = ask("video-classification", pipe, CLIP)
    assert len(found) == 5
    raw = ask("video-classification", pipe, CLIP, function_to_apply="none", top_k=6)
    shares = np.exp([one["score"] for one in raw]) / np.exp([one["score"] for one in raw]).sum()
    assert np.allclose([one["score"] for one in found], shares[:5], atol=1e-4)
    sigmoid = ask("video-classification", pipe, CLIP, function_to_apply="sigmoid", top_k=1)[0]["score"]
    assert sigmoid == pytest.approx(1 / (1 + np.exp(-raw[0]["score"])), abs=1e-4)
    assert not same(found, ask("video-classification", pipe, CLIP, frame_sampling_rate=2))


@pytest.mark.parametrize(
    ("problem_type", "function"), [("multi_label_classification", "sigmoid"), ("regression", "none")]
)
def test_the_configuration_chooses_the_function(
    pipes: dict[str, Any], problem_type: str, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = pipes["video-classification"]
    expected = ask("video-classification", pipe, CLIP, function_to_apply=function)
    monkeypatch.setattr(pipe.pipe[0].config, "problem_type", problem_type)
    assert same(ask("video-classification", pipe, CLIP), expected)


def test_a_number_of_frames_that_the_model_cannot_take_is_named(pipes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="takes 4 frames") as caught:
        ask("video-classification", pipes["video-classification"], CLIP, num_frames=6)
    assert caught.value.field == "num_frames"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"no video at all", "no video that can be read"),
        ((EXAMPLES / "grows.mp4").read_bytes()[:900], "no video that can be read"),
    ],
)
def test_what_is_no_video_is_named(pipes: dict[str, Any], content: bytes, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        ask("video-classification", pipes["video-classification"], content)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("image-segmentation", {"subtask": "panoptic", "threshold": 0.1, "overlap_mask_area_threshold": 0.0}),
        ("image-feature-extraction", {"pool": False}),
        ("image-feature-extraction", {"pool": True}),
        ("image-to-image", {"target_size": {"width": 40, "height": 30}}),
        ("video-classification", {"function_to_apply": "sigmoid", "frame_sampling_rate": 2, "top_k": 2}),
        ("depth-estimation", {}),
    ],
)
def test_snippets_with_other_parameters_print_the_same(tmp_path: Path, name: str, params: dict[str, Any]) -> None:
    task, folder, place = TASKS[name], tmp_path / "model", tmp_path / "script"
    place.mkdir()
    kinds = {"image-segmentation": "panoptic_segmenter", "depth-estimation": "distance_estimator"}
    if name in kinds:
        saved(folder, kinds[name])
    else:
        MODELS[name](folder)
    inputs = task.examples[0].inputs
    named = {slot: str(EXAMPLES / file) for slot, file in inputs.items()}
    chosen = task.params(**params)
    answer = task.predict(task.load(folder, None, "cpu"), [with_media(task, inputs)], chosen)[0]
    printed = run(task.snippet(str(folder), named, chosen), place)
    files = sorted(place.iterdir())
    if name == "image-segmentation":
        assert [one["label"] for one in printed] == [one["label"] for one in answer]
        assert all(
            (picture_of(one["mask"]) == np.asarray(Image.open(file))).all()
            for one, file in zip(answer, files, strict=True)
        )
    elif name == "image-to-image":
        assert np.abs(picture_of(answer).astype(int) - np.asarray(Image.open(files[0])).astype(int)).max() <= 1
    elif name == "depth-estimation":
        assert np.abs(picture_of(answer["depth"]).astype(int) - np.asarray(Image.open(files[0]))).max() <= 1
    else:
        assert same(printed, answer)


@pytest.mark.filterwarnings("ignore::FutureWarning")  # peft's, about transformers
def test_an_adapter_of_a_vision_model_answers(tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForObjectDetection

    base, adapter = tmp_path / "base", tmp_path / "adapter"
    saved(base, "detector")
    model = AutoModelForObjectDetection.from_pretrained(base)
    settings = LoraConfig(target_modules=["query", "value"], r=2, lora_alpha=512, init_lora_weights=False)
    get_peft_model(model, settings).save_pretrained(adapter)
    for name in ("config.json", "preprocessor_config.json"):
        shutil.copy(base / name, adapter / name)
    plain = ask("object-detection", TASKS["object-detection"].load(base, None, "cpu"))
    adapted = ask("object-detection", TASKS["object-detection"].load(adapter, base, "cpu"))
    assert adapted
    assert not same(plain, adapted)
    file = {"inputs": str(EXAMPLES / "scene-cat.png")}
    code = TASKS["object-detection"].snippet(str(adapter), file, TASKS["object-detection"].params(), base=str(base))
    assert same(run(code, tmp_path), adapted)
