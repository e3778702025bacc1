"""Changes to training pictures."""

import numpy as np
import torch

from studio.starter.build.vision import augment


def test_pictures_become_one_tensor_from_nought_to_one() -> None:
    image = np.zeros((4, 6, 3), np.uint8)
    image[1, 2, 0] = 255
    stacked = augment.stack([image, image])
    assert stacked.shape == (2, 3, 4, 6)
    assert stacked[0, 0, 1, 2] == 1
    assert stacked.sum() == 2
    assert augment.normalized(stacked).min() == -1


def test_turned_hues_leave_grey_grey() -> None:
    grey = torch.full((3, 3, 4, 4), 0.5)
    changed = augment.recoloured(grey, np.random.default_rng(0), light=0.0)
    assert torch.allclose(changed, grey, atol=0.01)


def test_no_change_is_asked_for_and_none_is_made_but_in_strength_of_colour() -> None:
    red = torch.tensor([0.9, 0.1, 0.1]).view(1, 3, 1, 1).expand(8, 3, 2, 2)
    changed = augment.recoloured(red, np.random.default_rng(1), hue=0.0, light=0.0)
    assert (changed[:, 0] > changed[:, 1]).all()
    assert torch.allclose(changed[:, 1], changed[:, 2], atol=0.02)
    turned = augment.recoloured(red, np.random.default_rng(1), light=0.0)
    assert not torch.allclose(turned, changed, atol=0.1)


def test_a_picture_and_its_map_are_moved_alike() -> None:
    maps = torch.zeros(16, 32, 32, dtype=torch.uint8)
    maps[:, 10:20, 4:16] = 3
    images = (maps[:, None].float() / 3).expand(-1, 3, -1, -1)
    seen, labels = augment.zoomed(images, maps, np.random.default_rng(2))
    assert set(labels.unique().tolist()) == {0, 3}
    apart = ((seen[:, 0] > 0.5) != (labels == 3)).float().mean()
    assert apart < 0.02
    assert ((seen[:, 0] > 0.5) != (maps == 3)).float().mean() > 0.05
