"""Tiny models of pictures."""

from collections.abc import Callable
from pathlib import Path

LABELS = ("cat", "dog", "bird", "fish", "car", "tree")


def save_image_classifier(folder: Path) -> None:
    import torch
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessorPil

    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=32,
        image_size=32,
        patch_size=8,
        id2label=dict(enumerate(LABELS)),
        label2id={label: number for number, label in enumerate(LABELS)},
    )
    ViTForImageClassification(config).save_pretrained(folder)
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)


TINY: dict[str, Callable[[Path], None]] = {"image-classification": save_image_classifier}
