"""What single steps do, against plain Python on small random tables."""

import datetime
import io
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from studio.data import mending
from studio.data.near import jaccard, normalised
from studio.data.steps.base import Places, Rows
from studio.data.steps.split import sizes
from tests.mended import MEDIUM, TEXTS, dataset, mended, picture, some_rows, sound

quickly = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
texts = st.lists(
    st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)),
    max_size=30,
)
numbers = st.lists(st.one_of(st.none(), st.integers(-5, 5)), min_size=1, max_size=30)


def run(folder: Path, table: pa.Table, *steps: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Split → rows, by the job's own passes."""
    folder = folder / str(len(list(folder.iterdir())))
    found = mended(dataset(folder / "data", train=table), list(steps), folder, batch=7)
    return {split: rows.to_pylist() for split, rows in found.items()}


@quickly
@given(numbers)
def test_sql_is_what_python_says(tmp_path: Path, values: list[int | None]) -> None:
    table = pa.table({"n": pa.array(values, pa.int64()), "row": range(len(values))})
    found = run(
        tmp_path,
        table,
        {"step": "filter", "condition": "n > 0 OR n IS NULL"},
        {"step": "map", "into": "twice", "expression": "2 * n"},
        {"step": "cast", "column": "n", "type": "text"},
        {"step": "rename", "column": "n", "to": "was"},
        {"step": "drop", "columns": ["row"]},
    )["train"]
    kept = [value for value in values if value is None or value > 0]
    assert found == [
        {"was": None if value is None else str(value), "twice": None if value is None else 2 * value} for value in kept
    ]


@quickly
@given(texts)
def test_duplicates_as_python_finds_them(tmp_path: Path, values: list[str | None]) -> None:
    table = pa.table({"t": pa.array(values, pa.string()), "n": pa.array(range(len(values)), pa.int64())})
    found = run(tmp_path, table, {"step": "deduplicate", "columns": ["t"]})["train"]
    assert [row["n"] for row in found] == [place for place, one in enumerate(values) if one not in values[:place]]
    assert len(run(tmp_path, table, {"step": "deduplicate"})["train"]) == len(values)


@quickly
@given(
    st.lists(
        st.sampled_from(["the small cat", "the small cat.", "the small hat", "a dog", "A  DOG", "", "x"]), max_size=14
    )
)
def test_near_duplicates_as_all_pairs_find_them(tmp_path: Path, values: list[str]) -> None:
    table = pa.table({"t": pa.array(values, pa.string()), "n": pa.array(range(len(values)), pa.int64())})
    step = {"step": "deduplicate-near", "column": "t", "threshold": 0.5, "shingle": 3}
    found = {row["n"] for row in run(tmp_path, table, step)["train"]}
    plain = [normalised(value) for value in values]
    group = list(range(len(values)))
    for right in range(len(values)):
        for left in range(right):
            if plain[left] and plain[right] and jaccard(plain[left], plain[right], 3) >= 0.5:
                group = [group[left] if one == group[right] else one for one in group]
    firsts = {group.index(one) for one in group}
    assert found == firsts


@quickly
@given(st.lists(st.sampled_from([None, "a", "b", "c"]), max_size=60), st.integers(0, 9))
def test_split_counts(tmp_path: Path, labels: list[str | None], seed: int) -> None:
    table = pa.table({"label": pa.array(labels, pa.string()), "n": pa.array(range(len(labels)), pa.int64())})
    shares = {"train": 0.6, "validation": 0.1, "test": 0.3}
    found = run(tmp_path, table, {"step": "split", **shares, "stratify_by": "label", "seed": seed})
    assert sorted(row["n"] for rows in found.values() for row in rows) == list(range(len(labels)))
    assert [len(found[name]) for name in shares] == sizes(len(labels), list(shares.values()))
    whole = Counter(labels)
    for name, share in shares.items():
        assert [row["n"] for row in found[name]] == sorted(row["n"] for row in found[name])
        here = Counter(row["label"] for row in found[name])
        assert all(abs(here[label] - share * count) < 2 for label, count in whole.items())


@given(st.integers(0, 10_000), st.lists(st.integers(1, 9), min_size=1, max_size=3))
def test_shares_make_the_whole(count: int, parts: list[int]) -> None:
    shares = [part / sum(parts) for part in parts]
    found = sizes(count, shares)
    assert sum(found) == count
    assert all(abs(one - count * share) < 1 for one, share in zip(found, shares, strict=True))


def test_shuffle_is_a_permutation_that_the_seed_decides(tmp_path: Path) -> None:
    table = pa.table({"n": range(500)})
    orders = [
        [row["n"] for row in run(tmp_path, table, {"step": "shuffle", "seed": seed})["train"]] for seed in (1, 2, 1)
    ]
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == list(range(500))
    moved = np.corrcoef(orders[0], range(500))[0, 1]
    assert abs(moved) < 0.15


def test_every_place_is_as_likely(tmp_path: Path) -> None:
    entry = mending.read([{"step": "sample", "rows": 1}])
    work = entry.steps[0].step.work
    assert isinstance(work, Places)
    counts = Counter[int]()
    for seed in range(2_000):
        params = mending.read([{"step": "sample", "rows": 1, "seed": seed}]).steps[0].params
        counts[int(work.function(params, ())(lambda _: iter(()), 8)[0])] += 1
    assert min(counts.values()) > 190
    assert len(counts) == 8


def test_sample_keeps_order_and_number(tmp_path: Path) -> None:
    table = pa.table({"n": range(100)})
    for step, count in (({"rows": 30}, 30), ({"share": 0.25}, 25), ({"rows": 1_000}, 100)):
        found = [row["n"] for row in run(tmp_path, table, {"step": "sample", **step})["train"]]
        assert len(found) == count
        assert found == sorted(found)


def test_steps_are_done_in_their_order(tmp_path: Path) -> None:
    steps: list[dict[str, Any]] = [
        {"step": "map", "into": "n", "expression": "n + 1"},
        {"step": "shuffle"},
        {"step": "filter", "condition": "n % 2 = 0"},
        {"step": "typos", "column": "t"},
        {"step": "deduplicate", "columns": ["m"]},
        {"step": "map", "into": "n", "expression": "n * 10"},
        {"step": "sample", "rows": 3},
        {"step": "split", "train": 0.5, "validation": 0, "test": 0.5},
        {"step": "filter", "splits": ["test"], "condition": "false"},
    ]
    table = pa.table({"n": range(40), "m": [number % 5 for number in range(40)], "t": ["a text"] * 40})
    found = run(tmp_path, table, *steps)
    assert {split: len(rows) for split, rows in found.items()} == {"train": 2, "test": 0}
    assert all(row["n"] % 20 == 0 for row in found["train"])


def test_templates_write_values_plainly(tmp_path: Path) -> None:
    table = pa.table({"a.b": ["x", None], "t f": [True, False], "l": [[1, None], None], "d": [1.5, 2.0]})
    found = run(tmp_path, table, {"step": "template", "into": "out", "template": "{{{a.b}}} {t f} {l} {d}"})["train"]
    assert [row["out"] for row in found] == ["{x} true [1, null] 1.5", "{} false  2.0"]


def test_hand_edits(tmp_path: Path) -> None:
    table = pa.table({"t": ["a", "b", "c", "d"], "n": pa.array([1, 2, 3, 4], pa.int8()), "b": [True] * 4})
    step = {
        "step": "edit",
        "cells": [
            {"row": 3, "column": "t", "value": "<script>"},
            {"row": 0, "column": "n", "value": None},
            {"row": 0, "column": "b", "value": False},
        ],
        "delete": [2, 1],
        "add": [{"t": "e"}, {"n": 7}],
    }
    rows = run(tmp_path, table, step, {"step": "map", "into": "n", "expression": "n + 1"})["train"]
    assert [tuple(row.values()) for row in rows] == [
        ("a", None, False),
        ("<script>", 5, True),
        ("e", None, None),
        (None, 8, None),
    ]


def test_decimals_and_times_are_set_exactly(tmp_path: Path) -> None:
    columns: dict[str, tuple[pa.DataType, Any, Any]] = {
        "price": (pa.decimal128(38, 10), Decimal("1234567890123456789012345678.0123456789"), Decimal("0.1")),
        "day": (pa.date32(), datetime.date(2024, 2, 29), datetime.date(1, 1, 1)),
        "time": (pa.time64("us"), datetime.time(23, 59, 0, 123456), datetime.time(0)),
        "when": (pa.timestamp("us"), datetime.datetime(2024, 2, 29, 1, 2, 3, 4), datetime.datetime(1999, 1, 1)),
        "there": (
            pa.timestamp("us", "UTC"),
            datetime.datetime(2024, 2, 29, 1, 2, 3, tzinfo=datetime.UTC),
            datetime.datetime(1999, 1, 1, tzinfo=datetime.UTC),
        ),
    }
    table = pa.table({name: pa.array([old, None, old], kind) for name, (kind, _, old) in columns.items()})
    new = {name: str(value) for name, (_, value, _) in columns.items()}
    step = {
        "step": "edit",
        "cells": [
            *({"row": 1, "column": name, "value": value} for name, value in new.items()),
            *({"row": 2, "column": name, "value": None} for name in new),
        ],
        "add": [new, {"price": 12}],
    }
    folder = tmp_path / "data"
    written = mending.dumped(mending.read([step]))
    found = mended(dataset(folder, train=table), written, tmp_path / "made")["train"]
    wanted = {name: value for name, (_, value, _) in columns.items()}
    nothing = dict.fromkeys(columns)
    rows = [{name: old for name, (_, _, old) in columns.items()}, wanted, nothing, wanted]
    assert found.to_pylist() == [*rows, nothing | {"price": Decimal(12)}]
    unquoted = "steps: [{step: edit, cells: [{row: 0, column: day, value: 2024-02-29}]}]"
    assert mended(dataset(folder, train=table), unquoted, tmp_path / "more")["train"]["day"][0].as_py() == wanted["day"]


def test_personal_data(tmp_path: Path) -> None:
    table = pa.table({"t": [*TEXTS, None], "u": ["x"] * 8 + ["10.1.2.3 or a@b.org"]})
    masked = run(tmp_path, table, {"step": "remove-pii", "columns": ["t", "u"]})["train"]
    assert masked[2]["t"] == "write to [EMAIL], or call [PHONE]"
    assert masked[8] == {"t": None, "u": "10.1.2.3 or [EMAIL]"}
    assert masked[0]["t"] == TEXTS[0]
    only = run(tmp_path, table, {"step": "remove-pii", "columns": ["t"], "kinds": ["email"]})["train"]
    assert only[2]["t"].endswith("+1 650 253 0000")
    left = run(tmp_path, table, {"step": "remove-pii", "columns": ["t", "u"], "action": "drop"})["train"]
    assert len(left) == 7


def test_noise_depends_on_row_and_seed_alone(tmp_path: Path) -> None:
    table = pa.table({"t": ["the quick brown fox jumps over the lazy dog"] * 20})
    found = [row["t"] for row in run(tmp_path, table, {"step": "typos", "column": "t"})["train"]]
    assert len(set(found)) > 10
    again = [row["t"] for row in run(tmp_path, table.slice(0, 5), {"step": "typos", "column": "t"})["train"]]
    assert again == found[:5]
    kept = run(tmp_path, table, {"step": "typos", "column": "t", "keep": True})["train"]
    assert [row["t"] for row in kept[1::2]] == found
    assert {row["t"] for row in kept[::2]} == {"the quick brown fox jumps over the lazy dog"}


def changed_picture(content: bytes, **params: Any) -> Image.Image:
    table = pa.table({"image": pa.array([{"bytes": content, "path": "a.png"}], MEDIUM)})
    step = mending.read([{"step": "augment-images", "column": "image", **params}]).steps[0]
    assert isinstance(step.step.work, Rows)
    found = step.step.work.function(step.params, None)(table, range(1))  # type: ignore[arg-type]
    return Image.open(io.BytesIO(found.column("image").to_pylist()[0]["bytes"]))


def test_pictures(tmp_path: Path) -> None:
    plain = Image.open(io.BytesIO(picture(1)))
    flipped = changed_picture(picture(1), flip=1, crop=1, colour=0)
    assert np.array_equal(np.asarray(flipped), np.asarray(plain)[:, ::-1])
    over = changed_picture(picture(1), flip=0, upside_down=1, crop=1, colour=0)
    assert np.array_equal(np.asarray(over), np.asarray(plain)[::-1])
    same = changed_picture(picture(1), flip=0, crop=1, colour=0)
    assert np.array_equal(np.asarray(same), np.asarray(plain))
    other = changed_picture(picture(1))
    assert other.size == plain.size
    assert not np.array_equal(np.asarray(other), np.asarray(plain))
    assert changed_picture(picture(3)).format == "JPEG"
    assert changed_picture(picture(5)).mode == "RGBA"
    broken = pa.table({"image": pa.array([{"bytes": b"\x89PNG no picture", "path": None}, None], MEDIUM)})
    assert (
        run(tmp_path, broken, {"step": "augment-images", "column": "image"})["train"]
        == broken.rename_columns(["image"]).to_pylist()
    )


def heard(content: bytes, **params: Any) -> tuple[np.ndarray[Any, Any], float]:
    """The samples, and the frequency that is loudest."""
    table = pa.table({"audio": pa.array([{"bytes": content, "path": "a.flac"}], MEDIUM)})
    step = mending.read([{"step": "augment-audio", "column": "audio", **params}]).steps[0]
    assert isinstance(step.step.work, Rows)
    cell = step.step.work.function(step.params, None)(table, range(1)).column("audio").to_pylist()[0]  # type: ignore[arg-type]
    assert cell["path"] == "a.wav"
    samples, rate = soundfile.read(io.BytesIO(cell["bytes"]))
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return samples, float(np.argmax(spectrum) * rate / len(samples))


def test_sounds(monkeypatch: pytest.MonkeyPatch) -> None:
    tone = sound(440, 1.0)
    samples, loudest = heard(tone, noise=0, pitch=0, speed=0)
    assert (len(samples), round(loudest)) == (8_000, 440)
    noisy, _ = heard(tone, noise=20, pitch=0, speed=0)
    level = np.sqrt(np.mean((noisy - samples) ** 2)) / np.sqrt(np.mean(samples**2))
    assert 20 * np.log10(level) == pytest.approx(-20, abs=0.5)
    monkeypatch.setattr("random.Random.uniform", lambda self, low, high: high)
    raised, loudest = heard(tone, noise=0, pitch=12, speed=0)
    assert len(raised) == 8_000
    assert loudest == pytest.approx(880, rel=0.02)
    assert np.sqrt(np.mean(raised[500:-500] ** 2)) == pytest.approx(np.sqrt(np.mean(samples**2)), rel=0.15)
    faster, loudest = heard(tone, noise=0, pitch=0, speed=0.25)
    assert len(faster) == pytest.approx(8_000 / 1.25, rel=0.01)
    assert loudest == pytest.approx(550, rel=0.02)


def test_many_columns_and_large_cells(tmp_path: Path) -> None:
    wide = pa.table({f"c{number}": [number, None] for number in range(900)})
    found = run(tmp_path, wide, {"step": "shuffle"}, {"step": "drop", "columns": ["c0"]})["train"]
    assert len(found[0]) == 899
    large = pa.table({"t": ["x" * 10_000_000, "y", None]})
    found = run(tmp_path, large, {"step": "filter", "condition": "length(t) > 1"}, {"step": "shuffle"})["train"]
    assert [len(row["t"]) for row in found] == [10_000_000]
    assert len(some_rows(3)) == 3
