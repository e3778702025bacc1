"""Which column is the text and which the label: a guess from names and figures that says its reason."""

import re
from dataclasses import dataclass

from studio.data import reading, rows
from studio.data.records import Column, Dataset
from studio.data.rows import ColumnOutline

TEXT_NAMES = ("text", "sentence", "content", "review", "description", "message", "document", "comment", "body", "title")
LABEL_NAMES = ("label", "labels", "class", "category", "topic", "sentiment", "target", "intent", "emotion")
MAX_CLASSES = 200
MAX_EXAMINED = 50  # columns; each costs one pass over the split


@dataclass(frozen=True)
class ColumnMapping:
    """The guess; "" where no column fits. `reason` is one or two sentences for the page."""

    text: str
    label: str
    reason: str


def map_columns(dataset: Dataset, split: str) -> ColumnMapping:
    """Guess the columns for text classification; raises `UnknownName` for the split.

    A name counts first ("text", "review" … and "label", "category" …), figures second: the text column has the
    longest values, the label column at least two and few different ones, each seen twice on average (this not where
    the name says label).
    """
    with reading.opened(dataset, split) as source:
        columns = source.columns[:MAX_EXAMINED]
    if not dataset.info.splits[split]:
        return ColumnMapping("", "", "There are no rows to tell by.")
    usable = [column for column in columns if column.kind != "other"]
    figures = rows.outlines(dataset, split, [column.name for column in usable])
    label = _label(usable, figures)
    label_reason = "No column has few enough different values to be a label."
    if label:
        why = "its name says so and it" if _rank(label, LABEL_NAMES) < len(LABEL_NAMES) else "it"
        distinct = rows.summary(dataset, split, label).distinct
        label_reason = f"Label: {label!r}, because {why} has {distinct} different values."
    text, text_reason = _text([column for column in usable if column.name != label], figures)
    return ColumnMapping(text, label, f"{text_reason} {label_reason}")


def _label(columns: list[Column], figures: dict[str, ColumnOutline]) -> str:
    fitting = [column.name for column in columns if _few(column.name, figures[column.name])]
    order = [(_rank(name, LABEL_NAMES), figures[name].distinct, name) for name in fitting]
    return min(order)[2] if order else ""


def _few(name: str, figures: ColumnOutline) -> bool:
    repeated = figures.distinct * 2 <= figures.present or _rank(name, LABEL_NAMES) < len(LABEL_NAMES)
    return repeated and 2 <= figures.distinct <= MAX_CLASSES


def _text(columns: list[Column], figures: dict[str, ColumnOutline]) -> tuple[str, str]:
    fitting = [c for c in columns if c.kind == "text" and figures[c.name].distinct > 1]
    if not fitting:
        return "", "No column holds text."
    best = min(fitting, key=lambda column: (_rank(column.name, TEXT_NAMES), -figures[column.name].longest))
    name, longest = best.name, figures[best.name].longest
    if _rank(name, TEXT_NAMES) < len(TEXT_NAMES):
        return name, f"Text: {name!r}, because its name says so."
    return name, f"Text: {name!r}, because its values are the longest (up to {longest:,} characters)."


def _rank(name: str, known: tuple[str, ...]) -> int:
    """Place of the first known word in the name; after the last when there is none."""
    words = re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
    return next((place for place, word in enumerate(known) if word in words), len(known))
