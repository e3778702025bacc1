"""A recipe as a Python script with `datasets`, which does without the studio what the job does with it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from studio.data import parquet, shapes, standalone
from studio.data.mending import Entry, Mending
from studio.data.records import DataFile, Dataset
from studio.data.steps.base import NO_TOOLS, Against, Code, Columns, Outputs, Parts, Rows, Tools, Where
from studio.data.steps.tables import queried

FOLDER = "mended"
NEEDS = {  # module → package
    "datasets": "datasets",
    "duckdb": "duckdb",
    "numpy": "numpy",
    "PIL": "pillow",
    "scipy": "scipy",
    "soundfile": "soundfile",
    "phonenumbers": "phonenumbers",
    "ftfy": "ftfy",
    "transformers": "transformers",
    "torch": "torch",
}
AT_ONCE = 1_000


def by_rows(rows: Any, function: Callable[..., pa.Table]) -> Any:
    """The data set with a function of Arrow tables and row numbers applied to some rows at a time."""
    changed = rows.with_format("arrow").map(function, batched=True, batch_size=AT_ONCE, with_indices=True)
    return changed.with_format(None)


def asking(rows: Any, others: Any = None) -> Callable[[str], Iterator[pa.RecordBatch]]:
    """Answers SQL about a data set, in which it is called "rows"; a second one is called "others"."""
    import duckdb

    def ask(query: str) -> Iterator[pa.RecordBatch]:
        with duckdb.connect() as connection:
            connection.register("rows", rows.with_format("arrow")[:])
            if others is not None:
                connection.register("others", others.with_format("arrow")[:])
            yield from connection.sql(query).to_arrow_reader()

    return ask


def loaded(files: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Split → its rows, with pictures and sounds left as the files that they are."""
    from datasets import Audio, Image, load_dataset

    found = {}
    for split, paths in files.items():
        rows = load_dataset("parquet", data_files={"train": list(paths)}, split="train", batch_size=AT_ONCE)
        for name, feature in rows.features.items():
            if isinstance(feature, Audio | Image):
                rows = rows.cast_column(name, type(feature)(decode=False))
        found[split] = rows
    return found


@dataclass
class _Script:
    """A script while it is written."""

    imports: dict[str, str] = field(default_factory=lambda: {"pathlib": "Path"})
    functions: list[Callable[..., Any]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def add(self, code: Code) -> None:
        """Note what a step needs."""
        self.imports |= code.imports
        self.functions += [one for one in code.functions if one not in self.functions]
        self.lines += [line for line in code.setup if line not in self.lines]


def python(dataset: Dataset, mending: Mending, tools: Tools = NO_TOOLS) -> str:
    """The script; raises `InvalidInput` at "steps.NUMBER.FIELD" for a recipe that does not fit the data set."""
    script = _Script(functions=[loaded])
    before = shapes.shapes(dataset, mending)
    script.lines += [*_source(dataset), "data = loaded(files)"]
    for number, (entry, shape) in enumerate(zip(mending.steps, before[:-1], strict=True), 1):
        script.lines += ["", f"# {number}. {' '.join(entry.title().split())}"]
        by_code: dict[str, list[str]] = {}
        for split in shapes.touched(entry, list(shape)):
            code = code_of(entry, shape, split, tools)
            script.add(code)
            by_code.setdefault(code.line, []).append(split)
        for line, splits in by_code.items():
            script.lines += _applied(entry, line, splits)
    order = list(before[-1])
    script.lines += ["", f"for split in {order!r}:", f'    Path("{FOLDER}").mkdir(exist_ok=True)']
    script.lines += [f'    data[split].to_parquet(f"{FOLDER}/{{split}}.parquet")']
    return _text(script, dataset, mending)


def code_of(entry: Entry, shape: Mapping[str, Columns], split: str, tools: Tools) -> Code:
    """One step over one of the splits with `datasets`."""
    step, work, columns = entry.step, entry.step.work, shape[split]
    if step.code is not None:
        code = step.code(entry.params, tools)
        more = {"functools": "partial"} if code.functions else {}
        return Code(code.line, (*code.functions, *([by_rows] if more else [])), dict(code.imports) | more, code.setup)
    if isinstance(work, Where | Outputs):
        query = shapes.query(entry, columns)
        return _by_rows(partial(queried, query=query))
    if isinstance(work, Rows):
        return _by_rows(work.function(entry.params, tools))
    if isinstance(work, Against):
        other = work.other(entry.params)
        chosen = work.function(entry.params, columns, shape[other])
        call = f"{chosen.func.__name__}(asking(rows, data[{other!r}]), len(rows){_settings(chosen)})"
        return Code(f"rows.select({call})", (chosen.func, asking))
    found: partial[Any] = work.function(entry.params, columns)
    call = f"{found.func.__name__}(asking(rows), len(rows){_settings(found)})"
    return Code(call if isinstance(work, Parts) else f"rows.select({call})", (found.func, asking))


def _by_rows(call: "partial[Any]") -> Code:
    line = f"by_rows(rows, partial({call.func.__name__}{_settings(call)}))"
    return Code(line, (call.func, by_rows), {"functools": "partial"})


def _settings(call: "partial[Any]") -> str:
    return "".join(f", {name}={value!r}" for name, value in call.keywords.items())


def _applied(entry: Entry, line: str, splits: list[str]) -> list[str]:
    if isinstance(entry.step.work, Parts):
        return [
            f"rows = data.pop({splits[0]!r})",
            f"parts = {line}",
            "data |= {split: rows.select(places) for split, places in parts.items()}",
        ]
    return [f"for split in {splits!r}:", "    rows = data[split]", f"    data[split] = {line}"]


def _source(dataset: Dataset) -> list[str]:
    """Where the rows come from."""
    lines = ["files = {"]
    for split in sorted(dataset.files, key=parquet.split_rank):
        paths = [_place(dataset, file) for file in dataset.files[split]]
        lines.append(f"    {split!r}: {paths!r},")
    return [*lines, "}"]


def _place(dataset: Dataset, file: DataFile) -> str:
    """A file as `datasets` finds it: on this machine, or on the Hub at the revision that was read."""
    if isinstance(file, Path):
        return str(file.absolute())
    repo_id = dataset.info.ref.partition("@")[0]
    revision = f"@{dataset.info.revision}" if dataset.info.revision else ""
    return f"hf://datasets/{repo_id}{revision}/{file.name}"


def _text(script: _Script, dataset: Dataset, mending: Mending) -> str:
    source = standalone.source(script.functions)
    for module, names in script.imports.items():
        source.imports.setdefault(module, []).extend(names.split(", "))
    imports = "\n".join(source.lines())
    definitions = "\n\n\n".join(source.definitions)
    body = f"{imports}\n\n\n{definitions}\n\n\n" + "\n".join(script.lines)
    needs = [package for module, package in NEEDS.items() if re.search(rf"^\s*(import|from) {module}\b", body, re.M)]
    described = f"{len(mending.steps)} step(s) over {dataset.info.ref}"
    if dataset.info.revision:
        described += f", revision {dataset.info.revision}"
    return f'"""{_plain(described)}, as the studio ran them.\n\npip install {" ".join(needs)}\n"""\n\n{body}\n'


def _plain(text: str) -> str:
    """As it may stand in a docstring."""
    return " ".join(text.replace("\\", "/").replace('"', "'").split())
