"""Corners of grey pictures, and which of two pictures' corners are alike: matching that learns nothing.

Shi and Tomasi's corners ("Good features to track", 1994): where the picture changes in both directions.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RADIUS = 4  # pixels within which only the strongest corner counts

Points = NDArray[np.float64]  # rows of x, y
Grey = NDArray[np.float32]  # rows × columns, from 0 to 1


@dataclass(frozen=True)
class Rule:
    """Pieces of `patch` × `patch` pixels are alike when the second best is farther by a factor of 1 / `ratio`."""

    patch: int
    ratio: float


def response(images: Any) -> Any:
    """How much of a corner each pixel of batch × 1 × rows × columns is: the gradients' lesser eigenvalue."""
    import torch
    from torch.nn import functional

    padded = functional.pad(images, (1, 1, 1, 1), mode="replicate")
    sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
    along = functional.conv2d(padded, torch.stack([sobel, sobel.T])[:, None])
    x, y = along[:, :1], along[:, 1:]
    window = torch.exp(-(torch.arange(-4.0, 5) ** 2) / (2 * 1.5**2))
    window = window / window.sum()
    products = torch.cat([x * x, y * y, x * y], 1)
    products = functional.conv2d(products, window.view(1, 1, 1, -1).expand(3, 1, 1, -1), padding=(0, 4), groups=3)
    products = functional.conv2d(products, window.view(1, 1, -1, 1).expand(3, 1, -1, 1), padding=(4, 0), groups=3)
    xx, yy, xy = products[:, :1], products[:, 1:2], products[:, 2:]
    return (xx + yy) / 2 - (((xx - yy) / 2) ** 2 + xy**2).clamp_min(1e-16).sqrt()


def peaks(values: Any, radius: int = RADIUS) -> Any:
    """The values where none within the radius is higher, 0 elsewhere."""
    from torch.nn import functional

    return values * (values == functional.max_pool2d(values, 2 * radius + 1, 1, radius))


def find(image: Grey, count: int, margin: int, least: float = 1e-6) -> Points:
    """The strongest corners of a picture (0 to 1), away from its edge."""
    import torch

    values = peaks(response(torch.from_numpy(image)[None, None]))[0, 0].numpy().copy()
    inside = np.zeros_like(values)
    inside[margin:-margin, margin:-margin] = 1
    values = values * inside
    order = np.argsort(-values, axis=None, kind="stable")[:count]
    rows, columns = np.unravel_index(order[values.ravel()[order] > least], values.shape)
    return np.stack([columns, rows], -1).astype(np.float64)


def match(one: Grey, other: Grey, rule: Rule, count: int) -> tuple[Points, Points]:
    """Corners whose surroundings, freed of light and contrast, are each other's nearest, and clearly so."""
    found = [find(image, count, rule.patch // 2 + 1) for image in (one, other)]
    if min(map(len, found)) < 2:
        return np.zeros((0, 2)), np.zeros((0, 2))
    pieces = [_pieces(image, points, rule.patch) for image, points in zip((one, other), found, strict=True)]
    far = np.sqrt(np.maximum(2 - 2 * pieces[0] @ pieces[1].T, 0))
    best = far.argmin(1)
    first, second = np.partition(far, 1, axis=1)[:, :2].T
    kept = (far.argmin(0)[best] == np.arange(len(best))) & (first <= rule.ratio * second)
    return found[0][kept], found[1][best[kept]]


def _pieces(image: Grey, points: Points, patch: int) -> NDArray[np.float64]:
    reach = np.arange(patch) - patch // 2
    columns, rows = points.astype(int).T
    pieces = image[rows[:, None, None] + reach[:, None], columns[:, None, None] + reach].reshape(len(points), -1)
    pieces = pieces.astype(np.float64) - pieces.mean(1, keepdims=True)
    normed: NDArray[np.float64] = pieces / np.maximum(np.linalg.norm(pieces, axis=1, keepdims=True), 1e-6)
    return normed
