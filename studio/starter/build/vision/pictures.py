"""How pictures of the kit's data sets are read, and what prepares pictures for our models of scenes."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studio.starter.build import tables
from studio.starter.build.vision import augment
from studio.starter.build.vision.emoji import Pixels


def read(folder: Path, split: str, numbers: Sequence[int], column: str = "image") -> list[Pixels]:
    """Pictures of some rows of a split."""
    from PIL import Image

    cells = tables.read_split(folder, split)[column]
    return [np.asarray(Image.open(io.BytesIO(cells[number]["bytes"]))) for number in numbers]


def square_processor(side: int) -> Any:
    """Scales any picture to side × side pixels, as SegFormer's does; needs no torchvision."""
    from transformers.models.segformer.image_processing_pil_segformer import SegformerImageProcessorPil

    size = {"height": side, "width": side}
    return SegformerImageProcessorPil(size=size, image_mean=[augment.MEAN] * 3, image_std=[augment.STD] * 3)
