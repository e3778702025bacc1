"""Changes to training pictures that leave true what is asked about them: colours, mirroring, zoom.

Pictures are tensors of batch × 3 × height × width, from 0 to 1; randomness comes from the caller's generator.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from studio.starter.build.vision.emoji import Pixels

MEAN, STD = 0.5, 0.5  # of every model here, for all three colours


def stack(images: Sequence[Pixels]) -> Any:
    """Pictures of height × width × 3, from 0 to 255, as one tensor."""
    import torch

    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float().div_(255)


def normalized(images: Any) -> Any:
    """Pictures as the models see them."""
    return (images - MEAN) / STD


def recoloured(images: Any, random: np.random.Generator, hue: float = math.pi, light: float = 0.25) -> Any:
    """Each picture with its hues turned by up to `hue` radians, brighter or darker, and of another contrast.

    The hues turn about the grey axis, in the colour space of television (YIQ), which keeps the brightness.
    """
    import torch

    count = len(images)
    to_yiq = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    angle = random.uniform(-hue, hue, count)
    turn = np.zeros((count, 3, 3))
    turn[:, 0, 0] = 1
    turn[:, 1, 1] = turn[:, 2, 2] = np.cos(angle)
    turn[:, 1, 2], turn[:, 2, 1] = -np.sin(angle), np.sin(angle)
    turn[:, 1:, 1:] *= random.uniform(0.5, 1.3, count)[:, None, None]
    matrix = torch.from_numpy(np.linalg.inv(to_yiq) @ turn @ to_yiq).float()
    mixed = torch.einsum("nij,njhw->nihw", matrix, images)
    gain, offset = (torch.from_numpy(random.uniform(-light, light, count)).float().view(-1, 1, 1, 1) for _ in range(2))
    return ((mixed - 0.5) * (1 + gain) + 0.5 + 0.5 * offset).clamp(0, 1)


def zoomed(images: Any, maps: Any, random: np.random.Generator, span: tuple[float, float] = (0.75, 1.3)) -> Any:
    """Pictures and their maps (batch × height × width, whole numbers) cut to a random part, half of them mirrored.

    A part beyond the edge repeats the edge. Returns both.
    """
    import torch
    from torch.nn import functional

    count = len(images)
    scale = 1 / random.uniform(*span, count)
    theta = np.zeros((count, 2, 3))
    theta[:, 0, 0] = scale * random.choice([-1, 1], count)
    theta[:, 1, 1] = scale
    theta[:, :, 2] = random.uniform(-1, 1, (count, 2)) * np.maximum(1 - scale, 0.15)[:, None]
    grid = functional.affine_grid(torch.from_numpy(theta).float(), list(images.shape), align_corners=False)
    seen = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    labels = functional.grid_sample(
        maps[:, None].float(), grid, mode="nearest", padding_mode="border", align_corners=False
    )
    return seen, labels[:, 0].round().long()
