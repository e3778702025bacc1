"""Rendered rooms with balls and boxes, and how far each pixel is: made-up scenes of which the depth is known exactly.

Rays are cast with numpy. The camera stands at one height with one angle of view, so that size tells distance.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.starter.build.vision.emoji import Pixels

SIZE = 96  # pixels
VIEW = 0.65  # half the picture's width at a distance of 1
CAMERA = 1.4  # metres above the floor
FARTHEST = 10  # metres
NEVER = 1e6

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Room:
    """One picture.

    Attributes:
        image: SIZE × SIZE × 3.
        depth: SIZE × SIZE, metres along the camera's axis.
    """

    image: Pixels
    depth: Values


def generate(seed: int, count: int) -> Iterator[Room]:
    """`count` rooms, the same for the same seed; about 200 a second on one core."""
    random = np.random.default_rng(seed)
    rays = _rays()
    for _ in range(count):
        yield _room(rays, random)


def _rays() -> Values:
    """A ray per pixel: x to the right, y down, z = 1 along the axis; so that a ray's parameter is the depth."""
    across = (np.arange(SIZE, dtype=np.float32) + 0.5) / SIZE * 2 - 1
    x, y = np.meshgrid(across * VIEW, across * VIEW)
    return np.stack([x, y, np.ones_like(x)], -1).astype(np.float32)


@dataclass
class _Canvas:
    """What was nearest so far."""

    rays: Values
    light: Values
    depth: Values
    colour: Values

    def put(self, depth: Values, normal: Values, colour: Values) -> None:
        """Paint a surface where it is nearer than all before; `depth` is NEVER where the ray misses it."""
        nearer = (depth > 0.2) & (depth < self.depth)
        shade = 0.45 + 0.55 * np.clip((normal * self.light).sum(-1), 0, 1)
        painted = np.broadcast_to(colour, self.colour.shape) * np.broadcast_to(shade, depth.shape)[..., None]
        self.depth[nearer] = depth[nearer]
        self.colour[nearer] = painted[nearer]


def _room(rays: Values, random: np.random.Generator) -> Room:
    light = np.array([random.normal(), -abs(random.normal()) - 0.6, -abs(random.normal())], np.float32)
    shape = rays.shape[:2]
    canvas = _Canvas(
        rays, light / np.linalg.norm(light), np.full(shape, NEVER, np.float32), np.zeros(rays.shape, np.float32)
    )
    back = float(random.uniform(4, 9))
    _walls(canvas, back, random)
    for _ in range(random.integers(2, 6)):
        away = float(random.uniform(1.8, back - 0.6))
        centre = np.array([random.uniform(-0.9, 0.9) * VIEW * away, 0, away], np.float32)
        if random.random() < 0.5:
            _ball(canvas, centre, float(random.uniform(0.2, 0.7)), random)
        else:
            _box(canvas, centre, random)
    haze = np.exp(-0.03 * canvas.depth)[..., None]
    pixels = canvas.colour * haze + 0.6 * (1 - haze) + random.normal(0, 0.015, rays.shape)
    return Room((np.clip(pixels, 0, 1) * 255).round().astype(np.uint8), np.minimum(canvas.depth, FARTHEST))


def _walls(canvas: _Canvas, back: float, random: np.random.Generator) -> None:
    """Floor, ceiling, back and two side walls; the floor is of tiles or boards, walls may have stripes."""
    high, wide = float(random.uniform(0.9, 2.0)), float(random.uniform(1.5, 4.0))
    planes = ((1, CAMERA), (1, -high), (0, wide), (0, -wide), (2, back))
    wall = random.uniform(0.3, 0.95, 3)
    for number, (axis, at) in enumerate(planes):
        along = canvas.rays[..., axis]
        depth = np.where(along * at > 1e-4, at / np.where(np.abs(along) < 1e-4, 1e-4, along), NEVER)
        normal = np.zeros(3, np.float32)
        normal[axis] = -np.sign(at)
        colour = _surface(
            canvas.rays * depth[..., None], axis, wall if number > 1 else random.uniform(0.2, 0.9, 3), random
        )
        canvas.put(depth.astype(np.float32), normal, colour)


def _surface(points: Values, axis: int, colour: Any, random: np.random.Generator) -> Values:
    """A plane's colour at its points: plain, striped or chequered."""
    one, other = (points[..., side] / random.uniform(0.4, 1.2) for side in range(3) if side != axis)
    kind = random.integers(3)
    cells = np.zeros(one.shape) if kind == 0 else np.floor(one) if kind == 1 else np.floor(one) + np.floor(other)
    darker = 1 - random.uniform(0.15, 0.6) * (cells % 2)
    found: Values = (np.asarray(colour) * darker[..., None]).astype(np.float32)
    return found


def _ball(canvas: _Canvas, centre: Values, radius: float, random: np.random.Generator) -> None:
    """A ball on the floor."""
    centre = centre + np.array([0, CAMERA - radius, 0], np.float32)
    a = (canvas.rays**2).sum(-1)
    b = (canvas.rays * centre).sum(-1)
    inside = b * b - a * (float(centre @ centre) - radius**2)
    depth = np.where(inside > 0, (b - np.sqrt(np.maximum(inside, 0))) / a, NEVER).astype(np.float32)
    normal = (canvas.rays * np.minimum(depth, FARTHEST)[..., None] - centre) / radius
    canvas.put(depth, normal.astype(np.float32), random.uniform(0.15, 1, 3).astype(np.float32))


def _box(canvas: _Canvas, centre: Values, random: np.random.Generator) -> None:
    """A box on the floor, turned about the vertical; rays are cut with its three pairs of faces."""
    half = random.uniform(0.15, 0.6, 3)
    centre = centre + np.array([0, CAMERA - half[1], 0], np.float32)
    angle = random.uniform(0, np.pi / 2)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    along, start = canvas.rays @ turn.T, -(turn @ centre)
    along = np.where(np.abs(along) < 1e-6, 1e-6, along)
    one, other = (-half - start) / along, (half - start) / along
    enter = np.minimum(one, other)
    face = enter.argmax(-1)
    depth = np.where(enter.max(-1) < np.maximum(one, other).min(-1), enter.max(-1), NEVER)
    normals = np.eye(3)[face] * -np.sign(np.take_along_axis(along, face[..., None], -1))
    canvas.put(
        depth.astype(np.float32), (normals @ turn).astype(np.float32), random.uniform(0.15, 1, 3).astype(np.float32)
    )
