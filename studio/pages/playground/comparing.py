"""The same input through several models, side by side."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import gradio as gr

from studio.core.errors import InvalidInput, VisitorLeft
from studio.pages.playground import problems
from studio.pages.playground.running import Question, begun, checker, ended, figures, question, stopped
from studio.pages.playground.view import LOCAL, MOST_COMPARED, Stage, TaskForm
from studio.service import Studio
from studio.ui import modalities, parts
from studio.ui.events import bordered
from studio.ui.parts import Html, join, text
from studio.ui.visits import attended

Inputs = Callable[[Sequence[Any]], dict[str, Any]]


def wire(studio: Studio, stage: Stage, form: TaskForm, extra: Sequence[Any], inputs: Inputs) -> None:
    """The compare button; `inputs` makes the task's inputs of the values of `extra` and the form's components."""

    def compare(request: gr.Request, models: list[str] | None, *given: Any, **values: Any) -> Iterator[tuple[Any, ...]]:
        yield from bordered(rows(request, list(models or ()), given, values), failed)

    def rows(
        request: gr.Request, wanted: list[str], given: Sequence[Any], values: Mapping[str, Any]
    ) -> Iterator[tuple[Any, ...]]:
        if not 1 <= len(wanted) <= MOST_COMPARED:
            raise InvalidInput("models", f"{len(wanted)} models", f"Choose one to {MOST_COMPARED}.")
        asked = question(studio, form, request, ("", LOCAL), inputs(given), values)
        columns: dict[str, Html] = {}
        yield grid(wanted, columns), *begun()
        found = studio.compare(asked.caller, asked.task.id, asked.inputs, asked.params.model_dump(), wanted)
        for one in attended(request, found):
            columns[one.model] = column(form, asked, one)
            yield grid(wanted, columns), gr.skip(), gr.skip()
        yield gr.skip(), *ended()

    def failed(error: Exception) -> tuple[Any, ...]:
        return (gr.skip() if isinstance(error, VisitorLeft) else problems.told(error, form.task)), *ended()

    buttons = [stage.compare, stage.stop_compare]
    running = stage.compare.click(
        compare,
        inputs=[stage.compared, *extra, *form.inputs],
        inputs_kwargs=dict(form.params.fields),
        outputs=[stage.side_by_side, *buttons],
        validator=checker(form, 1) if not extra else None,
        api_visibility="private",
        show_progress="hidden",
        concurrency_limit=8,
    )
    stage.stop_compare.click(
        stopped,
        None,
        buttons,
        cancels=[running],
        api_visibility="private",
        show_progress="hidden",
    )


def column(form: TaskForm, asked: Question, one: Any) -> Html:
    """One model's answer with what it cost, or why there is none."""
    if one.prediction is None:
        return parts.notice("bad", one.error)
    shown = modalities.render(form.task.output, one.prediction.output, asked.asked)
    return join([figures(one.prediction, asked), shown])


def grid(models: Sequence[str], columns: dict[str, Html]) -> Html:
    """Columns in the order in which the models were chosen; those to come show that they are awaited."""
    bodies = join(
        Html(f'<section class="compared"><h3>{text(model)}</h3>{columns.get(model) or _awaited(model)}</section>')
        for model in models
    )
    return Html(f'<div class="side-by-side">{bodies}</div>')


def _awaited(model: str) -> Html:
    return parts.progress_bar(None, f"{model} is running")
