"""The page's components: what stays when the task changes, and the form of one task."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.core.params import leaf_fields
from studio.core.types import MEDIA, Modality, Slot
from studio.pages.playground import picker
from studio.pages.playground.draft import Draft
from studio.tasks import TASKS
from studio.tasks.base import EXAMPLES, Example, Task
from studio.ui import modalities, parts
from studio.ui.forms import Form
from studio.ui.modalities.pictures import thumbnail
from studio.ui.parts import Html
from studio.ui.widgets import keyed, number

LOCAL = "here"
PICTURES = (".jpg", ".png")
MOST_COMPARED = 4
ModelPart = tuple[gr.HTML, gr.Dropdown, gr.HTML, gr.Dropdown]


@dataclass(frozen=True)
class Search:
    """The panel that looks for models on the Hub."""

    fold: gr.Accordion
    words: gr.Textbox
    sort: gr.Radio
    license: gr.Textbox
    size: gr.Number
    look: gr.Button
    found: gr.HTML
    take: gr.Textbox


@dataclass(frozen=True)
class Chat:
    """The conversation and what is under it."""

    column: gr.Column
    log: gr.Chatbot
    message: gr.Textbox
    send: gr.Button
    stop: gr.Button
    retry: gr.Button
    clear: gr.Button


@dataclass(frozen=True)
class Batch:
    """The panel's components; of `columns` as many are shown as the task has inputs."""

    dataset: gr.Dropdown
    upload: gr.File
    split: gr.Dropdown
    columns: tuple[gr.Dropdown, ...]
    limit: gr.Number
    start: gr.Button
    progress: gr.HTML
    download: gr.DownloadButton
    job: gr.Textbox
    clock: gr.Timer


@dataclass(frozen=True)
class Stage:
    """What stays."""

    draft: gr.Textbox
    pick: gr.Button
    task: gr.HTML
    model: gr.Dropdown
    facts: gr.HTML
    provider: gr.Dropdown
    search: Search
    result: gr.HTML
    chat: Chat
    figures: gr.HTML
    raw: gr.HTML
    code: gr.HTML
    compared: gr.Dropdown
    compare: gr.Button
    stop_compare: gr.Button
    side_by_side: gr.HTML
    batch: Batch


@dataclass(frozen=True)
class TaskForm:
    """The form of one task; `inputs` stand in the order of the task's slots, a conversation's is its system message."""

    task: Task
    inputs: tuple[Component, ...]
    params: Form[Any]
    run: gr.Button
    stop: gr.Button
    reset: gr.Button
    link: gr.Button
    kept: gr.Button
    examples: tuple[tuple[gr.Button, Example], ...]

    @property
    def chats(self) -> bool:
        """Whether it is a conversation."""
        return is_chat(self.task)

    def read(self, given: tuple[Any, ...]) -> dict[str, Any]:
        """The inputs by slot; raises `InvalidInput` for what cannot be read."""
        pairs = zip(self.task.inputs, given, strict=True)
        return {slot.name: modalities.read(slot, value) for slot, value in pairs}


def is_chat(task: Task) -> bool:
    """Whether a task's input is a conversation."""
    return chat_slot(task) is not None


def chat_slot(task: Task) -> Slot | None:
    """The input that is a conversation, if there is one."""
    return next((slot for slot in task.inputs if slot.modality is Modality.CHAT), None)


def spoken_slot(task: Task) -> Slot | None:
    """The input that is what a visitor says now, where the conversation before it is one of its own."""
    chat = chat_slot(task)
    if chat is None or not chat.optional:
        return None
    return next(slot for slot in task.inputs if slot.modality is Modality.TEXT)


def model_part() -> ModelPart:
    """Task, model and what is known of it."""
    task = gr.HTML(picker.button(next(iter(TASKS.values()))), elem_classes="task-field")
    with gr.Group(elem_classes="model-group"):
        model = gr.Dropdown(
            [],
            label="Model",
            info="From the starter kit, your own (artifact:ID), or any Hub id.",
            allow_custom_value=True,
            elem_classes=["field", "wide", "at-model"],
        )
        facts = gr.HTML(elem_classes="model-facts")
        provider = gr.Dropdown(
            [("On this machine", LOCAL)],
            value=LOCAL,
            label="Where it runs",
            info="Inference Providers run Hub models elsewhere, for your account.",
            visible=False,
            elem_classes=["field", "wide", "at-provider"],
        )
    return task, model, facts, provider


def search_part() -> Search:
    """Filters, and what was found."""
    with gr.Accordion("Find a model on the Hub", open=False, visible=False, elem_classes="folded") as fold:
        with gr.Group():
            words = gr.Textbox(label="Words", placeholder="For example: multilingual", max_lines=1)
            sort = gr.Radio(
                [("Downloads", "downloads"), ("Likes", "likes"), ("Trending", "trending")],
                value="downloads",
                label="Most first",
            )
            with gr.Row():
                license = gr.Textbox(label="Licence", placeholder="any", max_lines=1, min_width=120)
                size = number(label="At most (MB)", value=None, minimum=0, min_width=120)
        look = gr.Button("Search", size="md")
        found = gr.HTML()
        take = gr.Textbox(elem_id="take-model", elem_classes="offstage", label="Chosen model")
    return Search(fold, words, sort, license, size, look, found, take)


def chat_part() -> Chat:
    """A conversation with its box and buttons."""
    with gr.Column(visible=False, elem_classes="chat") as column:
        log = gr.Chatbot(
            label="Conversation", height=460, buttons=["copy", "copy_all"], feedback_options=None, layout="bubble",
            placeholder="What the model says stands here.",
        )  # fmt: skip
        with gr.Group(elem_classes="message-row"):
            message = gr.Textbox(
                label="Message",
                placeholder="Write a message. Enter sends it, Shift+Enter begins a line.",
                lines=1,
                max_lines=8,
                interactive=True,
                elem_classes=["field", "wide", "at-message"],
            )
        with gr.Row(elem_classes="actions-row"):
            send = gr.Button("Send", variant="primary", size="md", elem_classes="main-action")
            stop = gr.Button("Stop", variant="stop", size="md", visible="hidden")
            retry = gr.Button("Try again", size="md")
            clear = gr.Button("Clear", size="md")
    return Chat(column, log, message, send, stop, retry, clear)


def form(draft: Draft) -> TaskForm:
    """Inputs, examples, parameters and the buttons of one task."""
    task = draft.task
    with gr.Group(elem_classes="inputs"):
        inputs = tuple(_input(task, slot, draft.inputs.get(slot.name)) for slot in task.inputs)
    with gr.Row(elem_classes="examples", visible=bool(task.examples)):
        examples = tuple(_example(one) for one in task.examples)
    fields = dict(leaf_fields(task.params))
    needed = any(field.is_required() for field in fields.values())
    opened = needed or bool(draft.params)
    with gr.Accordion("Settings", open=opened, elem_classes="folded settings", visible=bool(fields)):
        params = Form[Any](task.params, defaults=draft.params, key=task.id)
    with gr.Row(elem_classes="actions-row run-row"):
        run = gr.Button("Run", variant="primary", size="lg", visible=not is_chat(task), elem_classes="main-action")
        stop = gr.Button("Stop", variant="stop", size="lg", visible="hidden")
        reset = gr.Button("Reset", size="lg")
        link = gr.Button("Copy link", size="lg", elem_id="copy-link")
    kept = gr.Button("Keep", elem_id="keep-now", visible="hidden")  # studio.js presses it once the form is there
    made = TaskForm(task, inputs, params, run, stop, reset, link, kept, examples)
    gr.HTML(_kept(made), elem_classes="offstage")
    return made


def _input(task: Task, slot: Slot, value: Any) -> Component:
    key = f"{task.id}:{slot.name}"
    if slot == spoken_slot(task):  # the message under the conversation
        return gr.Textbox(label=slot.label, visible=False, **keyed(key))
    if slot.modality is not Modality.CHAT:
        return modalities.input_for(slot, value, key)
    said = [one["content"] for one in value or () if one["role"] == "system"]
    return gr.Textbox(
        next(iter(said), ""),
        label="System message",
        info="How the model is to behave. Empty: as it was trained.",
        lines=2,
        max_lines=8,
        interactive=True,
        elem_classes=["field", "wide", f"at-{slot.name}"],
        **keyed(key),
    )


def _example(example: Example) -> tuple[gr.Button, Example]:
    files = [value for value in example.inputs.values() if isinstance(value, str) and value.endswith(PICTURES)]
    picture = EXAMPLES / files[0] if files else None
    icon = {"path": files[0], "url": _thumbnail(picture)} if picture is not None and picture.is_file() else None
    return gr.Button(example.title, size="sm", icon=icon, elem_classes="example"), example  # type: ignore[arg-type]


@cache
def _thumbnail(picture: Path) -> str:
    return thumbnail(picture.read_bytes())


def _kept(made: TaskForm) -> Html:
    """What studio.js needs to know to keep the form's values, and to tell the changed ones in the address."""
    names = dict(zip(made.params.fields, dict(leaf_fields(made.task.params)), strict=True))
    told = {
        "task": made.task.id,
        "inputs": [slot.name for slot in made.task.inputs if slot.modality not in MEDIA],
        "chat": chat.name if (chat := chat_slot(made.task)) else "",
        "params": [[key, names[key]] for key in made.params.fields],
        "defaults": made.params.shown({}),
    }
    return Html(f"<div data-form='{parts.text(json.dumps(told))}'></div>")
