"""Texts that were decoded with the wrong encoding become what they were; what is right or lost stays."""

from pathlib import Path

import pyarrow as pa
import pytest

from studio.core.errors import InvalidInput
from studio.data import mending, previews
from studio.data.steps.fix_encoding import repaired
from tests.mended import dataset as mended_from


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("dÃ©jÃ  vu in the cafÃ©", "déjà vu in the café"),
        ("déjà vu in the café", "déjà vu in the café"),
        ("plain", "plain"),
        ("lost \N{REPLACEMENT CHARACTER} character", "lost \N{REPLACEMENT CHARACTER} character"),
        ("", ""),
    ],
)
def test_what_is_broken_is_repaired(text: str, wanted: str) -> None:
    assert repaired(text, 1) == wanted


def test_a_text_that_is_not_bad_enough_stays() -> None:
    assert repaired("dÃ©jÃ  vu", 50) == "dÃ©jÃ  vu"


def test_numbers_are_no_texts(tmp_path: Path) -> None:
    dataset = mended_from(tmp_path / "data", train=pa.table({"n": [1]}))
    with pytest.raises(InvalidInput) as caught:
        previews.preview(dataset, "train", mending.read([{"step": "fix-encoding", "columns": ["n"]}]))
    assert caught.value.field == "steps.1.columns"
