"""Meanings of sentences as vectors: mean pooling, as sentence encoders are meant to be used."""

from collections.abc import Sequence
from typing import Any

BATCH = 32


def encode(model: Any, tokenizer: Any, texts: Sequence[str], longest: int = 64) -> Any:
    """Texts × width: the mean of the last hidden states over a text's pieces, length 1.

    `longest` counts word pieces; what is beyond is cut off.
    """
    import torch

    parts = []
    for start in range(0, len(texts), BATCH):
        batch = tokenizer(
            list(texts[start : start + BATCH]), padding=True, truncation=True, max_length=longest, return_tensors="pt"
        )
        with torch.inference_mode():
            states = model(**batch).last_hidden_state
        mask = batch["attention_mask"][..., None]
        parts.append(torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=-1))
    return torch.cat(parts)
