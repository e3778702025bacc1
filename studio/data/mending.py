"""A recipe of steps that mend a data set: read from YAML or JSON, written as YAML, compared with what it was made for.

What is read is untrusted: plain values only, no tags, no aliases; every step and field is checked by name.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from studio.core.errors import InvalidInput, InvalidInputs, shorten
from studio.core.params import problem
from studio.data.records import Dataset
from studio.data.steps import STEPS
from studio.data.steps.base import AnyStep

FORMAT = 1
MAX_STEPS = 100
MAX_TEXT = 2_000_000  # characters of a recipe
FIELDS = ("format", "source", "steps")
OWN = ("step", "splits")  # fields of an entry that are not its step's


@dataclass(frozen=True)
class Entry:
    """One step of a recipe, with its parameters; of the named splits only, of all when none is named."""

    name: str
    params: BaseModel
    splits: tuple[str, ...] = ()

    @property
    def step(self) -> AnyStep:
        """What the table has under its name."""
        return STEPS[self.name]

    def title(self) -> str:
        """What it does, in a few words."""
        where = f" (only {', '.join(self.splits)})" if self.splits else ""
        return self.step.describe(self.params) + where

    def plain(self) -> dict[str, Any]:
        """As recipes write it: what is empty by default is left out."""
        fields = type(self.params).model_fields
        values = self.params.model_dump(mode="json")
        kept = {
            name: value for name, value in values.items() if value not in ("", [], None) or fields[name].is_required()
        }
        return {"step": self.name} | ({"splits": list(self.splits)} if self.splits else {}) | kept


@dataclass(frozen=True)
class Source:
    """The data set that a recipe was made for."""

    ref: str
    revision: str = ""
    fingerprint: str = ""

    @classmethod
    def of(cls, dataset: Dataset) -> "Source":
        """What tells this state of a data set from any other."""
        return cls(dataset.info.ref, dataset.info.revision, dataset.fingerprint())


@dataclass(frozen=True)
class Mending:
    """Steps in their order, and for which data set they were written, where that is known."""

    steps: tuple[Entry, ...]
    source: Source | None = None

    def plain(self) -> list[dict[str, Any]]:
        """The steps as JSON."""
        return [entry.plain() for entry in self.steps]

    def notes(self, dataset: Dataset) -> list[str]:
        """In what this data set differs from the one that the recipe was written for: a sentence each."""
        if self.source is None:
            return []
        found = []
        if self.source.ref != dataset.info.ref:
            found.append(f"The recipe was written for {self.source.ref}, and this is {dataset.info.ref}.")
        if self.source.revision != dataset.info.revision:
            then, now = self.source.revision or "none", dataset.info.revision or "none"
            found.append(f"The recipe was written for revision {then}, and this is {now}.")
        known = self.source.fingerprint and not dataset.info.partial
        if known and self.source.fingerprint != dataset.fingerprint():
            found.append("The data are not those that the recipe was written for: rows may have changed.")
        return found


def read(given: str | Sequence[Any] | Mapping[str, Any]) -> Mending:
    """A recipe from YAML, from the mapping that YAML holds, or from the list of its steps alone.

    Raises:
        InvalidInput: at "recipe": no YAML, too long, not such a mapping; or at "steps" and "source".
        InvalidInputs: one problem per field, as "steps.2.column"; the first step is 1.
    """
    plain = _loaded(given) if isinstance(given, str) else given
    if isinstance(plain, Mapping):
        for name in plain:
            if name not in FIELDS:
                raise InvalidInput("recipe", name, f"There is no such field. Known: {', '.join(FIELDS)}.")
        if plain.get("format", FORMAT) != FORMAT:
            raise InvalidInput("format", plain["format"], f"This studio reads format {FORMAT}.")
        return Mending(_entries(plain.get("steps")), _source(plain.get("source")))
    return Mending(_entries(plain))


def titles(steps: Any) -> tuple[str, ...]:
    """What each step did, in a few words; of steps that are known no more, their names."""
    if not steps:
        return ()
    try:
        return tuple(entry.title() for entry in read(steps).steps)
    except (InvalidInput, InvalidInputs):
        return tuple(str(one.get("step")) for one in steps if isinstance(one, Mapping))


def dumped(mending: Mending) -> str:
    """The recipe as YAML; `read` gives it back."""
    document: dict[str, Any] = {"format": FORMAT}
    if mending.source:
        document["source"] = {name: value for name, value in vars(mending.source).items() if value}
    document["steps"] = mending.plain()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.width = 10_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def _loaded(text: str) -> Any:
    if len(text) > MAX_TEXT:
        raise InvalidInput("recipe", f"{len(text):,} characters", f"At most {MAX_TEXT:,} can be read.")
    try:
        if any(type(event).__name__ == "AliasEvent" for event in YAML(typ="safe", pure=True).parse(text)):
            raise InvalidInput("recipe", text, "Write each step out: anchors and aliases are not read.")
        plain = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError) as error:
        line = " ".join(str(error).split())
        raise InvalidInput("recipe", text, f"It is no YAML: {shorten(line, 200)}.") from None
    except RecursionError:
        raise InvalidInput("recipe", text, "It is nested too deeply.") from None
    if not isinstance(plain, dict | list):
        empty = "There is no step yet; add one. " if not text.strip() else ""
        raise InvalidInput("recipe", text, f"{empty}It must be a mapping with the fields {', '.join(FIELDS)}.")
    return plain


def _source(given: Any) -> Source | None:
    if given is None:
        return None
    known = ("ref", "revision", "fingerprint")
    if not isinstance(given, Mapping) or not all(isinstance(value, str) for value in given.values()):
        raise InvalidInput("source", given, f"It must be a mapping of texts: {', '.join(known)}.")
    for name in given:
        if name not in known:
            raise InvalidInput(f"source.{name}", given[name], f"There is no such field. Known: {', '.join(known)}.")
    return Source(given.get("ref", ""), given.get("revision", ""), given.get("fingerprint", ""))


def _entries(given: Any) -> tuple[Entry, ...]:
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise InvalidInput("steps", given, "It must be a list of steps.")
    if not given:
        raise InvalidInput("steps", "nothing", f"Add a step. Known: {', '.join(STEPS)}.")
    if len(given) > MAX_STEPS:
        raise InvalidInput("steps", f"{len(given)} steps", f"A recipe has at most {MAX_STEPS}.")
    found, problems = [], list[InvalidInput]()
    for number, one in enumerate(given, 1):
        try:
            found.append(_entry(one, f"steps.{number}"))
        except InvalidInputs as error:
            problems += error.problems
        except InvalidInput as error:
            problems.append(error)
    if problems:
        raise InvalidInputs(problems)
    return tuple(found)


def _entry(given: Any, place: str) -> Entry:
    if not isinstance(given, Mapping):
        raise InvalidInput(place, given, 'A step is a mapping: {"step": "shuffle", "seed": 1}.')
    name = given.get("step")
    if not isinstance(name, str) or name not in STEPS:
        raise InvalidInput(f"{place}.step", name, f"There is no such step. Known: {', '.join(STEPS)}.")
    step = STEPS[name]
    known = list(step.params.model_fields)
    problems = [
        InvalidInput(
            f"{place}.{field}", given[field], f"{name} has no such field. Known: {', '.join(known) or 'none'}."
        )
        for field in given
        if field not in known and field not in OWN
    ]
    splits = given.get("splits", [])
    if not isinstance(splits, list | tuple) or not all(isinstance(split, str) and split for split in splits):
        problems.append(InvalidInput(f"{place}.splits", splits, "It must be a list of names of splits."))
    elif splits and "split" in known:
        problems.append(InvalidInput(f"{place}.splits", splits, f"{name} names its split in the field split."))
    if problems:
        raise InvalidInputs(problems)
    try:
        params = step.params.model_validate({field: given[field] for field in given if field in known})
        step.check(params)
    except ValidationError as error:
        found = [problem(details) for details in error.errors(include_url=False)]
        raise InvalidInputs([_at(place, one) for one in found]) from None
    except InvalidInput as error:
        raise _at(place, error) from None
    return Entry(name, params, tuple(splits))


def _at(place: str, error: InvalidInput) -> InvalidInput:
    return InvalidInput(f"{place}.{error.field}".rstrip("."), error.value, error.expected)
