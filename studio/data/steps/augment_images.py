"""augment-images: pictures flipped, cropped and recoloured by chance, with PIL."""

import io
from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Any

import pyarrow as pa
from PIL import Image, ImageEnhance, ImageOps
from pydantic import Field

from studio.data.draws import generators
from studio.data.steps.base import Columns, Rows, Step, Tools, media_column
from studio.data.steps.noise import NoiseParams, beside

MOST_PIXELS = 50_000_000  # larger ones are left alone: 200 MB each, once decoded


class AugmentImagesParams(NoiseParams):
    """What is done to each picture."""

    flip: float = Field(0.5, ge=0, le=1, title="Flip", description="How likely left and right are swapped.")
    upside_down: float = Field(0.0, ge=0, le=1, title="Upside down", description="How likely it is turned over.")
    crop: float = Field(
        0.8,
        ge=0.1,
        le=1,
        title="Smallest crop",
        description="A part at least so wide and high is cut out, and brought to the old size; 1 cuts nothing.",
    )
    colour: float = Field(
        0.2,
        ge=0,
        le=1,
        title="Colour",
        description="By how much brightness, contrast and saturation change at most, up or down; 0 for not at all.",
    )


def altered(image: Image.Image, random: Random, flip: float, upside_down: float, crop: float, colour: float) -> Any:
    """The picture flipped, cropped and recoloured as its generator says."""
    if random.random() < flip:
        image = ImageOps.mirror(image)
    if random.random() < upside_down:
        image = ImageOps.flip(image)
    if crop < 1:
        wide, high = (max(1, round(side * random.uniform(crop, 1))) for side in image.size)
        left, top = random.randint(0, image.width - wide), random.randint(0, image.height - high)
        image = image.resize(image.size, Image.Resampling.BICUBIC, (left, top, left + wide, top + high))
    if colour:
        for change in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            image = change(image).enhance(random.uniform(1 - colour, 1 + colour))
    return image


def new_picture(content: bytes, random: Random, settings: dict[str, float]) -> bytes:
    """Another picture in the same format (PNG where that is neither PNG nor JPEG); what is none stays as it is."""
    try:
        with Image.open(io.BytesIO(content)) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                return content
            kind = opened.format if opened.format in ("PNG", "JPEG") else "PNG"
            clear = opened.mode in ("RGBA", "LA", "PA") or "transparency" in opened.info
            image = opened.convert("RGBA" if clear else "L" if opened.mode in ("1", "L") else "RGB")
            image = altered(image, random, **settings)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return content
    out = io.BytesIO()
    image.save(out, kind, **({"quality": 95} if kind == "JPEG" else {}))
    return out.getvalue()


def with_pictures(
    table: pa.Table, numbers: Sequence[int], column: str, seed: int, keep: bool, settings: dict[str, float]
) -> pa.Table:
    """The rows with other pictures; empty cells, and what is no picture, stay as they are."""
    cells = table.column(column)
    found = []
    for cell, random in zip(cells.to_pylist(), generators(numbers, seed), strict=True):
        if cell and cell["bytes"]:
            cell = {"bytes": new_picture(cell["bytes"], random, settings), "path": cell["path"]}
        found.append(cell)
    return beside(table, column, pa.array(found, cells.type), keep)


def columns(params: AugmentImagesParams, before: Columns) -> Columns:
    """The same, once the column is one of pictures."""
    media_column(before, params.column, "pictures")
    return before


def function(params: AugmentImagesParams, tools: Tools) -> "partial[pa.Table]":  # noqa: ARG001
    """What changes them."""
    settings = params.model_dump(include={"flip", "upside_down", "crop", "colour"})
    return partial(with_pictures, column=params.column, seed=params.seed, keep=params.keep, settings=settings)


STEP = Step(
    name="augment-images",
    title="Augment images",
    description="Flips, crops and recolours pictures by chance.",
    params=AugmentImagesParams,
    work=Rows[AugmentImagesParams](function, columns, costly=True),
    describe=lambda params: f"flip, crop and recolour {params.column}",
    group="Media",
    example={"column": "image"},
)
