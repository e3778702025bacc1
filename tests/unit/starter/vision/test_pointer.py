"""Points, masks and the answer that needs no model."""

import numpy as np
import pytest

from studio.starter import kit
from studio.starter.build.vision import fit, pointer, scenes
from studio.starter.build.vision.pointer import Prompt
from studio.starter.build.vision.scenes import SIZE


def disc(x: int, y: int, radius: int) -> pointer.Mask:
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    mask: pointer.Mask = (columns - x) ** 2 + (rows - y) ** 2 < radius**2
    return mask


def test_points_lie_well_inside_where_there_is_an_inside() -> None:
    random = np.random.default_rng(0)
    mask = disc(60, 40, 10)
    for _ in range(50):
        x, y = pointer.anywhere(mask, random)
        assert mask[y - 1 : y + 2, x - 1 : x + 2].all()
    line = np.zeros((SIZE, SIZE), bool)
    line[5, 7] = True
    assert pointer.anywhere(line, random) == (7, 5)


def test_iou_is_what_is_shared_of_what_is_covered() -> None:
    one, other = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    one[0], other[0], other[1] = True, True, True
    assert pointer.iou(one, other) == 0.5
    assert pointer.iou(np.zeros((2, 2), bool), np.zeros((2, 2), bool)) == 0


def test_the_flood_stops_at_the_grounds_colour() -> None:
    image = np.full((SIZE, SIZE, 3), 200, np.uint8)
    here, there = disc(40, 40, 12), disc(90, 90, 12)
    image[here | there] = (220, 30, 30)
    assert pointer.iou(pointer.flood(Prompt(image, (40, 40), here), 30), here) == 1
    ground = pointer.flood(Prompt(image, (5, 5), ~(here | there)), 30)
    assert (ground == ~(here | there)).all()


def test_every_thing_of_a_scene_gets_one_point_the_same_every_time() -> None:
    folder = kit.entry("kit:emoji").path
    prompts = pointer.held_out("test", 3, folder)
    drawn = list(scenes.generate(pointer.HELD_OUT_SEED, 3, "test", folder))
    assert len(prompts) == sum(len(scene.things) for scene in drawn)
    assert all(one.mask[one.point[1], one.point[0]] for one in prompts)
    assert [one.point for one in prompts] == [one.point for one in pointer.held_out("test", 3, folder)]


def test_ways_lead_to_the_middle_of_the_thing_there() -> None:
    instances = np.zeros((SIZE, SIZE), np.uint8)
    instances[32:64, 64:96] = 1
    share, right, down = pointer.middles(instances)
    assert share[4, 8] == 1
    assert share[0, 0] == right[0, 0] == 0
    assert right[4, 8] > 0 > right[4, 11]
    assert down[4, 8] > 0 > down[7, 8]
    assert right[4, 8] == pytest.approx(12 / SIZE)


def test_the_model_is_small_and_gives_masks_of_the_losss_size() -> None:
    import torch

    torch.manual_seed(0)
    model = pointer._model()
    assert fit.weights(model) * 2 < 1.5e6
    found = model(pixel_values=torch.zeros(1, 3, SIZE, SIZE), input_points=torch.full((1, 2, 1, 2), 60.0))
    assert found.pred_masks.shape == (1, 2, 1, SIZE // pointer.FINE, SIZE // pointer.FINE)
    near, far = (model.shared_image_embedding(torch.tensor([[0.5, 0.5]]) + shift) for shift in (0.01, 0.3))
    here = model.shared_image_embedding(torch.tensor([[0.5, 0.5]]))
    assert (here - near).norm() < (here - far).norm() / 2  # places that are near have something in common
