"""The first stage of a job that reads a data set: all of it is brought here, and then looked at once more.

When the job was asked for, it was judged by the beginning of what is large: its columns, its types, the labels so far.
"""

import time
from collections.abc import Callable
from operator import attrgetter
from typing import TypeVar

from pydantic import BaseModel

from studio.core.errors import InvalidInput, InvalidInputs
from studio.core.settings import Settings
from studio.data import sources
from studio.data.records import Dataset
from studio.data.watching import Watch
from studio.hub import following
from studio.jobs.context import JobContext

P = TypeVar("P", bound=BaseModel)
FETCHING = 0.6  # of the work is the way here
EVERY = 0.2  # seconds between two written reports


def whole(ref: str, settings: Settings, context: JobContext) -> Dataset:
    """All of a data set, with progress, until the job is cancelled; a download goes on where it was."""
    watch = watched(context)
    with following.followed(watch.part(0, FETCHING).at, watch.stop):
        return sources.resolve(ref, settings, context.spec.owner, watch=watch.part(FETCHING, 1))


def checked(
    params: P,
    field: str,
    validate: Callable[[P, Settings, str], list[InvalidInput]],
    settings: Settings,
    context: JobContext,
) -> Dataset:
    """The same for the data set that a field names, once `validate`, which finds all of it now, has no objection.

    Raises `InvalidInput` or `InvalidInputs`: what is wrong with it as a whole, by field.
    """
    ref = str(attrgetter(field)(params))
    try:
        dataset = whole(ref, settings, context)
    except InvalidInput as error:
        raise InvalidInput(field, ref, error.expected) from None
    if problems := validate(params, settings, context.spec.owner):
        raise problems[0] if len(problems) == 1 else InvalidInputs(problems)
    context.raise_if_cancelled()
    return dataset


def watched(context: JobContext) -> Watch:
    """Whoever waits for the job, as those are told who bring data here."""
    return Watch(_Reporter(context), lambda: context.cancelled)


class _Reporter:
    """Progress a few times a second; a line in the log for each tenth of the way."""

    def __init__(self, context: JobContext) -> None:
        self._context, self._tenth, self._at = context, -1, 0.0

    def __call__(self, done: float, total: float, message: str) -> None:
        tenth, now = int(10 * done / total), time.monotonic()
        if tenth > self._tenth:
            self._context.log(message)
        elif now < self._at + EVERY:
            return
        self._context.progress(done, total, message)
        self._tenth, self._at = max(tenth, self._tenth), now
