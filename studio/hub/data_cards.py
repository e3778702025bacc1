"""Cards of data sets: filled from what is known of one. What is not known is not said."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from studio.hub.cards import PLACEHOLDER, hub_id
from studio.hub.front_matter import dump
from studio.hub.markdown import code, inline
from studio.hub.vocabulary import license_id

CONFIG = "default"
FOLDER = "data"
MOST_STEPS = 100
SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))
LARGEST = "n>10M"


@dataclass(frozen=True)
class ColumnFacts:
    """One column: its name, its type in words, and its figures in a few words."""

    name: str
    type: str
    figures: str = ""


@dataclass(frozen=True)
class DataFacts:
    """What the card of a data set is filled from.

    Attributes:
        splits: split → rows.
        features: the columns as `dataset_info` lists them.
        figures_of: what the columns' figures rest on, in words.
        license: SPDX or Hub id; anything else is told as it is.
        languages: codes such as en.
        source: what it was made from, as the studio names it or a Hub id; "" where it came in as it is.
        revision, fingerprint: the state of the source.
        made_by: the recipe that made it, "" for none.
        steps: what was done, a line each.
        recipe: whether the file recipe.yaml goes along, with which it can be made again.
        seed: -1 where nothing was drawn.
    """

    title: str
    splits: Mapping[str, int]
    columns: Sequence[ColumnFacts]
    features: Sequence[Mapping[str, Any]]
    repo_id: str = PLACEHOLDER
    description: str = ""
    figures_of: str = ""
    license: str = ""
    languages: Sequence[str] = ()
    source: str = ""
    revision: str = ""
    fingerprint: str = ""
    made_by: str = ""
    steps: Sequence[str] = ()
    recipe: bool = False
    seed: int = -1
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SplitSize:
    """One split as it is sent: rows, bytes in memory, bytes of its files."""

    rows: int
    bytes: int = 0
    files: int = 0


def fill(facts: DataFacts) -> str:
    """The complete card: metadata block and text."""
    sections = (_summary, _columns, _splits, _usage, _lineage, _terms, _limitations)
    text = "\n\n".join("\n".join(section(facts)) for section in sections)
    return f"---\n{dump(_metadata(facts))}---\n\n{text}\n"


def layout(features: Sequence[Mapping[str, Any]], splits: Mapping[str, SplitSize]) -> dict[str, Any]:
    """The fields of the metadata that say where the files of which split are, and what is in them."""
    listed = [{"name": name, "num_bytes": size.bytes, "num_examples": size.rows} for name, size in splits.items()]
    files = [{"split": name, "path": f"{FOLDER}/{name}-*"} for name in splits]
    info: dict[str, Any] = {"features": [dict(feature) for feature in features], "splits": listed}
    if any(size.files for size in splits.values()):
        info["download_size"] = sum(size.files for size in splits.values())
        info["dataset_size"] = sum(size.bytes for size in splits.values())
    return {"dataset_info": info, "configs": [{"config_name": CONFIG, "data_files": files}]}


def _metadata(facts: DataFacts) -> dict[str, Any]:
    data: dict[str, Any] = {"pretty_name": facts.title}
    known = license_id(facts.license)
    if known:
        data["license"] = known
    if facts.languages:
        data["language"] = list(facts.languages)
    data["tags"] = ["studio"]
    rows = sum(facts.splits.values())
    data["size_categories"] = [next((name for most, name in SIZES if rows < most), LARGEST)]
    if hub_id(facts.source):
        data["source_datasets"] = [hub_id(facts.source)]
    return data | layout(facts.features, {name: SplitSize(rows) for name, rows in facts.splits.items()})


def _summary(facts: DataFacts) -> Iterator[str]:
    yield f"# {inline(facts.title)}"
    if facts.description:
        yield ""
        yield inline(facts.description)
    yield ""
    rows, columns = sum(facts.splits.values()), len(facts.columns)
    yield f"{rows:,} rows in {_number(len(facts.splits), 'split')}, {_number(columns, 'column')}."


def _number(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _columns(facts: DataFacts) -> Iterator[str]:
    yield "## Columns"
    yield ""
    known = any(column.figures for column in facts.columns)
    yield "| column | type | in short |" if known else "| column | type |"
    yield "|---|---|---|" if known else "|---|---|"
    for column in facts.columns:
        cells = [
            code(column.name).replace("|", "\\|"),
            inline(column.type),
            *([inline(column.figures)] if known else []),
        ]
        yield f"| {' | '.join(cells)} |"
    if known and facts.figures_of:
        yield ""
        yield f"The figures are of {facts.figures_of}."


def _splits(facts: DataFacts) -> Iterator[str]:
    yield "## Splits"
    yield ""
    yield "| split | rows |"
    yield "|---|---:|"
    for name, rows in facts.splits.items():
        yield f"| {code(name)} | {rows:,} |"


def _usage(facts: DataFacts) -> Iterator[str]:
    yield "## How to load"
    yield ""
    yield "```python"
    yield "from datasets import load_dataset"
    yield ""
    yield f"dataset = load_dataset({json.dumps(facts.repo_id)})"
    first = next(iter(facts.splits), "train")
    yield f"print(dataset[{json.dumps(first)}][0])"
    yield "```"
    yield ""
    yield "With `streaming=True` nothing is downloaded as a whole."


def _lineage(facts: DataFacts) -> Iterator[str]:
    yield "## Where it comes from"
    yield ""
    if facts.source:
        yield f"- made from: {code(facts.source)}"
        if facts.revision:
            yield f"- at revision: {code(facts.revision)}"
        if facts.fingerprint:
            yield f"- SHA-256 over the files that were read: {code(facts.fingerprint)}"
    if facts.made_by:
        yield f"- by: {code(facts.made_by)} of Studio" + (f", seed {facts.seed}" if facts.seed >= 0 else "")
    if facts.versions:
        yield f"- with: {', '.join(f'{inline(name)} {version}' for name, version in facts.versions.items())}"
    if not facts.source:
        yield "- how the rows were collected was not recorded"
    yield from _steps(facts)


def _steps(facts: DataFacts) -> Iterator[str]:
    if facts.steps:
        yield ""
        yield "What was done, in this order:"
        yield ""
        for number, step in enumerate(facts.steps[:MOST_STEPS], 1):
            yield f"{number}. {inline(step)}"
    if facts.recipe:
        yield ""
        yield "The file `recipe.yaml` holds these steps; Studio can run them again on a newer state of the source."


def _terms(facts: DataFacts) -> Iterator[str]:
    yield "## Licence"
    yield ""
    yield f"{inline(facts.license)}." if facts.license else "The licence was not stated. Ask before you use the data."


def _limitations(_: DataFacts) -> Iterator[str]:
    yield "## Limitations"
    yield ""
    yield "- Who is represented in these rows, and who is not, was not examined."
    yield "- Look at the rows before you train on them: what stands here was counted, not judged."
