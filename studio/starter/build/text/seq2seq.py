"""Training small models that write: one loop for those that answer a text and those that continue it, on a CPU."""

import math
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from studio.starter.build.text import pieces

Row = Mapping[str, list[int]]
Item = TypeVar("Item")
LOG_EVERY = 100


@dataclass(frozen=True)
class Schedule:
    """How a model is trained.

    Attributes:
        epochs: passes over the rows; a fraction ends in mid-pass.
        pieces: of a batch, padding included, in all its columns.
        learning_rate: its highest; it rises over `warmup` steps and falls along a half cosine.
        smoothing: share of the target's probability that is spread over all pieces.
    """

    epochs: float
    pieces: int
    learning_rate: float
    warmup: int
    smoothing: float = 0.0
    weight_decay: float = 0.01
    clip: float = 1.0
    seed: int = 20


def settings(vocabulary: int, width: int, hidden: int, heads: int, positions: int) -> dict[str, Any]:
    """What Bart's and Marian's configurations have in common here; layers, and what the two lack, are the caller's."""
    return {
        "vocab_size": vocabulary,
        "d_model": width,
        "encoder_ffn_dim": hidden,
        "decoder_ffn_dim": hidden,
        "encoder_attention_heads": heads,
        "decoder_attention_heads": heads,
        "max_position_embeddings": positions,
        "activation_function": "relu",
        "dropout": 0.0,
        "scale_embedding": True,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "forced_eos_token_id": 1,
        "decoder_start_token_id": 0,
        "init_std": width**-0.5,
        "attn_implementation": "eager",  # for rows this short, twice as fast to train as the fused one
    }


def learn(model: Any, pairs: Sequence[tuple[list[int], list[int]]], schedule: Schedule) -> None:
    """Train a model that answers from its first vectors on, in place; it says how far it is on stderr."""
    vocabulary, width = model.model.shared.weight.shape
    start = pieces.vectors([read + written for read, written in pairs], vocabulary, width, schedule.seed)
    model.model.shared.weight.data.copy_(start)
    rows = [{"input_ids": read, "labels": written} for read, written in pairs]
    fit(model, rows, schedule, lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201
    model.set_attn_implementation("sdpa")


def fit(model: Any, rows: Sequence[Row], schedule: Schedule, say: Callable[[str], None]) -> None:
    """Train the model in place; `say` gets a line now and then.

    A row has `input_ids` and `labels` (of a model that answers) or only `labels` (of one that continues); pieces of
    id 0 are padding. Matrix products run in bfloat16, all else in single precision.
    """
    import torch

    torch.manual_seed(schedule.seed)
    order = [batch for epoch in range(math.ceil(schedule.epochs)) for batch in batches(rows, schedule, epoch)]
    order = order[: round(len(order) * schedule.epochs / math.ceil(schedule.epochs))]
    decayed = [value for value in model.parameters() if value.dim() > 1]
    plain = [value for value in model.parameters() if value.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": schedule.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=schedule.learning_rate, betas=(0.9, 0.98), eps=1e-9, fused=True)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: shape(step, len(order), schedule.warmup))
    model.train()
    began, recent = time.monotonic(), []
    for step, places in enumerate(order, start=1):
        loss = _loss(model, [rows[place] for place in places], schedule.smoothing)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), schedule.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        rate.step()
        recent.append(float(loss.detach()))
        if step % LOG_EVERY == 0 or step == len(order):
            mean = sum(recent) / len(recent)
            say(f"step {step}/{len(order)} loss {mean:.3f} after {time.monotonic() - began:.0f} s")
            recent = []
    model.eval()


def shape(step: int, steps: int, warmup: int) -> float:
    """The learning rate's share of its highest at a step: a straight rise, then half a cosine down to 0."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def batches(rows: Sequence[Row], schedule: Schedule, epoch: int) -> list[list[int]]:
    """Places of the rows by batch: rows of like length together, the batches in random order."""
    choice = random.Random(schedule.seed * 1000 + epoch)  # noqa: S311  not a secret
    size = [sum(map(len, row.values())) for row in rows]
    longest = [max(map(len, row.values())) for row in rows]
    order = sorted(range(len(rows)), key=lambda place: (longest[place] + choice.random() * 4, choice.random()))
    found: list[list[int]] = []
    now: list[int] = []
    width = 0
    for place in order:
        if now and max(width, size[place]) * (len(now) + 1) > schedule.pieces:
            found.append(now)
            now, width = [], 0
        now.append(place)
        width = max(width, size[place])
    found.append(now)
    choice.shuffle(found)
    return found


def chunks(order: Sequence[Item], size: int) -> Iterator[list[Item]]:
    """`order` in runs of `size`."""
    return (list(order[start : start + size]) for start in range(0, len(order), size))


def padded(rows: Sequence[list[int]], padding: int) -> Any:
    """A tensor of all rows, filled up at the end."""
    import torch

    width = max(map(len, rows))
    return torch.tensor([row + [padding] * (width - len(row)) for row in rows])


def _loss(model: Any, rows: Sequence[Row], smoothing: float) -> Any:
    import torch

    labels = padded([row["labels"] for row in rows], 0)
    start = torch.zeros(len(rows), 1, dtype=labels.dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        if "input_ids" in rows[0]:
            read = padded([row["input_ids"] for row in rows], 0)
            given = torch.cat([start, labels[:, :-1]], dim=1)
            states = model.model(input_ids=read, attention_mask=read.ne(0), decoder_input_ids=given)[0]
        else:
            labels = torch.cat([labels[:, 1:], start], dim=1)
            states = model.model(input_ids=padded([row["labels"] for row in rows], 0))[0]
        wanted = labels.ne(0)
        logits = model.lm_head(states[wanted])
    return torch.nn.functional.cross_entropy(logits.float(), labels[wanted], label_smoothing=smoothing)


def answer(folder: Path, texts: Sequence[str], longest: int, beams: int = 1, read: int = 128) -> list[str]:
    """What the model in the folder writes to each text: the likeliest pieces, at most `longest`."""
    import torch
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32).eval()
    found = [""] * len(texts)
    for places in chunks(sorted(range(len(texts)), key=lambda place: len(texts[place])), 50):
        given = tokenizer(
            [texts[place] for place in places], padding=True, truncation=True, max_length=read, return_tensors="pt"
        )
        with torch.inference_mode():
            made = model.generate(
                input_ids=given["input_ids"],
                attention_mask=given["attention_mask"],
                max_new_tokens=longest,
                num_beams=beams,
                do_sample=False,
            )
        for place, answered in zip(places, made, strict=True):
            found[place] = tokenizer.decode(answered, skip_special_tokens=True).strip()
    return found
