"""What the card of a data set says: columns and their figures, where it comes from, what checks have found."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from studio.core.errors import InvalidInput, StudioError
from studio.core.settings import Settings
from studio.data import exporting, features, mending, reports, results, statistics
from studio.data.features import Feature, Features
from studio.data.records import Dataset
from studio.data.reports import Report
from studio.data.statistics import Figures
from studio.data.views import View
from studio.hub import cards, data_cards
from studio.hub.cards import PLACEHOLDER
from studio.hub.data_cards import ColumnFacts, DataFacts
from studio.jobs import artifacts
from studio.jobs.artifacts import Manifest

CARD, RECIPE, REPORT = "README.md", "recipe.yaml", "report.json"
SPLIT_NAME = re.compile(r"\w+(\.\w+)*", re.ASCII)  # what `datasets` takes for one
MOST_CELLS = 20_000_000  # that are counted for a card
MOST_COLUMNS = 100
NAMED = 12  # classes and frequent values that stand in a line
LONGEST = 60  # characters of a value in a line
GENERATIONS = 100


@dataclass(frozen=True)
class Ancestry:
    """What a data set was made from, back to where it came into the studio, and how."""

    source: str = ""
    revision: str = ""
    fingerprint: str = ""
    recipes: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    seed: int = -1
    versions: Mapping[str, str] = field(default_factory=dict)


def public(value: Any) -> Any:
    """The value without folders of this machine: of an absolute path only the file's name stays."""
    if isinstance(value, Mapping):
        return {name: public(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [public(inner) for inner in value]
    if isinstance(value, str) and (value.startswith("~") or PurePosixPath(value).is_absolute()):
        return PurePosixPath(value).name
    if isinstance(value, str) and PureWindowsPath(value).drive:
        return PureWindowsPath(value).name
    return value


def common_features(dataset: Dataset) -> Features:
    """The features that all splits share.

    Raises `InvalidInput` at "dataset" for splits that the Hub's library could not read as one data set.
    """
    found: Features = {}
    for split in dataset.files:
        if not SPLIT_NAME.fullmatch(split):
            raise InvalidInput("dataset", split, "The name of a split may hold letters, digits, _ and . only.")
        with exporting.arrow(dataset, View(split=split)) as (schema, _):
            own = features.of(dataset, split, schema)
        if found and own != found:
            first = next(iter(dataset.files))
            expected = f"Its columns are not those of {first!r}; all splits must have the same, of the same types."
            raise InvalidInput("dataset", split, expected)
        found = own
    return found


def manifest_of(ref: str, settings: Settings, owner: str) -> Manifest | None:
    """The manifest of the owner's own result; None for what no job has made."""
    if not ref.startswith(results.PREFIX):
        return None
    manifest = artifacts.load(settings.artifacts_dir, ref.removeprefix(results.PREFIX)).manifest
    return manifest if manifest.owner == owner else None


def card_text(dataset: Dataset, settings: Settings, owner: str, repo_id: str = PLACEHOLDER, license: str = "") -> str:
    """The card as saved with an artifact, else filled; a placeholder for the repository is put in its place."""
    saved = saved_card(dataset, settings)
    if not saved:
        return fresh_card(dataset, settings, owner, repo_id, license)
    licensed = cards.edit(saved, {"license": license}) if license else saved
    return licensed.replace(PLACEHOLDER, repo_id)


def saved_card(dataset: Dataset, settings: Settings) -> str:
    """The card that was saved with a result; "" for none."""
    ref = dataset.info.ref
    file = settings.artifacts_dir / ref.removeprefix(results.PREFIX) / CARD
    return file.read_text(encoding="utf-8") if ref.startswith(results.PREFIX) and file.is_file() else ""


def fresh_card(dataset: Dataset, settings: Settings, owner: str, repo_id: str = PLACEHOLDER, license: str = "") -> str:
    """The card filled from what is known now, with the newest report of a check of these very rows."""
    text = data_cards.fill(data_facts(dataset, settings, owner, repo_id, license))
    report = _report(dataset, settings, owner)
    return reports.into_card(text, report) if report else text


def data_facts(
    dataset: Dataset, settings: Settings, owner: str, repo_id: str = PLACEHOLDER, license: str = ""
) -> DataFacts:
    """What a card may say of a data set; without owner, job and folders of this machine."""
    info, described = dataset.info, common_features(dataset)
    counted = _figures(dataset, list(described))
    ancestry = _ancestry(dataset, settings, owner)
    split = next(iter(info.splits))
    whole = f"all {info.splits[split]:,} rows of `{split}`"
    return DataFacts(
        title=str(public(info.title)),
        splits=dict(info.splits),
        columns=[
            ColumnFacts(name, _type(feature), _short(counted[name]) if name in counted else "")
            for name, feature in described.items()
        ],
        features=features.as_yaml(described),
        repo_id=repo_id,
        description=info.description if info.source in ("upload", "kit") else "",
        figures_of=whole,
        license=license or info.license,
        languages=info.languages,
        source=str(public(ancestry.source)),
        revision=ancestry.revision,
        fingerprint=ancestry.fingerprint,
        made_by=", ".join(dict.fromkeys(ancestry.recipes)),
        steps=ancestry.steps,
        recipe=recipe_file(dataset, settings) is not None,
        seed=ancestry.seed,
        versions=ancestry.versions,
    )


def recipe_file(dataset: Dataset, settings: Settings) -> Path | None:
    """The recipe of steps that made a result, where one did."""
    ref = dataset.info.ref
    file = settings.artifacts_dir / ref.removeprefix(results.PREFIX) / RECIPE
    return file if ref.startswith(results.PREFIX) and file.is_file() else None


def _ancestry(dataset: Dataset, settings: Settings, owner: str) -> Ancestry:
    ref = dataset.info.ref
    newest = manifest_of(ref, settings, owner)
    if newest is None:
        known = dataset.info.source == "kit"
        return Ancestry(ref, fingerprint=dataset.fingerprint()) if known else Ancestry()
    manifest: Manifest | None = newest
    source, revision, fingerprint = "", "", ""
    recipes: list[str] = []
    steps: list[str] = []
    while manifest is not None and len(recipes) < GENERATIONS:
        recipes.insert(0, manifest.recipe)
        steps[:0] = mending.titles(manifest.params.get("steps")) or [manifest.title]
        if manifest.data is None:
            break
        source, revision, fingerprint = manifest.data.id, manifest.data.revision, manifest.data.fingerprint
        try:
            manifest = manifest_of(source, settings, owner)
        except StudioError:  # what it was made from is gone
            break
    return Ancestry(source, revision, fingerprint, tuple(recipes), tuple(steps), newest.seed, newest.versions)


def _report(dataset: Dataset, settings: Settings, owner: str) -> Report | None:
    fingerprint = dataset.fingerprint()
    for artifact in artifacts.list_artifacts(settings.artifacts_dir):
        manifest = artifact.manifest
        if (manifest.kind, manifest.owner) != ("report", owner) or manifest.data is None:
            continue
        if manifest.data.fingerprint == fingerprint and (artifact.path / REPORT).is_file():
            with suppress(StudioError):
                report = reports.from_json((artifact.path / REPORT).read_text(encoding="utf-8"))
                return replace(report, ref=str(public(report.ref)))
    return None


def _figures(dataset: Dataset, columns: list[str]) -> dict[str, Figures]:
    """The figures of the first split; none where counting them would take minutes."""
    split = next(iter(dataset.info.splits))
    if len(columns) > MOST_COLUMNS or dataset.info.splits[split] * len(columns) > MOST_CELLS:
        return {}
    return {name: statistics.figures(dataset, split, name) for name in columns}


def _type(feature: Feature) -> str:
    """A column's type in words."""
    kind = feature.get("_type") if isinstance(feature, Mapping) else None
    if kind == "Value":
        return str(feature["dtype"])
    if kind in ("List", "LargeList"):
        return f"list of {_type(feature['feature'])}"
    if kind == "ClassLabel":
        names = [_cut(name) for name in feature["names"][:NAMED]]
        rest = len(feature["names"]) - len(names)
        return f"class label: {', '.join(names)}{f' and {rest} more' if rest else ''}"
    if kind is not None:
        return str(kind).lower()
    return f"struct of {', '.join(feature)}"


def _short(one: Figures) -> str:
    """A column's figures in a line."""
    said = [f"{one.nulls:,} null" if one.nulls else "", f"{one.empty:,} empty" if one.empty else ""]
    if one.distinct is not None:
        said.append(f"{'' if one.distinct_exact else 'about '}{one.distinct:,} different")
    for spread in one.spreads:
        unit = "" if spread.unit == "value" else f" {spread.unit}"
        mean = f", mean {spread.mean:,.4g}" if spread.mean is not None else ""
        said.append(f"{_number(spread.minimum)} to {_number(spread.maximum)}{unit}{mean}")
    if one.top and one.distinct is not None and one.distinct <= NAMED and one.top[0][1] > 1:
        said.append(", ".join(f"{_cut(value)} {rows:,}" for value, rows in one.top))
    return "; ".join(part for part in said if part)


def _number(value: Any) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
