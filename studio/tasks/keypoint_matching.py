"""keypoint-matching: the same places in two pictures → pairs of points with scores."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.core.types import Modality, Slot
from studio.tasks import media, snippets
from studio.tasks.base import Params, Task, examples
from studio.tasks.loading import Loaded, load_model, load_part, loaded

ID = "keypoint-matching"
AUTO = "AutoModelForKeypointMatching"


class KeypointMatchingParams(Params):
    """The parameter of transformers' pipeline; the Hub's inference API has none."""

    threshold: float = Field(
        default=0.0,
        ge=0,
        le=1,
        title="Lowest score",
        description="Pairs that the model is less sure of are left out.",
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """EfficientLoFTR, SuperGlue and LightGlue; raises what `load_model` raises."""
    model = load_model([AUTO], folder, base, device)
    if model.config.model_type == "efficientloftr":
        model._get_matches_from_scores = partial(aligned, model._get_matches_from_scores)
    return loaded((model, load_part("image_processor", folder, base)), model)


def aligned(matches: Callable[[Any], tuple[Any, Any]], scores: Any) -> tuple[Any, Any]:
    """Places of both pictures that belong together, at the same number.

    transformers 5.23 lists those of the first picture in the order of the second one's, and the other way round; Sun et
    al. (LoFTR, 2021) pair them.
    """
    import torch

    places, found = matches(scores)
    numbers = torch.arange(places.shape[-1], device=places.device)
    places[:, 0] = torch.where(places[:, 1] > -1, numbers, -1)
    found[:, 0] = found[:, 1]
    return places, found


def predict(
    pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: KeypointMatchingParams
) -> list[list[dict[str, Any]]]:
    """Pairs of points, in pixels of each picture, the surest first. Raises `InvalidInput` for what is no picture."""
    return [_pairs(pipe, inputs, params.threshold) for inputs in batch]


def _pairs(pipe: Loaded, inputs: Mapping[str, Any], threshold: float) -> list[dict[str, Any]]:
    import torch

    model, processor = pipe.pipe
    pictures = [media.image(inputs, name) for name in ("image_0", "image_1")]
    given = processor(images=pictures, return_tensors="pt").to(model.device, model.dtype)
    with torch.inference_mode():
        output = model(**given)
    sizes = [[picture.size[::-1] for picture in pictures]]  # height and width, which the pipeline gives the wrong way
    found = processor.post_process_keypoint_matching(output, sizes, threshold)[0]
    pairs = zip(*(found[name].tolist() for name in ("keypoints0", "keypoints1", "matching_scores")), strict=True)
    rows = [
        {
            "keypoint_image_0": {"x": one[0], "y": one[1]},
            "keypoint_image_1": {"x": other[0], "y": other[1]},
            "score": score,
        }
        for one, other, score in pairs
    ]
    return sorted(rows, key=lambda row: -row["score"])


SCRIPT = """import torch
from PIL import Image, ImageOps
{load}
{aligned}
{first}
{second}
pictures = [first, second]
with torch.inference_mode():
    output = model(**processor(images=pictures, return_tensors="pt"))
sizes = [[(picture.height, picture.width) for picture in pictures]]
found = processor.post_process_keypoint_matching(output, sizes, {threshold})[0]
pairs = zip(found["keypoints0"].tolist(), found["keypoints1"].tolist(), found["matching_scores"].tolist())
rows = [
    {{"keypoint_image_0": {{"x": x, "y": y}}, "keypoint_image_1": {{"x": u, "y": v}}, "score": score}}
    for (x, y), (u, v), score in pairs
]
print(sorted(rows, key=lambda row: -row["score"]))
"""
ALIGNED = """
if model.config.model_type == "efficientloftr":  # transformers 5.23 does not pair what belongs together
    matches = model._get_matches_from_scores

    def aligned(scores):
        places, found = matches(scores)
        places[:, 0] = torch.where(places[:, 1] > -1, torch.arange(places.shape[-1]), -1)
        found[:, 0] = found[:, 1]
        return places, found

    model._get_matches_from_scores = aligned
"""


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the pairs."""
    return SCRIPT.format(
        load=snippets.load_lines(AUTO, model, base, "AutoImageProcessor"),
        aligned=ALIGNED,
        first=snippets.picture(inputs["image_0"], "first"),
        second=snippets.picture(inputs["image_1"], "second"),
        threshold=params.threshold,
    )


TASK = Task(
    id=ID,
    title="Keypoint matching",
    description="Which places in one picture are the same in another one: two views of a house, say.",
    inputs=(
        Slot("image_0", Modality.IMAGE, "First image", "One view."),
        Slot("image_1", Modality.IMAGE, "Second image", "Another view of the same."),
    ),
    output=Slot("pairs", Modality.KEYPOINTS, "Matches", "Pairs of points, the surest first."),
    params=KeypointMatchingParams,
    models=(
        "kit:matcher",
        "zju-community/efficientloftr",
        "magic-leap-community/superglue_outdoor",
        "ETH-CVG/lightglue_superpoint",
    ),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("ForKeypointMatching",),
    group="Vision",
)
