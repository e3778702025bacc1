"""zero-shot-image-classification: which of the labels that a visitor names fits a picture.

By models that know pictures and texts alike (Radford et al., CLIP, 2021), or by two models of the kit
(`studio.starter.conse`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.core.settings import ROOT
from studio.core.types import Label, Modality, Slot
from studio.starter import conse, kit
from studio.starter.conse import Conse
from studio.tasks import media, snippets
from studio.tasks.base import Params, Task, examples
from studio.tasks.candidates import Candidates, check_candidates, check_lengths, check_template
from studio.tasks.loading import Loaded, load_pipeline, weight_bytes

ID = "zero-shot-image-classification"
AUTO = "AutoModelForZeroShotImageClassification"
TEMPLATE = "This is a photo of {}."  # the pipeline's


class ZeroShotImageClassificationParams(Params):
    """Names and defaults of the Hub's inference API (`huggingface_hub.ZeroShotImageClassificationParameters`)."""

    candidate_labels: Candidates
    hypothesis_template: str | None = Field(
        default=None,
        title="Sentence around a label",
        description='With "{}" in the label\'s place. Empty: the model\'s own, mostly "This is a photo of {}.".',
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Models of pictures and texts, and the kit's pair; raises what `load_model` raises."""
    if (folder / conse.LABELS).is_file():
        pair = conse.load(folder)
        size = pair.labels.numel() * pair.labels.element_size()
        return Loaded(pair, size + weight_bytes(pair.image_model) + weight_bytes(pair.text_model))
    return load_pipeline(ID, [AUTO], folder, base, device, "image_processor", "tokenizer")


def predict(
    pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: ZeroShotImageClassificationParams
) -> list[list[Label]]:
    """One list of labels per picture, best first.

    Raises `InvalidInput` for what is no picture, and for labels that are none, twice there or too long.
    """
    labels = check_candidates(params.candidate_labels)
    check_template(params.hypothesis_template)
    pictures = [media.image(inputs) for inputs in batch]
    if isinstance(pipe.pipe, Conse):
        pair = replace(pipe.pipe, template=params.hypothesis_template or pipe.pipe.template)
        scores = [pair.classify(picture, labels) for picture in pictures]
        return [[Label(label=label, score=score) for label, score in one.items()] for one in scores]
    template = params.hypothesis_template or TEMPLATE
    check_lengths(labels, [template.format(label) for label in labels], pipe.pipe.tokenizer)
    return [pipe.pipe(picture, candidate_labels=labels, hypothesis_template=template) for picture in pictures]


CONSE_SCRIPT = """import torch
from PIL import Image, ImageOps
from safetensors.torch import load_file
from transformers import AutoImageProcessor, AutoModel, AutoModelForImageClassification, AutoTokenizer

images, texts = {images}, {texts}
image_model = AutoModelForImageClassification.from_pretrained(images)
processor = AutoImageProcessor.from_pretrained(images)
text_model = AutoModel.from_pretrained(texts)
tokenizer = AutoTokenizer.from_pretrained(texts)
meanings = load_file({labels})["labels"].float()
candidates = {candidates}

{picture}
with torch.inference_mode():
    logits = image_model(**processor(images=picture, return_tensors="pt")).logits[0]
    probabilities, numbers = logits.softmax(-1).topk({nearest})
    meaning = torch.nn.functional.normalize(probabilities @ meanings[numbers], dim=0)
    sentences = [{template}.format(one) for one in candidates]
    batch = tokenizer(sentences, padding=True, truncation=True, max_length=64, return_tensors="pt")
    states, mask = text_model(**batch).last_hidden_state, batch["attention_mask"][..., None]
    told = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=-1)
scores = ({sharpness} * told @ meaning).softmax(0).tolist()
found = [{{"label": label, "score": score}} for label, score in zip(candidates, scores)]
print(sorted(found, key=lambda one: -one["score"]))
"""


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the labels."""
    if (ROOT / model / conse.LABELS).is_file():
        return _conse_snippet(Path(model), inputs, params)
    named = snippets.options(params)
    call = snippets.arguments(snippets.quoted(inputs["inputs"]), **named)
    return snippets.with_pipeline(ID, model, call, (base, AUTO, "image_processor", "tokenizer") if base else None)


def _conse_snippet(model: Path, inputs: Mapping[str, Any], params: Any) -> str:
    settings = json.loads((ROOT / model / "config.json").read_text(encoding="utf-8"))
    names = {name: kit.entry(settings[f"{name}_model"], (ROOT / model).parent).name for name in ("image", "text")}
    return CONSE_SCRIPT.format(
        images=snippets.quoted(str(model.parent / names["image"])),
        texts=snippets.quoted(str(model.parent / names["text"])),
        labels=snippets.quoted(str(model / conse.LABELS)),
        candidates=snippets.quoted(params.candidate_labels),
        picture=snippets.picture(inputs["inputs"]),
        nearest=settings["nearest"],
        template=snippets.quoted(params.hypothesis_template or settings["template"]),
        sharpness=settings["sharpness"],
    )


TASK = Task(
    id=ID,
    title="Zero-shot image classification",
    description="Which of your own labels fits a picture, without any training.",
    inputs=(Slot("inputs", Modality.IMAGE, "Image", "One picture; the model sees it small."),),
    output=Slot("labels", Modality.LABELS, "Labels", "Best first; how well each fits, from 0 to 1."),
    params=ZeroShotImageClassificationParams,
    models=("kit:conse", "openai/clip-vit-base-patch32", "google/siglip-base-patch16-224"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("CLIPModel", "CLIPSegModel", "AlignModel", "SiglipModel", "Siglip2Model", "MetaClip2Model", "BlipModel"),
    group="Vision",
)
