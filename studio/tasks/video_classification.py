"""video-classification: what happens in a short video → labels with scores.

The frames are decoded here; transformers 5's own way needs torchcodec or torchvision for some models.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.core.types import Label, Modality, Slot
from studio.tasks import media, snippets
from studio.tasks.base import Task, examples
from studio.tasks.classes import USUAL, ClassParams, check_top_k
from studio.tasks.loading import Loaded, load_model, load_part, loaded

ID = "video-classification"
AUTO = "AutoModelForVideoClassification"


class VideoClassificationParams(ClassParams):
    """Names and defaults of the Hub's inference API (`huggingface_hub.VideoClassificationParameters`)."""

    frame_sampling_rate: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        title="Every which frame",
        description="1 looks at each frame from the start, 4 at every fourth one. Empty: 1.",
    )
    num_frames: int | None = Field(
        default=None,
        ge=1,
        le=128,
        title="Number of frames",
        description="How many frames are looked at. Empty: as many as the model was trained with.",
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Whole models and adapters; raises what `load_model` raises."""
    model = load_model([AUTO], folder, base, device)
    return loaded((model, load_part("image_processor", folder, base)), model)


def predict(pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: VideoClassificationParams) -> list[list[Label]]:
    """One list of labels per video, best first.

    Raises `InvalidInput` for what is no video, a `top_k` above the model's number of labels, and a `num_frames` that
    it cannot take.
    """
    model, processor = pipe.pipe
    check_top_k(params.top_k, model.config.num_labels)
    return [_classify(model, processor, inputs, params) for inputs in batch]


def _classify(model: Any, processor: Any, inputs: Mapping[str, Any], params: VideoClassificationParams) -> list[Label]:
    import torch

    own = int(model.config.num_frames)
    frames = media.frames(inputs, params.num_frames or own, params.frame_sampling_rate or 1)
    given = processor(list(frames), return_tensors="pt").to(model.device, model.dtype)
    try:
        with torch.inference_mode():
            logits = model(**given).logits[0].float().cpu()
    except (RuntimeError, ValueError):
        if params.num_frames in (None, own):
            raise
        raise InvalidInput("num_frames", params.num_frames, f"This model takes {own} frames, no others.") from None
    function = params.function_to_apply or function_of(model.config)
    scores = logits.softmax(-1) if function == "softmax" else logits.sigmoid() if function == "sigmoid" else logits
    best = scores.topk(min(params.top_k or USUAL, len(scores)))
    pairs = zip(best.values.tolist(), best.indices.tolist(), strict=True)
    return [Label(label=model.config.id2label[number], score=score) for score, number in pairs]


def function_of(config: Any) -> str:
    """What makes scores of a model's outputs, as its configuration says."""
    kinds = {"regression": "none", "multi_label_classification": "sigmoid"}
    return kinds.get(str(config.problem_type), "softmax")


SCRIPT = """import av
import torch
{load}

count, every = {count} or model.config.num_frames, {every}
frames = []
with av.open({file}) as container:
    for number, frame in enumerate(container.decode(video=0)):
        if number % every == 0:
            frames.append(frame.to_ndarray(format="rgb24"))
        if len(frames) == count:
            break
frames += [frames[-1]] * (count - len(frames))
with torch.inference_mode():
    logits = model(**processor(frames, return_tensors="pt")).logits[0]
kinds = {{"regression": "none", "multi_label_classification": "sigmoid"}}
function = {function} or kinds.get(model.config.problem_type, "softmax")
scores = logits.softmax(-1) if function == "softmax" else logits.sigmoid() if function == "sigmoid" else logits
best = scores.topk(min({top_k}, len(scores)))
pairs = zip(best.values.tolist(), best.indices.tolist())
print([{{"label": model.config.id2label[number], "score": score}} for score, number in pairs])
"""


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the labels."""
    return SCRIPT.format(
        load=snippets.load_lines(AUTO, model, base, "AutoImageProcessor"),
        count=params.num_frames,
        every=params.frame_sampling_rate or 1,
        file=snippets.quoted(inputs["inputs"]),
        function=snippets.quoted(params.function_to_apply),
        top_k=params.top_k or USUAL,
    )


TASK = Task(
    id=ID,
    title="Video classification",
    description="What happens in a short video, out of the labels that a model knows.",
    inputs=(Slot("inputs", Modality.VIDEO, "Video", "Its beginning is looked at, in a few frames."),),
    output=Slot("labels", Modality.LABELS, "Labels", "Best first; how sure the model is, from 0 to 1."),
    params=VideoClassificationParams,
    models=("kit:video", "MCG-NJU/videomae-base-finetuned-kinetics", "facebook/timesformer-base-finetuned-k400"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("ForVideoClassification",),
    group="Vision",
)
