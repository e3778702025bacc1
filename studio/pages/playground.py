"""Playground: pick a task and a model, give it an input, take the code home."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.core.types import Caller
from studio.service import Studio
from studio.tasks import TASKS
from studio.tasks.base import Task
from studio.ui import modalities, parts
from studio.ui.events import caller_of, guarded, on_load
from studio.ui.forms import Form
from studio.ui.page import Page
from studio.ui.parts import Html


@dataclass(frozen=True)
class TaskView:
    """The form of one task and its output."""

    task: Task
    column: gr.Column
    model: gr.Dropdown
    inputs: tuple[Component, ...]
    params: Form[Any]
    run: gr.Button
    output: Component
    facts: gr.HTML
    code: gr.Code


@dataclass(frozen=True)
class View:
    """The page's components."""

    task: gr.Dropdown
    views: tuple[TaskView, ...]


def layout(studio: Studio) -> View:
    """One form per task; the first is shown."""
    names = [(task.title, task.id) for task in TASKS.values()]
    chooser = gr.Dropdown(names, value=names[0][1], label="Task", info="What the model should do.")
    views = [task_layout(studio, task, shown=index == 0) for index, task in enumerate(TASKS.values())]
    return View(chooser, tuple(views))


def task_layout(studio: Studio, task: Task, *, shown: bool) -> TaskView:
    """Inputs on the left, output and code on the right."""
    with gr.Column(visible=shown) as column, gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=340):
            with gr.Group():
                model = gr.Dropdown(
                    menu(studio, task, Caller("local")),
                    label="Model",
                    info="From the starter kit, your own (artifact:ID), or a Hub id.",
                    allow_custom_value=True,
                )
                inputs = tuple(modalities.input_for(slot) for slot in task.inputs)
            with gr.Accordion("Settings", open=False):
                params = Form[Any](task.params)
            run = gr.Button("Run", variant="primary", size="lg")
            rows = [[example.inputs[slot.name] for slot in task.inputs] for example in task.examples]
            gr.Examples(
                rows,
                list(inputs),
                label="Examples",
                examples_per_page=20,
                example_labels=[example.title for example in task.examples],
            )
        with gr.Column(scale=3, min_width=340):
            output = modalities.output_for(task.output)
            facts = gr.HTML()
            with gr.Accordion("Show code", open=False):
                code = gr.Code(language="python", label="Python", interactive=False, buttons=["copy"])
    return TaskView(task, column, model, inputs, params, run, output, facts, code)


def menu(studio: Studio, task: Task, caller: Caller) -> list[tuple[str, str]]:
    """Models on offer: title and reference."""
    return [(f"{model.title} ({model.ref})", model.ref) for model in studio.models(caller, task.id)]


def build(studio: Studio) -> None:
    """Wire the page."""
    view = layout(studio)
    columns = [one.column for one in view.views]
    models = [one.model for one in view.views]

    def choose(task: str) -> list[Any]:
        return [gr.update(visible=one.task.id == task) for one in view.views]

    @guarded
    def load(request: gr.Request) -> list[Any]:
        query, caller = dict(request.query_params), caller_of(request, studio)
        known = [one.task.id for one in view.views]
        task = query["task"] if query.get("task") in known else known[0]
        updates = []
        for one in view.views:
            offered = menu(studio, one.task, caller)
            wanted = query.get("model", "") if one.task.id == task else ""
            updates.append(gr.update(choices=offered, value=wanted or (offered[0][1] if offered else None)))
        return [task, *choose(task), *updates]

    on_load(load, outputs=[view.task, *columns, *models])
    view.task.input(choose, view.task, columns, api_visibility="private")
    for one in view.views:
        wire(studio, one)


def wire(studio: Studio, view: TaskView) -> None:
    """Run: values → verb → what is shown."""
    task = view.task
    count = len(task.inputs)

    @guarded
    def run(request: gr.Request, model: str, *given: Any, **values: Any) -> tuple[Any, Html, str]:
        caller = caller_of(request, studio)
        inputs = {
            slot.name: modalities.read(slot, value) for slot, value in zip(task.inputs, given[:count], strict=True)
        }
        params = view.params.read(values)
        found = studio.predict(caller, task.id, inputs, params.model_dump(), model or "")
        facts = [("Time", parts.format_duration(found.seconds)), ("Device", found.device)]
        if found.load_seconds:
            facts.insert(0, ("Loading the model", parts.format_duration(found.load_seconds)))
        code = studio.snippet(caller, task.id, inputs, params.model_dump(), model or "")
        return modalities.render(task.output, found.output), parts.key_values(facts), code

    view.run.click(
        run,
        inputs=[view.model, *view.inputs],
        inputs_kwargs=dict(view.params.fields),
        outputs=[view.output, view.facts, view.code],
        validator=view.params.check,
        api_name=f"predict_{task.id.replace('-', '_')}",
        concurrency_limit=32,
    )


PAGE = Page(
    "playground", "Playground", "Try a model on your own input, then take the code home.", "Build", "play", build
)
