"""The runner of graphs against torch itself, the figure, and the model of the kit."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio.starter import kit, selfie
from studio.starter.build.vision import selfie_segmentation
from studio.starter.build.vision.selfie_segmentation import PERSON, UNSURE, iou
from studio.starter.selfie import PersonMask


def test_operations_compute_what_torch_does() -> None:
    import torch
    from torch.nn import functional

    random = torch.Generator().manual_seed(1)
    x, kernel, bias = (torch.randn(shape, generator=random) for shape in ((1, 3, 8, 8), (4, 3, 3, 3), (4,)))
    up = torch.randn((4, 1, 2, 2), generator=random)
    operations: list[dict[str, Any]] = [
        {
            "op": "conv",
            "stride": 2,
            "same": True,
            "groups": 1,
            "then": "relu6",
            "inputs": ["x", "k", "b"],
            "output": "a",
        },
        {"op": "mean", "inputs": ["a"], "output": "m"},
        {"op": "mul", "inputs": ["a", "m"], "output": "n"},
        {"op": "transposed-conv", "stride": 2, "inputs": ["n", "u", "z"], "output": "t"},
        {"op": "sigmoid", "inputs": ["t"], "output": "y"},
    ]
    model = PersonMask(operations, {"k": kernel, "b": bias, "u": up, "z": torch.zeros(1)}, "x", "y", 8)
    a = functional.relu6(functional.conv2d(functional.pad(x, (0, 1, 0, 1)), kernel, bias, 2))
    expected = torch.sigmoid(functional.conv_transpose2d(a * a.mean((2, 3), keepdim=True), up, stride=2))
    assert torch.allclose(model.run(x), expected)


def test_unsure_pixels_do_not_count() -> None:
    drawn = np.array([[PERSON, PERSON, 0, UNSURE]], np.uint8)
    assert iou(np.array([[True, False, False, True]]), drawn) == 0.5
    assert iou(np.array([[True, True, True, True]]), drawn) == pytest.approx(2 / 3)


def test_the_mask_has_the_pictures_size_and_finds_the_person() -> None:
    entry = kit.entry("kit:selfie-segmentation")
    image, drawn = selfie_segmentation._stored(entry)[0]
    mask = selfie.load(entry.path).probability(image.resize((300, 200)))
    assert mask.shape == (200, 300)
    found = np.asarray(Image.fromarray(mask).resize(image.size)) > 0.5
    assert iou(found, drawn) > 0.85
