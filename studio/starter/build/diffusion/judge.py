"""The judge of `kit:tiny-sd`: a small network that names the subject and the colour of a picture.

It never sees the model's pictures in training, and none of the digits and clothes that the model was trained on.
It serves to measure this one model and nothing else.
"""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studio.starter.build.diffusion.data import COLOURS, OWN, SUBJECTS, Pool, tint
from studio.starter.build.diffusion.fit import draw_rows, rows_by_family

STEPS, BATCH, RATE = 1500, 64, 3e-3
SHADES = (OWN, *COLOURS)  # in the order of the second output


def new() -> Any:
    """Sees 64 x 64 pixels at half their size; gives scores of subjects, then of colours. 141,000 parameters."""
    from torch import nn

    layers: list[Any] = [nn.AvgPool2d(2)]
    for before, after in ((3, 24), (24, 48), (48, 72), (72, 72)):
        layers += [nn.Conv2d(before, after, 3, 2 if after > 24 else 1, 1), nn.GroupNorm(8, after), nn.SiLU()]
    layers += [nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.1), nn.Linear(72 * 4, len(SUBJECTS) + len(SHADES))]
    return nn.Sequential(*layers)


def fit(pool: Pool, seed: int) -> Any:
    """Train a judge on pictures as they are and a little blurred or noisy, as drawn ones may be; two minutes."""
    import torch
    from torch.nn.functional import avg_pool2d, cross_entropy

    torch.manual_seed(seed)
    choice = random.Random(seed)  # noqa: S311  not a secret
    judge = new()
    optimizer = torch.optim.AdamW(judge.parameters(), RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, STEPS)
    rows = rows_by_family(pool.subjects)
    for _ in range(STEPS):
        picked = draw_rows(rows, BATCH, choice)
        shades = [choice.randrange(0 if SUBJECTS[pool.subjects[row]].family == "emoji" else 1, 10) for row in picked]
        pictures = tint(torch.from_numpy(pool.pixels[picked]), [SHADES[shade] for shade in shades])
        if choice.random() < 0.5:
            pictures = avg_pool2d(pictures, 3, 1, 1)
        pictures = pictures + choice.uniform(0, 0.1) * torch.randn_like(pictures)
        scores = judge(pictures)
        subjects = torch.from_numpy(pool.subjects[picked])
        loss: Any = cross_entropy(scores[:, : len(SUBJECTS)], subjects)
        loss = loss + cross_entropy(scores[:, len(SUBJECTS) :], torch.tensor(shades))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return judge.eval()


def decide(judge: Any, pictures: Any) -> list[tuple[int, str]]:
    """Subject (its number in `SUBJECTS`) and colour of each picture; float32, n x 3 x 64 x 64, from -1 to 1."""
    import torch

    found: list[tuple[int, str]] = []
    with torch.inference_mode():
        for part in pictures.split(128):
            scores = judge(part)
            subjects = scores[:, : len(SUBJECTS)].argmax(1).tolist()
            shades = scores[:, len(SUBJECTS) :].argmax(1).tolist()
            found += [(subject, SHADES[shade]) for subject, shade in zip(subjects, shades, strict=True)]
    return found


def check(judge: Any, pool: Pool, count: int, seed: int) -> float:
    """Share of real pictures, families in the shares of the training, of which it names both subject and colour."""
    import torch

    choice = random.Random(seed)  # noqa: S311  not a secret
    picked = draw_rows(rows_by_family(pool.subjects), count, choice)
    wanted = []
    for row in picked:
        subject = int(pool.subjects[row])
        wanted.append((subject, choice.choice(SHADES if SUBJECTS[subject].family == "emoji" else SHADES[1:])))
    pictures = tint(torch.from_numpy(pool.pixels[picked]), [colour for _, colour in wanted])
    return agreement(decide(judge, pictures), wanted)


def agreement(found: Sequence[tuple[int, str]], wanted: Sequence[tuple[int, str]]) -> float:
    """Share of pictures whose subject and colour are the wanted ones."""
    return sum(one == other for one, other in zip(found, wanted, strict=True)) / len(wanted)


def save(judge: Any, file: Path) -> None:
    """Write its weights in half precision."""
    from safetensors.torch import save_file

    save_file({name: weight.half().contiguous() for name, weight in judge.state_dict().items()}, file)
    file.chmod(0o644)  # safetensors writes for the owner only


def load(file: Path) -> Any:
    """A judge as it was saved, computing in single precision."""
    from safetensors.torch import load_file

    judge = new()
    judge.load_state_dict({name: weight.float() for name, weight in load_file(file).items()})
    return judge.eval()
