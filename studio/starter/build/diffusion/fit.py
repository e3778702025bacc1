"""Trains a small Stable Diffusion on one core, with checkpoints: first the autoencoder, then text encoder and UNet.

Each stage keeps its state in one file, written every `EVERY` seconds, from which it goes on when it is started again.
"""

import logging
import math
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from studio.starter.build.diffusion.data import SUBJECTS, Pool, colours_of, phrase, tint

log = logging.getLogger(__name__)
EVERY = 120.0  # seconds between checkpoints
SHARES: Mapping[str, float] = {"emoji": 0.7, "digit": 0.12, "clothes": 0.12, "shape": 0.06}
WITHOUT_PROMPT = 0.1  # share that is trained on the empty prompt, for guidance
WITHOUT_COLOUR = 0.1  # share of digits, clothes and shapes whose prompt leaves the colour open
KL = 2e-6  # weight of the divergence from a normal distribution, summed over a latent
EDGES, AREAS = 1.0, 2.0  # weights beside that of pixels; the second, of colours, when the decoder is trained alone
BLUR = 0.1  # noise on the latents that the decoder alone is trained with
VAE_BATCH, VAE_RATE = 16, 2e-3
BATCH, RATE, DECAY = 64, 1.5e-3, 0.998
FINAL = 0.25  # share of the steps over which the learning rate falls to nothing
TINTS = {"emoji": 5, "digit": 2, "clothes": 2, "shape": 4}  # colours of each picture among the latents


@dataclass(frozen=True)
class Stage:
    """One training.

    Attributes:
        steps: how many in all, those before an interruption among them.
        state: file that keeps weights, optimizer and the number of steps.
    """

    steps: int
    state: Path
    seed: int


@dataclass(frozen=True)
class Latents:
    """What the UNet learns from.

    Attributes:
        values: float32, rows x 8 x 8 x 8, scaled to a standard deviation of 1.
        subjects: number of the subject, by row.
        colours: by row; "" is the picture's own.
    """

    values: Any
    subjects: list[int]
    colours: list[str]


def rows_by_family(subjects: Any) -> dict[str, Any]:
    """Numbers of the rows of each family."""
    families = np.array([SUBJECTS[number].family for number in subjects])
    return {name: np.flatnonzero(families == name) for name in SHARES}


def draw_rows(rows: Mapping[str, Any], count: int, choice: random.Random) -> list[int]:
    """A batch in which the families have their shares, whatever their sizes."""
    families = choice.choices(list(SHARES), weights=list(SHARES.values()), k=count)
    return [int(rows[family][choice.randrange(len(rows[family]))]) for family in families]


def fit_vae(vae: Any, pool: Pool, stage: Stage, decoder_only: bool = False) -> None:
    """Train the autoencoder in place, or its decoder alone for a given encoder, whose latents are then kept.

    The networks run in half precision where that pays (twice as fast on a CPU with AMX), the loss in single.
    """
    import torch

    if decoder_only:
        vae.encoder.requires_grad_(False)
        vae.quant_conv.requires_grad_(False)
    weights = [weight for weight in vae.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, VAE_RATE, weight_decay=1e-4)
    rows = rows_by_family(pool.subjects)
    losses: list[float] = []
    for step in _steps({"vae": vae, "optimizer": optimizer}, stage):
        choice = _seeded(stage.seed, step)
        picked = draw_rows(rows, VAE_BATCH, choice)
        colours = [choice.choice(colours_of(int(pool.subjects[row]))) for row in picked]
        pictures = tint(torch.from_numpy(pool.pixels[picked]), colours)
        _set_rate(optimizer, VAE_RATE, step, stage.steps)
        with torch.autocast("cpu", torch.bfloat16):
            posterior = vae.encode(pictures).latent_dist
            latents = posterior.sample()
            if decoder_only:  # what the UNet draws is never exact
                latents = latents + BLUR * torch.randn_like(latents)
            drawn = vae.decode(latents).sample
        if decoder_only:
            loss = _difference(drawn.float(), pictures, AREAS)
        else:
            loss = _difference(drawn.float(), pictures, 0.0) + KL * posterior.kl().float().mean()
        _learn(loss, optimizer, weights)
        losses.append(loss.item())
        _tell("decoder" if decoder_only else "vae", step, losses)
    vae.requires_grad_(True)


def _difference(drawn: Any, pictures: Any, weight: float) -> Any:
    """How far two batches lie apart: pixels, outlines and, by their weight, the colours of areas of 8 x 8 pixels."""
    from torch.nn.functional import avg_pool2d, l1_loss, mse_loss

    edges = sum(l1_loss(drawn.diff(dim=dim), pictures.diff(dim=dim)) for dim in (2, 3))
    areas = l1_loss(avg_pool2d(drawn, 8), avg_pool2d(pictures, 8))
    return l1_loss(drawn, pictures) + mse_loss(drawn, pictures) + EDGES * edges + weight * areas


def _learn(loss: Any, optimizer: Any, weights: list[Any]) -> None:
    import torch

    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(weights, 1.0)
    optimizer.step()


def encode(vae: Any, pool: Pool, seed: int) -> Latents:
    """The pool as latents, each picture in several colours; sets the autoencoder's scaling factor."""
    import torch

    choice = random.Random(seed)  # noqa: S311  not a secret
    rows: list[int] = []
    colours: list[str] = []
    for row, subject in enumerate(pool.subjects.tolist()):
        known = colours_of(subject)
        count = TINTS[SUBJECTS[subject].family]
        chosen = choice.sample(known, min(count, len(known)))
        if SUBJECTS[subject].family == "emoji" and "" not in chosen:
            chosen[0] = ""
        rows += [row] * len(chosen)
        colours += chosen
    parts = []
    with torch.inference_mode():
        for start in range(0, len(rows), 128):
            part = slice(start, start + 128)
            pictures = tint(torch.from_numpy(pool.pixels[rows[part]]), colours[part])
            parts.append(vae.encode(pictures).latent_dist.mean)
    values = torch.cat(parts).clone()
    scale = 1 / values.std().item()
    vae.register_to_config(scaling_factor=scale)
    return Latents(values * scale, [int(pool.subjects[row]) for row in rows], colours)


def fit_unet(parts: Mapping[str, Any], latents: Latents, stage: Stage) -> None:
    """Train "unet" and "text_encoder" of the parts in place, to their running means; "tokenizer", "scheduler" are used.

    The target is the velocity of Salimans and Ho (2022), the noise schedule ends without signal (Lin et al., 2023).
    """
    import torch
    from torch.nn.functional import mse_loss

    models = torch.nn.ModuleDict({name: parts[name] for name in ("unet", "text_encoder")})
    weights = list(models.parameters())
    means = [weight.detach().clone() for weight in weights]
    optimizer = torch.optim.AdamW(weights, RATE, weight_decay=1e-3, fused=True)
    rows = rows_by_family(latents.subjects)
    losses: list[float] = []
    kept = {"models": models, "optimizer": optimizer, "means": means}
    for step in _steps(kept, stage):
        choice = _seeded(stage.seed, step)
        picked = draw_rows(rows, BATCH, choice)
        tokens = torch.tensor([_tokens(parts["tokenizer"], _prompt(latents, row, choice)) for row in picked])
        clean = latents.values[picked]
        noise, times = torch.randn_like(clean), torch.randint(0, 1000, (BATCH,))
        _set_rate(optimizer, RATE, step, stage.steps)
        hidden = parts["text_encoder"](tokens).last_hidden_state
        noisy = parts["scheduler"].add_noise(clean, noise, times)
        guess = parts["unet"](noisy, times, hidden).sample
        loss = mse_loss(guess, parts["scheduler"].get_velocity(clean, noise, times))
        _learn(loss, optimizer, weights)
        torch._foreach_lerp_(means, [weight.detach() for weight in weights], 1 - min(DECAY, (1 + step) / (10 + step)))
        losses.append(loss.item())
        _tell("unet", step, losses)
    with torch.no_grad():
        for weight, mean in zip(weights, means, strict=True):
            weight.copy_(mean)


def _prompt(latents: Latents, row: int, choice: random.Random) -> str:
    subject, colour = latents.subjects[row], latents.colours[row]
    if choice.random() < WITHOUT_PROMPT:
        return ""
    if SUBJECTS[subject].family != "emoji" and choice.random() < WITHOUT_COLOUR:
        colour = ""
    return phrase(subject, colour, choice)


@cache
def _tokens(tokenizer: Any, prompt: str) -> tuple[int, ...]:
    ids = tokenizer(prompt, padding="max_length", max_length=tokenizer.model_max_length, truncation=True).input_ids
    return tuple(ids)


def _seeded(seed: int, step: int) -> random.Random:
    """The same numbers at the same step, also after an interruption."""
    import torch

    torch.manual_seed(1_000_003 * seed + step)
    return random.Random(1_000_003 * seed + step)  # noqa: S311  not a secret


def _set_rate(optimizer: Any, rate: float, step: int, steps: int) -> None:
    """Warm up over 100 steps, stay, fall at the end."""
    left = (steps - step) / (FINAL * steps)
    for group in optimizer.param_groups:
        group["lr"] = rate * min(1.0, (step + 1) / 100, left)


def _tell(stage: str, step: int, losses: list[float]) -> None:
    if (step + 1) % 100 == 0:
        mean = math.fsum(losses[-100:]) / len(losses[-100:])
        log.info("%s step %d loss %.4f cpu %.0f s", stage, step + 1, mean, time.process_time())


def _steps(kept: Mapping[str, Any], stage: Stage) -> Iterator[int]:
    """Number of each step still to be made; loads what was kept before, and keeps it every `EVERY` seconds."""
    import torch

    start = 0
    if stage.state.exists():
        saved = torch.load(stage.state, weights_only=True)
        start = int(saved.pop("step"))
        for name, value in saved.items():
            _restore(kept[name], value)
        log.info("goes on at step %d: %s", start, stage.state.name)
    last = time.monotonic()
    for step in range(start, stage.steps):
        yield step
        if time.monotonic() - last > EVERY or step + 1 == stage.steps:
            _keep(kept, step + 1, stage.state)
            last = time.monotonic()


def _restore(part: Any, value: Any) -> None:
    if isinstance(part, list):
        for old, new in zip(part, value, strict=True):
            old.copy_(new)
    else:
        part.load_state_dict(value)


def _keep(kept: Mapping[str, Any], step: int, state: Path) -> None:
    import torch

    values = {name: part if isinstance(part, list) else part.state_dict() for name, part in kept.items()}
    beside = state.with_suffix(".new")
    torch.save({"step": step, **values}, beside)
    beside.replace(state)
