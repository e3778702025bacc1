"""Line charts as SVG: drawn on the server, coloured by the stylesheet, read out on hover by studio.js.

Points are drawn as they come; reducing a long run to what a screen can show, without losing spikes, is
`studio.tracking.downsample`'s part. Values that are not finite leave a gap in the line.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from studio.ui.parts import Html, join, text

# Okabe and Ito's palette has eight colours that colour-blind people can tell apart; the stylesheet holds our
# eight, and the dashes tell lines apart without any colour.
COLOURS = 8
DASHES = ("", "7 4", "2 3", "9 3 2 3")
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 28
ROWS = 12


@dataclass(frozen=True)
class Line:
    """One curve; `steps` and `values` are equally long."""

    name: str
    steps: Sequence[float]
    values: Sequence[float]


@dataclass(frozen=True)
class _Scale:
    """Maps data to pixels, linearly."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def line_chart(series: Sequence[Line], title: str, y_label: str = "", width: int = 720, height: int = 280) -> Html:
    """Curves over steps, with axes, legend, a hover read-out and the figures as a table; sizes are in pixels."""
    points = [(step, value) for line in series for step, value in _finite(line)]
    if not points:
        nothing = '<p class="no-data">No values yet.</p>'
        return Html(f'<figure class="chart"><figcaption>{text(title)}</figcaption>{nothing}</figure>')
    x_ticks = ticks(min(step for step, _ in points), max(step for step, _ in points), max(2, width // 110), whole=True)
    y_ticks = ticks(min(value for _, value in points), max(value for _, value in points), max(2, height // 55))
    # steps fill the whole width; only the values' axis is rounded to its ticks
    x = _Scale(*_span([step for step, _ in points]), LEFT, width - RIGHT)
    y = _Scale(y_ticks[0], y_ticks[-1], height - BOTTOM, TOP)
    lines = join(_draw(number, line, x, y) for number, line in enumerate(series))
    label = f"{title}: {', '.join(line.name for line in series)}"
    return Html(
        f'<figure class="chart" data-chart="{text(_hover_data(series, x, y))}">'
        f"<figcaption>{text(title)}</figcaption>{_legend(series)}"
        f'<div class="plot"><svg viewBox="0 0 {width} {height}" role="img" aria-label="{text(label)}">'
        f"{_axes(x, y, x_ticks, y_ticks)}{lines}"
        f'<g class="cursor" hidden><line y1="{TOP}" y2="{height - BOTTOM}"/></g></svg>'
        f'<div class="read-out" hidden></div></div>'
        f'<p class="axis-names"><span>{text(y_label)}</span><span>step</span></p>{_figures(series, title)}</figure>'
    )


def ticks(low: float, high: float, wanted: int, *, whole: bool = False) -> list[float]:
    """Round numbers (1, 2, 2.5 or 5 × 10ⁿ apart) that enclose low..high, about `wanted` of them."""
    if low == high:
        margin = abs(low) * 0.5 or 1.0
        low, high = low - margin, high + margin
    rough = (high - low) / max(1, wanted - 1)
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    step = max(1.0, math.ceil(step)) if whole else step
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if low < high else (low - 1, high + 1)


def _finite(line: Line) -> Iterator[tuple[float, float]]:
    return (
        (step, value)
        for step, value in zip(line.steps, line.values, strict=True)
        if math.isfinite(step) and math.isfinite(value)
    )


def _axes(x: _Scale, y: _Scale, x_ticks: list[float], y_ticks: list[float]) -> str:
    step = y_ticks[1] - y_ticks[0]
    rows = "".join(
        f'<line class="grid" x1="{x.start}" x2="{x.end}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
        f'<text x="{x.start - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{_number(tick, step)}</text>'
        for tick in y_ticks
    )
    columns = "".join(
        f'<text x="{x(tick):.1f}" y="{y.start + 20:.1f}" text-anchor="middle">{_number(tick, 1)}</text>'
        for tick in x_ticks
        if x.low <= tick <= x.high
    )
    base = f'<line class="base" x1="{x.start}" x2="{x.end}" y1="{y.start}" y2="{y.start}"/>'
    return f'<g class="axes">{rows}{base}{columns}</g>'


def _number(value: float, step: float) -> str:
    """As many decimals as tell neighbouring ticks apart; thousands as k and M, tiny ones as powers."""
    if value == 0:
        return "0"
    if abs(value) >= 1e6:
        return f"{value / 1e6:.4g}M"
    if abs(value) >= 1e4:
        return f"{value / 1e3:.4g}k"
    if step < 1e-4:
        return f"{value:.1e}"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    shown = f"{value:.{decimals}f}"
    return shown if math.isclose(float(shown), value, abs_tol=step / 100) else f"{value:.{decimals + 1}f}"


def _draw(number: int, line: Line, x: _Scale, y: _Scale) -> Html:
    pieces: list[list[str]] = [[]]
    for step, value in zip(line.steps, line.values, strict=True):
        if math.isfinite(step) and math.isfinite(value):
            pieces[-1].append(f"{x(step):.1f} {y(value):.1f}")
        elif pieces[-1]:
            pieces.append([])
    path = "".join("M" + "L".join(piece) for piece in pieces if len(piece) > 1)
    dots = "".join(
        f'<circle cx="{piece[0].split()[0]}" cy="{piece[0].split()[1]}" r="3"/>' for piece in pieces if len(piece) == 1
    )
    dash = f' stroke-dasharray="{DASHES[number % len(DASHES)]}"'
    return Html(f'<g class="line c{number % COLOURS}"><path d="{path}"{dash}/>{dots}</g>')


def _legend(series: Sequence[Line]) -> Html:
    items = (
        Html(
            f'<li class="c{number % COLOURS}"><svg width="22" height="8" aria-hidden="true">'
            f'<line x1="0" x2="22" y1="4" y2="4" stroke-dasharray="{DASHES[number % len(DASHES)]}"/></svg>'
            f"{text(line.name)}</li>"
        )
        for number, line in enumerate(series)
    )
    return Html(f'<ul class="legend">{join(items)}</ul>')


def _hover_data(series: Sequence[Line], x: _Scale, y: _Scale) -> str:
    """What studio.js needs to find and name the nearest point: pixel positions and the figures themselves."""
    return json.dumps(
        [
            {
                "name": line.name,
                "points": [
                    [round(x(step), 1), round(y(value), 1), step, float(f"{value:.5g}")]
                    for step, value in _finite(line)
                ],
            }
            for line in series
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _figures(series: Sequence[Line], title: str) -> Html:
    """The curves for whoever cannot see them: first, lowest, highest and last value of each."""
    rows = []
    for line in series[:ROWS]:
        values = [value for _, value in _finite(line)]
        cells = (
            (f"{values[0]:.5g}", f"{min(values):.5g}", f"{max(values):.5g}", f"{values[-1]:.5g}")
            if values
            else ("–",) * 4
        )
        rows.append(
            Html(f'<tr><th scope="row">{text(line.name)}</th>{join(Html(f"<td>{cell}</td>") for cell in cells)}</tr>')
        )
    head = join(Html(f'<th scope="col">{name}</th>') for name in ("Run", "First", "Lowest", "Highest", "Last"))
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{join(rows)}</tbody></table>"
    scroll = f'<div class="scroll" tabindex="0" role="region" aria-label="{text(title)}: figures">{table}</div>'
    return Html(f"<details><summary>Figures</summary>{scroll}</details>")
