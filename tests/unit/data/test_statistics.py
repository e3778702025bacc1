"""Figures of small random tables against numpy and Counter; every odd kind of column."""

import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.core.errors import UnknownName
from studio.core.settings import Settings
from studio.data import sources, statistics
from studio.data.statistics import Figures, Spread
from studio.starter import kit
from tests.unit.data.test_rows import dataset_of

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXTS = st.lists(
    st.none() | st.sampled_from(["", " \t", "a", "bb", "é😀", "\u2003", "a\nb"]) | st.text(max_size=4), min_size=1
)
NUMBERS = st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=True, width=32), min_size=1)
WHOLE = st.lists(st.none() | st.integers(-(2**40), 2**40) | st.integers(-3, 3), min_size=1)


def figures_of(folder: Path, values: list[Any], kind: pa.DataType) -> Figures:
    return statistics.figures(dataset_of(folder, train=[pa.table({"c": pa.array(values, kind)})]), "train", "c")


def check(spread: Spread, numbers: list[float]) -> None:
    assert spread.minimum == min(numbers)
    assert spread.maximum == max(numbers)
    assert spread.mean == pytest.approx(np.mean(numbers), rel=1e-6, abs=1e-6)
    if len(numbers) > 1 and max(map(abs, numbers)) < 1e30:
        assert spread.deviation == pytest.approx(np.std(numbers, ddof=1), rel=1e-4, abs=1e-4 * max(map(abs, numbers)))
    for share, point in spread.quantiles.items():
        assert point == pytest.approx(np.quantile(numbers, share), rel=1e-5, abs=1e-5)
    if spread.edges:
        assert sum(spread.counts) == len(numbers)
        slack = 1e-9 * max(map(abs, numbers)) + 1e-9
        assert spread.edges[0] - slack <= min(numbers) <= max(numbers) <= spread.edges[-1] + slack


@FEW
@given(values=TEXTS)
def test_text(tmp_path: Path, values: list[str | None]) -> None:
    found = figures_of(tmp_path, values, pa.string())
    present = [value for value in values if value is not None]
    counts = sorted(Counter(present).items(), key=lambda item: (-item[1], item[0]))
    assert (found.nulls, found.distinct) == (len(values) - len(present), len(counts))
    assert Counter(dict(found.top)).total() == sum(rows for _, rows in counts[: statistics.TOP])
    assert all(dict(counts)[value] == rows for value, rows in found.top)
    assert found.empty == sum(not value.strip() for value in present)
    assert found.basis.whole
    assert found.top_basis is not None
    assert found.top_basis.whole
    if present:
        check(found.spreads[0], [float(len(value)) for value in present])
        assert found.spreads[0].unit == "characters"
    else:
        assert found.spreads == []


@FEW
@given(values=NUMBERS)
def test_fractions(tmp_path: Path, values: list[float | None]) -> None:
    found = figures_of(tmp_path, values, pa.float64())
    present = [value for value in values if value is not None]
    finite = [value for value in present if math.isfinite(value)]
    assert found.nulls == len(values) - len(present)
    assert found.not_finite == len(present) - len(finite)
    if finite:
        check(found.spreads[0], finite)
    else:
        assert found.spreads == []


@FEW
@given(values=WHOLE)
def test_whole_numbers(tmp_path: Path, values: list[int | None]) -> None:
    found = figures_of(tmp_path, values, pa.int64())
    present = [value for value in values if value is not None]
    assert found.distinct == len(set(present))
    if present:
        check(found.spreads[0], [float(value) for value in present])
        if max(present) - min(present) < statistics.BINS:
            counts = Counter(present)
            bars = [counts.get(value, 0) for value in range(min(present), max(present) + 1)]
            assert found.spreads[0].counts == bars, "a bar for each whole number"


def test_numbers_too_large_to_be_squared(tmp_path: Path) -> None:
    spread = figures_of(tmp_path, [1e300, -1e300, 5.0], pa.float64()).spreads[0]
    assert spread.deviation is None
    assert (spread.minimum, spread.maximum) == (-1e300, 1e300)


def test_times_lists_and_others(tmp_path: Path) -> None:
    times = figures_of(tmp_path, [0, 86_400, None, 172_800], pa.timestamp("s"))
    assert (times.kind, times.nulls) == ("time", 1)
    assert (times.spreads[0].minimum, times.spreads[0].maximum) == ("1970-01-01T00:00:00", "1970-01-03T00:00:00")
    assert sum(times.spreads[0].counts) == 3
    lists = figures_of(tmp_path, [[1], [], None, [1, 2, 3]], pa.list_(pa.int64()))
    assert (lists.nulls, lists.spreads[0].unit, lists.spreads[0].maximum) == (1, "items", 3)
    nested = figures_of(tmp_path, [{"a": 1}, None], pa.struct({"a": pa.int64()}))
    assert (nested.nulls, nested.spreads) == (1, [])
    assert figures_of(tmp_path, [True, None, True], pa.bool_()).top == [("true", 2)]


def test_many_rows_say_what_is_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "EXACT_ROWS", 1000)
    monkeypatch.setattr(statistics, "EXACT_VALUES", 100)
    monkeypatch.setattr(statistics, "SAMPLE_ROWS", 10_000)
    table = pa.table({"id": pa.array(range(50_000)), "label": pa.array([str(n % 7) for n in range(50_000)])})
    dataset = dataset_of(tmp_path, train=[table])
    many, few = (statistics.figures(dataset, "train", name) for name in ("id", "label"))
    assert not many.distinct_exact
    assert many.distinct == pytest.approx(50_000, rel=0.1)
    assert many.top_basis is not None
    assert 0 < many.top_basis.rows_seen < 50_000
    assert not many.spreads[0].exact
    assert many.spreads[0].quantiles[0.5] == pytest.approx(25_000, rel=0.05)
    assert few.top_basis is not None
    assert few.top_basis.whole
    assert dict(few.top) == Counter(str(n % 7) for n in range(50_000))


def test_pictures_and_sounds_are_measured() -> None:
    root = Settings()
    pictures = statistics.figures(sources.resolve("kit:fashion", root, "local"), "train", "image")
    assert {spread.unit: spread.maximum for spread in pictures.spreads} == {"pixels wide": 28, "pixels high": 28}
    assert not pictures.spreads[0].basis.whole
    sounds = statistics.figures(sources.resolve("kit:speech-commands", root, "local"), "train", "audio")
    assert [spread.unit for spread in sounds.spreads] == ["seconds"]
    assert 0.2 < (sounds.spreads[0].mean or 0) < 3
    assert kit.entries(kind="dataset", root=root)


def test_unknown_names(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, train=[pa.table({"c": [1]})])
    with pytest.raises(UnknownName, match="split"):
        statistics.figures(dataset, "no", "c")
    with pytest.raises(UnknownName, match="column"):
        statistics.figures(dataset, "train", "no")
