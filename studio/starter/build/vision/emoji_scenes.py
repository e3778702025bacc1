"""`kit:emoji-scenes`: a fixed part of the scenes that `scenes` draws, with boxes, masks, captions and questions."""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.starter import kit
from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.text import heads
from studio.starter.build.vision import scenes
from studio.starter.build.vision.emoji import Pixels, png
from studio.starter.build.vision.scenes import CATEGORIES, SIZE, Scene, Split
from studio.starter.kit import KitEntry, Quality, Source

DATA = "kit:emoji"
SEED = 1_000_003  # far from the seeds that models are trained with
SIZES: dict[Split, int] = {"train": 400, "validation": 60, "test": 200}
JPEG_QUALITY = 90  # the grain of a ground would take half of a PNG's bytes


def build(out: Path) -> KitEntry:
    """Draw the scenes; a few seconds."""
    data = kit.entry(DATA, out)
    splits = {name: list(scenes.generate(SEED, count, name, data.path)) for name, count in SIZES.items()}
    with writing.new_folder(out, "emoji-scenes") as folder:
        for name, rows in splits.items():
            tables.write_split(_columns(rows), folder / f"{name}.parquet", _schema())
        writing.copy_license(data.path / data.license_file, folder)
    return writing.record(out, _entry(splits))


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Accuracy of the most frequent answer, of which a model has to be better."""
    answers = tables.read_split(entry.path, "test")["answer"]
    sample = [answers[row] for row in heads.sample(len(answers), rows)]
    often = _most_frequent(tables.read_split(entry.path, "train")["answer"])
    return {"majority_answer": sample.count(often) / len(sample)}


def _columns(rows: Sequence[Scene]) -> dict[str, list[Any]]:
    return {
        "image": [_jpeg(row.image) for row in rows],
        "objects": [
            {
                "bbox": [[float(side) for side in thing.box] for thing in row.things],
                "category": [thing.category for thing in row.things],
            }
            for row in rows
        ],
        "mask": [png(row.classes) for row in rows],
        "caption": [row.caption for row in rows],
        "question": [row.questions[0][0] for row in rows],
        "answer": [row.questions[0][1] for row in rows],
    }


def _schema() -> Any:
    from datasets import Features, Image, List, Value

    texts = {name: Value("string") for name in ("caption", "question", "answer")}
    objects = {"bbox": List(List(Value("float32"), length=4)), "category": List(Value("string"))}
    return Features({"image": Image(), "objects": objects, "mask": Image(), **texts}).arrow_schema


def _jpeg(pixels: Pixels) -> dict[str, Any]:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return {"bytes": stream.getvalue(), "path": None}


def _most_frequent(answers: Sequence[str]) -> str:
    return max(sorted(set(answers)), key=Counter(answers).__getitem__)


def _entry(splits: Mapping[Split, Sequence[Scene]]) -> KitEntry:
    answers = {name: [row.questions[0][1] for row in rows] for name, rows in splits.items()}
    often = _most_frequent(answers["train"])
    rows = len(answers["test"])
    return KitEntry(
        id="kit:emoji-scenes",
        kind="dataset",
        library="datasets",
        title="Emoji scenes",
        description=(
            f"Drawn scenes of {SIZE} × {SIZE} pixels: two to five emoji of {len(CATEGORIES)} kinds on a coloured "
            "ground, with boxes (left, top, width, height), a mask of class numbers (0 is the ground, 1 the first "
            "label), a caption, and a question with its answer. The emoji of the test split stand in no other."
        ),
        tasks=("object-detection", "image-segmentation", "image-to-text", "visual-question-answering"),
        license="MIT",
        license_file="LICENSE",
        attribution="Drawn by the Studio project from Fluent Emoji, copyright Microsoft Corporation.",
        sources=(Source(name=DATA, license="MIT", use="the things in the scenes"),),
        built_by="studio.starter.build.vision.emoji_scenes",
        seed=SEED,
        versions=writing.versions("pillow", "numpy", "pyarrow"),
        labels=CATEGORIES,
        splits={str(name): len(found) for name, found in splits.items()},
        quality={
            "majority_answer": Quality(
                value=round(answers["test"].count(often) / rows, 4),
                split="test",
                n=rows,
                note=f'accuracy of answering every question with "{often}": what a model has to beat',
            )
        },
    )


BUILDER = Builder("kit:emoji-scenes", 0.5, build, tables.first_row, measure)
