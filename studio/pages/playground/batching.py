"""A column of a data set, or of an uploaded file, through the chosen model: a job whose result is a data set."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import processing_utils
from gradio.utils import get_upload_folder

from studio.core.errors import InvalidInput, InvalidInputs, StudioError
from studio.core.types import Caller, Slot
from studio.data.content import FORMATS
from studio.jobs.job import Job, JobState
from studio.pages.playground.view import Batch, TaskForm
from studio.service import Studio, Wishes
from studio.tasks.base import Task
from studio.ui import parts
from studio.ui.events import caller_of, guarded
from studio.ui.live import job_time
from studio.ui.parts import Html

COLUMNS = 4  # inputs that a task may have
POLL = 1.0  # seconds between two looks whether a batch is over
DATA_FILES = list(FORMATS)
CSV = "result.csv"


def batch_part() -> Batch:
    """Data, columns, the start button, and room for the job."""
    with gr.Group():
        dataset = gr.Dropdown(
            [],
            label="Data",
            info="Of the starter kit, your own, or a Hub id. The model and the settings are those on the left.",
            allow_custom_value=True,
            interactive=True,
            elem_classes=["field", "wide", "at-dataset"],
        )
        with gr.Row():
            split = gr.Dropdown(
                [], label="Split", allow_custom_value=True, interactive=True, min_width=120,
                elem_classes=["field", "at-split"],
            )  # fmt: skip
            limit = gr.Number(
                0, label="Rows", info="0 takes all.", step=1, min_width=120, elem_classes=["field", "at-limit"]
            )
        columns = tuple(
            gr.Dropdown([], label="Column", allow_custom_value=True, interactive=True, visible=False,
                        elem_classes=["field", "wide", f"at-column-{number}"])
            for number in range(COLUMNS)
        )  # fmt: skip
    upload = gr.File(
        label="Or your own file: CSV, JSON, Parquet, Arrow, text, SQLite or a ZIP", file_types=DATA_FILES, height=150
    )
    with gr.Row(elem_classes="actions-row"):
        start = gr.Button("Start the batch", variant="primary", size="md")
        download = gr.DownloadButton("Download CSV", size="md", visible=False)
    progress = gr.HTML(elem_classes="result")
    job = gr.Textbox(elem_classes="offstage", label="Batch job")
    return Batch(dataset, upload, split, columns, limit, start, progress, download, job, gr.Timer(POLL, active=False))


def offered(studio: Studio, caller: Caller) -> list[tuple[str, str]]:
    """Data sets to choose from: title and reference."""
    return [(info.title, info.ref) for info in studio.datasets(caller)]


def fitting(studio: Studio, caller: Caller, task: Task) -> str | None:
    """The first data set of the kit that was made for a task, if there is one."""
    made = [one.entry.id for one in studio.kit(caller) if one.entry.kind == "dataset" and task.id in one.entry.tasks]
    known = [ref for _, ref in offered(studio, caller)]
    return next((ref for ref in known if ref in made), None)


def looked(studio: Studio, caller: Caller, task: Task, ref: str | None) -> list[Any]:
    """Updates for split and columns once a data set is chosen."""
    slots = task.inputs[:COLUMNS]
    try:
        info = studio.dataset(caller, ref).info if ref else None
    except StudioError:  # the start button says why
        info = None
    names = [column.name for column in info.columns] if info else []
    splits = list(info.splits) if info else []
    guessed = _guess(slots, names)
    updates = [
        gr.update(
            visible=True,
            label=f"Column for {slot.label.lower()}",
            choices=(["", *names] if slot.optional else names),
            value=guessed.get(slot.name, "" if slot.optional else None),
        )
        for slot in slots
    ]
    hidden = [gr.update(visible=False, value=None) for _ in range(COLUMNS - len(slots))]
    test = next((name for name in ("test", "validation") if name in splits), splits[0] if splits else None)
    return [gr.update(choices=splits, value=test), *updates, *hidden]


def _guess(slots: tuple[Slot, ...], names: list[str]) -> dict[str, str]:
    """Columns by name: an input's own, else for the first one the usual names of what is read, else the first."""
    found: dict[str, str] = {}
    for number, slot in enumerate(slots):
        usual = [slot.name, slot.label.lower(), slot.modality.value, *(["text", "inputs"] if not number else [])]
        wanted = next((name for word in usual for name in names if name.lower() == word), None)
        if wanted is None and not number and names:
            wanted = names[0]
        if wanted is not None and (not slot.optional or wanted.lower() == slot.name):
            found[slot.name] = wanted
    return found


def wire_data(studio: Studio, batch: Batch, draft: gr.Textbox, task_of: Any) -> None:
    """Choosing or uploading data fills split and columns; the clock follows the job. None of it depends on the form."""
    followers = [batch.split, *batch.columns]

    @guarded
    def chosen(ref: str | None, text: str, request: gr.Request) -> list[Any]:
        return looked(studio, caller_of(request, studio), task_of(text), ref)

    @guarded
    def uploaded(path: str | None, text: str, request: gr.Request) -> list[Any]:
        if path is None:
            return [gr.skip()] * (len(followers) + 1)
        caller = caller_of(request, studio)
        info = studio.upload(caller, Path(path), Path(path).name)
        data = gr.update(choices=offered(studio, caller), value=info.ref)
        return [data, *looked(studio, caller, task_of(text), info.ref)]

    @guarded
    def tick(job_id: str, request: gr.Request) -> tuple[Any, ...]:
        if not job_id:
            return gr.skip(), gr.skip(), gr.update(active=False)
        caller = caller_of(request, studio)
        job = studio.job(caller, job_id)
        if not job.state.finished:
            return gr.skip(), gr.skip(), gr.skip()  # the stream shows how far it is
        return shown(job), result(studio, caller, job), gr.update(active=False)

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    batch.dataset.input(chosen, [batch.dataset, draft], followers, **quiet)
    batch.upload.upload(uploaded, [batch.upload, draft], [batch.dataset, *followers], api_visibility="private")
    batch.clock.tick(tick, batch.job, [batch.progress, batch.download, batch.clock], **quiet)


def wire(studio: Studio, batch: Batch, model: gr.Dropdown, form: TaskForm) -> None:
    """The start button: the form's parameters, the chosen model, the chosen columns."""

    def check(*given: Any, **values: Any) -> list[Any]:
        verdicts = [gr.validate(True, "") for _ in given]
        try:
            form.params.read(values)
        except InvalidInputs as error:
            return verdicts + form.params.errors(error.problems)
        return verdicts + form.params.errors(())

    def start(
        request: gr.Request, model: str, data: str | None, split: str | None, limit: float | None, *columns: Any,
        **values: Any,
    ) -> tuple[Any, ...]:  # fmt: skip
        try:
            given = wish(form, model, (data, split, limit), columns, form.params.read(values).model_dump(mode="json"))
            job = studio.submit(caller_of(request, studio), "predict", given, Wishes(secrets.token_hex(8)))
        except StudioError as error:
            return refused(error, form.task), gr.update(visible=False), "", gr.update(active=False)
        return shown(job), gr.update(visible=False), job.id, gr.update(active=True)

    batch.start.click(
        guarded(start),
        inputs=[model, batch.dataset, batch.split, batch.limit, *batch.columns],
        inputs_kwargs=dict(form.params.fields),
        outputs=[batch.progress, batch.download, batch.job, batch.clock],
        validator=check,
        api_visibility="private",
        show_progress="minimal",
    )


def wish(
    form: TaskForm, model: str, data: tuple[str | None, str | None, float | None], columns: tuple[Any, ...],
    params: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """The parameters of the recipe, without what is as it always is."""
    first, *others = form.task.inputs
    usual = form.task.params.model_construct().model_dump(mode="json")
    chosen = dict(zip([slot.name for slot in form.task.inputs], columns, strict=False))
    return {
        "task": form.task.id,
        "model": model or "",
        "dataset": data[0] or "",
        "split": data[1] or "",
        "limit": int(data[2] or 0),
        "column": chosen.get(first.name) or "",
        "columns": {slot.name: chosen[slot.name] for slot in others if chosen.get(slot.name)},
        "parameters": {name: value for name, value in params.items() if name not in usual or value != usual[name]},
    }


def refused(error: StudioError, task: Task) -> Html:
    """Why a batch cannot start; studio.js marks the fields."""
    if isinstance(error, InvalidInput | InvalidInputs):
        problems = error.problems if isinstance(error, InvalidInputs) else (error,)
        places = {f"columns.{slot.name}": f"column-{number}" for number, slot in enumerate(task.inputs)}
        places |= {"column": "column-0", "columns": "column-1"}
        lines = [f"{one.field.partition('.')[0].capitalize()}: {one.expected}" for one in problems]
        fields = " ".join(places.get(one.field, one.field.replace(".", "__")) for one in problems)
        return parts.problem(parts.join(lines, "<br>"), fields)
    return parts.problem(str(error))


def shown(job: Job) -> Html:
    """A job's progress, kept up to date by the stream; once it is over, where its result is."""
    line = parts.join(
        [
            parts.slot("state", parts.state_chip(job)),
            Html("&nbsp; "),
            parts.slot("message", job.progress.message or job.waiting_for),
            Html("&nbsp; "),
            parts.slot("seconds", job_time(job)),
        ]
    )
    links = [parts.link("The job and its log", f"/jobs?id={job.id}")]
    done = Html("")
    if job.state is JobState.SUCCEEDED:
        done = parts.notice("good", f"Done. The result is among your data sets as artifact:{job.artifact}.")
    body = parts.live(job.id, line, parts.slot("progress", parts.job_progress(job)), parts.slot("error"))
    return parts.panel("", parts.join([body, done, Html(f'<p class="links">{parts.join(links, " · ")}</p>')]))


def result(studio: Studio, caller: Caller, job: Job) -> Any:
    """The CSV of a batch that is over, where the page may read it."""
    if job.state is not JobState.SUCCEEDED or not job.artifact:
        return gr.update(visible=False)
    file = studio.artifact(caller, job.artifact).path / CSV
    if not file.is_file():
        return gr.update(visible=False)
    return gr.update(visible=True, value=processing_utils.save_file_to_cache(file, get_upload_folder()))
