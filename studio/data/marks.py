"""What people say of a row: a plan of what is asked, answers checked against it, and answers as columns.

A label is one class or several; a span is a part of a text; a preference says which of two columns is better.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from studio.core.errors import InvalidInput, InvalidInputs
from studio.data import features
from studio.data.features import Feature
from studio.data.records import Column, Dataset

Kind = Literal["label", "span", "preference"]
Form = Literal["column", "bio", "trl"]
FORMS: dict[Kind, tuple[Form, ...]] = {
    "label": ("column",),
    "span": ("column", "bio"),
    "preference": ("trl", "column"),
}
CHOICES = ("first", "second", "tie")
MOST_CLASSES, MOST_SPANS, LONGEST_NAME = 1_000, 1_000, 100
OUTSIDE = "O"
TOKEN = re.compile(r"\w+|[^\w\s]")
SPAN = pa.struct([("start", pa.int64()), ("end", pa.int64()), ("label", pa.string())])


class Plan(BaseModel):
    """What is asked of each row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field("label", min_length=1, max_length=LONGEST_NAME, description="The column that the answers become.")
    kind: Kind = Field(description="label, span or preference.")
    split: str = Field("train", min_length=1, max_length=100, description="Which part of the data set.")
    column: str = Field(min_length=1, max_length=300, description="What is looked at; of a preference the first.")
    other: str = Field("", max_length=300, description="Of a preference the second column.")
    prompt: str = Field("", max_length=300, description="Of a preference the column with what was asked.")
    classes: tuple[str, ...] = Field((), max_length=MOST_CLASSES, description="Of labels and spans, in their order.")
    several: bool = Field(False, description="Whether a row may have more than one label, or none.")
    confidence: str = Field("", max_length=300, description="A column of numbers: the least sure rows come first.")


def check_plan(dataset: Dataset, plan: Plan) -> None:
    """Raise `InvalidInputs`, one problem for each field that does not fit the data set."""
    columns = {column.name: column for column in dataset.info.columns}
    problems = [*_places(columns, dataset, plan), *_classes(plan)]
    if problems:
        raise InvalidInputs(problems)


def _places(columns: Mapping[str, Column], dataset: Dataset, plan: Plan) -> Iterator[InvalidInput]:
    if plan.split not in dataset.info.splits:
        yield InvalidInput("split", plan.split, f"There are: {', '.join(dataset.info.splits)}.")
    if plan.name in columns:
        yield InvalidInput("name", plan.name, "There is a column of this name; choose another for the answers.")
    wanted = {"column": plan.column, "confidence": plan.confidence}
    if plan.kind == "preference":
        wanted |= {"other": plan.other, "prompt": plan.prompt}
    for field, name in wanted.items():
        optional = field in ("confidence", "prompt")
        if name not in columns and (name or not optional):
            yield InvalidInput(field, name, f"There is no such column. There are: {', '.join(columns)}.")
        elif name and field == "confidence" and columns[name].kind != "number":
            yield InvalidInput(field, name, "It must be a column of numbers.")
        elif name and plan.kind != "label" and field != "confidence" and columns[name].kind != "text":
            yield InvalidInput(field, name, "It must be a column of text.")
    if plan.kind == "preference" and plan.column == plan.other:
        yield InvalidInput("other", plan.other, "Choose two different columns.")


def _classes(plan: Plan) -> Iterator[InvalidInput]:
    if plan.kind == "preference":
        if plan.classes:
            yield InvalidInput("classes", plan.classes[0], "A preference has none.")
        return
    if not plan.classes:
        yield InvalidInput("classes", "nothing", "Name at least one class.")
    for name in plan.classes:
        if not name.strip() or len(name) > LONGEST_NAME:
            yield InvalidInput("classes", name, f"A class has 1 to {LONGEST_NAME} characters.")
    if len(set(plan.classes)) < len(plan.classes):
        yield InvalidInput("classes", ", ".join(plan.classes), "A class is named twice.")


def checked(plan: Plan, value: Any, text: str | None) -> Any:
    """An answer as it is kept; `text` is what spans are parts of.

    Raises `InvalidInput` at "value" for an answer that does not fit. None stands for a row that was passed over.
    """
    if value is None:
        return None
    if plan.kind == "label":
        return _labels(plan, value)
    if plan.kind == "span":
        return _spans(plan, value, text)
    if value not in CHOICES:
        raise InvalidInput("value", value, f"Say one of {', '.join(CHOICES)}.")
    return value


def _labels(plan: Plan, value: Any) -> list[str]:
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or not all(isinstance(one, str) for one in found):
        raise InvalidInput("value", value, "Give a class, or a list of them.")
    for one in found:
        if one not in plan.classes:
            raise InvalidInput("value", one, f"Use one of the classes: {', '.join(plan.classes[:50])}.")
    if len(set(found)) < len(found):
        raise InvalidInput("value", value, "A class is named twice.")
    if len(found) != 1 and not plan.several:
        raise InvalidInput("value", value, "A row has exactly one class here.")
    return sorted(found, key=plan.classes.index)


def _spans(plan: Plan, value: Any, text: str | None) -> list[dict[str, Any]]:
    if not isinstance(value, list | tuple) or len(value) > MOST_SPANS:
        raise InvalidInput("value", value, f"Give a list of at most {MOST_SPANS:,} spans.")
    found = []
    for place, one in enumerate(value):
        field = f"value.{place}"
        if not isinstance(one, Mapping) or set(one) != {"start", "end", "label"}:
            raise InvalidInput(field, one, 'A span is {"start": 0, "end": 4, "label": "name"}.')
        start, end, label = one["start"], one["end"], one["label"]
        if not all(isinstance(at, int) and not isinstance(at, bool) for at in (start, end)):
            raise InvalidInput(field, one, "start and end are whole numbers.")
        if not 0 <= start < end <= len(text or ""):
            expected = f"The text has {len(text or ''):,} characters; 0 ≤ start < end must hold within them."
            raise InvalidInput(field, f"{start} to {end}", expected)
        if label not in plan.classes:
            raise InvalidInput(f"{field}.label", label, f"Use one of the classes: {', '.join(plan.classes[:50])}.")
        found.append({"start": start, "end": end, "label": label})
    found.sort(key=lambda one: (one["start"], one["end"], one["label"]))
    if any(one == after for one, after in pairwise(found)):
        raise InvalidInput("value", value, "A span is there twice.")
    return found


@dataclass(frozen=True)
class Made:
    """One column of the result."""

    name: str
    type: pa.DataType
    feature: Feature


def columns_of(plan: Plan, form: Form) -> list[Made]:
    """The columns that answers become."""
    classes, text = features.class_label(plan.classes), {"dtype": "string", "_type": "Value"}
    if plan.kind == "label" and plan.several:
        return [Made(plan.name, pa.list_(pa.int64()), features.list_of(classes))]
    if plan.kind == "label":
        return [Made(plan.name, pa.int64(), classes)]
    if form == "bio":
        tags = features.list_of(features.class_label(tag_names(plan)))
        return [
            Made("tokens", pa.list_(pa.string()), features.list_of(text)),
            Made(plan.name, pa.list_(pa.int64()), tags),
        ]
    if plan.kind == "span":
        number = {"dtype": "int64", "_type": "Value"}
        return [Made(plan.name, pa.list_(SPAN), features.list_of({"start": number, "end": number, "label": text}))]
    if form == "trl":
        names = [*(["prompt"] if plan.prompt else []), "chosen", "rejected"]
        return [Made(name, pa.string(), text) for name in names]
    return [Made(plan.name, pa.string(), text)]


def tag_names(plan: Plan) -> list[str]:
    """The tags of tokens: O, then B- and I- of each class."""
    return [OUTSIDE, *(f"{mark}-{name}" for name in plan.classes for mark in "BI")]


def cells_of(plan: Plan, form: Form, value: Any, row: Mapping[str, Any], number: int) -> list[Any] | None:
    """The cells of a row that was answered, in the order of `columns_of`; None for a row that has no place.

    Raises `InvalidInput` at "form" where spans overlap, which tags cannot say.
    """
    if plan.kind == "label":
        numbers = None if value is None else [plan.classes.index(name) for name in value]
        return [numbers if plan.several or numbers is None else numbers[0]]
    if form == "bio":
        return None if value is None else list(tagged(plan, str(row[plan.column] or ""), value, number))
    if form != "trl":
        return [value]
    if value not in ("first", "second"):
        return None
    pair = [row[plan.column], row[plan.other]]
    return [*([row[plan.prompt]] if plan.prompt else []), *(pair if value == "first" else pair[::-1])]


def tagged(plan: Plan, text: str, spans: Sequence[Mapping[str, Any]], number: int) -> tuple[list[str], list[int]]:
    """Words and signs of a text, and their tags; a token belongs to the span that it overlaps."""
    names = tag_names(plan)
    for one, after in pairwise(spans):
        if after["start"] < one["end"]:
            expected = f"Spans of row {number:,} overlap, which tags cannot say. Export them as a column."
            raise InvalidInput("form", "bio", expected)
    tokens, tags, last = list[str](), list[int](), -1
    for found in TOKEN.finditer(text):
        place = next(
            (at for at, one in enumerate(spans) if one["start"] < found.end() and found.start() < one["end"]), -1
        )
        mark = OUTSIDE if place < 0 else f"{'I' if place == last else 'B'}-{spans[place]['label']}"
        tokens.append(found[0])
        tags.append(names.index(mark))
        last = place
    return tokens, tags


def shown_in(plan: Plan, dataset: Dataset) -> list[str]:
    """The columns that whoever answers should see."""
    named = [plan.prompt, plan.column, plan.other] if plan.kind == "preference" else [plan.column]
    known = {column.name for column in dataset.info.columns}
    return [name for name in named if name in known]
