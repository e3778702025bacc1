"""What of a data set is sent: its shards, its card, its recipe and manifest, laid out in a folder of the job's own.

A split whose shards are written stays written: a run that was cut goes on with the next one.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.core.errors import InvalidInput, StudioError
from studio.core.settings import Settings
from studio.data import features, mending, sharding, sources
from studio.data.records import Dataset
from studio.data.watching import Watch
from studio.hub import cards, data_cards
from studio.hub.data_cards import FOLDER, SplitSize
from studio.jobs.artifacts import MANIFEST
from studio.jobs.files import read_json, write_json
from studio.recipes.publishing import facts

PLAN = "shards.json"
REPLACED = rf"{FOLDER}/[^/]+-\d{{5}}-of-\d{{5}}\.parquet"


def foreseen(ref: str, settings: Settings, owner: str) -> Dataset:
    """The owner's data set, or its beginning; raises `InvalidInput` for one that lies on the Hub."""
    dataset = sources.foreseen(ref, settings, owner)
    if dataset.info.source == "hub":
        raise InvalidInput("dataset", ref, "It lies on the Hub already; publish what you have made of it.")
    return dataset


def gather(
    ref: str, card: Callable[[Dataset], str], settings: Settings, owner: str, workdir: Path, watch: Watch
) -> Path:
    """The folder that is to be sent; raises what `foreseen`, `sharding.write` and `facts.common_features` raise."""
    foreseen(ref, settings, owner)
    dataset = sources.resolve(ref, settings, owner, watch=watch)
    folder = workdir / "publish"
    described = facts.common_features(dataset)
    sizes = _shards(dataset, folder, workdir / PLAN, watch)
    changes = data_cards.layout(features.as_yaml(described), sizes)
    (folder / facts.CARD).write_text(cards.edit(card(dataset), changes), encoding="utf-8")
    recipe = facts.recipe_file(dataset, settings)
    if recipe is not None:
        (folder / facts.RECIPE).write_text(_public_recipe(recipe), encoding="utf-8")
    manifest = facts.manifest_of(dataset.info.ref, settings, owner)
    if manifest is not None:
        cleaned = manifest.model_dump(mode="json", exclude={"id", "owner", "job", "published"})
        text = json.dumps(facts.public(cleaned), indent=2, ensure_ascii=False)
        (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return folder


def _shards(dataset: Dataset, folder: Path, plan: Path, watch: Watch) -> dict[str, SplitSize]:
    """Write what is not written yet; split → its size."""
    state = {"ref": dataset.info.ref, "fingerprint": dataset.fingerprint()}
    found = read_json(plan)
    done: dict[str, Any] = {}
    if isinstance(found, dict) and found.get("state") == state and folder.is_dir():
        done = found["done"]
    else:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    data, total = folder / FOLDER, len(dataset.info.splits)
    for place, split in enumerate(dataset.info.splits):
        if split not in done:
            for stale in (*data.glob(f"{split}-*-of-*.parquet"), *data.glob(f".{split}-*.partial")):
                stale.unlink()
            part = watch.part(place / total, (place + 1) / total)
            made = sharding.write(dataset, split, data, part)
            done[split] = [made.rows, made.bytes, sum(file.stat().st_size for file in made.files)]
            write_json(plan, {"state": state, "done": done})
    return {split: SplitSize(*done[split]) for split in dataset.info.splits}


def _public_recipe(file: Path) -> str:
    """The recipe without folders of this machine."""
    text = file.read_text(encoding="utf-8")
    try:
        known = mending.read(text)
    except StudioError:
        return text
    if known.source is None:
        return text
    return mending.dumped(replace(known, source=replace(known.source, ref=str(facts.public(known.source.ref)))))
