"""Fetch an extra of the starter kit: a job, so that it has progress, can be cancelled, and survives a restart.

The result is no artifact: it lies with the kit's extras and is everybody's. A cut download goes on where it stopped.
"""

import time

from pydantic import BaseModel, ConfigDict, Field

from studio.core.errors import InvalidInput, StudioError, UserError
from studio.core.settings import Settings
from studio.jobs.context import JobContext
from studio.jobs.job import Resources
from studio.recipes.base import Recipe
from studio.starter import install, kit
from studio.starter.fetch import Watch

BASE_MEMORY = 1_200 * 2**20  # bytes: torch, transformers and a reader of the package's format
EVERY = 0.2  # seconds between two written reports


class KitAddParams(BaseModel):
    """Which extra."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(
        min_length=1,
        max_length=100,
        title="Extra",
        description="Name of an extra of the starter kit, for example chat; `studio kit list` lists them.",
    )


def validate(params: KitAddParams, settings: Settings, owner: str) -> list[InvalidInput]:  # noqa: ARG001
    """Whether there is such an extra."""
    try:
        install.find(params.name, settings)
    except InvalidInput as problem:
        return [problem]
    except UserError as error:
        return [InvalidInput("name", params.name, str(error))]
    return []


def resources(params: KitAddParams, settings: Settings, owner: str) -> Resources:  # noqa: ARG001
    """Room for the conversion: imports, and the weights as they are read and as they are written."""
    try:
        entry = install.find(params.name, settings)
    except StudioError:
        return Resources(memory_bytes=BASE_MEMORY)
    size = (entry.extra.installed + entry.extra.download) if entry.extra else 0
    return Resources(memory_bytes=BASE_MEMORY + 3 * size, threads=1)


def run(params: KitAddParams, context: JobContext) -> None:
    """Fetch, make, check, swap in."""
    settings = Settings(home=context.spec.home)
    entry = install.add(params.name, settings, Watch(_Reporter(context), lambda: context.cancelled))
    context.saving()
    context.log(f"{entry.id} is ready: {entry.bytes / kit.MEGABYTE:.1f} MB. It shows in every menu now.")
    context.progress(1, 1, f"{entry.id} is ready")


class _Reporter:
    """Progress a few times a second; a line in the log for each new step and each tenth of one."""

    def __init__(self, context: JobContext) -> None:
        self._context, self._step, self._tenth, self._at = context, "", -1, 0.0

    def __call__(self, done: int, total: int, message: str) -> None:
        tenth, now = (10 * done // total if total else 0), time.monotonic()
        if (message, tenth) == (self._step, self._tenth) and now < self._at + EVERY:
            return
        size = f" ({done / kit.MEGABYTE:.1f} of {total / kit.MEGABYTE:.1f} MB)" if total else ""
        self._context.progress(done, total, message + size)
        if (message, tenth) != (self._step, self._tenth):
            self._context.log(message + size)
        self._step, self._tenth, self._at = message, tenth, now


RECIPE = Recipe(
    name="kit-add",
    title="Fetch an extra of the starter kit",
    kind="kit",
    params=KitAddParams,
    run=run,
    resources=resources,
    validate=validate,
    describe=lambda params: f"Fetch kit:{params.name.removeprefix('kit:')}",
    admin_only=True,
    stores=False,
)
