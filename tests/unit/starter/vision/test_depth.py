"""Rendered rooms, and how depths are judged."""

import numpy as np
import pytest

from studio.starter.build.vision import depth, rooms
from studio.starter.build.vision.rooms import CAMERA, FARTHEST, NEVER, SIZE, Room, Values


def test_a_room_is_the_same_for_the_same_seed() -> None:
    one, other = next(rooms.generate(3, 1)), next(rooms.generate(3, 1))
    assert (one.image == other.image).all()
    assert (one.depth == other.depth).all()
    assert (next(rooms.generate(4, 1)).depth != one.depth).any()
    assert one.image.shape == (SIZE, SIZE, 3)
    assert one.depth.dtype == np.float32


def test_depths_are_those_of_a_closed_room() -> None:
    for room in rooms.generate(5, 40):
        assert room.depth.min() > 0.2
        assert room.depth.max() <= FARTHEST
        assert len(np.unique(room.image)) > 20


def canvas() -> rooms._Canvas:
    rays = rooms._rays()
    light = np.array([0, -1, 0], np.float32)
    return rooms._Canvas(rays, light, np.full((SIZE, SIZE), NEVER, np.float32), np.zeros_like(rays))


def test_a_ball_stands_on_the_floor_at_its_distance() -> None:
    drawn = canvas()
    rooms._ball(drawn, np.array([0, 0, 4], np.float32), 0.5, np.random.default_rng(0))
    there = drawn.depth < NEVER
    assert drawn.depth[there].min() == pytest.approx(3.52, abs=0.1)  # half a metre before its centre, seen from above
    points = drawn.rays[there] * drawn.depth[there][:, None]
    centre = np.array([0, CAMERA - 0.5, 4])
    assert np.linalg.norm(points - centre, axis=1) == pytest.approx(0.5, abs=1e-3)


def test_a_box_has_all_its_points_between_its_faces() -> None:
    drawn = canvas()
    rooms._box(drawn, np.array([0.2, 0, 3], np.float32), np.random.default_rng(1))
    there = drawn.depth < NEVER
    points = drawn.rays[there] * drawn.depth[there][:, None]
    assert there.sum() > 20
    assert points[:, 1].max() <= CAMERA + 1e-3
    assert np.abs(points[:, 2] - 3).max() < 0.6 * 2**0.5
    assert (drawn.colour[there] > 0).all()


def test_the_nearer_of_two_hides_the_other() -> None:
    drawn = canvas()
    up: Values = np.array([0, -1, 0], np.float32)
    for away, colour in ((2.0, 1.0), (3.0, 0.5)):
        drawn.put(np.full((SIZE, SIZE), away, np.float32), up, np.full(3, colour, np.float32))
    assert (drawn.depth == 2).all()
    assert drawn.colour == pytest.approx(1)


def test_figures_of_a_depth() -> None:
    room = Room(np.zeros((1, 4, 3), np.uint8), np.array([[1, 2, 4, 8]], np.float32))
    found = depth.scores([room], [np.array([[1.2, 2, 6, 0]], np.float32)])
    assert found["delta1"] == [0.5]
    assert found["relative_error"] == [pytest.approx((0.2 + 0 + 0.5 + 1) / 4, abs=1e-3)]
