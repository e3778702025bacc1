"""A run: what is typed → verb → what is shown. Texts come as they are written; whoever stops or leaves stops them."""

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, cast

import gradio as gr
from pydantic import BaseModel

from studio.core.errors import InvalidInput, InvalidInputs, StudioError, VisitorLeft
from studio.core.types import Caller
from studio.inference.client import Prediction
from studio.pages.playground import problems
from studio.pages.playground.view import LOCAL, Stage, TaskForm
from studio.service import Studio
from studio.tasks.base import Task
from studio.ui import modalities, parts
from studio.ui.events import bordered, caller_of
from studio.ui.modalities import Asked, raw
from studio.ui.modalities.words import plain, written
from studio.ui.parts import Html, join, text
from studio.ui.visits import attended, leave

EVERY = 0.08  # seconds between two looks at a text that is being written: the eye wants no more
LANGUAGES: dict[str, parts.Language] = {
    "Python": "python",
    "InferenceClient": "python",
    "curl": "bash",
    "JavaScript": "javascript",
}


@dataclass(frozen=True)
class Question:
    """All that a run needs."""

    caller: Caller
    task: Task
    inputs: Mapping[str, Any]
    params: BaseModel
    model: str
    provider: str
    url: str

    @property
    def asked(self) -> Asked:
        """For whoever draws the answer."""
        return Asked(self.task.inputs, self.inputs)


def question(
    studio: Studio, form: TaskForm, request: gr.Request, chosen: tuple[str, str], inputs: Mapping[str, Any],
    values: Mapping[str, Any],
) -> Question:  # fmt: skip
    """From the page's values; `chosen` are model and provider. Raises `InvalidInputs`."""
    model, provider = chosen[0], "" if chosen[1] == LOCAL else chosen[1] or ""
    caller = caller_of(request, studio)
    return Question(caller, form.task, inputs, form.params.read(values), model or "", provider, base_url(request))


def base_url(request: gr.Request) -> str:
    """Where this studio answers, as the visitor's own programs would write it."""
    headers = request.headers
    scheme = str(headers.get("x-forwarded-proto") or request.url.scheme).partition(",")[0]
    return f"{scheme}://{headers.get('host', '127.0.0.1')}"


def answer(studio: Studio, asked: Question) -> Iterator[str | Prediction]:
    """The parts of a text so far, each time all of them, then the prediction; of other tasks that alone."""
    task, params = asked.task, asked.params.model_dump()
    given = asked.caller, task.id, asked.inputs, params, asked.model, asked.provider
    if task.stream is None:
        yield studio.predict(*given)
        return
    whole, shown = "", 0.0
    parts_of_text = studio.stream(*given)
    with closing(cast("Generator[str | Prediction]", parts_of_text)) as stream:
        for part in stream:
            if not isinstance(part, str):
                yield part
                return
            whole += part
            if time.monotonic() - shown > EVERY:
                shown = time.monotonic()
                yield whole


def checker(form: TaskForm, first: int) -> Callable[..., Any]:
    """A validator for events whose first `first` inputs need no look: marks what is missing or wrong at its field."""

    def check(*given: Any, **values: Any) -> list[Any]:
        verdicts = [gr.validate(True, "") for _ in given[:first]]
        for slot, value in zip(form.task.inputs, given[first:], strict=False):
            try:
                missing = modalities.wanting(slot, modalities.read(slot, value))
            except InvalidInput as error:
                missing = error.expected
            verdicts.append(gr.validate(not missing, missing))
        wrong: tuple[InvalidInput, ...] = ()
        try:
            form.params.read(values)
        except InvalidInputs as error:
            wrong = error.problems
        return verdicts + form.params.errors(wrong)

    return check


def wire(studio: Studio, stage: Stage, form: TaskForm) -> None:
    """The run button and its stop button."""

    def run(request: gr.Request, model: str, provider: str, *given: Any, **values: Any) -> Iterator[tuple[Any, ...]]:
        yield waiting(form.task), "", "", "", *begun()
        yield from bordered(rows(request, (model, provider), given, values), failed)

    def rows(
        request: gr.Request, chosen: tuple[str, str], given: tuple[Any, ...], values: Mapping[str, Any]
    ) -> Iterator[tuple[Any, ...]]:
        asked = question(studio, form, request, chosen, form.read(given), values)
        for part in attended(request, answer(studio, asked)):
            if isinstance(part, str):
                yield written(part, running=True), *[gr.skip()] * 5
            else:
                shown = modalities.render(form.task.output, part.output, asked.asked)
                yield shown, figures(part, asked), raw.code(part.output), gr.skip(), *ended()
                yield gr.skip(), gr.skip(), gr.skip(), code(studio, asked), gr.skip(), gr.skip()

    def failed(error: Exception) -> tuple[Any, ...]:
        if isinstance(error, VisitorLeft):
            return *[gr.skip()] * 4, *ended()
        return problems.told(error, form.task), "", "", "", *ended()

    outputs = [stage.result, stage.figures, stage.raw, stage.code, form.run, form.stop]
    running = form.run.click(
        run,
        inputs=[stage.model, stage.provider, *form.inputs],
        inputs_kwargs=dict(form.params.fields),
        outputs=outputs,
        validator=checker(form, 2),
        api_visibility="private",
        show_progress="hidden",
        concurrency_limit=32,
    )
    form.stop.click(
        stopped,
        None,
        [form.run, form.stop],
        cancels=[running],
        api_visibility="private",
        show_progress="hidden",
    )


def stopped(request: gr.Request) -> tuple[Any, Any]:
    """The run button in place of the stop button; what was written stays, and studio.js marks it as unfinished."""
    leave(request)
    return ended()


def begun() -> tuple[Any, Any]:
    """The stop button in place of the run button.

    Both stay in the page, hidden: one that has to be made anew may come after the change that takes it away again.
    """
    return gr.update(visible="hidden"), gr.update(visible=True)


def ended() -> tuple[Any, Any]:
    """The run button in place of the stop button."""
    return gr.update(visible=True), gr.update(visible="hidden")


def waiting(task: Task) -> Html:
    """What stands there until the first word."""
    said = f"Working on it. The first run of a model loads it. {task.output.label} will stand here."
    return Html(
        f'<section class="waiting" role="status">{parts.progress_bar(None, "Running")}<p>{text(said)}</p></section>'
    )


def figures(found: Prediction, asked: Question) -> Html:
    """What a run cost, on one line."""
    facts = [("Time", parts.format_duration(found.seconds))]
    if found.load_seconds:
        facts.append(("Loading", parts.format_duration(found.load_seconds)))
    if asked.provider:
        facts.append(("Ran at", asked.provider))
    else:
        facts += [("Device", found.device), ("Type", found.dtype), ("Memory", parts.format_bytes(found.bytes))]
        facts.append(("Batch", str(found.batch)))
    usage = found.output.get("usage") if isinstance(found.output, Mapping) else None
    if isinstance(usage, Mapping) and usage.get("completion_tokens"):
        facts.append(("Tokens", f"{usage['completion_tokens']:,}"))
    items = join(Html(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>") for name, value in facts)
    return Html(f'<dl class="run-facts" aria-label="What the run cost">{items}</dl>')


def code(studio: Studio, asked: Question) -> Html:
    """The same without this page, in four ways; says so where a model has none."""
    try:
        found = studio.snippets(
            asked.caller, asked.task.id, asked.inputs, asked.params.model_dump(), asked.model, asked.url
        )
    except StudioError as error:
        return parts.notice("info", str(error))
    return parts.code_choices([(name, lines, LANGUAGES.get(name, "")) for name, lines in found.items()])


def said(found: Prediction) -> str:
    """What a model answered in a conversation."""
    output = found.output
    return plain(output.get("content", output)) if isinstance(output, Mapping) else plain(output)
