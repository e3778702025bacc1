"""How a model is laid into the kit: small on the disk, and a plain load computes in single precision.

A CPU is slow in half precision, and what is loaded in it does not train; so a model's configuration names single.
"""

import json
from pathlib import Path
from typing import Any, Literal

Bits = Literal[8, 16]


def write(model: Any, folder: Path, *, bits: Bits = 16, largest: str = "9400KB") -> None:
    """Write configuration and weights as safetensors, in files of at most `largest`. The model is of no use afterwards.

    `bits` is what a number of a matrix takes: 16 for half precision, 8 for a floating point number of 4 bits of
    exponent and 3 of mantissa (E4M3: Micikevicius et al. 2022, https://arxiv.org/abs/2209.05433). Vectors, among them
    biases and scales of norms, are few and stay in half; tables and counters of whole numbers stay what they are.
    """
    import torch

    model.half()
    if bits == 8:
        for value in model.parameters():
            if value.dim() > 1:
                value.data = value.data.to(torch.float8_e4m3fn)
    model.save_pretrained(folder, max_shard_size=largest)
    file = folder / "config.json"
    config = json.loads(file.read_text(encoding="utf-8")) | {"dtype": "float32"}
    config.pop("_name_or_path", None)  # a path of the machine that built it
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    readable(folder)


def readable(folder: Path) -> None:
    """Let everybody read the folder's files; safetensors writes for the owner only."""
    for file in folder.rglob("*"):
        if file.is_file():
            file.chmod(0o644)
