"""What went wrong with a run, in the page: one message, and the names of the fields that it is about."""

from collections.abc import Iterator

from studio.core.errors import HubError, InvalidInput, InvalidInputs, NotFound, UnknownName, shorten
from studio.core.params import leaf_fields
from studio.tasks.base import Task
from studio.ui import parts
from studio.ui.events import shown
from studio.ui.parts import Html, join, text

ABOUT_MODELS = (UnknownName, NotFound, HubError)  # a run names nothing else that could be missing


def told(error: Exception, task: Task) -> Html:
    """A failure as a notice; studio.js marks the fields that it names. Unexpected ones are logged with an id."""
    problems = list(_problems(error))
    names = [_key(one.field) for one in problems] or (["model"] if isinstance(error, ABOUT_MODELS) else [])
    message = join((_sentence(one, task) for one in problems), "<br>") if problems else Html(shown(error).message)
    fields = " ".join(dict.fromkeys(names))
    return parts.problem(message, fields)


def _problems(error: Exception) -> Iterator[InvalidInput]:
    if isinstance(error, InvalidInputs):
        yield from error.problems
    elif isinstance(error, InvalidInput):
        yield error


def _sentence(problem: InvalidInput, task: Task) -> Html:
    titles = {slot.name: slot.label for slot in task.inputs} | {"model": "Model"}
    titles |= {name: field.title or name for name, field in leaf_fields(task.params) if name not in titles}
    name = problem.field.partition(".")[0]
    title = titles.get(problem.field) or titles.get(name) or problem.field.replace("_", " ").capitalize()
    return join([Html(f"<b>{text(title)}</b>: "), f"{shorten(problem.value)} is not usable. {problem.expected}"])


def _key(field: str) -> str:
    return field.replace(".", "__").partition(" ")[0]
