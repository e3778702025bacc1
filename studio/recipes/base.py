"""What a recipe is: anything that runs as a job."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from studio.core.errors import InvalidInput
from studio.core.settings import Settings
from studio.jobs.context import JobContext
from studio.jobs.job import Resources

P = TypeVar("P", bound=BaseModel)


@dataclass(frozen=True)
class Recipe(Generic[P]):
    """One kind of job.

    Attributes:
        name: the table's key; for training recipes the Hub's pipeline tag.
        title: what a page calls it.
        kind: "train", "publish" …: which page and which CLI verb offers it.
        params: pydantic model; makes form, CLI options, REST schema and stored params.
        run: does the work inside the runner; may import torch inside the function only.
        resources: `(params, settings, owner)` → what a run needs, predicted without torch.
        validate: what the model's own bounds cannot say (data, columns, base model); returns one
            `InvalidInput` per field, runs in the web process, without torch.
        describe: the job's title for these params.
        needs_token: whether the run acts on the Hub in the owner's name; it waits until they are signed in.
        reads_hub: whether the run may fetch private data and models in the owner's name, if they are signed in.
        max_attempts: how often a run whose processes died is started.
        stores: whether it leaves what counts as its owner's on the disk: it starts only while they have room.
        leaves: `(params, settings, owner)` → how many bytes that is, as far as it can be foreseen.
        each: how many may wait or run of one owner in public mode, 0 for no limit of its own.
        admin_only: whether it changes what everybody sees: in public mode only an admin may start it.
    """

    name: str
    title: str
    kind: str
    params: type[P]
    run: Callable[[P, JobContext], None]
    resources: Callable[[P, Settings, str], Resources] = lambda *_: Resources()
    validate: Callable[[P, Settings, str], list[InvalidInput]] = lambda *_: []
    describe: Callable[[P], str] = lambda _: ""
    needs_token: bool = False
    reads_hub: bool = False
    max_attempts: int = 3
    stores: bool = True
    leaves: Callable[[P, Settings, str], int] = lambda *_: 0
    each: int = 0
    admin_only: bool = False


AnyRecipe = Recipe[Any]
