"""Two views of one flat picture, of which it is known what belongs together; and endless pictures to take views of.

A view is a homography: a matrix that leads from its pixels to those of the picture. Pictures are collages of emoji,
shapes, writing and cloudy grounds, in grey; they are never the same and look like nothing in particular.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.starter.build.vision.emoji import Emoji, Pixels

SIDE = 384  # of a collage, in pixels
THINGS = (20, 130)
SIZES = (10, 190)  # of its things, in pixels; small ones are more frequent
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789&?!%@"

Matrix = NDArray[np.floating[Any]]
Grey = NDArray[np.float32]


@dataclass(frozen=True)
class Change:
    """How much a view may differ: degrees of turn, factor of scale, slant towards a corner, shift in sides."""

    turn: float
    scale: float
    slant: float
    shift: float


def collage(looks: Sequence[Emoji], random: np.random.Generator) -> Pixels:
    """SIDE × SIZE pixels of grey."""
    from PIL import Image, ImageFilter

    picture = Image.fromarray(_grain(SIDE, SIDE, random))
    for _ in range(random.integers(*THINGS)):
        size = int(SIZES[0] * (SIZES[1] / SIZES[0]) ** (random.random() ** 1.3))
        x, y = (int(one) for one in random.integers(-size // 2, SIDE - size // 2, 2))
        thing, mask = _thing(size, looks, random)
        picture.paste(thing, (x, y), mask)
    blurred = picture.filter(ImageFilter.GaussianBlur(float(random.uniform(0.4, 1.0))))
    return np.asarray(blurred, np.uint8)


def view(side: tuple[float, float], middle: tuple[float, float], change: Change, random: np.random.Generator) -> Matrix:
    """A random view of (width, height) `side` about the `middle` of what it leads to."""
    angle = math.radians(random.uniform(-change.turn, change.turn))
    scale = change.scale ** random.uniform(-1, 1)
    slant = np.eye(3)
    slant[2, :2] = random.uniform(-change.slant, change.slant, 2) / (np.array(side) / 2)
    turn = np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
    turn[:2] *= scale
    shift = random.uniform(-change.shift, change.shift, 2) * np.array(side)
    found: Matrix = _moved(np.array(middle) + shift) @ turn @ slant @ _moved(-np.array(side) / 2)
    return found


def stretch(side: float, random: np.random.Generator, most: float) -> Matrix:
    """A square view whose sides are pulled apart, as those of pictures that are made square."""
    pulled = most ** random.uniform(-0.5, 0.5)
    found: Matrix = _moved(np.full(2, side / 2)) @ np.diag([pulled, 1 / pulled, 1]) @ _moved(np.full(2, -side / 2))
    return found


def carried(points: NDArray[Any], matrix: Matrix) -> NDArray[np.float64]:
    """Points (… × x, y) led through a matrix."""
    led = np.concatenate([points, np.ones_like(points[..., :1])], -1) @ np.swapaxes(matrix, -1, -2)
    found: NDArray[np.float64] = led[..., :2] / led[..., 2:]
    return found


def render(pictures: Any, matrices: Matrix, size: tuple[int, int], fill: Any = 0.5) -> Any:
    """What each view (width, height) shows of its picture; beyond the edge lies `fill`. Tensors, pictures first."""
    import torch
    from torch.nn import functional

    width, height = size
    x, y = torch.meshgrid(torch.arange(width), torch.arange(height), indexing="xy")
    spots = torch.stack([x, y, torch.ones_like(x)], -1).reshape(-1, 3).float()
    led = spots @ torch.from_numpy(matrices).float().transpose(1, 2)
    sides = torch.tensor(pictures.shape[:1:-1]).float()
    grid = ((led[..., :2] / led[..., 2:] + 0.5) / sides * 2 - 1).reshape(-1, height, width, 2)
    return functional.grid_sample(pictures - fill, grid, align_corners=False) + fill


def relit(images: Any, random: np.random.Generator, most: float = 1.0) -> Any:
    """Pictures from 0 to 1 with other contrast, gamma, light from a side, blur and noise, each as much as `most`."""
    import torch
    from torch.nn import functional

    count, _, height, width = images.shape

    def drawn(low: float, high: float) -> Any:
        return torch.from_numpy(random.uniform(low, high, count)).float().view(-1, 1, 1, 1)

    images = images.clamp(1e-4, 1) ** torch.exp(most * drawn(-0.5, 0.5))
    images = (images - 0.5) * torch.exp(most * drawn(-0.6, 0.2)) + 0.5 + most * drawn(-0.15, 0.15)
    x, y = torch.linspace(-1, 1, width), torch.linspace(-1, 1, height)[:, None]
    images = images + most * (drawn(-0.15, 0.15) * x + drawn(-0.15, 0.15) * y)
    soft = functional.avg_pool2d(functional.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1)
    images = torch.lerp(images, soft, drawn(0, 1))
    noise = torch.from_numpy(random.standard_normal(images.shape, np.float32))
    return (images + noise * most * drawn(0, 0.04)).clamp(0, 1)


def _thing(size: int, looks: Sequence[Emoji], random: np.random.Generator) -> tuple[Any, Any]:
    """A grey picture and its mask: an emoji, a letter or word, a shape full of grain, or a line."""
    from PIL import Image, ImageDraw, ImageFont

    kind = random.random()
    if kind < 0.45:
        look = looks[int(random.integers(len(looks)))]
        angle = float(random.uniform(0, 360))
        thing, mask = (
            Image.fromarray(one).resize((size, size), Image.Resampling.BICUBIC).rotate(angle, Image.Resampling.BICUBIC)
            for one in (look.image, look.mask)
        )
        return thing.convert("L"), mask
    ratio = float(random.uniform(0.3, 1))
    height = max(4, int(size * ratio))
    mask = Image.new("L", (size, height), 0)
    pen = ImageDraw.Draw(mask)
    if kind < 0.6:
        text = "".join(random.choice(list(LETTERS), random.integers(1, 7)))
        pen.text((0, 0), text, fill=255, font=ImageFont.load_default(max(8.0, min(height * 0.8, 64.0))))
    elif kind < 0.7:
        ends = [tuple(one) for one in (random.random((2, 2)) * (size, height)).tolist()]
        pen.line(ends, fill=255, width=int(random.integers(1, 5)))
    elif kind < 0.8:
        pen.ellipse((0, 0, size - 1, height - 1), fill=255)
    else:
        angles = np.sort(random.uniform(0, 2 * math.pi, random.integers(3, 8)))
        reach = random.uniform(0.5, 1, len(angles))
        spots = np.stack([(1 + reach * np.cos(angles)) * size / 2, (1 + reach * np.sin(angles)) * height / 2], -1)
        pen.polygon([tuple(one) for one in spots.tolist()], fill=255)
    mask = mask.rotate(float(random.uniform(0, 360)), Image.Resampling.BILINEAR, expand=True)
    return Image.fromarray(_grain(*mask.size, random)), mask


def _grain(width: int, height: int, random: np.random.Generator) -> Pixels:
    """A plain tone, or clouds of some sizes: the coarser, the stronger, as in photos."""
    from PIL import Image

    tone = random.uniform(15, 240)
    found: Grey = np.full((height, width), tone, np.float32)
    if random.random() < 0.75:
        strength, slope = random.uniform(5, 60), random.uniform(0.2, 1.3)
        for octave in range(1, 8):
            side = 2**octave
            coarse = random.standard_normal((side, side), np.float32)
            clouds = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
            found += strength * 2 ** (-slope * (octave - 1)) * np.asarray(clouds)
    return found.clip(0, 255).astype(np.uint8)


def _moved(by: NDArray[Any]) -> Matrix:
    matrix = np.eye(3)
    matrix[:2, 2] = by
    return matrix
