"""Charts: spikes stay, gaps stay, names are escaped, ticks are round."""

import html
import json
import math
import re
from itertools import pairwise

import pytest

from studio.ui.charts import Line, line_chart, ticks


def _data(chart: str) -> list[dict[str, object]]:
    found = re.search(r'data-chart="([^"]*)"', chart)
    assert found
    return json.loads(html.unescape(found[1]))  # type: ignore[no-any-return]


def _heights(chart: str) -> list[float]:
    path = re.search(r'<path d="(M[^"]*)"', chart)
    assert path
    return [float(point.split()[1]) for point in re.split("[ML]", path[1]) if point]


def test_a_spike_reaches_its_height() -> None:
    values = [1.0] * 500
    values[250] = 9.0
    chart = line_chart([Line("a", range(500), values)], "Loss")
    heights = _heights(chart)
    assert len(heights) == 500
    assert heights.index(min(heights)) == 250
    assert [point[3] for point in _data(chart)[0]["points"]][250] == 9.0  # type: ignore[attr-defined]


def test_names_are_escaped_everywhere() -> None:
    chart = line_chart([Line('<script>"', [0, 1], [1, 2])], "<script>", "<script>")
    assert "<script" not in chart
    assert _data(chart)[0]["name"] == '<script>"'


def test_values_that_are_not_finite_leave_a_gap() -> None:
    chart = line_chart([Line("a", range(6), [1, 2, math.nan, 3, math.inf, 4])], "Loss")
    assert "nan" not in chart.lower()
    assert "inf" not in chart.lower()
    assert len(_data(chart)[0]["points"]) == 4  # type: ignore[arg-type]
    assert chart.count("<circle") == 2


@pytest.mark.parametrize("values", [[], [math.nan], [math.inf, -math.inf]])
def test_nothing_to_draw_is_said(values: list[float]) -> None:
    assert "No values yet" in line_chart([Line("a", range(len(values)), values)], "Loss")


@pytest.mark.parametrize("values", [[5.0], [0.0, 0.0], [-3.0, -3.0], [1e-9, 2e-9], [1e12, 2e12]])
def test_flat_tiny_and_huge_curves_can_be_drawn(values: list[float]) -> None:
    chart = line_chart([Line("a", range(len(values)), values)], "Loss")
    assert "<svg" in chart
    assert all(12 <= height <= 252 for height in _heights(chart)) if len(values) > 1 else "<circle" in chart


def test_lines_differ_without_colour_and_have_a_table() -> None:
    chart = line_chart([Line(str(n), [0, 1], [n, n + 1]) for n in range(3)], "Loss")
    assert len(set(re.findall(r'<g class="line c\d"><path[^>]*stroke-dasharray="([^"]*)"', chart))) == 3
    assert 'role="img"' in chart
    assert chart.count('<th scope="row">') == 3


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.2, 2.37), (-5, 5), (1e-6, 3e-6), (0, 1e7), (3, 3), (0, 0)])
def test_ticks_enclose_the_data_and_are_evenly_spaced(low: float, high: float) -> None:
    found = ticks(low, high, 6)
    assert found[0] <= low + 1e-12
    assert found[-1] >= high - 1e-12
    assert 2 <= len(found) <= 9
    gaps = [b - a for a, b in pairwise(found)]
    assert max(gaps) == pytest.approx(min(gaps))


def test_steps_have_whole_ticks() -> None:
    assert ticks(0, 3, 6, whole=True) == [0, 1, 2, 3]
