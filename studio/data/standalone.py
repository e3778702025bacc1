"""Functions of the studio as source that stands alone: with the imports, constants and functions that they need.

What is exported is the very code that ran, so that a script and a job cannot come apart.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

OURS = "studio."
NOQA = re.compile(r"  # noqa.*$")  # a word to our linter, and nothing to a reader


@dataclass
class Source:
    """What is imported, by the module that it comes from ("" for modules), and definitions in their order."""

    imports: dict[str, list[str]] = field(default_factory=dict)
    definitions: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The imports as Python."""
        plain = [f"import {name}" for name in sorted(set(self.imports.get("", ())))]
        named = sorted((module, sorted(set(names))) for module, names in self.imports.items() if module)
        return plain + [f"from {module} import {', '.join(names)}" for module, names in named]


def source(functions: Iterable[Callable[..., Any]]) -> Source:
    """The source of functions of the studio, each with all that it needs; one name for two things is an error."""
    found = Source()
    taken: dict[str, str] = {}
    for function in functions:
        _take(function.__module__, function.__name__, found, taken)
    return found


def _take(module: str, name: str, found: Source, taken: dict[str, str]) -> None:
    bound = _bound(module)
    if name not in bound:
        return  # a builtin, or a local name
    statement = bound[name]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        _take_import(statement, name, found, taken)
        return
    text = _text(module, statement)
    if taken.setdefault(name, text) != text:
        raise ValueError(f"{name} of {module} is called like another one")
    if text in found.definitions:
        return
    place = len(found.definitions)
    found.definitions.append(text)
    for inner in ast.walk(statement):
        if isinstance(inner, ast.Name) and inner.id != name:
            _take(module, inner.id, found, taken)
    # what it needs has come after it, and is moved before it
    found.definitions.append(found.definitions.pop(place))


def _take_import(statement: ast.Import | ast.ImportFrom, name: str, found: Source, taken: dict[str, str]) -> None:
    alias = next(one for one in statement.names if (one.asname or one.name).partition(".")[0] == name)
    if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(OURS):
        if alias.asname:
            raise ValueError(f"{alias.name} is imported under another name")
        _take(statement.module or "", alias.name, found, taken)
        return
    if isinstance(statement, ast.ImportFrom):
        found.imports.setdefault(statement.module or "", []).append(ast.unparse(alias))
    else:
        found.imports.setdefault("", []).append(ast.unparse(alias))


@lru_cache(maxsize=64)
def _bound(module: str) -> dict[str, ast.stmt]:
    """Name → the statement of the module that binds it."""
    found: dict[str, ast.stmt] = {}
    for statement in ast.parse(_whole(module)).body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            found[statement.name] = statement
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0]: statement for alias in statement.names}
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = [one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)]
            found |= dict.fromkeys(names, statement)
    return found


@lru_cache(maxsize=64)
def _whole(module: str) -> str:
    if module not in sys.modules:
        __import__(module)
    return Path(str(sys.modules[module].__file__)).read_text(encoding="utf-8")


def _text(module: str, statement: ast.stmt) -> str:
    """As it is written, decorators and all."""
    first = statement.lineno
    if isinstance(statement, ast.FunctionDef | ast.ClassDef) and statement.decorator_list:
        first = statement.decorator_list[0].lineno
    lines = _whole(module).splitlines()[first - 1 : statement.end_lineno]
    return "\n".join(NOQA.sub("", line) for line in lines)
