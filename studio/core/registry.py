"""Ordered tables of name → "module:attribute": the one plug-in mechanism of the studio.

Built-in entries are lines in a table; an installed package adds its own through a standard
entry-point group of the same name, and so is found by every process without any import.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from studio.core.errors import UnknownName

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Loads an entry's module on first access, never before.

    Args:
        kind: what one entry is called in messages, for example "recipe".
        entries: name → "module:attribute", in the order in which pages list them.
        group: entry-point group that outside packages add to, for example "studio.recipes".
    """

    def __init__(self, kind: str, entries: Mapping[str, str], group: str) -> None:
        self.kind, self.group = kind, group
        self._built_in = dict(entries)
        self._loaded: dict[str, T] = {}

    @cached_property
    def targets(self) -> dict[str, str]:
        """Every known name and where it lives; a built-in name cannot be taken over from outside."""
        outside = {point.name: point.value for point in entry_points(group=self.group)}
        return {**self._built_in, **{name: value for name, value in outside.items() if name not in self._built_in}}

    def __getitem__(self, name: str) -> T:
        """Return the entry; raises `UnknownName`, which lists the known ones."""
        if name not in self._loaded:
            if name not in self.targets:
                raise UnknownName(self.kind, name, list(self.targets))
            module, _, attribute = self.targets[name].partition(":")
            self._loaded[name] = getattr(import_module(module), attribute)
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self.targets

    def __iter__(self) -> Iterator[str]:
        return iter(self.targets)

    def __len__(self) -> int:
        return len(self.targets)
