"""That the conversion computes what the original does, for any weights."""

from typing import Any

import pytest

from studio.starter.build.vision import efficientnet_lite0, lite0_reference
from studio.starter.build.vision.lite0_reference import BLOCKS


def published() -> dict[str, Any]:
    """Weights with the names and shapes of the published ones, at random."""
    import torch

    random = torch.Generator().manual_seed(3)
    weights: dict[str, Any] = {}

    def convolution(name: str, *shape: int) -> None:
        scale = (2 / (shape[1] * shape[2] * shape[3])) ** 0.5
        weights[f"{name}.weight"] = torch.randn(*shape, generator=random) * scale

    def norm(name: str, channels: int) -> None:
        weights[f"{name}.weight"] = torch.rand(channels, generator=random) + 0.5
        weights[f"{name}.bias"] = torch.randn(channels, generator=random) * 0.1
        weights[f"{name}.running_mean"] = torch.randn(channels, generator=random) * 0.1
        weights[f"{name}.running_var"] = torch.rand(channels, generator=random) + 0.5
        weights[f"{name}.num_batches_tracked"] = torch.tensor(7)

    convolution("_conv_stem", 32, 3, 3, 3)
    norm("_bn0", 32)
    number = 0
    for repeats, kernel, _, expansion, incoming, outgoing in BLOCKS:
        for repeat in range(repeats):
            name, inner = f"_blocks.{number}", (incoming if repeat == 0 else outgoing) * expansion
            if expansion > 1:
                convolution(f"{name}._expand_conv", inner, inner // expansion, 1, 1)
                norm(f"{name}._bn0", inner)
            convolution(f"{name}._depthwise_conv", inner, 1, kernel, kernel)
            norm(f"{name}._bn1", inner)
            convolution(f"{name}._project_conv", outgoing, inner, 1, 1)
            norm(f"{name}._bn2", outgoing)
            number += 1
    convolution("_conv_head", 1280, 320, 1, 1)
    norm("_bn1", 1280)
    weights["_fc.weight"] = torch.randn(5, 1280, generator=random) * 0.03
    weights["_fc.bias"] = torch.randn(5, generator=random)
    return weights


@pytest.mark.parametrize("size", [224, 192])
def test_the_ordinary_class_computes_what_the_original_does(size: int) -> None:
    import torch
    from transformers import EfficientNetForImageClassification

    weights = published()
    model = EfficientNetForImageClassification(efficientnet_lite0.config("abcde")).eval()
    model.load_state_dict(efficientnet_lite0.converted(weights))
    pixels = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = lite0_reference.logits(weights, pixels)
        found = model(pixels).logits
    assert float(expected.std()) > 0.1
    assert float((found - expected).abs().max()) < 1e-4


def test_the_sigmoid_of_the_identity_is_exactly_one() -> None:
    import torch

    assert float(torch.sigmoid(torch.tensor(efficientnet_lite0.ALWAYS_ONE))) == 1.0
