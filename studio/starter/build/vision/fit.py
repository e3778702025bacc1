"""Training small models that see: one loop for all of them, on one thread of a CPU, and how they are written.

What a batch holds, and what the loss is, each builder says itself.
"""

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from studio.core.settings import ROOT
from studio.starter.build import storing
from studio.starter.build.storing import Bits
from studio.starter.build.text.seq2seq import shape

LOG_EVERY = 100
LICENSE = ROOT / "LICENSE"

Batch = Mapping[str, Any]
Draw = Callable[[Sequence[int], np.random.Generator], Batch]


@dataclass(frozen=True)
class Schedule:
    """How a model is trained.

    Attributes:
        steps: batches in all.
        batch: rows of a batch.
        learning_rate: its highest; it rises over `warmup` steps and falls along a half cosine.
        average: share of the weights' running mean that each step keeps; 0 keeps the last weights. The mean counts
            from the moment on when it no longer leans on the first steps.
    """

    steps: int
    batch: int
    learning_rate: float
    warmup: int = 100
    weight_decay: float = 0.02
    clip: float = 1.0
    average: float = 0.0
    seed: int = 20

    def for_manifest(self) -> dict[str, float | int | str]:
        """The settings as the manifest states them."""
        return {name: value for name, value in asdict(self).items() if name != "seed"}


def fit(
    model: Any,
    rows: int,
    draw: Draw,
    loss: Callable[[Any, Batch], Any],
    schedule: Schedule,
    say: Callable[[str], None] | None = None,
) -> None:
    """Train the model in place; `say` gets a line now and then, standard error where there is none.

    `draw` makes a batch of some of `rows` rows, by their numbers, with a generator for what it changes at random;
    `loss` gives the model's loss on it. Both see matrix products in bfloat16.
    """
    import torch

    say = say or log
    torch.set_num_threads(1)
    torch.manual_seed(schedule.seed)
    random = np.random.default_rng(schedule.seed)
    optimizer = _optimizer(model, schedule)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: shape(step, schedule.steps, schedule.warmup))
    mean = {name: value.detach().clone() for name, value in model.named_parameters()} if schedule.average else {}
    model.train()
    began, recent = time.monotonic(), []
    for step, numbers in enumerate(batches(rows, schedule), start=1):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            value = loss(model, draw(numbers, random))
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), schedule.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        rate.step()
        _keep(mean, model, min(schedule.average, step / (step + 10)))
        recent.append(float(value.detach()))
        if step % LOG_EVERY == 0 or step == schedule.steps:
            took = time.monotonic() - began
            say(f"step {step}/{schedule.steps} loss {sum(recent) / len(recent):.4f} after {took:.0f} s")
            recent = []
    if mean:
        model.load_state_dict(mean, strict=False)
    model.eval()


def batches(rows: int, schedule: Schedule) -> Iterator[list[int]]:
    """Numbers of the rows of each step: every row once, in random order, then all of them again."""
    random = np.random.default_rng([schedule.seed, rows])
    left: list[int] = []
    for _ in range(schedule.steps):
        while len(left) < schedule.batch:
            left += random.permutation(rows).tolist()
        yield left[: schedule.batch]
        left = left[schedule.batch :]


def log(line: str) -> None:
    """A line on standard error, where a builder's progress goes."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def weights(model: Any) -> int:
    """Number of the model's parameters."""
    return sum(value.numel() for value in model.parameters())


def save(model: Any, processor: Any, folder: Path, bits: Bits = 16) -> None:
    """Write a model and what prepares its inputs, with so many bits for a number of a matrix."""
    processor.save_pretrained(folder)
    storing.write(model, folder, bits=bits)


def band(values: Sequence[float], rows: int = 200) -> float:
    """Three standard errors of a mean over `rows` rows, from the figures of single rows; at least 0.01."""
    spread = float(np.std(np.asarray(values, np.float64)))
    return round(max(3 * spread / math.sqrt(rows), 0.01), 3)


def _optimizer(model: Any, schedule: Schedule) -> Any:
    import torch

    decayed = [value for value in model.parameters() if value.requires_grad and value.dim() > 1]
    plain = [value for value in model.parameters() if value.requires_grad and value.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": schedule.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=schedule.learning_rate, betas=(0.9, 0.98), fused=True)


def _keep(mean: Mapping[str, Any], model: Any, share: float) -> None:
    """Move the running mean towards the model's weights."""
    import torch

    if mean:
        names, now = zip(*model.named_parameters(), strict=True)
        torch._foreach_lerp_([mean[name] for name in names], [value.detach() for value in now], 1 - share)
