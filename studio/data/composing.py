"""A new data set from rows that somebody has at hand: typed in, pasted, or sent as JSON."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.core.errors import InvalidInput
from studio.core.settings import Settings
from studio.data import uploads
from studio.data.records import DatasetInfo
from studio.data.uploads import About

MEGABYTE = 10**6
Row = Mapping[str, Any]


def compose(rows: str | Sequence[Row], about: About, settings: Settings, owner: str) -> DatasetInfo:
    """Keep rows as an upload of the owner's.

    Args:
        rows: records; or text as it stands in a file of CSV, TSV, JSON or JSON Lines.
        about: what it is called, and what else is known of it.
        settings: where it goes, and how large it may be.
        owner: whom it belongs to.

    Raises:
        InvalidInput: at "rows", with what is wrong and where; at "title", "license" or "languages".
    """
    if not about.title:
        raise InvalidInput("title", about.title, "Say what it is called.")
    text, ending = _pasted(rows) if isinstance(rows, str) else (_lines(rows), "jsonl")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"rows.{ending}"
        path.write_text(text, encoding="utf-8")
        try:
            info = uploads.store(path, f"rows.{ending}", settings, owner)
        except InvalidInput as error:
            raise InvalidInput("rows", f"{len(text):,} characters", error.expected) from None
    try:
        description = info.description.replace("Uploaded", "Made in the studio") if not about.description else ""
        given = about.model_copy(update={"description": about.description or description})
        return uploads.describe(info.ref, given, settings, owner)
    except InvalidInput:
        uploads.delete(info.ref, settings, owner)
        raise


def _pasted(text: str) -> tuple[str, str]:
    """The text, and the ending of a file that holds such text."""
    start = text.lstrip("\ufeff \t\r\n")
    if not start:
        raise InvalidInput("rows", "nothing", "Paste rows with a header line, or objects of JSON.")
    if start.startswith("["):
        return text, "json"
    if start.startswith("{"):
        return text, "jsonl"
    return text, "tsv" if "\t" in start.partition("\n")[0] else "csv"


def _lines(rows: Sequence[Row]) -> str:
    """Records as JSON Lines; every row has the columns of all."""
    if not rows:
        raise InvalidInput("rows", "nothing", 'Give at least one row, for example {"text": "…"}.')
    if wrong := next((row for row in rows if not isinstance(row, Mapping) or not row), None):
        raise InvalidInput("rows", wrong, 'A row is an object, for example {"text": "…"}.')
    columns = dict.fromkeys(str(name) for row in rows for name in row)
    try:
        return "".join(
            json.dumps({name: row.get(name) for name in columns}, ensure_ascii=False, allow_nan=False) + "\n"
            for row in rows
        )
    except (TypeError, ValueError, RecursionError):
        raise InvalidInput("rows", "a value", "Cells are what JSON can say: texts, numbers, booleans, lists.") from None
