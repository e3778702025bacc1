"""A pydantic model as a form: shown as Gradio components, read back, checked field by field.

One field of the model is one widget; a nested model is a section. `Form.fields` goes into an event's
`inputs_kwargs`, `Form.check` (or `Form.checker`) into its `validator`.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from itertools import groupby
from pathlib import PurePath
from typing import Any, Generic, TypeVar

import gradio as gr
from gradio.components import Component
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from studio.core.errors import InvalidInput, InvalidInputs, UnknownName, shorten
from studio.core.params import flatten, problem
from studio.ui.parts import Html, text
from studio.ui.widgets import Leaf, group_model, leaf, widget

M = TypeVar("M", bound=BaseModel)
Validator = Callable[..., Any]
REQUIRED = "This field is required."
TOGGLE = """(value) => {
  const shown = %s.map((allowed) => ({__type__: "update", visible: allowed.includes(value)}));
  return shown.length === 1 ? shown[0] : shown;
}"""


class Form(Generic[M]):
    """Built inside a Blocks context.

    Args:
        model: what the form reads into. A group's `json_schema_extra={"folded": True}` (in its `model_config`)
            folds it away; a field's `json_schema_extra` may say `depends_on` ({sibling: value or list of values}),
            `lines`, `wide`, and `widget` ("dataset", "split", "column", "model", "number", "slider", "json": typed as
            JSON, which the field's own validator reads).
        choices: dotted name → what to choose from; other values may still be typed where the field is a str.
        defaults: what stands in the widgets instead of the model's own defaults: an instance, or dotted name → value.
        key: names the form among others that take its place inside `gr.render`; "" elsewhere.
    """

    def __init__(
        self,
        model: type[M],
        choices: Mapping[str, Sequence[Any]] | None = None,
        defaults: M | Mapping[str, Any] | None = None,
        key: str = "",
    ) -> None:
        self.model, self._key = model, key
        self._choices = choices or {}
        self._defaults = dict(_leaf_values(defaults)) if isinstance(defaults, BaseModel) else dict(defaults or {})
        self._leaves: dict[str, Leaf] = {}
        self._rules: dict[str, dict[str, list[Any]]] = {}
        self.fields: dict[str, Component] = {}
        with gr.Column(elem_classes="studio-form"):
            self._section(model, "", _words(model.model_config.get("title"), ""))
        self._connect()

    def read(self, values: Mapping[str, Any]) -> M:
        """The model for the widgets' values (by key or dotted name); raises `InvalidInputs` with dotted names."""
        nested, problems = self._nest(values)
        try:
            instance = self.model.model_validate(nested)
        except ValidationError as error:
            seen = {known.field for known in problems}
            found = [problem(details) for details in error.errors(include_url=False)]
            raise InvalidInputs(problems + [one for one in found if one.field not in seen]) from None
        if problems:
            raise InvalidInputs(problems)
        return instance

    def check(self, *others: Any, **values: Any) -> Any:
        """An event's `validator`: one verdict per field, shown under it. `others` are the event's plain inputs."""
        return self._verdicts(others, values, _nothing)

    def checker(self, extra: Callable[[M], Sequence[InvalidInput]]) -> Validator:
        """A validator that also asks `extra`, once the values are right by themselves.

        `studio.ui.events.caller_now` tells `extra` who asks.
        """

        def check(*others: Any, **values: Any) -> Any:
            return self._verdicts(others, values, extra)

        return check

    def values(self, instance: M) -> dict[str, Any]:
        """Key → what its widget shows for `instance`, in the order of `fields`."""
        known = dict(_leaf_values(instance))
        return {key: _shown(self._leaves[key], known[self._leaves[key].name]) for key in self.fields}

    def shown(self, values: Mapping[str, Any]) -> list[Any]:
        """What the widgets show for these values (nested or dotted), the model's defaults for the rest."""
        known = dict(flatten(values))
        leaves = [self._leaves[key] for key in self.fields]
        return [_shown(one, known[one.name] if one.name in known else _own_default(one)) for one in leaves]

    def errors(self, problems: Sequence[InvalidInput]) -> list[dict[str, Any]]:
        """One verdict per field in the order of `fields`: what a validator returns for a service's messages."""
        texts: dict[str, list[str]] = {}
        for found in problems:
            key = self._key_of(found.field)
            texts.setdefault(key, []).append(f"{self._leaves[key].title}: {_sentence(found)}")
        return [gr.validate(key not in texts, " ".join(texts.get(key, ()))) for key in self.fields]

    def _section(self, model: type[BaseModel], prefix: str, heading: Html) -> None:
        """Lay out one model in its own order: neighbouring fields stand together, a nested model is a section."""
        for nested, run in groupby(
            model.model_fields, lambda name: bool(group_model(model.model_fields[name].annotation))
        ):
            if nested:
                for name in run:
                    self._nested(model.model_fields[name], name, f"{prefix}{name}.")
                continue
            with gr.Group():
                if heading:
                    gr.HTML(heading, elem_classes="section-head")
                    heading = Html("")
                for name in run:
                    self._add(f"{prefix}{name}", model.model_fields[name], prefix)

    def _nested(self, field: FieldInfo, name: str, prefix: str) -> None:
        inner = group_model(field.annotation) or BaseModel
        title = field.title or str(inner.model_config.get("title") or name.replace("_", " ").capitalize())
        extra = inner.model_config.get("json_schema_extra")
        if isinstance(extra, dict) and extra.get("folded"):
            with gr.Accordion(title, open=False, elem_classes="folded"):
                self._section(inner, prefix, _words("", field.description))
        else:
            self._section(inner, prefix, _words(title, field.description))

    def _add(self, name: str, field: FieldInfo, prefix: str) -> None:
        shown = leaf(name, field, self._choices.get(name, ()))
        self._leaves[shown.key] = shown
        self.fields[shown.key] = widget(shown, _shown(shown, self._default(shown)), key=self._key)
        for other, wanted in dict(shown.hints.get("depends_on", {})).items():
            allowed = list(wanted) if isinstance(wanted, (list, tuple, set)) else [wanted]
            controller = (other if "." in other else f"{prefix}{other}").replace(".", "__")
            self._rules.setdefault(controller, {})[shown.key] = allowed

    def _default(self, shown: Leaf) -> Any:
        if shown.name in self._defaults:
            return self._defaults[shown.name]
        return _own_default(shown)

    def _connect(self) -> None:
        """Show and hide the fields that depend on another one, in the browser, as that one changes."""
        for controller, rules in self._rules.items():
            if controller not in self.fields:
                raise TypeError(
                    f"{', '.join(rules)} depend on {controller}, which is not a field of {self.model.__name__}."
                )
            source = self.fields[controller]
            dependents = [self.fields[key] for key in rules]
            for key, allowed in rules.items():
                self.fields[key].visible = source.value in allowed
            source.change(  # type: ignore[attr-defined]  # every component of a form has it
                fn=None,
                inputs=source,
                outputs=dependents,
                js=TOGGLE % json.dumps(list(rules.values())),
                api_visibility="private",
                show_progress="hidden",
            )

    def _verdicts(
        self, others: Sequence[Any], values: Mapping[str, Any], extra: Callable[[M], Sequence[InvalidInput]]
    ) -> Any:
        try:
            problems: Sequence[InvalidInput] = extra(self.read(values))
        except InvalidInputs as error:
            problems = error.problems
        verdicts = [gr.validate(True, "") for _ in others] + self.errors(problems)
        return verdicts[0] if len(verdicts) == 1 else verdicts  # Gradio wraps what a one-input event returns

    def _nest(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[InvalidInput]]:
        nested: dict[str, Any] = {}
        problems = []
        for key, value in values.items():
            shown = self._leaves.get(key.replace(".", "__"))
            if shown is None:
                raise UnknownName("field", key, [known.name for known in self._leaves.values()])
            *groups, last = shown.name.split(".")
            target = nested
            for group in groups:
                target = target.setdefault(group, {})
            if _empty(shown, value):
                if shown.optional:
                    target[last] = None
                elif not shown.field.is_required():
                    problems.append(InvalidInput(shown.name, "nothing", REQUIRED))
            else:
                target[last] = _given(shown, value)
        return nested, problems

    def _key_of(self, name: str) -> str:
        """The widget that a message belongs to: the field, the list that an item is in, or the group's first field."""
        key = name.replace(".", "__")
        while key:
            if key in self.fields:
                return key
            inside = next((known for known in self.fields if known.startswith(f"{key}__")), None)
            if inside is not None:
                return inside
            key = key.rpartition("__")[0]
        return next(iter(self.fields))


def _own_default(shown: Leaf) -> Any:
    return None if shown.field.is_required() else shown.field.get_default(call_default_factory=True)


def _nothing(_params: BaseModel) -> Sequence[InvalidInput]:
    return ()


def _empty(shown: Leaf, value: Any) -> bool:
    """Whether the widget is left empty. An empty text or list is a value where the field is not required.

    Where a list may be None, that is what an empty widget means: a library takes the two for different things.
    """
    if shown.many:
        return shown.optional and not value
    if value is None:
        return True
    if value == "":
        return shown.optional or shown.annotation not in (str, SecretStr) or shown.field.is_required() or shown.closed
    return False


def _given(shown: Leaf, value: Any) -> Any:
    if shown.many:
        return [] if value is None else value
    if shown.annotation is bool and value in ("yes", "no"):
        return value == "yes"
    return value


def _shown(shown: Leaf, value: Any) -> Any:
    """A field's value as its widget takes it."""
    if shown.hints.get("widget") == "json":
        return json.dumps(to_jsonable_python(value), ensure_ascii=False) if value else ""
    if isinstance(value, SecretStr):
        return ""
    if isinstance(value, Enum):
        return value.value
    if shown.many:
        return [_shown(replace(shown, many=False), item) for item in value or ()]
    if isinstance(value, PurePath):
        return str(value)
    if value is None and shown.optional and (shown.options or shown.annotation is bool):
        return ""
    if isinstance(value, bool) and shown.optional:
        return "yes" if value else "no"
    return value


def _leaf_values(instance: BaseModel, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name in type(instance).model_fields:
        value = getattr(instance, name)
        if isinstance(value, BaseModel):
            yield from _leaf_values(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _sentence(found: InvalidInput) -> str:
    """What was given and what would be right, without the field's name: that stands in front of it."""
    expected = found.expected.replace("Input should", "It should", 1)
    return expected if found.expected == REQUIRED else f"{shorten(found.value)} is not usable. {expected}"


def _words(title: object, description: object) -> Html:
    heading = f"<h2>{text(title)}</h2>" if title else ""
    return Html(heading + (f"<p>{text(description)}</p>" if description else ""))
