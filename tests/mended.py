"""Data sets for the tests of steps, and a recipe run over one of them as a job would."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile
from PIL import Image

from studio.core.settings import Settings
from studio.data import mending, sources
from studio.data.records import Dataset
from studio.data.steps.base import NO_TOOLS, Tools
from studio.recipes.transform.passes import Run

MEDIUM = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
SCHEMA = pa.schema(
    [("text", pa.string()), ("label", pa.string()), ("number", pa.int64()), ("image", MEDIUM), ("audio", MEDIUM)]
)
TEXTS = (
    "a big car is fast",
    "Grüße aus Köln, 東京 and the 🙂 moon",
    "write to jane.doe@example.com, or call +1 650 253 0000",
    "",
    "the quick result of a difficult test",
    "the quick result of a difficult test.",
    "I'm glad: it's <b>bold</b> & \"quoted\"",
    "a big car is fast",
)


def picture(number: int) -> bytes:
    """A small picture; every third is a JPEG, every fifth has a clear background."""
    mode = "RGBA" if number % 5 == 0 else "RGB"
    pixels = np.random.default_rng(number).integers(0, 256, (12, 16, len(mode)), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG" if number % 3 == 0 and mode == "RGB" else "PNG")
    return out.getvalue()


def sound(hertz: float = 440, seconds: float = 0.2, rate: int = 8_000) -> bytes:
    out = io.BytesIO()
    wave = 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    soundfile.write(out, wave, rate, format="WAV")
    return out.getvalue()


def some_rows(count: int = 32) -> pa.Table:
    """Rows of every kind of column that steps take, with empty cells among them."""
    rows = [
        {
            "text": None if number % 11 == 10 else TEXTS[number % len(TEXTS)],
            "label": None if number % 13 == 12 else "abc"[number % 3],
            "number": None if number % 7 == 6 else number,
            "image": None if number % 9 == 8 else {"bytes": picture(number), "path": f"{number}.png"},
            "audio": None if number % 9 == 4 else {"bytes": sound(300 + 10 * number), "path": None},
        }
        for number in range(count)
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


def dataset(folder: Path, **splits: pa.Table) -> Dataset:
    """The tables as a data set of files."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, table in splits.items():
        pq.write_table(table, folder / f"{split}.parquet", row_group_size=max(10, len(table) // 4))
    return sources.resolve(str(folder), Settings(home=folder.parent / "home", offline=True), "local")


def mended(
    given: Dataset, steps: Sequence[dict[str, Any]] | str, folder: Path, batch: int = 0, tools: Tools = NO_TOOLS
) -> dict[str, pa.Table]:
    """Split → the rows that a job would leave."""
    run = Run(given, mending.read(steps), folder / f"passes-{batch}", tools, batch_rows=batch)
    target = folder / f"result-{batch}"
    target.mkdir(parents=True, exist_ok=True)
    run.write(run(), target)
    return {file.stem: pq.read_table(file) for file in target.glob("*.parquet")}
