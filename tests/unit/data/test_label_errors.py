"""Which labels are suspected, by which models, of texts, numbers and pictures; and how the vectors of models help."""

import io
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from studio.data.checks import label_errors
from studio.data.checks.base import Finding
from studio.data.checks.judging import Nearest, chances, of_vectors, of_words, suspected
from studio.data.checks.labelled import ALONE, Encoder, Encoders, vectors_of
from studio.data.checks.mends import ROOM
from studio.data.records import Dataset
from tests.mended import MEDIUM
from tests.mended import dataset as mended_from

SILENT: Any = (lambda *_: None, lambda: None)
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (20, 40, 230)}


def found(dataset: Dataset, encoders: Encoders = ALONE, **values: Any) -> Finding:
    progress, stop = SILENT
    return label_errors.run(dataset, label_errors.LabelErrorsParams(**values), progress, stop, encoders)


def rows_found(finding: Finding) -> set[int]:
    return {one.rows[0].row for one in finding.evidence}


def test_suspected_is_who_has_a_class_that_is_so_many_times_as_likely() -> None:
    given = np.array([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9], [0.0, 1.0], [0.6, 0.4]])
    labels = np.array([0, 0, 0, 0, 1])
    places, guesses, ahead = suspected(given, labels, 4)
    assert (places.tolist(), guesses.tolist()) == ([3, 2, 1], [1, 1, 1])
    assert np.allclose(ahead[1:], [np.log(9), np.log(4)])
    assert suspected(given, labels, 1.4)[0].tolist() == [3, 2, 1, 4]


def test_the_nearest_vote_by_how_near_they_are() -> None:
    inputs = np.array([[1, 0], [0.9, 0.1], [0, 1]] * 20, dtype=np.float32)
    inputs /= np.linalg.norm(inputs, axis=1, keepdims=True)
    labels = np.array([0, 0, 1] * 20)
    votes = Nearest().fit(inputs, labels).predict_proba(np.array([[1, 0], [0, 1]], dtype=np.float32))
    assert votes.argmax(axis=1).tolist() == [0, 1]
    assert np.allclose(votes.sum(axis=1), 1)
    assert (votes > 0).all()


def test_no_row_is_judged_by_a_model_that_has_seen_it() -> None:
    """Vectors that tell nothing but which row it is: whoever had seen a row would know its label."""
    drawn = np.random.default_rng(3)
    vectors, labels = np.eye(120, dtype=np.float32), drawn.integers(0, 2, 120)
    right = chances(of_vectors(vectors, 0), labels, (5, 0), *SILENT).argmax(axis=1) == labels
    assert right.mean() < 0.65


def test_vectors_come_back_in_the_order_of_the_texts() -> None:
    texts = ["x" * (n * 7 % 200 + 1) for n in range(150)]
    sizes: list[list[int]] = []

    def encode(given: Sequence[str]) -> Any:
        sizes.append([len(one) for one in given])
        return np.array([[len(one)] for one in given], dtype=np.float32)

    assert vectors_of(texts, encode, *SILENT)[:, 0].tolist() == [len(one) for one in texts]
    assert [size for batch in sizes for size in batch] == sorted(len(one) for one in texts)


def two_meanings(folder: Path) -> tuple[Dataset, set[int]]:
    """Texts without a word in common, of two meanings that only an encoder knows; 8 labels are wrong."""
    drawn = random.Random(4)
    words = ["".join(drawn.choices("bcdfghjklm", k=7)) for _ in range(240)]
    truth = ["odd" if int(word, 36) % 2 else "even" for word in words]
    wrong = set(drawn.sample(range(240), 8))
    labels = [("even" if one == "odd" else "odd") if at in wrong else one for at, one in enumerate(truth)]
    return mended_from(folder, train=pa.table({"text": words, "label": labels})), wrong


def meaning(texts: Sequence[str]) -> Any:
    drawn = np.random.default_rng(len(texts))
    sides = np.array([[1.0, 0.0] if int(one, 36) % 2 else [0.0, 1.0] for one in texts])
    return (sides + drawn.normal(0, 0.1, sides.shape)).astype(np.float32)


def test_an_encoder_finds_what_words_do_not_tell(tmp_path: Path) -> None:
    dataset, wrong = two_meanings(tmp_path / "data")
    helped = found(dataset, Encoders(texts=Encoder("the encoder", meaning)), shown=1000, ratio=3)
    assert wrong <= rows_found(helped)
    assert len(rows_found(helped)) < 3 * len(wrong)
    assert "the vectors of the encoder" in helped.method
    assert "86 % of the turned labels" in helped.method
    alone = found(dataset, shown=1000, ratio=3)
    assert "vectors" not in alone.method
    assert len(wrong & rows_found(alone)) < len(wrong)


def test_a_model_that_is_no_better_than_guessing_is_not_relied_on(tmp_path: Path) -> None:
    drawn = random.Random(2)
    texts = [" ".join(drawn.choices(["one", "two", "three", "four", "five"], k=6)) for _ in range(300)]
    labels = [drawn.choice("aab") for _ in texts]
    finding = found(mended_from(tmp_path / "data", train=pa.table({"text": texts, "label": labels})))
    assert "do not rely on this" in finding.summary
    assert finding.severity in {"ok", "note"}


def colours(folder: Path, count: int = 90) -> tuple[Dataset, set[int]]:
    """Pictures in one of three colours; four labels are wrong, one cell holds no picture, one nothing."""
    drawn = np.random.default_rng(1)
    names = [list(COLOURS)[number % 3] for number in range(count)]
    cells: list[dict[str, Any] | None] = []
    for name in names:
        pixels = np.clip(np.array(COLOURS[name]) + drawn.normal(0, 12, (9, 9, 3)), 0, 255).astype(np.uint8)
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "PNG")
        cells.append({"bytes": out.getvalue(), "path": None})
    cells[10], cells[11] = None, {"bytes": b"no picture at all", "path": None}
    wrong = {4, 30, 55, 71}
    labels = [("blue" if name != "blue" else "red") if at in wrong else name for at, name in enumerate(names)]
    return mended_from(folder, train=pa.table({"image": pa.array(cells, MEDIUM), "label": labels})), wrong


def mean_colour(pictures: Sequence[Any]) -> Any:
    if not pictures:
        return []
    return np.array([np.asarray(one.convert("RGB")).reshape(-1, 3).mean(axis=0) for one in pictures], np.float32)


def test_labels_of_pictures_are_judged_by_a_model_of_pictures(tmp_path: Path) -> None:
    dataset, wrong = colours(tmp_path / "data")
    finding = found(dataset, Encoders(pictures=Encoder("the model of colours", mean_colour)), shown=1000)
    assert rows_found(finding) == wrong
    assert finding.figures["left_out_rows"] == 2
    assert "the vectors of the model of colours" in finding.method
    (mend,) = finding.mends
    right = {row: list(COLOURS)[row % 3] for row in wrong}
    assert {cell["row"]: cell["value"] for cell in mend.fields["cells"]} == right


def test_pictures_are_not_judged_without_such_a_model(tmp_path: Path) -> None:
    dataset, _ = colours(tmp_path / "data", 30)
    finding = found(dataset)
    assert finding.severity == "not run"
    assert "a model that makes vectors of them" in finding.summary


def test_sounds_are_no_pictures(tmp_path: Path) -> None:
    cells = [{"bytes": b"RIFF\x00\x00\x00\x00WAVE", "path": None}] * 30
    table = pa.table({"audio": pa.array(cells, MEDIUM), "label": ["a", "b"] * 15})
    finding = found(mended_from(tmp_path / "data", train=table), Encoders(pictures=Encoder("p", mean_colour)))
    assert finding.severity == "not run"


@pytest.mark.parametrize("count", [3, 400])
def test_what_is_filled_in_fits_into_a_link(tmp_path: Path, count: int) -> None:
    drawn = random.Random(1)
    texts = [" ".join(drawn.choices(["cat", "dog"] if n % 2 else ["pump", "gear"], k=5)) + f" {n}" for n in range(1200)]
    labels = ["machine" if n % 2 == 0 else "animal" for n in range(1200)]
    for place in drawn.sample(range(1200), count):
        labels[place] = "animal" if labels[place] == "machine" else "machine"
    finding = found(mended_from(tmp_path / "data", train=pa.table({"text": texts, "label": labels})), ratio=1.5)
    (mend,) = finding.mends
    assert len(mend.fields["cells"]) == min(finding.found, len(mend.fields["cells"]))
    assert len(json.dumps(mend.fields["cells"], separators=(",", ":"))) <= ROOM
    assert ("the first" in mend.does) == (len(mend.fields["cells"]) < finding.found)


def test_words_alone_need_no_word_twice() -> None:
    (judge,) = of_words(["one", "two", "three", "four"], 0)
    assert judge.inputs.shape[0] == 4
