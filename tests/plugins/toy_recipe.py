"""A recipe added from outside: counts to a number."""

import os

from pydantic import BaseModel, Field

from studio.jobs.artifacts import Manifest
from studio.jobs.context import JobContext
from studio.recipes.base import Recipe


class Params(BaseModel):
    count: int = Field(3, ge=1, le=1000, title="Toy count", description="How far to count.")


def run(params: Params, context: JobContext) -> None:
    if reason := os.environ.get("TOY_FAILS"):
        raise RuntimeError(reason)
    for number in range(1, params.count + 1):
        context.raise_if_cancelled()
        context.log(f"counted {number}")
        context.progress(number, params.count)
        context.metrics(number, {"number": number})
    context.saving()
    staging = context.stage()
    (staging / "count.txt").write_text(str(params.count))
    context.commit(
        staging,
        Manifest(
            id=context.spec.job,
            kind="count",
            title=f"Counted to {params.count}",
            recipe="toy-recipe",
            params=params.model_dump(),
            owner=context.spec.owner,
            job=context.spec.job,
            created_at=0,
        ),
    )


RECIPE = Recipe("toy-recipe", "Toy recipe", "train", Params, run, describe=lambda params: f"Count to {params.count}")
