"""Which component shows a value: chosen from a pydantic field's annotation, its bounds and its hints."""

import types
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import nan
from pathlib import PurePath
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

LISTS = (list, tuple, set, frozenset, Sequence)
FEW = 4  # so many options are shown at once, more go into a menu
SLIDER_STEPS = 512  # a range with more whole numbers than a slider can hit is typed


@dataclass(frozen=True)
class Leaf:
    """One field that is shown.

    Attributes:
        name: dotted name, as messages and stored params have it.
        key: the same as a Python identifier, for `inputs_kwargs`.
        optional: None is a value: an empty widget means it.
        options: the values to choose from, if they are known.
        closed: nothing but `options` is right.
        many: a list of values.
    """

    name: str
    key: str
    field: FieldInfo
    annotation: Any
    optional: bool
    options: tuple[Any, ...] = ()
    closed: bool = False
    many: bool = False

    @property
    def hints(self) -> dict[str, Any]:
        """What the field's `json_schema_extra` says about showing it."""
        extra = self.field.json_schema_extra
        return dict(extra) if isinstance(extra, dict) else {}

    @property
    def title(self) -> str:
        """What the form calls it."""
        return self.field.title or self.name.rsplit(".", 1)[-1].replace("_", " ").capitalize()

    @property
    def wide(self) -> bool:
        """Whether it takes a whole row."""
        return self.many or _lines(self) > 1 or bool(self.hints.get("wide"))


def leaf(name: str, field: FieldInfo, choices: Sequence[Any]) -> Leaf:
    """Take an annotation apart; raises `TypeError` for what no component can show (a mistake in the model)."""
    annotation, optional = without_none(field.annotation)
    if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("widget") == "json":
        return Leaf(name, name.replace(".", "__"), field, str, optional)
    many = get_origin(annotation) in LISTS or annotation in LISTS
    item = without_none((get_args(annotation) or (str,))[0])[0] if many else annotation
    item = get_args(item)[0] if get_origin(item) is Annotated else item
    known = _values(item)
    if not known and not (item in (str, int, float, bool, SecretStr) or _is(item, PurePath)):
        raise TypeError(f"{name}: no form field can show {field.annotation!r}.")
    return Leaf(name, name.replace(".", "__"), field, item, optional, tuple(choices) or known, bool(known), many)


def group_model(annotation: Any) -> type[BaseModel] | None:
    """The model of a nested group, or None for a leaf."""
    return annotation if _is(annotation, BaseModel) else None


def without_none(annotation: Any) -> tuple[Any, bool]:
    """`X | None` as (X, True), anything else as (itself, False)."""
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [part for part in get_args(annotation) if part is not type(None)]
        if len(rest) < len(get_args(annotation)):
            return (rest[0] if len(rest) == 1 else Union[tuple(rest)]), True  # noqa: UP007  built at run time
    return annotation, False


def widget(leaf: Leaf, value: Any, *, visible: bool = True, key: str = "") -> Component:
    """The component for a leaf, with `value` in it as the component takes it (None leaves it empty).

    Inside `gr.render` it needs a `key`: without one the browser keeps what stood in the last form's place.
    """
    required = leaf.field.is_required() and not leaf.optional
    shared: dict[str, Any] = {
        "label": f"{leaf.title} (required)" if required else leaf.title,
        "info": leaf.field.description,
        "interactive": True,
        "visible": visible,
        "elem_classes": ["field", f"at-{leaf.key}", *(["wide"] if leaf.wide else [])],
        "value": value,
        **(keyed(f"{key}.{leaf.key}") if key else {}),
    }
    if leaf.many:
        return _list_widget(leaf, shared)
    if leaf.options or leaf.hints.get("widget") in ("dataset", "split", "column", "model"):
        return _choice(leaf, shared)
    if leaf.annotation is bool:
        return _switch(leaf, shared)
    if leaf.annotation in (int, float):
        return _number(leaf, shared, required=required)
    if leaf.annotation is SecretStr:
        return gr.Textbox(type="password", **shared)
    lines = _lines(leaf)
    return gr.Textbox(lines=lines, max_lines=max(lines, 12), **shared)


def keyed(key: str) -> dict[str, Any]:
    """Arguments of a component that takes its place anew at each render, with the value that it is given."""
    return {"key": key, "preserved_by_key": None} if key else {}


def _list_widget(leaf: Leaf, shared: dict[str, Any]) -> Component:
    options = [(str(option), option) for option in leaf.options]
    if leaf.closed and len(options) <= FEW * 2:
        return gr.CheckboxGroup(choices=options, **shared)
    return gr.Dropdown(choices=options, multiselect=True, allow_custom_value=not leaf.closed, **shared)


def _choice(leaf: Leaf, shared: dict[str, Any]) -> Component:
    options = [option if isinstance(option, tuple) else (str(option), option) for option in leaf.options]
    if leaf.optional:
        options = [("–", ""), *options]
        shared["value"] = "" if shared["value"] is None else shared["value"]
    short = len(options) <= FEW and sum(len(name) for name, _ in options) <= 36
    if leaf.closed and short and not leaf.optional:
        return gr.Radio(choices=options, **shared)
    return gr.Dropdown(choices=options, allow_custom_value=not leaf.closed, **shared)


def _switch(leaf: Leaf, shared: dict[str, Any]) -> Component:
    if not leaf.optional:
        return gr.Checkbox(**{**shared, "value": bool(shared["value"])})
    return gr.Radio(choices=[("–", ""), ("Yes", "yes"), ("No", "no")], **shared)


def _number(leaf: Leaf, shared: dict[str, Any], *, required: bool) -> Component:
    """A slider where both ends are known and every value can be hit; otherwise a number that we check ourselves.

    gr.Number gets neither bounds nor precision: it would round 2.7 silently, and answer with a pop-up instead of
    a message at the field.
    """
    bounds = {
        key: getattr(item, key)
        for item in leaf.field.metadata
        for key in ("ge", "le", "multiple_of")
        if hasattr(item, key)
    }
    low, high = bounds.get("ge"), bounds.get("le")
    step = bounds.get("multiple_of") or (1 if leaf.annotation is int else None)
    wanted = leaf.hints.get("widget")
    can_slide = low is not None and high is not None and not leaf.optional and not required and wanted != "number"
    if can_slide and low is not None and high is not None:
        step = step or (high - low) / 100
        if wanted == "slider" or (high - low) / step <= SLIDER_STEPS:
            return gr.Slider(minimum=low, maximum=high, step=step, **shared)
    return number(step=step or 0.0001, **shared)


def number(**options: Any) -> gr.Number:
    """A field for a number that is empty where its value is None.

    Gradio drops None from the configuration of a page, and its browser side reads nothing as 0; of NaN JSON makes null.
    """
    made = gr.Number(**options)
    plain = made.get_config

    def config(cls: type[Block] | None = None) -> dict[str, Any]:
        found = plain(cls)
        return found | {"value": nan} if found["value"] is None else found

    if not options.get("key"):  # Gradio keeps None for those that take their place anew
        made.get_config = config  # type: ignore[method-assign]
    return made


def _lines(leaf: Leaf) -> int:
    if leaf.annotation is not str or leaf.options:
        return 1
    longest = next((item.max_length for item in leaf.field.metadata if hasattr(item, "max_length")), 0)
    return int(leaf.hints.get("lines", 4 if longest and longest > 300 else 1))


def _values(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    if _is(annotation, Enum):
        return tuple(member.value for member in annotation)
    return ()


def _is(annotation: Any, base: type) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, base)
