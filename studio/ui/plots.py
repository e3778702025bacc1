"""Plots that need no time axis, as SVG drawn on the server: bars of a histogram, cells of a plane, boxes, points."""

import html
import math
from collections.abc import Sequence

from studio.ui.parts import Html, join, text

WIDTH, HEIGHT = 300, 84
PLANE, MARGIN = 340, 8
COLOURS = 8  # that the stylesheet holds


def histogram(edges: Sequence[float], counts: Sequence[int], ends: tuple[str, str]) -> Html:
    """Bars, the highest as high as the plot; each says its range and count when it is pointed at.

    `ends` are written under the first and the last one.
    """
    most = max(counts, default=0)
    if not most:
        return Html("")
    step = WIDTH / len(counts)
    bars = []
    for place, count in enumerate(counts):
        high = max(1.0 if count else 0.0, (HEIGHT - 4) * count / most)
        said = html.escape(f"{number(edges[place])} to {number(edges[place + 1])}: {count:,}")
        bars.append(
            f'<rect x="{place * step + 0.5:.1f}" y="{HEIGHT - high:.1f}" width="{max(0.5, step - 1):.1f}" '
            f'height="{high:.1f}"><title>{said}</title></rect>'
        )
    under = f"<p><span>{text(ends[0])}</span><span>{text(ends[1])}</span></p>"
    label = f"Histogram of {len(counts)} bars, from {ends[0]} to {ends[1]}"
    return Html(
        f'<div class="histogram"><svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{text(label)}">{"".join(bars)}</svg>{under}</div>'
    )


def plane(
    across: Sequence[float], down: Sequence[float], cells: Sequence[Sequence[float]], names: tuple[str, str]
) -> Html:
    """Counts over two numbers: the fuller a cell, the darker. The first name runs to the right, the second upwards."""
    most = max((max(row) for row in cells), default=0)
    if not most:
        return Html('<p class="note">No row has a number in both.</p>')
    wide, high = PLANE / (len(across) - 1), PLANE / (len(down) - 1)
    drawn = []
    for line, row in enumerate(cells):
        for place, count in enumerate(row):
            if count:
                shade = 0.12 + 0.88 * math.log1p(count) / math.log1p(most)
                drawn.append(
                    f'<rect x="{place * wide:.1f}" y="{PLANE - (line + 1) * high:.1f}" width="{wide + 0.3:.1f}" '
                    f'height="{high + 0.3:.1f}" opacity="{shade:.2f}"><title>{count:,.0f}</title></rect>'
                )
    x, y = names
    label = text(f"{y} over {x}: how many rows have both values")
    return Html(
        f'<figure class="plane"><svg viewBox="0 0 {PLANE} {PLANE}" role="img" aria-label="{label}">'
        f"{''.join(drawn)}</svg>"
        f"<figcaption><b>{text(x)}</b> {number(across[0])} to {number(across[-1])}, to the right<br>"
        f"<b>{text(y)}</b> {number(down[0])} to {number(down[-1])}, upwards</figcaption></figure>"
    )


def boxes(names: Sequence[str], spreads: Sequence[Sequence[float]], sizes: Sequence[int]) -> Html:
    """Minimum, quartiles and maximum within groups, one line each on a common scale."""
    low, high = min(row[0] for row in spreads), max(row[-1] for row in spreads)
    span = (high - low) or 1.0
    lines = []
    for name, row, size in zip(names, spreads, sizes, strict=True):
        at = [100 * (value - low) / span for value in row]
        said = html.escape(" · ".join(number(value) for value in row))
        box = (
            f'<svg viewBox="0 0 100 20" preserveAspectRatio="none" role="img" aria-label="{said}"><title>{said}</title>'
            f'<line x1="{at[0]:.2f}" x2="{at[4]:.2f}" y1="10" y2="10"/>'
            f'<rect x="{at[1]:.2f}" width="{max(0.4, at[3] - at[1]):.2f}" y="3" height="14"/>'
            f'<line class="middle" x1="{at[2]:.2f}" x2="{at[2]:.2f}" y1="3" y2="17"/></svg>'
        )
        lines.append(
            Html(f'<li><span class="name">{text(name)}</span><span class="share">{size:,} rows</span>{box}</li>')
        )
    ends = f'<p class="ends"><span>{number(low)}</span><span>{number(high)}</span></p>'
    return Html(f'<div class="boxes"><ol class="shares">{join(lines)}</ol>{ends}</div>')


def points(
    x: Sequence[float], y: Sequence[float], titles: Sequence[str], groups: Sequence[int], links: Sequence[str]
) -> Html:
    """Points on a plane; `groups` are numbers of colours, each point leads where its link says."""
    if not x:
        return Html('<p class="note">There is nothing to show.</p>')
    low, high = (min(x), min(y)), (max(x), max(y))
    span = max(high[0] - low[0], high[1] - low[1]) or 1.0
    inside = PLANE - 2 * MARGIN
    drawn = []
    for place, (a, b) in enumerate(zip(x, y, strict=True)):
        across, up = MARGIN + inside * (a - low[0]) / span, PLANE - MARGIN - inside * (b - low[1]) / span
        drawn.append(
            f'<a href="{text(links[place])}" data-go tabindex="-1"><circle class="c{groups[place] % COLOURS}" '
            f'cx="{across:.1f}" cy="{up:.1f}" r="1.9"><title>{text(titles[place])}</title></circle></a>'
        )
    label = f"{len(x):,} rows on a plane, close together where they mean the same"
    return Html(
        f'<svg class="points" viewBox="0 0 {PLANE} {PLANE}" role="img" aria-label="{label}">{"".join(drawn)}</svg>'
    )


def number(value: float) -> str:
    """A figure as short as it can be read: 12,000 · 0.125 · 1.5e-08."""
    if value == 0:
        return "0"
    if abs(value) >= 1e7 or abs(value) < 1e-4:
        return f"{value:.3g}"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"
