"""`kit:fashion`: Fashion-MNIST, a sample of clothes in grey, 28 × 28 pixels. Data only, no model."""

import gzip
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.sources import Wheel, fetch_deb
from studio.starter.build.text import heads
from studio.starter.build.vision.emoji import Pixels, png
from studio.starter.kit import KitEntry, Quality, Source

PACKAGE = Wheel(
    "dataset-fashion-mnist",
    "0.0~git20200523.55506a9-1",
    "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
)
LABELS = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
SIZES = {"train": 3_000, "validation": 500, "test": 1_000}  # in equal parts of the labels
SEED = 20
NEAR = 0.985  # correlation of two pictures from which they count as one: another shot of one piece

Found = tuple[Pixels, NDArray[np.int64]]


def build(out: Path) -> KitEntry:
    """Fetch and sample; about half a minute on one core."""
    with tempfile.TemporaryDirectory() as temporary, fetch_deb(PACKAGE, Path(temporary)) as archive:
        files = {name.name: archive.extractfile(name) for name in archive if name.isfile()}
        parts = {Path(name).name: file.read() for name, file in files.items() if file}
    splits = sample(*(read_idx(parts, kind) for kind in ("train", "t10k")))
    with writing.new_folder(out, "fashion") as folder:
        for name, rows in splits.items():
            tables.write_split(_columns(*rows), folder / f"{name}.parquet", _schema())
        text = parts["copyright"].decode().partition("License: Expat\n ")[2].replace("\n .\n", "\n\n")
        (folder / "LICENSE").write_text(
            f"Copyright: 2017, Zalando SE\n\n {text}".replace("\n ", "\n"), encoding="utf-8"
        )
    return writing.record(out, _entry(splits))


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Accuracy of the largest label, of which a classifier has to be better."""
    labels = tables.read_split(entry.path, "test")["label"]
    found = [labels[row] for row in heads.sample(len(labels), rows)]
    return {"majority_accuracy": max(Counter(found).values()) / len(found)}


def read_idx(files: Mapping[str, bytes], kind: str) -> Found:
    """Pictures (rows × 28 × 28) and numbers of their labels, from the two packed files of "train" or "t10k"."""
    images = np.frombuffer(gzip.decompress(files[f"{kind}-images-idx3-ubyte.gz"]), np.uint8, offset=16)
    labels = np.frombuffer(gzip.decompress(files[f"{kind}-labels-idx1-ubyte.gz"]), np.uint8, offset=8)
    return images.reshape(-1, 28, 28), labels.astype(np.int64)


def sample(train: Found, test: Found) -> dict[str, Found]:
    """Rows of each split: the test's from the published test part, and none that nearly doubles another row."""
    random = np.random.default_rng(SEED)
    seen = np.zeros((sum(SIZES.values()), train[0][0].size), np.float32)
    count = 0
    splits: dict[str, Found] = {}
    for name, (images, labels) in (("test", test), ("train", train), ("validation", train)):
        room = Counter({number: SIZES[name] // len(LABELS) for number in range(len(LABELS))})
        rows: list[int] = []
        for row in random.permutation(len(images)).tolist():
            vector = _standardized(images[row])
            if room[labels[row]] and (seen[:count] @ vector).max(initial=-1) < NEAR:
                seen[count] = vector
                count += 1
                room[labels[row]] -= 1
                rows.append(row)
        splits[name] = images[rows], labels[rows]
    return {name: splits[name] for name in SIZES}


def _standardized(image: Pixels) -> NDArray[np.float32]:
    vector: NDArray[np.float32] = image.ravel().astype(np.float32) - np.float32(image.mean())
    return vector / max(float(np.linalg.norm(vector)), 1e-6)


def _schema() -> Any:
    from datasets import Features, Image, Value

    return Features({"image": Image(), "label": Value("string")}).arrow_schema


def _columns(images: Pixels, labels: NDArray[np.int64]) -> dict[str, list[Any]]:
    return {"image": [png(image) for image in images], "label": [LABELS[label] for label in labels]}


def _entry(splits: Mapping[str, Found]) -> KitEntry:
    rows = len(splits["test"][1])
    largest = Counter(splits["test"][1].tolist()).most_common(1)[0][1]
    return KitEntry(
        id="kit:fashion",
        kind="dataset",
        library="datasets",
        title="Fashion-MNIST, a sample",
        description=(
            "Clothes, shoes and bags of a web shop in grey, 28 × 28 pixels, ten labels in equal parts; the test rows "
            "are from the published test part. Pictures that nearly double another one are left out."
        ),
        tasks=("image-classification",),
        license="MIT",
        license_file="LICENSE",
        attribution="Fashion-MNIST by Han Xiao, Kashif Rasul and Roland Vollgraf, copyright Zalando SE.",
        sources=(Source(name=PACKAGE.requirement, sha256=PACKAGE.sha256, license="MIT", use="pictures and labels"),),
        built_by="studio.starter.build.vision.fashion",
        seed=SEED,
        versions=writing.versions("numpy", "pillow", "pyarrow"),
        labels=LABELS,
        splits={name: len(found[1]) for name, found in splits.items()},
        quality={
            "majority_accuracy": Quality(
                value=round(largest / rows, 4),
                split="test",
                n=rows,
                note="answering one label always: what a classifier has to beat",
            )
        },
    )


BUILDER = Builder("kit:fashion", 0.5, build, tables.first_row, measure)
