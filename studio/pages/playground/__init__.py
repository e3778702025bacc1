"""Playground: pick a task and a model, give it an input, take the code home. The table of tasks makes the page."""

import json
from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.events import api

from studio.core.types import MEDIA
from studio.pages.playground import batching, chatting, comparing, models, picker, running
from studio.pages.playground import draft as drafts
from studio.pages.playground.draft import Draft
from studio.pages.playground.view import (
    MOST_COMPARED,
    ModelPart,
    Search,
    Stage,
    TaskForm,
    chat_part,
    chat_slot,
    form,
    is_chat,
    model_part,
    search_part,
    spoken_slot,
)
from studio.service import Studio
from studio.tasks import TASKS
from studio.tasks.base import Task
from studio.tasks.bodies import decoded, encoded
from studio.ui import modalities, parts
from studio.ui.events import caller_of, guarded, on_load
from studio.ui.page import Page
from studio.ui.parts import Html

PREDICTIONS = 32  # that one endpoint may have under way: as many as the worker puts into a batch


def build(studio: Studio) -> None:
    """Lay the page out and wire it."""
    gr.HTML(picker.dialog(), elem_classes="tasks-frame", apply_default_css=False)
    draft = gr.Textbox(elem_id="draft", elem_classes="offstage", label="Draft")
    pick = gr.Button("Open the chosen task", elem_id="pick-task", visible="hidden")
    with gr.Row(equal_height=False, elem_classes="playground"):
        with gr.Column(scale=5, min_width=320):
            task, model, facts, provider = model_part()
            search = search_part()
            place = gr.Column(elem_classes="task-form")
        with gr.Column(scale=6, min_width=320, elem_classes="outcome"):
            stage = results(draft, pick, (task, model, facts, provider), search)
    api(endpoint(studio), api_name="predict", concurrency_limit=PREDICTIONS)
    on_load(None, outputs=draft, js="() => window.studioPlayground.opened()")
    pick.click(None, None, draft, js="() => window.studioPlayground.picked()", api_visibility="private")
    offer(studio, stage)
    models.wire(studio, stage)
    batching.wire_data(studio, stage.batch, draft, lambda text: drafts.parse(text).task)
    with place:

        @gr.render(inputs=draft, triggers=[draft.change], show_progress="hidden")  # type: ignore[untyped-decorator]
        def show(text: str) -> None:
            chosen = drafts.parse(text)
            wire(studio, stage, form(chosen))


def results(draft: gr.Textbox, pick: gr.Button, model: ModelPart, search: Search) -> Stage:
    """The right half: tabs that stay when the task changes."""
    with gr.Tabs():
        with gr.Tab("Result"):
            result = gr.HTML(elem_classes="result", elem_id="result")
            chat = chat_part()
            figures = gr.HTML(elem_classes="figures")
        with gr.Tab("JSON"):
            raw = gr.HTML(elem_classes="result")
        with gr.Tab("Code"):
            code = gr.HTML(elem_classes="result", elem_id="code")
        with gr.Tab("Compare"):
            with gr.Group():
                compared = gr.Dropdown(
                    [],
                    label="Models",
                    info=f"Up to {MOST_COMPARED}; the input and the settings are those on the left.",
                    multiselect=True,
                    max_choices=MOST_COMPARED,
                    allow_custom_value=True,
                    interactive=True,
                    elem_classes=["field", "wide", "at-models"],
                )
            with gr.Row(elem_classes="actions-row"):
                compare = gr.Button("Compare", variant="primary", size="md")
                stop = gr.Button("Stop", variant="stop", size="md", visible="hidden")
            side_by_side = gr.HTML(elem_classes="result")
        with gr.Tab("Batch"):
            batch = batching.batch_part()
    compares = (compared, compare, stop, side_by_side)
    return Stage(draft, pick, *model, search, result, chat, figures, raw, code, *compares, batch)


def wire(studio: Studio, stage: Stage, made: TaskForm) -> None:
    """The events of a task's form, and of what stays for as long as it is this task's."""
    if made.chats:
        chatting.wire(studio, stage, made)
        extra = [stage.chat.log, stage.chat.message]
        comparing.wire(studio, stage, made, extra, lambda given: chatting.inputs(made, given[0], given[1], given[2:]))
    else:
        running.wire(studio, stage, made)
        comparing.wire(studio, stage, made, [], lambda given: made.read(tuple(given)))
    batching.wire(studio, stage.batch, stage.model, made)
    models.follow(studio, stage)
    keep(stage, made)
    for button, example in made.examples:
        fill(stage, made, button, example.inputs, example.params)
    fill(stage, made, made.reset, {}, {})
    made.link.click(None, None, None, js="() => { window.studioPlayground.copyLink(); }", api_visibility="private")


def fill(stage: Stage, made: TaskForm, button: gr.Button, inputs: Mapping[str, Any], params: Mapping[str, Any]) -> None:
    """A press sets every input and parameter; what was shown belonged to others, and goes."""
    slots, chat, spoken = made.task.inputs, chat_slot(made.task), spoken_slot(made.task)

    def set_all() -> list[Any]:
        said = list(inputs.get(chat.name) or ()) if chat else []
        values = [
            next((one["content"] for one in said if one["role"] == "system"), "")
            if slot == chat
            else modalities.fill(slot, inputs.get(slot.name))
            for slot in slots
        ]
        talk = [one for one in said if one["role"] != "system"]
        message = talk.pop()["content"] if talk and talk[-1]["role"] == "user" else ""
        message = inputs.get(spoken.name, "") if spoken else message
        shown = empty(made.task) if chat is None else ""
        return [*values, *made.params.shown(params), talk, message, shown, "", "", ""]

    button.click(
        set_all,
        None,
        [
            *made.inputs,
            *made.params.fields.values(),
            stage.chat.log,
            stage.chat.message,
            stage.result,
            stage.figures,
            stage.raw,
            stage.code,
        ],
        api_visibility="private",
        show_progress="hidden",
    )


def keep(stage: Stage, made: TaskForm) -> None:
    """Every change goes to the browser's own store and, where it is a setting, into the address."""
    pairs = zip(made.task.inputs, made.inputs, strict=True)
    typed = [component for slot, component in pairs if slot.modality not in MEDIA]
    fields = list(made.params.fields.values())
    watched: list[Any] = [stage.model, stage.chat.log, stage.chat.message, *typed, *fields]
    gr.on(
        [made.kept.click, *[component.change for component in watched]],
        None,
        watched,
        None,
        js=f"(...values) => {{ window.studioPlayground.keep({json.dumps(made.task.id)}, values); }}",
        api_visibility="private",
        show_progress="hidden",
    )


def offer(studio: Studio, stage: Stage) -> None:
    """What stays follows the task: its models, and room for its results."""
    outputs = [
        stage.task, stage.model, stage.search.fold, stage.search.found, stage.result, stage.chat.column,
        stage.chat.log, stage.chat.message, stage.figures, stage.raw, stage.code, stage.compared, stage.side_by_side,
        stage.batch.dataset, stage.batch.split, *stage.batch.columns, stage.batch.progress, stage.batch.download,
    ]  # fmt: skip

    @guarded
    def choose(text: str, request: gr.Request) -> list[Any]:
        chosen, caller = drafts.parse(text), caller_of(request, studio)
        task = chosen.task
        offered = models.menu(studio, caller, task)
        model = chosen.model or models.first(studio, task) or (offered[0][1] if offered else None)
        pair = list(dict.fromkeys(ref for ref in [model, *[ref for _, ref in offered]] if ref))[:2]
        chat, talk = is_chat(task), conversation(chosen)
        later, data = later_here(task), batching.fitting(studio, caller, task)
        return [
            picker.button(task),
            gr.update(choices=offered, value=model),
            gr.update(visible=studio.hub().reachable, open=False),
            "",
            "" if chat else empty(task),
            gr.update(visible=chat),
            talk,
            chosen.message,
            "",
            later,
            later,
            gr.update(choices=offered, value=pair),
            "",
            gr.update(choices=batching.offered(studio, caller), value=data),
            *batching.looked(studio, caller, task, data),
            "",
            gr.update(visible=False),
        ]

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    chosen = stage.draft.change(choose, stage.draft, outputs, **quiet)
    chosen.then(models.about(studio), [stage.model, stage.draft], [stage.facts, stage.provider], **quiet)


def conversation(chosen: Draft) -> list[dict[str, str]]:
    """What was said before, without the system message."""
    slot = chat_slot(chosen.task)
    return [one for one in chosen.inputs.get(slot.name, ()) if one["role"] != "system"] if slot else []


def empty(task: Task) -> Html:
    """What will stand where the result is to be."""
    return parts.empty_state(task.output.label, task.output.help or "The result will stand here.", picture="spark")


def later_here(task: Task) -> Html:
    """What the tabs hold before the first run."""
    return parts.empty_state("Nothing yet", f"Run it once: {task.output.label.lower()} comes with it.", picture="code")


def endpoint(studio: Studio) -> Any:
    """`/gradio_api/call/predict`: every task through one door, as REST has it."""

    @guarded
    def predict(task: str, inputs: Any, params: dict[str, Any], model: str, request: gr.Request) -> Any:
        """Run a model of a task.

        `inputs` is the value of the task's only input, or an object by input name; files are base64. `params` may
        be empty; `model` is "" for the default, "kit:ID", "artifact:ID" or a Hub id.
        """
        entry = TASKS[task]
        found = studio.predict(caller_of(request, studio), task, decoded(entry, inputs), params or {}, model or "")
        return encoded(entry.answer(found.output))

    return predict


PAGE = Page(
    "playground", "Playground", "Try a model on your own input, then take the code home.", "Build", "play", build
)
