"""EfficientNet-Lite0 as its authors wrote it, in plain torch: what the converted model is compared with. Ships nothing.

After Tan and Le, EfficientNet (2019), and the Lite variants' notes: no squeeze-and-excitation, ReLU6, padding as
TensorFlow's "same".
"""

from collections.abc import Mapping
from typing import Any

BLOCKS = (  # repeats, kernel, stride, expansion, input and output channels of each stage
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
)
EPSILON = 1e-3


def logits(weights: Mapping[str, Any], pixels: Any) -> Any:
    """Scores (pictures × classes) of pixels (pictures × 3 × height × width), with the published weights' names."""
    import torch
    from torch.nn import functional

    x = functional.relu6(_normed(weights, "_bn0", _same(pixels, weights["_conv_stem.weight"], 2)))
    number = 0
    for repeats, _, stride, expansion, _, _ in BLOCKS:
        for repeat in range(repeats):
            x = _block(weights, f"_blocks.{number}", x, stride if repeat == 0 else 1, expansion > 1)
            number += 1
    x = functional.relu6(_normed(weights, "_bn1", functional.conv2d(x, weights["_conv_head.weight"])))
    return torch.nn.functional.linear(x.mean((2, 3)), weights["_fc.weight"], weights["_fc.bias"])


def _block(weights: Mapping[str, Any], name: str, x: Any, stride: int, expanded: bool) -> Any:
    from torch.nn import functional

    y = x
    if expanded:
        y = functional.conv2d(y, weights[f"{name}._expand_conv.weight"])
        y = functional.relu6(_normed(weights, f"{name}._bn0", y))
    depthwise = weights[f"{name}._depthwise_conv.weight"]
    y = functional.relu6(_normed(weights, f"{name}._bn1", _same(y, depthwise, stride, groups=len(depthwise))))
    y = _normed(weights, f"{name}._bn2", functional.conv2d(y, weights[f"{name}._project_conv.weight"]))
    return x + y if y.shape == x.shape else y


def _same(x: Any, kernel: Any, stride: int, groups: int = 1) -> Any:
    """Convolution whose output is the input's size divided by the stride, rounded up; what is odd goes to the end."""
    from torch.nn import functional

    size = kernel.shape[-1]
    height, width = (max((-(-side // stride) - 1) * stride + size - side, 0) for side in x.shape[-2:])
    x = functional.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
    return functional.conv2d(x, kernel, stride=stride, groups=groups)


def _normed(weights: Mapping[str, Any], name: str, x: Any) -> Any:
    from torch.nn import functional

    mean, variance, scale, shift = (
        weights[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
    )
    return functional.batch_norm(x, mean, variance, scale, shift, eps=EPSILON)
