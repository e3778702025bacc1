"""Values from forms, terminals and REST bodies → a pydantic model, with errors that name the dotted field."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from studio.core.errors import InvalidInput, InvalidInputs, UnknownName

M = TypeVar("M", bound=BaseModel)


def parse(model: type[M], values: Mapping[str, Any]) -> M:
    """Nested or dotted values as `model`; raises `InvalidInputs` with one problem per field, unknown ones too."""
    try:
        return model.model_validate(nest(model, values))
    except UnknownName as error:
        expected = f"No field is called so, or more than one is. Known: {', '.join(error.known) or 'none'}."
        raise InvalidInputs([InvalidInput(error.name, dict(flatten(values)).get(error.name), expected)]) from None
    except InvalidInput as error:
        raise InvalidInputs([error]) from None
    except ValidationError as error:
        raise InvalidInputs([problem(details) for details in error.errors(include_url=False)]) from None


def problem(details: ErrorDetails) -> InvalidInput:
    """One pydantic error as ours."""
    field = ".".join(
        str(part) for part in details["loc"] if not (isinstance(part, str) and part.startswith("function-"))
    )
    if details["type"] == "missing":
        return InvalidInput(field, "nothing", "This field is required.")
    message = details["msg"].removeprefix("Value error, ")
    return InvalidInput(field, details["input"], message if message.endswith(".") else f"{message}.")


def nest(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names as nested dictionaries; the last part or the title will do where it is unambiguous.

    `{"epochs": 3}` becomes `{"training": {"num_train_epochs": 3}}`, because that field's title is "Epochs".
    Raises `UnknownName`, which lists the known fields, and `InvalidInput` for a field that is given twice.
    """
    leaves = dict(leaf_fields(model))
    nested: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and any(leaf.startswith(f"{name}.") for leaf in leaves):
            for part, inner in flatten(value):
                _put(nested, _full_name(f"{name}.{part}", leaves), inner)
        else:
            _put(nested, _full_name(name, leaves), value)
    return nested


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested dictionaries as dotted names and leaves."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def texts_in(value: object) -> Iterator[str]:
    """Every text in a value, however deep, without white space around it: references to data and models among them."""
    if isinstance(value, str):
        yield value.strip()
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts_in(inner)


def leaf_names(model: type[BaseModel]) -> Iterator[str]:
    """Dotted names of every field that is not a group, in order."""
    return (name for name, _ in leaf_fields(model))


def leaf_fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every field that is not a group, with its dotted name, in order."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from leaf_fields(inner, f"{prefix}{name}.")
        else:
            yield prefix + name, field


def _full_name(name: str, leaves: Mapping[str, FieldInfo]) -> str:
    if name in leaves:
        return name
    ends = [leaf for leaf in leaves if leaf.rsplit(".", 1)[-1] == name]
    titled = [leaf for leaf, field in leaves.items() if _slug(field.title or "") == _slug(name)]
    for found in (ends, titled):
        if len(found) == 1:
            return found[0]
    raise UnknownName("field", name, ends or titled or list(leaves))


def _slug(title: str) -> str:
    return title.lower().replace(" ", "_").replace("-", "_")


def _put(nested: dict[str, Any], dotted: str, value: Any) -> None:
    *groups, last = dotted.split(".")
    for group in groups:
        nested = nested.setdefault(group, {})
    if last in nested:
        raise InvalidInput(dotted, value, "This field is given twice, under two of its names.")
    nested[last] = value
