"""Two columns against each other, against brute force."""

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.core.errors import InvalidInput, UnknownName
from studio.data import crossing
from tests.unit.data.test_rows import dataset_of

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LABELS = st.none() | st.sampled_from("abcdefghijklmnopqr'\";")
ROWS = st.lists(st.tuples(LABELS, LABELS, st.none() | st.floats(-1e6, 1e6, width=32)), min_size=1, max_size=200)


@FEW
@given(rows=ROWS)
def test_against_brute_force(tmp_path: Path, rows: list[tuple[str | None, str | None, float | None]]) -> None:
    a, b, n = (list(column) for column in zip(*rows, strict=True))
    table = pa.table({"a": pa.array(a, pa.string()), "b": pa.array(b, pa.string()), "n": pa.array(n, pa.float64())})
    dataset = dataset_of(tmp_path, train=[table])

    met = crossing.cross(dataset, "train", "a", "b")
    pairs = Counter((x, y) for x, y, _ in rows if x is not None and y is not None)
    assert met.basis.rows_seen == pairs.total()
    for line, down in zip(met.cells, met.down, strict=True):
        for count, across in zip(line, met.across, strict=True):
            if not {across, down} & set(crossing.OTHERS):
                assert count == pairs[(str(across), str(down))]
    assert sum(map(sum, met.cells)) == pairs.total(), "what is not named is among the others"

    spread = crossing.cross(dataset, "train", "a", "n")
    for name, line, size in zip(spread.down, spread.cells, spread.sizes, strict=True):
        values = [number for x, _, number in rows if x == name and number is not None]
        if name not in crossing.OTHERS:
            assert size == len(values)
            assert line == pytest.approx(np.quantile(values, [0, 0.25, 0.5, 0.75, 1]), rel=1e-6, abs=1e-6)


def test_numbers_go_along(tmp_path: Path) -> None:
    chosen = np.random.default_rng(1)
    x = chosen.normal(size=500)
    y = 2 * x + chosen.normal(size=500)
    dataset = dataset_of(
        tmp_path, train=[pa.table({"x": x, "y": y, "same": np.zeros(500), "odd": [float("nan")] * 500})]
    )
    found = crossing.cross(dataset, "train", "x", "y")
    assert found.correlation == pytest.approx(np.corrcoef(x, y)[0, 1])
    counts, _, _ = np.histogram2d(y, x, bins=[np.array(found.down, float), np.array(found.across, float)])
    assert np.abs(counts - np.array(found.cells)).sum() <= 4, "but for values on an edge"
    assert crossing.cross(dataset, "train", "x", "same").correlation is None
    assert crossing.cross(dataset, "train", "x", "odd").basis.rows_seen == 0


def test_bad_choices(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, train=[pa.table({"x": [1.0], "l": [[1]]})])
    with pytest.raises(InvalidInput, match="different"):
        crossing.cross(dataset, "train", "x", "x")
    with pytest.raises(InvalidInput, match="y"):
        crossing.cross(dataset, "train", "x", "l")
    with pytest.raises(UnknownName, match="column"):
        crossing.cross(dataset, "train", "x", "no")
