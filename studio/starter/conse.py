"""Zero-shot image classification from two models of the kit: ImageNet's labels, and what sentences mean.

The method is ConSE (Norouzi and others, Zero-Shot Learning by Convex Combination of Semantic Embeddings, 2014): the
image's most likely labels, each by its probability, are averaged in the space of sentences; the nearest candidate wins.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.starter import kit
from studio.starter.sentences import encode

LABELS = "labels.safetensors"


@dataclass(frozen=True)
class Conse:
    """The loaded pair.

    Attributes:
        labels: label × width, the meanings of the image model's labels.
        nearest: how many of the image's most likely labels count.
        sharpness: what cosine similarities are multiplied with before they become probabilities.
        template: sentence around a candidate, with "{}" in its place.
    """

    image_model: Any
    processor: Any
    text_model: Any
    tokenizer: Any
    labels: Any
    nearest: int
    sharpness: float
    template: str

    def classify(self, image: Any, candidates: Sequence[str]) -> dict[str, float]:
        """Probability of each candidate for a PIL image, largest first; the sum is 1.

        Raises `ValueError` where there is no candidate.
        """
        import torch

        if not candidates:
            raise ValueError("candidates: name at least one label that the image may show.")
        pixels = self.processor(images=image.convert("RGB"), return_tensors="pt")
        with torch.inference_mode():
            probabilities, numbers = self.image_model(**pixels).logits[0].softmax(-1).topk(self.nearest)
        meaning = torch.nn.functional.normalize(probabilities @ self.labels[numbers], dim=0)
        texts = [self.template.format(candidate) for candidate in candidates]
        scores = (self.sharpness * encode(self.text_model, self.tokenizer, texts) @ meaning).softmax(0).tolist()
        return dict(sorted(zip(candidates, scores, strict=True), key=lambda pair: -pair[1]))


def load(folder: Path) -> Conse:
    """Both models, from the kit that the folder lies in; takes about half a second."""
    from safetensors.torch import load_file
    from transformers import AutoImageProcessor, AutoModel, AutoModelForImageClassification, AutoTokenizer

    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    image, text = (kit.entry(settings[name], folder.parent).path for name in ("image_model", "text_model"))
    return Conse(
        image_model=AutoModelForImageClassification.from_pretrained(image).eval(),
        processor=AutoImageProcessor.from_pretrained(image),
        text_model=AutoModel.from_pretrained(text).eval(),
        tokenizer=AutoTokenizer.from_pretrained(text),
        labels=load_file(folder / LABELS)["labels"].float(),
        nearest=settings["nearest"],
        sharpness=settings["sharpness"],
        template=settings["template"],
    )
