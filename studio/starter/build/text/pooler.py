"""A pooler that says what the sentence means, for an encoder that was trained with mean pooling.

BertForSequenceClassification reads the pooler, a layer over the first token's state. The sentence encoder never
used that layer, so what lies there is a left-over of pre-training. Here it is set, by ridge regression, to give
the standardised mean of all states; a classifier then learns from the first step. The encoder is not touched.
"""

from collections.abc import Sequence
from typing import Any

SPREAD = 0.5  # standard deviation of each feature, inside tanh's nearly straight part
CLIP = 0.95
FLOOR = 0.01  # below this standard deviation a dimension counts as constant
RIDGE = 100.0
BATCH, LONGEST = 32, 128


def fit(model: Any, tokenizer: Any, texts: Sequence[str]) -> float:
    """Set the pooler's weights from unlabelled texts; gives the share of variance explained on every tenth text."""
    import torch

    first, mean = _states(model, tokenizer, texts)
    held_out = torch.arange(len(texts)) % 10 == 0
    offset, scale = mean[~held_out].mean(0), mean[~held_out].std(0).clamp_min(FLOOR)
    center, width = first[~held_out].mean(0), first[~held_out].std(0).clamp_min(FLOOR)
    target = SPREAD * (mean - offset) / scale

    ones = torch.ones(len(texts), 1)
    inputs = torch.cat([(first - center) / width, ones], dim=1)
    known, wanted = inputs[~held_out], target[~held_out].clamp(-CLIP, CLIP).atanh()
    weights = torch.linalg.solve(known.T @ known + RIDGE * torch.eye(known.shape[1]), known.T @ wanted)
    dense = model.pooler.dense
    dense.weight.data = (weights[:-1] / width[:, None]).T.contiguous()
    dense.bias.data = weights[-1] - (center / width) @ weights[:-1]

    with torch.inference_mode():
        error = torch.tanh(dense(first[held_out])) - target[held_out]
    return 1 - float(error.square().sum() / (target[held_out] - target[held_out].mean(0)).square().sum())


def _states(model: Any, tokenizer: Any, texts: Sequence[str]) -> tuple[Any, Any]:
    """Last hidden state of the first token, and the mean over all, per text; texts of like length run together."""
    import torch

    first, mean = (torch.zeros(len(texts), model.config.hidden_size) for _ in range(2))
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        batch = tokenizer(
            [texts[row] for row in rows], padding=True, truncation=True, max_length=LONGEST, return_tensors="pt"
        )
        with torch.inference_mode():
            states = model(**batch).last_hidden_state
        mask = batch["attention_mask"][..., None]
        first[rows], mean[rows] = states[:, 0], (states * mask).sum(1) / mask.sum(1)
    return first, mean
