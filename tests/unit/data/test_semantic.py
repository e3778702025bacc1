"""The nearest vectors, against all of them compared in full; files that were cut; what lies on the plane."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.data import semantic
from studio.data.fulltext import Hits


def unit(chosen: np.random.Generator, rows: int, width: int = 16) -> Any:
    made = chosen.normal(size=(rows, width)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


@pytest.mark.parametrize("rows", [0, 1, 7, 300])
def test_nearest_first(tmp_path: Path, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(semantic, "BLOCK", 64)
    chosen = np.random.default_rng(rows)
    table = unit(chosen, rows)
    for part in np.array_split(table, 3):
        semantic.append(tmp_path, part)
    query = chosen.normal(size=16).astype(np.float32)
    if not rows:
        assert semantic.written(tmp_path, 16) == 0
        assert semantic.search(tmp_path, query.tolist(), 2, 5) == Hits([], [], 0)
        return
    wanted = table.astype(np.float16).astype(np.float32) @ (query / np.linalg.norm(query))
    found = semantic.search(tmp_path, query.tolist(), 2, 5)
    assert found.rows == np.argsort(-wanted, kind="stable")[2:7].tolist()
    assert found.scores == pytest.approx(sorted(wanted, reverse=True)[2:7], abs=1e-6)
    assert found.total == rows


def test_a_vector_that_was_cut_off_goes(tmp_path: Path) -> None:
    table = unit(np.random.default_rng(1), 10)
    semantic.append(tmp_path, table)
    with (tmp_path / semantic.VECTORS).open("ab") as file:
        file.write(b"half")
    assert semantic.written(tmp_path, 16) == 10
    semantic.append(tmp_path, table[:1])
    assert semantic.vectors(tmp_path, 16).shape == (11, 16)
    assert (semantic.vectors(tmp_path, 16)[10] == table[0].astype(np.float16)).all()


def test_groups_stay_together_on_the_plane(tmp_path: Path) -> None:
    chosen = np.random.default_rng(2)
    centres = unit(chosen, 3) * 10
    table = np.concatenate([centre + chosen.normal(size=(30, 16)) * 0.3 for centre in centres])
    points = semantic.flatten(table, 42, lambda: None)
    again = semantic.flatten(table, 42, lambda: None)
    assert np.array_equal(points, again), "the same seed, the same plane"
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    nearest = np.argsort(distances, axis=1)[:, 1]
    assert (nearest // 30 == np.arange(90) // 30).all(), "each row's neighbour is of its own group"
    semantic.write_plane(tmp_path, range(90), points)
    rows, kept = semantic.plane(tmp_path)
    assert rows == list(range(90))
    assert np.allclose(kept, points)


@pytest.mark.parametrize("rows", [0, 1, 3, 4])
def test_few_rows_have_a_plane_too(rows: int) -> None:
    assert semantic.flatten(unit(np.random.default_rng(3), rows), 1, lambda: None).shape == (rows, 2)
