"""Where a person is in a picture: MediaPipe's selfie segmentation, run by torch from a list of its operations.

No class of transformers has this graph. `graph.json` holds the operations, `model.safetensors` their constants.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

GRAPH, WEIGHTS = "graph.json", "model.safetensors"


@dataclass(frozen=True)
class PersonMask:
    """The loaded model.

    Attributes:
        operations: in the order they run; each has "op", "inputs" (names of constants or of earlier outputs),
            "output", and what the operation needs.
        constants: tensors by name, convolutions' as torch wants them.
        size: side of the square that the model sees, in pixels.
    """

    operations: Sequence[Mapping[str, Any]]
    constants: Mapping[str, Any]
    input: str
    output: str
    size: int

    def probability(self, image: Any) -> NDArray[np.float32]:
        """For a PIL image, height × width: the probability of each pixel to show a person, from 0 to 1."""
        import torch
        from PIL import Image

        seen = np.asarray(image.convert("RGB").resize((self.size, self.size), Image.Resampling.BILINEAR), np.float32)
        with torch.inference_mode():
            found = self.run(torch.from_numpy(seen / 255).permute(2, 0, 1)[None])[0, 0]
        mask = Image.fromarray(found.numpy()).resize(image.size, Image.Resampling.BILINEAR)
        return np.asarray(mask, np.float32).clip(0, 1)

    def run(self, pixels: Any) -> Any:
        """Batch × 1 × size × size from batch × 3 × size × size, values from 0 to 1."""
        values = {**self.constants, self.input: pixels}
        for operation in self.operations:
            values[operation["output"]] = _apply(operation, [values[name] for name in operation["inputs"]])
        return values[self.output]


def load(folder: Path) -> PersonMask:
    """The model from its folder; a few milliseconds beside importing torch."""
    from safetensors.torch import load_file

    graph = json.loads((folder / GRAPH).read_text(encoding="utf-8"))
    constants = {name: tensor.float() for name, tensor in load_file(folder / WEIGHTS).items()}
    return PersonMask(graph["operations"], constants, graph["input"], graph["output"], graph["size"])


def _apply(operation: Mapping[str, Any], inputs: Sequence[Any]) -> Any:
    """One operation on tensors of batch × channels × height × width."""
    import torch
    from torch.nn import functional

    x, kind = inputs[0], operation["op"]
    if kind == "conv":
        x = _same(x, inputs[1].shape[-1], operation["stride"]) if operation["same"] else x
        y = functional.conv2d(x, inputs[1], inputs[2], operation["stride"], groups=operation["groups"])
    elif kind == "transposed-conv":
        y = functional.conv_transpose2d(x, inputs[1], inputs[2], stride=operation["stride"])
    elif kind == "mean":
        y = x.mean((2, 3), keepdim=True)
    elif kind == "resize":
        y = functional.interpolate(x, operation["size"], mode="bilinear", align_corners=operation["align_corners"])
    elif kind in ("add", "mul"):
        y = x + inputs[1] if kind == "add" else x * inputs[1]
    elif kind == "sigmoid":
        y = torch.sigmoid(x)
    else:
        y = functional.relu(x) if kind == "relu" else functional.hardswish(x)
    if "then" not in operation:
        return y
    return functional.relu(y) if operation["then"] == "relu" else functional.relu6(y)


def _same(x: Any, kernel: int, stride: int) -> Any:
    """Padding as TensorFlow's "same": what is odd goes to the end."""
    from torch.nn import functional

    height, width = (max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in x.shape[-2:])
    return functional.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
