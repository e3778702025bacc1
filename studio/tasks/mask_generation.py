"""mask-generation: the things in a picture as masks without names: those under given points, or all of them.

All of them is what Kirillov et al. (Segment Anything, 2023, appendix B) do: a grid of points, masks that the model is
sure of and that hardly depend on the threshold, of those that overlap the best. transformers does it with torchvision;
here it is done without, stability and boxes on masks of the model's own size. Only the whole picture is looked at, no
crops of it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from studio.core.errors import InvalidInput
from studio.core.types import Modality, Slot
from studio.tasks import media, snippets
from studio.tasks.base import Params, Task, examples
from studio.tasks.loading import Loaded, WrongModel, load_config, load_model, load_part, loaded

ID = "mask-generation"
AUTO = "AutoModelForMaskGeneration"
MOST = 100  # points that are given
LATER = {"edgetam", "edgetam_video", "sam2", "sam2_video", "sam3_tracker", "sam3_video"}


def _as_texts(points: Any) -> Any:
    """REST may give points as [x, y]."""
    if not isinstance(points, list):
        return points
    return [", ".join(map(str, one)) if isinstance(one, list | tuple) else one for one in points]


class MaskGenerationParams(Params):
    """Names and defaults of transformers' pipeline, and `points`; the Hub's inference API has none."""

    points: Annotated[list[str], BeforeValidator(_as_texts)] = Field(
        default=[],
        max_length=MOST,
        title="Points",
        description='Each as "x, y" in pixels from the upper left corner: the thing that lies there. None: all things.',
    )
    points_per_crop: int = Field(
        default=32,
        ge=1,
        le=64,
        title="Points a side",
        description="Of the grid that finds all things: fewer are quicker and miss small things.",
    )
    points_per_batch: int = Field(
        default=64, ge=1, le=1024, title="Points at once", description="More are quicker and take more memory."
    )
    pred_iou_thresh: float = Field(
        default=0.88,
        ge=0,
        le=1,
        title="Lowest score",
        description="Of the grid's masks those are dropped that the model expects to fit worse.",
    )
    stability_score_thresh: float = Field(
        default=0.95,
        ge=0,
        le=1,
        title="Lowest stability",
        description="Of the grid's masks those are dropped whose edge moves more with the threshold.",
    )
    stability_score_offset: float = Field(
        default=1.0,
        ge=0,
        le=100,
        title="Change for stability",
        description="How far the threshold is moved either way to see how stable a mask is.",
    )
    mask_threshold: float = Field(
        default=0.0,
        allow_inf_nan=False,
        title="Threshold of a mask",
        description="Value from which a pixel belongs to a mask; higher makes masks smaller.",
    )
    crops_nms_thresh: float = Field(
        default=0.7,
        ge=0,
        le=1,
        title="Overlap of boxes",
        description="Of two of the grid's masks whose boxes overlap more, the better one stays.",
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """SAM and SAM-HQ; raises what `load_model` raises, and `WrongModel` for later ones, which need torchvision."""
    kind = load_config(folder, base).model_type
    if kind in LATER:
        raise WrongModel(f"A model of type {kind!r} works with torchvision only; choose a SAM or SAM-HQ model.")
    model = load_model([AUTO], folder, base, device)
    return loaded((model, load_part("processor", folder, base)), model)


def predict(
    pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: MaskGenerationParams
) -> list[list[dict[str, Any]]]:
    """Masks of each picture, in its size: one for each point in their order, or those of the grid, best first.

    Raises `InvalidInput` for what is no picture, and for a point that does not lie in it.
    """
    return [_masks(pipe, media.image(inputs), params) for inputs in batch]


def points_of(params: MaskGenerationParams, width: int, height: int) -> list[list[float]]:
    """The given points, or those of the grid: the middles of its cells, row by row."""
    if params.points:
        return [_point(text, width, height) for text in params.points]
    side = params.points_per_crop
    middles = [(number + 0.5) / side for number in range(side)]
    return [[x * width, y * height] for y in middles for x in middles]


def _point(text: str, width: int, height: int) -> list[float]:
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        raise InvalidInput("points", text, 'Give each point as "x, y", for example "120, 80".') from None
    if not (0 <= x < width and 0 <= y < height):
        raise InvalidInput("points", text, f"The picture has {width} × {height} pixels; the point lies outside.")
    return [x, y]


def _masks(pipe: Loaded, picture: Any, params: MaskGenerationParams) -> list[dict[str, Any]]:
    import torch
    from PIL import Image

    model, processor = pipe.pipe
    points = points_of(params, *picture.size)
    inputs = processor(images=picture, input_points=[[[point] for point in points]], return_tensors="pt")
    sizes, seen = inputs.pop("original_sizes"), inputs.pop("reshaped_input_sizes")
    rows, columns = seen[0].tolist()
    side = inputs["pixel_values"].shape[-1]
    with torch.inference_mode():
        embedded = _embedded(model, inputs["pixel_values"].to(model.device, model.dtype))
        kept = []
        for start in range(0, len(points), params.points_per_batch):
            some = inputs["input_points"][:, start : start + params.points_per_batch]
            output = model(input_points=some.float().to(model.device), **embedded)
            masks, scores = output.pred_masks[0].float().cpu(), output.iou_scores[0].float().cpu()
            shape = (max(1, rows * masks.shape[-2] // side), max(1, columns * masks.shape[-1] // side))
            kept.append(_of_points(masks, scores) if params.points else _sure(masks, scores, shape, params))
    masks, scores = (torch.cat(parts) for parts in zip(*kept, strict=True))
    if not params.points and len(masks):
        chosen = apart(boxes_of(masks[..., : shape[0], : shape[1]] > params.mask_threshold), scores, params)
        masks, scores = masks[chosen], scores[chosen]
    found = []
    for number, (mask, score) in enumerate(zip(masks, scores.tolist(), strict=True), 1):
        whole = processor.post_process_masks(mask[None, None, None], sizes, seen, params.mask_threshold)[0][0, 0]
        shown = media.png(Image.fromarray(whole.numpy()).convert("L"))
        found.append({"label": f"mask {number}", "score": score, "mask": shown})
    return found


def _embedded(model: Any, pixels: Any) -> dict[str, Any]:
    """The picture as the mask decoder takes it; SAM-HQ's has two parts."""
    found = model.get_image_embeddings(pixels)
    if isinstance(found, tuple):
        return {"image_embeddings": found[0], "intermediate_embeddings": found[1]}
    return {"image_embeddings": found}


def _of_points(masks: Any, scores: Any) -> tuple[Any, Any]:
    """The best mask of each point."""
    best = scores.argmax(-1)
    rows = range(len(scores))
    return masks[rows, best], scores[rows, best]


def _sure(masks: Any, scores: Any, shape: tuple[int, int], params: MaskGenerationParams) -> tuple[Any, Any]:
    """Masks that the model is sure of and that are stable; what fills no pixel, or all of them, is none."""
    masks, scores = masks.flatten(0, 1), scores.flatten()
    inside = masks[..., : shape[0], : shape[1]]
    count, low, high = (
        (inside > params.mask_threshold + offset * params.stability_score_offset).sum((-2, -1)) for offset in (0, -1, 1)
    )
    stable = high / low.clamp_min(1) >= params.stability_score_thresh
    kept = (scores > params.pred_iou_thresh) & stable & (count > 0) & (count < shape[0] * shape[1])
    return masks[kept], scores[kept]


def boxes_of(masks: Any) -> Any:
    """Left, top, right, bottom of each mask, n × 4 from n × height × width; right and bottom lie beyond its pixels."""
    import torch

    found = []
    for mask in masks:
        rows, columns = mask.any(1).nonzero(), mask.any(0).nonzero()
        found.append([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    return torch.tensor(found)


def apart(boxes: Any, scores: Any, params: MaskGenerationParams) -> list[int]:
    """Numbers of the boxes that overlap no better one too much, best first (non-maximum suppression)."""
    import torch

    low = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = (high - low).clamp_min(0).prod(-1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    overlap = shared / (areas[:, None] + areas[None] - shared)
    chosen: list[int] = []
    for number in scores.argsort(descending=True, stable=True).tolist():
        if not chosen or overlap[number, chosen].max() <= params.crops_nms_thresh:
            chosen.append(number)
    return chosen


SCRIPT = """import torch
from PIL import Image, ImageOps
{load}

{picture}
points = {points}
inputs = processor(images=picture, input_points=[[[point] for point in points]], return_tensors="pt")
sizes, seen = inputs.pop("original_sizes"), inputs.pop("reshaped_input_sizes")
masks, scores = [], []
with torch.inference_mode():
    embedded = model.get_image_embeddings(inputs["pixel_values"])
    names = ("image_embeddings", "intermediate_embeddings")
    embedded = dict(zip(names, embedded if isinstance(embedded, tuple) else [embedded]))
    for some in inputs["input_points"].split({batch}, dim=1):
        output = model(input_points=some, **embedded)
        masks.append(output.pred_masks[0])
        scores.append(output.iou_scores[0])
masks, scores = torch.cat(masks), torch.cat(scores)
{choose}
found = []
for number, (mask, score) in enumerate(zip(masks, scores.tolist()), 1):
    whole = processor.post_process_masks(mask[None, None, None], sizes, seen, {threshold})[0][0, 0]
    Image.fromarray(whole.numpy()).convert("L").save(f"mask-{{number}}.png")  # white where it is
    found.append({{"label": f"mask {{number}}", "score": score}})
print(found)
"""
OF_POINTS = """best, rows = scores.argmax(-1), range(len(points))
masks, scores = masks[rows, best], scores[rows, best]"""
OF_GRID = """masks, scores = masks.flatten(0, 1), scores.flatten()
side = inputs["pixel_values"].shape[-1]
rows, columns = (max(1, int(given) * mask // side) for given, mask in zip(seen[0], masks.shape[-2:]))
inside = masks[..., :rows, :columns]
count, low, high = ((inside > {threshold} + offset * {offset}).sum((-2, -1)) for offset in (0, -1, 1))
kept = (scores > {score}) & (high / low.clamp_min(1) >= {stability}) & (count > 0) & (count < rows * columns)
masks, scores, inside = masks[kept], scores[kept], inside[kept] > {threshold}
chosen, boxes = [], []
for number in scores.argsort(descending=True, stable=True).tolist():  # of masks that overlap the best
    y, x = inside[number].nonzero().T
    box = int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1
    area = (box[2] - box[0]) * (box[3] - box[1])
    for other in boxes:
        width, height = (min(box[i + 2], other[i + 2]) - max(box[i], other[i]) for i in (0, 1))
        shared = max(0, width) * max(0, height)
        if shared / (area + (other[2] - other[0]) * (other[3] - other[1]) - shared) > {overlap}:
            break
    else:
        chosen.append(number)
        boxes.append(box)
masks, scores = masks[chosen], scores[chosen]"""


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the scores and writes the masks beside itself."""
    side = params.points_per_crop
    middles = f"[(number + 0.5) / {side} for number in range({side})]"
    grid = f"[[x * picture.width, y * picture.height] for y in {middles} for x in {middles}]"
    given = [[float(part) for part in text.split(",")] for text in params.points]
    choose = OF_GRID.format(
        threshold=params.mask_threshold,
        offset=params.stability_score_offset,
        score=params.pred_iou_thresh,
        stability=params.stability_score_thresh,
        overlap=params.crops_nms_thresh,
    )
    return SCRIPT.format(
        load=snippets.load_lines(AUTO, model, base, "AutoProcessor"),
        picture=snippets.picture(inputs["inputs"]),
        points=snippets.quoted(given) if given else grid,
        batch=params.points_per_batch,
        choose=OF_POINTS if given else choose,
        threshold=params.mask_threshold,
    )


TASK = Task(
    id=ID,
    title="Mask generation",
    description="The things in a picture as masks: those at points that you give, or all of them.",
    inputs=(Slot("inputs", Modality.IMAGE, "Image", "One picture; without points a large model takes a minute."),),
    output=Slot("masks", Modality.MASKS, "Masks", "White where it is; how well it fits, as the model expects."),
    params=MaskGenerationParams,
    models=("kit:pointer", "facebook/sam-vit-base", "syscv-community/sam-hq-vit-base"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("SamModel", "SamHQModel"),
    group="Vision",
)
