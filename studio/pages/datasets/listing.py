"""The list of data sets, and the ways to open another: a name, an address, a file."""

from urllib.parse import urlencode

from studio.core.types import Caller
from studio.data.records import DatasetInfo
from studio.pages.datasets.address import PATH
from studio.service import Studio
from studio.ui import parts
from studio.ui.parts import Html, join, text

SOURCES = {"kit": "Starter kit", "upload": "Uploaded", "artifact": "Made by a job", "hub": "Hub", "file": "File"}


def listed(studio: Studio, caller: Caller, words: str = "") -> Html:
    """Everything that the caller can open by a click, or what of it the words name."""
    wanted = words.lower().split()
    found = [one for one in studio.datasets(caller) if all(word in _said(one) for word in wanted)]
    if not found:
        return parts.empty_state("No data set like this", "Search for other words, upload a file, or open a Hub id.")
    return parts.panel("", parts.table(("Data set", "Source", "Rows", "Columns", "Size", "Licence"), map(_row, found)))


def place(ref: str) -> str:
    """Where a data set is shown."""
    return f"{PATH}?{urlencode({'ref': ref}, safe=':/@#')}".replace("#", "%23")


def _said(one: DatasetInfo) -> str:
    return " ".join([one.ref, one.title, one.description, *(column.name for column in one.columns)]).lower()


def _row(one: DatasetInfo) -> list[object]:
    name = join([Html(f'<a href="{text(place(one.ref))}" data-go><b>{text(one.title)}</b></a>'), Html("<br>")])
    return [
        join([name, Html(f'<span class="ref">{text(one.ref)}</span>')]),
        SOURCES.get(one.source, one.source),
        ", ".join(f"{split} {rows:,}" for split, rows in one.splits.items()),
        len(one.columns),
        parts.format_bytes(one.bytes),
        one.license or "not stated",
    ]
