"""Rows as a table: headers that sort, cells by what they hold, words that were searched for marked, pages."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from studio.data import media
from studio.data.cells import as_json
from studio.data.records import Column
from studio.data.views import MOST, Page
from studio.jobs.job import Job
from studio.pages.datasets.address import Address
from studio.ui import parts
from studio.ui.parts import Html, join, text

LONG = 280  # characters of a cell that are shown before it is opened
WIDE = 24  # characters of a cell that needs room on a narrow screen too
MOST_MARKS = 200  # in one cell
MOST_COLUMNS = 100  # of a page
SORTED = {"ascending": "▲", "descending": "▼"}


def table(address: Address, columns: Sequence[Column], page: Page, scores: Sequence[float] = ()) -> Html:
    """The page's rows; the first column is the row's number and leads to its own view."""
    types = {column.name: column for column in columns}
    names = page.columns[:MOST_COLUMNS]
    marks = _pattern(address)
    heads = [Html('<th scope="col" class="number">Row</th>')]
    heads += [Html('<th scope="col" class="number">Score</th>')] if scores else []
    heads += [_head(address, types[name]) for name in names]
    lines = []
    for place, (number, row) in enumerate(zip(page.numbers, page.rows, strict=True)):
        lead = [f'<td class="number">{_go(f"{number:,}", address.link(row=number), f"Row {number:,}")}</td>']
        lead += [f'<td class="number">{scores[place]:.3f}</td>'] if scores else []
        held = zip(names, row, strict=False)
        cells = [_cell(address, number, types[name], value, page.labels.get(name, ()), marks) for name, value in held]
        lines.append(f"<tr>{''.join(lead)}{join(cells)}</tr>")
    return Html(
        '<div class="rows" tabindex="0" role="region" aria-label="Rows of the data set"><table>'
        f"<thead><tr>{join(heads)}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def left_out(columns: int) -> Html:
    """What is said where there are more columns than are shown."""
    told = f"The first {MOST_COLUMNS} of {columns:,} columns are shown; a row by itself has them all."
    return Html(f'<p class="note">{told}</p>')


def pager(address: Address, shown: int, total: int | None, name: str = "Pages") -> Html:
    """Where one is, and the ways back and forth; `name` tells it from another on the page."""
    first = address.page * MOST
    there = f"Rows {first + 1:,} to {first + shown:,}" if shown else "No rows here"
    of = f" of {total:,}" if total is not None else ""
    last = None if total is None else max(0, (total - 1) // MOST)
    more = shown == MOST if last is None else address.page < last
    links = [
        step("First", address.link(page=0), possible=address.page > 0),
        step("Previous", address.link(page=max(0, address.page - 1)), possible=address.page > 0),
        step("Next", address.link(page=address.page + 1), possible=more),
        *([step("Last", address.link(page=last), possible=more)] if last is not None else []),
    ]
    return Html(f'<nav class="pager" aria-label="{text(name)}"><p>{there}{of}</p><div>{join(links)}</div></nav>')


def value(address: Address, number: int, column: Column, held: Any, label: str = "") -> Html:
    """One whole value of a row: pictures and sounds as such, nested ones as indented JSON, all else as text."""
    shown = _medium(address, number, column, held)
    if shown is not None:
        return shown
    if held is None:
        return Html('<span class="null">null</span>')
    if isinstance(held, str):
        return Html(f'<div class="whole">{text(held)}</div>')
    if isinstance(held, list | dict):
        return parts.code_block(as_json(held) if len(as_json(held)) < 80 else _indented(held), "JSON", "json")
    named = join([Html(" "), parts.chip("info", label)]) if label else ""
    return Html(f'<span class="figure">{text(held)}</span>{named}')


def _indented(held: Any) -> str:
    import json

    return json.dumps(held, ensure_ascii=False, indent=2, allow_nan=False)


def _go(label: object, href: str, title: str = "") -> Html:
    """A link within the page: datasets.js follows it without loading anew."""
    said = f' aria-label="{text(title)}"' if title else ""
    return Html(f'<a href="{text(href)}" data-go{said}>{text(label)}</a>')


def step(label: str, href: str, *, possible: bool) -> Html:
    """A way to another place, as a button; grey where it leads nowhere."""
    if possible:
        return Html(f'<a class="button" href="{text(href)}" data-go>{label}</a>')
    return Html(f'<span class="button" aria-disabled="true">{label}</span>')


def _head(address: Address, column: Column) -> Html:
    kind = "media" if column.type == media.COLUMN else column.type
    here = address.sort == column.name and not address.q
    order = ("descending" if address.descending else "ascending") if here else "none"
    sign = f' <span aria-hidden="true">{SORTED[order]}</span>' if here else ""
    name = Html(f"{text(column.name)}{sign}")
    if column.kind != "other" and not address.q:  # a ranking has its own order
        turned = address.link(sort=column.name, descending=here and not address.descending, page=0)
        turned = address.link(sort="", descending=False, page=0) if here and address.descending else turned
        name = Html(f'<a href="{text(turned)}" data-go title="Sort by it">{name}</a>')
    return Html(f'<th scope="col" aria-sort="{order}">{name}<small>{text(kind.lower()[:40])}</small></th>')


def _cell(
    address: Address, number: int, column: Column, held: Any, labels: Sequence[str], marks: re.Pattern[str] | None
) -> Html:
    if held is None:
        return Html('<td><span class="null">null</span></td>')
    shown = _medium(address, number, column, held)
    if shown is not None:
        return Html(f"<td>{shown}</td>")
    if isinstance(held, int) and not isinstance(held, bool) and 0 <= held < len(labels):
        return Html(f'<td>{text(labels[held])} <span class="null">{held}</span></td>')
    if isinstance(held, bool | int | float):
        return Html(f'<td class="figure">{text(str(held).lower() if isinstance(held, bool) else held)}</td>')
    said = held if isinstance(held, str) else as_json(held)
    classes = [*(["nested"] if not isinstance(held, str) else []), *(["long"] if len(said) > WIDE else [])]
    kind = f' class="{" ".join(classes)}"' if classes else ""
    if len(said) <= LONG:
        return Html(f"<td{kind}>{marked(said, marks)}</td>")
    start, rest = marked(said[:LONG], marks), marked(said[LONG:], marks)
    return Html(f"<td{kind}><details><summary>{start}<span>…</span></summary>{rest}</details></td>")


def _medium(address: Address, number: int, column: Column, held: Any) -> Html | None:
    """A picture or a player, by what the cell is said to hold; None for anything else."""
    if column.type != media.COLUMN or not isinstance(held, str):
        return None
    told = {"ref": address.ref, "split": address.split, "number": number, "column": column.name}
    source = text(f"/api/datasets/cell?{urlencode(told)}")
    if held.startswith("image"):
        name = text(f"{column.name} of row {number}, {held}")
        return Html(f'<img src="{source}" alt="{name}" loading="lazy"><small>{text(held)}</small>')
    if held.startswith("sound"):
        name = text(f"{column.name} of row {number}")
        return Html(
            f'<audio controls preload="none" src="{source}" aria-label="{name}"></audio><small>{text(held)}</small>'
        )
    return Html(f"<small>{text(held)}</small>")


def _pattern(address: Address) -> re.Pattern[str] | None:
    """What is marked: the characters as they stand, or each of the words; nothing of what only means the same."""
    if not address.q or address.by == "meaning":
        return None
    words = [address.q] if address.by == "text" else re.findall(r"(?<![\w-])[+]?(\w+)", address.q)
    kept = sorted({re.escape(word) for word in words if word}, key=len, reverse=True)
    edge = r"\b" if address.by == "words" else ""
    return re.compile(f"{edge}(?:{'|'.join(kept)}){edge}", re.IGNORECASE) if kept else None


def marked(said: str, pattern: re.Pattern[str] | None) -> Html:
    """Text with what the pattern finds in it marked; escaped piece by piece, so that no mark can be forged."""
    if pattern is None:
        return text(said)
    pieces, end = [], 0
    for count, found in enumerate(pattern.finditer(said)):
        if count >= MOST_MARKS or found.end() == found.start():
            break
        pieces += [text(said[end : found.start()]), Html(f"<mark>{text(found[0])}</mark>")]
        end = found.end()
    return join([*pieces, text(said[end:])])


def job_panel(job: Job, title: str) -> Html:
    """A job that was started here, as far as it is."""
    state = join([parts.slot("state", parts.state_chip(job)), Html("&nbsp; "), parts.slot("message", "")])
    body = join([state, parts.slot("progress", parts.job_progress(job)), parts.slot("error"), parts.slot("result")])
    return parts.live(job.id, parts.panel(title, body, parts.link("The job", f"/jobs?id={job.id}")))
