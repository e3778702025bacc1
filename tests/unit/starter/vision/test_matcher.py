"""Views of flat pictures, their corners, and what belongs to what."""

from typing import Any

import numpy as np
import pytest

from studio.starter import kit
from studio.starter.build.vision import corners, fit, keypoints, matcher, views
from studio.starter.build.vision.corners import Rule
from studio.starter.build.vision.matcher import Pair
from studio.starter.build.vision.views import SIDE, Change

STILL = Change(turn=0, scale=1, slant=0, shift=0)
FAR = Change(turn=40, scale=1.4, slant=0.2, shift=0.1)


def squares() -> corners.Grey:
    """Two bright squares, of which one is larger, in the dark."""
    image = np.full((80, 100), 0.2, np.float32)
    image[20:40, 20:40] = 0.9
    image[50:62, 60:72] = 0.7
    return image


def drawn(count: int = 2) -> keypoints.Drawn:
    return keypoints.draw(kit.entry("kit:emoji").path, count)


def test_a_view_that_changes_nothing_shows_the_middle() -> None:
    import torch

    random = np.random.default_rng(0)
    image = torch.from_numpy(random.random((1, 1, 60, 80), np.float32))
    matrix = views.view((40, 30), (40, 30), STILL, random)
    seen = views.render(image, matrix[None], (40, 30))
    assert seen.numpy() == pytest.approx(image[:, :, 15:45, 20:60].numpy(), abs=1e-4)


def test_what_a_view_shows_lies_where_its_matrix_leads() -> None:
    import torch

    random = np.random.default_rng(1)
    y, x = np.mgrid[0:200, 0:300].astype(np.float32) / 300
    image = torch.from_numpy(np.stack([x, y]))[None]
    matrix = views.view((120, 90), (150, 100), FAR, random)
    seen = views.render(image, matrix[None], (120, 90), 0)[0].numpy()
    spots = np.array([[60, 45], [40, 50], [75, 30]])
    shown = seen[:, spots[:, 1], spots[:, 0]].T * 300
    assert shown == pytest.approx(views.carried(spots, matrix), abs=0.05)
    beyond = views.view((120, 90), (-500, -500), STILL, random)
    assert views.render(image, beyond[None], (120, 90), 0.25).numpy() == pytest.approx(0.25)


def test_there_and_back_is_where_it_was() -> None:
    random = np.random.default_rng(2)
    matrix = views.view((100, 100), (50, 60), FAR, random) @ views.stretch(100, random, 1.5)
    spots = random.uniform(0, 100, (20, 2))
    assert views.carried(views.carried(spots, matrix), np.linalg.inv(matrix)) == pytest.approx(spots)


def test_other_light_keeps_pictures_between_0_and_1() -> None:
    import torch

    images = torch.rand(4, 3, 20, 20)
    lit = views.relit(images, np.random.default_rng(3))
    assert lit.shape == images.shape
    assert (lit.min() >= 0, lit.max() <= 1, (lit != images).any()) == (True, True, True)


def test_corners_are_those_of_the_squares_the_clearest_first() -> None:
    found = corners.find(squares(), 8, 3)
    truth = [(x, y) for x in (20, 39) for y in (20, 39)], [(x, y) for x in (60, 71) for y in (50, 61)]
    for part, right in zip((found[:4], found[4:]), truth, strict=True):
        gaps = np.linalg.norm(part[:, None] - np.array(right)[None], axis=-1)
        assert sorted(gaps.argmin(1)) == [0, 1, 2, 3]
        assert gaps.min(1).max() <= 2
    assert len(corners.find(np.zeros((40, 40), np.float32), 8, 3)) == 0


def test_like_surroundings_are_matched_whatever_the_light() -> None:
    random = np.random.default_rng(4)
    image = np.kron(random.random((12, 12)), np.ones((8, 8))).astype(np.float32)
    one, other = image[:, :80], (image[:, 10:90] * 0.5 + 0.3).astype(np.float32)
    places, found = corners.match(one, other, Rule(11, 0.8), 50)
    assert len(places) > 10
    assert found - places == pytest.approx(np.broadcast_to([-10.0, 0.0], places.shape))
    empty, _ = corners.match(one, np.zeros_like(one), Rule(11, 0.8), 50)
    assert len(empty) == 0


def test_collages_are_the_same_every_time_and_full_of_corners() -> None:
    one, other = drawn(), drawn()
    assert (one.pictures == other.pictures).all()
    assert one.pictures.shape == (2, 1, SIDE, SIDE)
    assert one.corner.sum(1).min() > 50
    assert ((one.spots >= 0) & (one.spots < SIDE)).all()


def test_the_strongest_corner_of_a_square_is_taken() -> None:
    spots = np.array([[[9.2, 17.0], [12.0, 18.0], [-3.0, 5.0], [100.0, 40.0]]])
    found = keypoints.squares(spots, np.array([[True, True, True, False]]))
    assert found[0, 2, 1] == 1 * keypoints.CELL + 1
    assert (found != keypoints.CELL**2).sum() == 1


def test_places_of_a_batch_show_the_same_in_both_views() -> None:
    import torch

    batch = keypoints._parts(drawn(), [0, 1], np.random.default_rng(5))
    assert batch["pixel_values"].shape == (4, 1, keypoints.PART, keypoints.PART)
    assert batch["labels"].shape == (4, keypoints.PART // keypoints.CELL, keypoints.PART // keypoints.CELL)
    assert batch["places"].shape == (4, keypoints.SAMPLED, 2)
    kept = batch["weights"].repeat(2, 1)
    assert kept.any()
    assert (batch["places"][kept] > 0).all()
    assert (batch["places"][kept] < keypoints.PART).all()
    assert torch.isfinite(batch["pixel_values"]).all()


def made_up(there: Any) -> fit.Batch:
    """Three points of a picture, and of another in which they lie ten pixels to the right; two such pairs."""
    import torch

    points = torch.tensor([[20.0, 20], [60, 80], [200, 100]])
    both = torch.stack([points, points + torch.tensor([10.0, 0])])
    both[1, 2] += 50  # this one is seen elsewhere
    way = torch.eye(3)
    way[0, 2] = 10
    return {
        "points": both.repeat(2, 1, 1, 1),
        "described": torch.zeros(2, 2, 3, keypoints.DESCRIPTOR),
        "there": there,
        "ways": way.repeat(2, 1, 1),
    }


def test_near_points_belong_together_and_far_ones_are_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(keypoints, "UNRELATED", 0.0)
    there = torch.ones(2, 2, 3, dtype=torch.bool)
    there[1, 0, 0] = False
    batch = keypoints._matched(made_up(there), [0, 1], np.random.default_rng(6))
    assert batch["same"][0].tolist() == [[True, False, False], [False, True, False], [False, False, False]]
    assert batch["alone"][0].tolist() == [[False, False, True], [False, False, True]]
    assert batch["same"][1].tolist() == [[False, False, False], [False, True, False], [False, False, False]]
    assert batch["alone"][1].tolist() == [[False, False, True], [True, False, True]]  # what is not there is not alone


def test_in_two_different_pictures_all_are_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(keypoints, "UNRELATED", 1.0)
    batch = keypoints._matched(made_up(torch.ones(2, 2, 3, dtype=torch.bool)), [0, 1], np.random.default_rng(7))
    assert not batch["same"].any()
    assert batch["alone"].all()


def test_places_are_right_up_to_three_pixels() -> None:
    image = np.zeros((10, 10, 3), np.uint8)
    way = np.array([[1.0, 0, 5], [0, 1, 0], [0, 0, 1]])
    places = np.array([[1.0, 1], [2, 2], [3, 3]])
    found = places + np.array([[5, 3], [5, 3.1], [0, 0]])
    assert matcher.right(Pair(image, image, way), (places, found)).tolist() == [True, False, False]


def test_pairs_to_measure_on_are_the_same_every_time() -> None:
    folder = kit.entry(matcher.PHOTOS).path
    one, other = (matcher.photo_pairs(9, matcher.TURNED, folder) for _ in range(2))
    assert all((a.other == b.other).all() and (a.way == b.way).all() for a, b in zip(one, other, strict=True))
    assert (one[0].one == one[8].one).all()
    assert (one[0].way != one[8].way).any()
    assert all(pair.one.shape == pair.other.shape for pair in one)


def test_the_model_is_small_and_first_matches_what_is_alike() -> None:
    import torch
    from transformers import LightGlueForKeypointMatching

    torch.manual_seed(0)
    model = LightGlueForKeypointMatching(keypoints._config()).eval()
    keypoints._begin(model)
    assert fit.weights(model) * 2 < 3e6
    described = torch.nn.functional.normalize(torch.randn(1, 1, 30, keypoints.DESCRIPTOR), dim=-1).repeat(1, 2, 1, 1)
    points = torch.rand(1, 1, 30, 2).repeat(1, 2, 1, 1) * keypoints.SIDE
    there = torch.ones(1, 2, 30, dtype=torch.int)
    with torch.inference_mode():
        matches = model._match_image_pair(points, described, keypoints.SIDE, keypoints.SIDE, there)[0]
    assert (matches[0] == torch.arange(30)).float().mean() > 0.9
