"""Predicts the peak memory of a training process from model files and the size of the data, without torch.

The prediction feeds admission; the runner measures the real peak, which is stored beside it.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.recipes.training.checkpoints import safetensors_header

MIB = 2**20
STACK = 640 * MIB
"""Peak of a process that has imported torch, transformers' Trainer, peft, scikit-learn and trackio (shared pages
count), with its first tiny step done. Measured with these versions; see `benchmarks/training.py --memory`."""

FLOAT = 4
KEPT = 2  # what a step needs, and about as much again in freed blocks of other widths: see `training_bytes`
OBJECT = 49  # bytes of a Python string beside its characters
TOKEN_OBJECT = 36  # bytes of a token id as an element of a Python list
LORA_STATES = 4  # weight, gradient, and AdamW's two moments, all fp32


@dataclass(frozen=True)
class ModelShape:
    """The sizes that a transformer encoder's or decoder's memory depends on; `file_bytes` is its size on disk."""

    parameters: int
    file_bytes: int
    layers: int
    hidden: int
    intermediate: int
    heads: int


@dataclass(frozen=True)
class DataSize:
    """What a run reads.

    Attributes:
        rows: rows of all splits that are used.
        text_bytes: UTF-8 bytes of all texts that are read.
        tokens: of all texts, cut to the longest that is allowed.
        longest: tokens of the longest text: the width of the widest batch.
    """

    longest: int
    rows: int = 0
    text_bytes: int = 0
    tokens: int = 0

    @property
    def held(self) -> int:
        """Bytes that stay: Arrow columns, Python strings of texts and labels, packed token ids."""
        return 2 * self.text_bytes + 2 * OBJECT * self.rows + 4 * self.tokens

    @property
    def packing(self) -> int:
        """Bytes that are needed while token ids lie in lists, before there is a batch."""
        return TOKEN_OBJECT * self.tokens


SMALL_ENCODER = ModelShape(33_000_000, 132_000_000, layers=12, hidden=384, intermediate=1536, heads=12)


def read_shape(folder: Path) -> ModelShape:
    """The shape of the model in a folder. Raises `OSError`, or `ValueError` when a file is damaged."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if not isinstance(config, dict):
        raise ValueError("config.json holds no object")
    parameters = file_bytes = 0
    for file in sorted(folder.glob("*.safetensors")):
        header = safetensors_header(file)
        header.pop("__length__")
        parameters += sum(math.prod(tensor["shape"]) for tensor in header.values())
        file_bytes += file.stat().st_size
    hidden = _first(config, 384, "hidden_size", "dim", "d_model", "n_embd")
    return ModelShape(
        parameters=parameters,
        file_bytes=file_bytes,
        layers=_first(config, 6, "num_hidden_layers", "n_layers", "n_layer", "encoder_layers"),
        hidden=hidden,
        intermediate=_first(config, 4 * hidden, "intermediate_size", "hidden_dim", "n_inner", "encoder_ffn_dim"),
        heads=_first(config, 12, "num_attention_heads", "n_heads", "n_head", "encoder_attention_heads"),
    )


def training_bytes(shape: ModelShape, batch: int, data: DataSize, rank: int, lora_dropout: bool) -> int:
    """Predicted peak of a LoRA run in bytes: stack + weights + adapter + data + the widest batch.

    Weights are held in fp32; the pages of the file they are copied from count while they are read. What autograd keeps
    until the backward pass, per token and layer in floats (frozen linear layers with an adapter beside each), was
    measured with `mallinfo2` at the end of the forward pass for widths of 20 to 125 tokens: 11 × hidden and
    2 × intermediate, 6 × hidden and 1 × intermediate more for the adapters' own dropout, and 3 × heads × width for the
    attention matrix, which is materialised when attention dropout is on. The backward pass adds the gradients of one
    layer: 4 × hidden beside 3 × heads × width, or 2 × hidden and 2 × intermediate.

    All that is taken twice. glibc keeps freed blocks of up to 32 MiB on its heap, and those of one width do not fit the
    next: in an epoch of batches of mixed width the heap grows to the widest batch in use and about as much in holes
    (measured: 1.9 and 2.1 times in epochs of 250 and 125 batches). Batches of one width, or few of them, leave fewer
    holes, and need less than predicted.
    """
    attention = 3 * shape.heads * data.longest
    per_token = 11 * shape.hidden + 2 * shape.intermediate + attention
    if lora_dropout:
        per_token += 6 * shape.hidden + shape.intermediate
    gradients = max(4 * shape.hidden + attention, 2 * shape.hidden + 2 * shape.intermediate)
    activations = FLOAT * batch * data.longest * (shape.layers * per_token + gradients)
    adapter = LORA_STATES * adapter_bytes(shape, rank)
    weights = FLOAT * shape.parameters + shape.file_bytes
    return STACK + weights + adapter + data.held + max(KEPT * activations, data.packing)


def adapter_bytes(shape: ModelShape, rank: int) -> int:
    """What a LoRA adapter beside every linear layer takes on the disk."""
    return FLOAT * shape.layers * rank * (10 * shape.hidden + 2 * shape.intermediate)


def peak_memory() -> int:
    """Highest resident size of this process so far, in bytes (Linux: VmHWM; elsewhere getrusage)."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return int(lines["VmHWM"].split()[0]) * 1024


def _first(config: dict[str, Any], default: int, *names: str) -> int:
    """The first of the names that the config has as a whole number: architectures call the same thing differently."""
    return next((value for name in names if isinstance(value := config.get(name), int) and value > 0), default)
