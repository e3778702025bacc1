"""Outputs that are words and figures, as markup. What a model says is escaped."""

import base64
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from studio.core.types import Modality
from studio.ui import parts
from studio.ui.modalities.asked import Asked
from studio.ui.parts import Html, join, text

COLOURS = 8
OUTSIDE = "O"  # the label of words that are nothing; the JSON has them too
HEADLINE = 28  # characters; what is longer is a sentence and set smaller
MOST_BARS = 10  # more stand folded away
DOWNLOAD_BYTES = 4_000_000  # a longer vector is not put into the page
BARS, PLOT_WIDTH, PLOT_HEIGHT = 192, 640, 96


def plain(value: Any) -> str:
    """The text in an answer: itself, or the first text of its fields."""
    if isinstance(value, Mapping):
        return next((str(one) for one in value.values() if isinstance(one, str)), json.dumps(value, default=str))
    if isinstance(value, list | tuple):
        return "\n".join(plain(one) for one in value)
    return str(value)


def written(value: Any, _asked: Asked | None = None, *, running: bool = False) -> Html:
    """A text as it was written; while it still comes, with a cursor."""
    said = plain(value.get("content", value) if isinstance(value, Mapping) else value)
    words = f"{len(said.split()):,} words" if said else "nothing was written"
    head = (
        '<span class="writing">Writing</span>'
        if running
        else f'<span>{words}</span><button type="button" class="copy" data-copy-text>Copy</button>'
    )
    cursor = '<i class="cursor-block" aria-hidden="true"></i>' if running else ""
    return Html(
        f'<figure class="written"><div class="text" tabindex="0" role="group" aria-label="Answer">'
        f"<span data-text>{text(said)}</span>{cursor}</div><figcaption>{head}</figcaption></figure>"
    )


def labels(value: Any, _asked: Asked | None = None) -> Html:
    """Classes, the best on top; logits as they are."""
    rows = value[0] if value and isinstance(value[0], list) else value
    ranked = sorted(((str(row["label"]), float(row["score"])) for row in rows), key=lambda row: -row[1])
    if not ranked:
        return nothing("No label passed.")
    return _scores(ranked[0][0], _bars(ranked))


def scores(value: Any, asked: Asked) -> Html:
    """One figure for each text that was given, the highest first."""
    given: list[Any] = next(iter(asked.values(Modality.TEXTS)), [])
    names = [str(one) for one in given] if len(given) == len(value) else [f"Text {n + 1}" for n in range(len(value))]
    ranked = sorted(zip(names, map(float, value), strict=True), key=lambda row: -row[1])
    rows = [(name, score, f"{score:.3f}") for name, score in ranked]
    return Html(f'<section class="scores" aria-label="Scores">{parts.value_bars(rows)}</section>')


def answers(value: Any, asked: Asked) -> Html:
    """The best answer, all of them in their text, and how sure each is."""
    found = value if isinstance(value, list) else [value]
    if not found:
        return nothing("No answer was found.")
    best = max(found, key=lambda one: float(one.get("score", 0)))
    rows = [(str(one["answer"]) or "(no answer)", float(one.get("score", 0))) for one in found]
    body = _scores(str(best["answer"]) or "No answer in this text", _bars(rows))
    for context in asked.values(Modality.TEXT):
        spans = [
            (one["start"], one["end"], 0, "")
            for one in [best, *found]
            if one.get("answer") and context[one.get("start", 0) : one.get("end", 0)] == one["answer"]
        ]
        if spans:
            return join([body, _marked(context, spans, "In the text")])
    return body


def entities(value: Any, asked: Asked) -> Html:
    """The text with what was found in it, a colour for each kind; then the same as a table."""
    value = [one for one in value if _kind(one) != OUTSIDE]
    if not value:
        return nothing("Nothing was found in this text.")
    kinds = list(dict.fromkeys(_kind(one) for one in value))
    whole = next(iter(asked.values(Modality.TEXT)), "")
    spans = [
        (one["start"], one["end"], kinds.index(_kind(one)), _kind(one))
        for one in value
        if isinstance(one.get("start"), int) and isinstance(one.get("end"), int)
    ]
    rows = [[_spelled(one, whole), _kind(one), f"{float(one['score']):.1%}"] for one in value]
    marked = _marked(whole, spans, "Entities") if spans and whole else Html("")
    return join([marked, _framed(parts.table(["Words", "Kind", "Score"], rows, "What was found"))])


def fills(value: Any, _asked: Asked) -> Html:
    """Words for the gap as bars, and the sentences that they make; for several gaps one after the other."""
    gaps = value if value and isinstance(value[0], list) else [value]
    pieces = []
    for number, gap in enumerate(gaps):
        rows = [(str(one["token_str"]).strip() or "(space)", float(one["score"])) for one in gap]
        title = f"Gap {number + 1}: {rows[0][0]}" if len(gaps) > 1 else rows[0][0]
        pieces.append(_scores(title, _bars(rows)))
    if len(gaps) == 1:
        sentences = [_filled(str(one["sequence"]), str(one["token_str"]).strip()) for one in value[:5]]
        items = join(Html(f"<li>{one}</li>") for one in sentences)
        pieces.append(_framed(Html(f'<ol class="sentences">{items}</ol>')))
    return join(pieces)


def cells(value: Any, asked: Asked) -> Html:
    """The answer, and the table with the chosen cells marked."""
    chosen = {(int(row), int(column)) for row, column in value.get("coordinates", ())}
    aggregator = str(value.get("aggregator") or "NONE")
    chip = parts.chip("info", aggregator.capitalize()) if aggregator != "NONE" else Html("")
    head = Html(
        f'<section class="scores"><p class="best">{text(value["answer"])}</p><p class="under">{chip}</p></section>'
    )
    table: dict[str, list[str]] = next(iter(asked.values(Modality.TABLE)), {})
    rows = [
        [
            Html(f'<mark class="cell">{text(cell)}</mark>') if (number, column) in chosen else text(cell)
            for column, cell in enumerate(row)
        ]
        for number, row in enumerate(zip(*table.values(), strict=True))
    ]
    return join([head, _framed(parts.table(list(table), rows, "The table", wide=True))]) if table else head


def decisions(value: Any, _asked: Asked) -> Html:
    """Each question, what was decided, and how probable every answer is."""
    return join(_decision(str(name), decided) for name, decided in value.items())


def _decision(name: str, decided: Any) -> Html:
    kind = decided.get("type") if isinstance(decided, Mapping) else None
    if kind == "noul":
        yes = float(decided["noul"])
        return _scores("Yes" if yes >= 0.5 else "No", _bars([("Yes", yes), ("No", 1 - yes)]), name)
    if kind not in ("choice", "score"):
        said = decided if isinstance(decided, str) else json.dumps(decided, default=str, ensure_ascii=False)
        return _framed(parts.key_values([(name, said)]))
    shares = {str(option): float(share) for option, share in decided["probabilities"].items()}
    if kind == "choice":
        return _scores(str(decided["choice"]), _bars(sorted(shares.items(), key=lambda one: -one[1])), name)
    called = {str(level): f"{level}: {plain(said)}" for level, said in decided["legend"].items()}
    reached = f"{float(decided['score']):.2f} of {len(shares) - 1}"
    return _scores(reached, _bars([(called.get(level, level), share) for level, share in shares.items()]), name)


def vectors(value: Any, _asked: Asked) -> Html:
    """Size, length, a drawing of the figures, the first of them, and all as a file."""
    rows = value
    while isinstance(rows, list) and len(rows) == 1 and isinstance(rows[0], list):
        rows = rows[0]
    first = rows[0] if isinstance(rows[0], list) else rows
    if isinstance(first[0], list):
        raise TypeError("more than two dimensions")
    figures = [float(one) for one in first]
    several = f"{len(rows):,} × {len(first):,}" if first is not rows else f"{len(first):,}"
    size = math.sqrt(sum(one * one for one in figures))
    facts = [
        ("Size", several),
        ("Length (norm)", f"{size:.4g}"),
        ("Smallest, largest", f"{min(figures):.4g}, {max(figures):.4g}"),
        ("First values", ", ".join(f"{one:.4f}" for one in figures[:6])),
    ]
    caption = "The first vector" if first is not rows else "The vector"
    return _framed(join([_plot(figures, caption), parts.key_values(facts), _download(value)]))


def nothing(why: str) -> Html:
    """An answer that is right and empty."""
    return parts.notice("info", why)


def _kind(entity: Mapping[str, Any]) -> str:
    return str(entity.get("entity_group") or entity.get("entity") or "")


def _spelled(entity: Mapping[str, Any], whole: str) -> str:
    """An entity as the text has it: a model's own words may have lost their capitals and accents."""
    start, end = entity.get("start"), entity.get("end")
    inside = isinstance(start, int) and isinstance(end, int)
    return (whole[start:end] if inside else "") or str(entity.get("word", ""))


def _framed(body: Html) -> Html:
    return Html(f'<section class="framed">{body}</section>')


def _scores(best: str, bars: Html, title: str = "") -> Html:
    heading = f"<h3>{text(title)}</h3>" if title else ""
    size = "best long" if len(best) > HEADLINE else "best"
    return Html(
        f'<section class="scores" aria-label="{text(title or "Scores")}">{heading}'
        f'<p class="{size}">{text(best)}</p>{bars}</section>'
    )


def _bars(ranked: Sequence[tuple[str, float]]) -> Html:
    """Shares as per cent; what lies outside 0 to 1 as it is: cosines beside 1, logits beside the largest."""
    if all(0 <= score <= 1.0001 for _, score in ranked):
        rows = [(name, score, f"{score:.1%}") for name, score in ranked]
    else:
        largest = max(1.0, *(abs(score) for _, score in ranked))
        rows = [(name, score / largest, f"{score:.3f}") for name, score in ranked]
    bars = parts.value_bars(rows[:MOST_BARS])
    rest = rows[MOST_BARS:]
    if not rest:
        return bars
    return join(
        [bars, Html(f'<details class="rest"><summary>{len(rest)} more</summary>{parts.value_bars(rest)}</details>')]
    )


def _marked(whole: str, spans: Sequence[tuple[int, int, int, str]], label: str) -> Html:
    """A text with marks at (start, end, colour, name); of two that overlap, the first given."""
    pieces: list[object] = []
    place = 0
    for start, end, colour, name in _apart(spans):
        kind = f"<b>{text(name)}</b>" if name else ""
        pieces += [
            whole[place:start],
            Html(f'<mark class="span c{colour % COLOURS}">{text(whole[start:end])}{kind}</mark>'),
        ]
        place = end
    body = join([*pieces, whole[place:]])
    return Html(f'<section class="framed marked" role="group" tabindex="0" aria-label="{text(label)}">{body}</section>')


def _apart(spans: Sequence[tuple[int, int, int, str]]) -> Iterator[tuple[int, int, int, str]]:
    kept: list[tuple[int, int, int, str]] = []
    for span in spans:
        if span[0] < span[1] and all(span[1] <= other[0] or span[0] >= other[1] for other in kept):
            kept.append(span)
    return iter(sorted(kept))


def _filled(sentence: str, word: str) -> Html:
    before, found, after = sentence.partition(word) if word else (sentence, "", "")
    return join([before, Html(f"<mark>{text(found)}</mark>") if found else "", after])


def _plot(figures: Sequence[float], caption: str) -> Html:
    """The figures as thin bars from their zero line; the largest stand for their neighbours where they are many."""
    step = max(1, math.ceil(len(figures) / BARS))
    shown = [max(figures[at : at + step], key=abs) for at in range(0, len(figures), step)]
    high, low = max(0.0, *shown), min(0.0, *shown)
    scale, width = PLOT_HEIGHT / ((high - low) or 1.0), PLOT_WIDTH / len(shown)
    bars = "".join(
        f'<rect x="{number * width:.1f}" y="{(high - max(0.0, one)) * scale:.1f}" '
        f'width="{max(0.8, width - 0.8):.1f}" height="{max(0.5, abs(one) * scale):.1f}"/>'
        for number, one in enumerate(shown)
    )
    return Html(
        f'<svg class="vector" viewBox="0 0 {PLOT_WIDTH} {PLOT_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{text(caption)}: {len(figures)} figures">{bars}</svg>'
    )


def _download(value: Any) -> Html:
    content = json.dumps(value).encode()
    if len(content) > DOWNLOAD_BYTES:
        return Html("")
    data = base64.b64encode(content).decode()
    return Html(
        f'<p class="actions"><a class="button" download="vectors.json" href="data:application/json;base64,{data}">'
        f"Download JSON ({parts.format_bytes(len(content))})</a></p>"
    )
