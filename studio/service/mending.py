"""Mending data sets: a recipe of steps tried, run as a job, told as YAML and as Python; where a data set is from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from studio.core.errors import InvalidInput, NotFound, StudioError
from studio.core.types import Caller
from studio.data import mending, results, scripts, shapes
from studio.data.mending import Mending as Recipe
from studio.data.mending import Source
from studio.data.previews import Preview
from studio.data.records import Dataset
from studio.data.steps import STEPS
from studio.jobs.job import Job
from studio.recipes.transform import tools
from studio.recipes.transform.work import AS_YAML
from studio.service.jobs import Wishes
from studio.service.trying import Trying

Given = str | Sequence[Any] | Mapping[str, Any]
PLAIN = Wishes()
PREVIEW = TypeAdapter(Preview)
LONGEST = 100  # data sets of a lineage


@dataclass(frozen=True)
class Ancestor:
    """One data set of a lineage.

    Attributes:
        made_by: the recipe of the job that made it from the next one, "" where nothing here made it.
        steps: what was done, where that was a recipe of steps.
        revision: as it was when the data set before was made from it; so is `fingerprint`.
        problem: why it cannot be had any more; "" while it can.
    """

    ref: str
    title: str
    made_by: str = ""
    created_at: float = 0.0
    steps: tuple[str, ...] = ()
    revision: str = ""
    fingerprint: str = ""
    problem: str = ""


class Mending(Trying):
    """What changes data sets: never the one that is there, always by making a new one."""

    def steps(self) -> list[dict[str, Any]]:
        """Every step with the schema of its parameters."""
        return [
            {
                "name": step.name,
                "title": step.title,
                "description": step.description,
                "group": step.group,
                "parameters": step.params.model_json_schema(),
            }
            for step in STEPS.values()
        ]

    def preview(
        self, caller: Caller, ref: str, split: str, recipe: Given, rows: int = 20, *, with_media: bool = False
    ) -> Preview:
        """Try a recipe, given as YAML or as a list of steps, on the first rows of a split; nothing is written.

        Pictures and sounds are told in words; `with_media` adds small ones as data URLs.

        Raises `InvalidInput` and `InvalidInputs` at "steps.NUMBER.FIELD"; the first step is 1.
        """
        dataset = self.dataset(caller, ref)
        asked = {
            "settings": self.settings.model_dump(mode="json"),
            "owner": caller.owner,
            "recipe": mending.dumped(mending.read(recipe)),
            "split": split,
            "rows": rows,
            "with_media": with_media,
        }
        with self._attended(caller) as gone:
            return PREVIEW.validate_python(self._aside.ask("preview", dataset, asked, gone))

    def transform(self, caller: Caller, ref: str, recipe: Given, title: str = "", wishes: Wishes = PLAIN) -> Job:
        """Run a recipe over the whole data set, as a job that leaves a new one. Raises as `preview` does."""
        _, known = self._read(caller, ref, recipe, whole=False)
        values = {"dataset": ref, "recipe": mending.dumped(known), "title": title}
        return self.submit(caller, "transform", values, wishes)

    def recipe_yaml(self, caller: Caller, ref: str, recipe: Given = "") -> str:
        """A recipe for this data set as YAML, with the state that the data set is in now.

        Without a recipe it is the one that made the data set, an `artifact:`; raises `NotFound` where there is none.
        """
        if not recipe:
            return self._made_with(caller, ref)
        dataset, known = self._read(caller, ref, recipe)
        return mending.dumped(replace(known, source=Source.of(dataset)))

    def recipe_python(self, caller: Caller, ref: str, recipe: Given = "") -> str:
        """A recipe for this data set as a Python script with `datasets`.

        Without a recipe it is the script of the one that made the data set, an `artifact:`.
        """
        if not recipe:
            text = self._made_with(caller, ref)
            source = mending.read(text).source
            ref, recipe = source.ref if source else ref, text
        dataset, known = self._read(caller, ref, recipe)
        return scripts.python(dataset, known, tools.light(self._settings(caller), caller.owner))

    def lineage(self, caller: Caller, ref: str) -> list[Ancestor]:
        """The data set, what it was made from, and so on to where it came into the studio."""
        found: list[Ancestor] = []
        revision, fingerprint = "", ""
        while len(found) < LONGEST:
            try:
                one = self._ancestor(caller, ref, revision, fingerprint)
            except StudioError as error:
                if not found:
                    raise
                one = (Ancestor(ref, ref, revision=revision, fingerprint=fingerprint, problem=str(error)), None)
            found.append(one[0])
            if one[1] is None:
                return found
            ref, revision, fingerprint = one[1]
        return found

    # ---- inside

    def _read(self, caller: Caller, ref: str, recipe: Given, *, whole: bool = True) -> tuple[Dataset, Recipe]:
        """The data set and the recipe, once they are known to fit."""
        dataset, known = self.dataset(caller, ref, whole=whole), mending.read(recipe)
        shapes.shapes(dataset, known)
        return dataset, known

    def _made_with(self, caller: Caller, ref: str) -> str:
        if not ref.startswith(results.PREFIX):
            raise InvalidInput("recipe", "nothing", "Give the steps; only results of jobs (artifact:…) have their own.")
        file = self.artifact(caller, ref.removeprefix(results.PREFIX)).path / AS_YAML
        if not file.is_file():
            raise NotFound(f"{ref} was not made by a recipe of steps.")
        return file.read_text(encoding="utf-8")

    def _ancestor(
        self, caller: Caller, ref: str, revision: str, fingerprint: str
    ) -> tuple[Ancestor, tuple[str, str, str] | None]:
        """One data set, and reference, revision and fingerprint of what it was made from."""
        if not ref.startswith(results.PREFIX):
            info = self.dataset(caller, ref).info
            return Ancestor(ref, info.title, revision=revision or info.revision, fingerprint=fingerprint), None
        manifest = self.artifact(caller, ref.removeprefix(results.PREFIX)).manifest
        ancestor = Ancestor(
            ref,
            manifest.title,
            manifest.recipe,
            manifest.created_at,
            mending.titles(manifest.params.get("steps")),
            revision,
            fingerprint,
        )
        before = manifest.data
        return ancestor, (before.id, before.revision, before.fingerprint) if before else None
