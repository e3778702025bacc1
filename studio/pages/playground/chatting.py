"""A conversation: send, stop, try again, clear. The history is the chat component's own value."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gradio as gr

from studio.core.errors import VisitorLeft
from studio.pages.playground import problems
from studio.pages.playground.draft import messages
from studio.pages.playground.running import answer, begun, checker, code, ended, figures, question, said, stopped
from studio.pages.playground.view import Stage, TaskForm, chat_slot, spoken_slot
from studio.service import Studio
from studio.ui import modalities
from studio.ui.events import bordered
from studio.ui.modalities import raw
from studio.ui.parts import Html
from studio.ui.visits import attended

History = list[dict[str, str]]


def inputs(form: TaskForm, history: Any, message: str | None, given: Sequence[Any]) -> dict[str, Any]:
    """The task's inputs: the system message, what was said, what is being said; other slots as they are."""
    new = [{"role": "user", "content": message.strip()}] if message and message.strip() else []
    spoken, talk = spoken_slot(form.task), [*messages(history), *new]
    last = talk.pop()["content"] if spoken and talk and talk[-1]["role"] == "user" else ""
    found: dict[str, Any] = {}
    for slot, value in zip(form.task.inputs, given, strict=True):
        if slot == chat_slot(form.task):
            system = [{"role": "system", "content": str(value).strip()}] if str(value or "").strip() else []
            found[slot.name] = [*system, *talk] or (None if slot.optional else [])
        else:
            found[slot.name] = last if slot == spoken else modalities.read(slot, value)
    return found


def talk(
    studio: Studio, form: TaskForm, request: gr.Request, given: tuple[tuple[str, str], History, Sequence[Any]],
    values: Mapping[str, Any],
) -> Iterator[tuple[Any, ...]]:  # fmt: skip
    """One answer, part by part; `given` are model and provider, the history, and the form's inputs."""
    chosen, history, fields = given
    keep = [gr.skip()] * 3
    pending = [*history, {"role": "assistant", "content": "…"}]
    yield "", pending, "", *keep, *begun()

    def rows() -> Iterator[tuple[Any, ...]]:
        asked = question(studio, form, request, chosen, inputs(form, history, "", fields), values)
        for part in attended(request, answer(studio, asked)):
            now = [*history, {"role": "assistant", "content": part if isinstance(part, str) else said(part)}]
            if isinstance(part, str):
                yield gr.skip(), now, gr.skip(), *keep, gr.skip(), gr.skip()
            else:
                yield gr.skip(), now, gr.skip(), figures(part, asked), raw.code(part.output), gr.skip(), *ended()
                yield *[gr.skip()] * 5, code(studio, asked), gr.skip(), gr.skip()

    def failed(error: Exception) -> tuple[Any, ...]:
        if isinstance(error, VisitorLeft):
            return *[gr.skip()] * 6, *ended()
        last = history[-1]["content"] if history else ""
        return problems.told(error, form.task), history[:-1], last, *keep, *ended()

    yield from bordered(rows(), failed)


def wire(studio: Studio, stage: Stage, form: TaskForm) -> None:
    """The events of the conversation."""
    chat = stage.chat
    elsewhere = (chat_slot(form.task), spoken_slot(form.task))
    outputs = [stage.result, chat.log, chat.message, stage.figures, stage.raw, stage.code, chat.send, chat.stop]

    def send(
        request: gr.Request, model: str, provider: str, message: str, log: Any, *given: Any, **values: Any
    ) -> Iterator[tuple[Any, ...]]:
        history = [*messages(log), {"role": "user", "content": message.strip()}]
        yield from talk(studio, form, request, ((model, provider), history, given), values)

    def again(
        request: gr.Request, model: str, provider: str, message: str, log: Any, *given: Any, **values: Any
    ) -> Iterator[tuple[Any, ...]]:
        history = messages(log)
        while history and history[-1]["role"] != "user":
            history.pop()
        if history:
            yield from talk(studio, form, request, ((model, provider), history, given), values)
        else:
            yield Html(""), [], message, *[gr.skip()] * 5

    def check(model: str, provider: str, message: str, log: Any, *given: Any, **values: Any) -> list[Any]:
        verdicts: list[Any] = checker(form, 4)(model, provider, message, log, *given, **values)
        for place, slot in enumerate(form.task.inputs, 4):
            if slot in elsewhere:  # the system message may be empty, and what is said stands in its own box
                verdicts[place] = gr.validate(True, "")
        verdicts[2] = gr.validate(bool(message and message.strip()), "Write a message.")
        return verdicts

    def cleared(request: gr.Request) -> tuple[Any, ...]:
        return "", [], "", "", "", "", *stopped(request)

    taken = [stage.model, stage.provider, chat.message, chat.log, *form.inputs]
    shared: dict[str, Any] = {
        "inputs": taken,
        "inputs_kwargs": dict(form.params.fields),
        "outputs": outputs,
        "api_visibility": "private",
        "show_progress": "hidden",
        "concurrency_limit": 32,
    }
    running = [
        gr.on([chat.send.click, chat.message.submit], send, validator=check, **shared),
        chat.retry.click(again, **shared),
    ]
    buttons = [chat.send, chat.stop]
    chat.stop.click(
        stopped,
        None,
        buttons,
        cancels=running,
        api_visibility="private",
        show_progress="hidden",
    )
    chat.clear.click(
        cleared,
        None,
        outputs,
        cancels=running,
        api_visibility="private",
        show_progress="hidden",
    )
