"""Models on offer for a task, what is known of one before it is loaded, and the search on the Hub."""

from contextlib import suppress
from typing import Any

import gradio as gr

from studio.core.errors import StudioError
from studio.core.types import Caller
from studio.hub.models import ModelFilters
from studio.inference.facts import ModelFacts
from studio.pages.playground import draft as drafts
from studio.pages.playground.view import LOCAL, Stage
from studio.service import Studio
from studio.tasks.base import Task
from studio.ui import parts
from studio.ui.events import caller_of, guarded
from studio.ui.parts import Html, join, text

MB = 1_000_000
MOST_WORDS = 220  # characters of a refusal beside the model; all of them stand in the result
FORMATS = {"safetensors": "safetensors", "pickle": "pickle", "other": "other weights"}


def menu(studio: Studio, caller: Caller, task: Task) -> list[tuple[str, str]]:
    """Title and reference: the kit's, the caller's own, what was used last, what the task names."""
    offered = [(f"{model.title} ({model.ref})", model.ref) for model in studio.models(caller, task.id)]
    known = {ref for _, ref in offered}
    recent = [(f"{ref} (used before)", ref) for ref in studio.recent_models(caller, task.id) if ref not in known]
    known |= {ref for _, ref in recent}
    there = studio.hub().reachable
    named = [(ref, ref) for ref in task.models if there and ref not in known and not ref.startswith("kit:")]
    return [*offered, *recent, *named]


def first(studio: Studio, task: Task) -> str:
    """The model that is chosen when nobody has chosen one; "" where there is none."""
    try:
        return studio.default_model(task.id)
    except StudioError:
        return ""


def about(studio: Studio) -> Any:
    """The handler that tells of a model, and where it can run."""

    @guarded
    def tell(model: str | None, draft: str, request: gr.Request) -> tuple[Any, Any]:
        task, caller = drafts.parse(draft).task, caller_of(request, studio)
        if not model:
            return nothing(studio, caller, task), gr.update(visible=False, value=LOCAL)
        return facts(studio.model_facts(caller, task.id, model)), hosts(studio, caller, task, model)

    return tell


def follow(studio: Studio, stage: Stage) -> None:
    """Facts follow the model. Wired with the form: what `gr.render` draws silences its events from before it."""
    stage.model.change(
        about(studio),
        [stage.model, stage.draft],
        [stage.facts, stage.provider],
        api_visibility="private",
        show_progress="hidden",
        trigger_mode="always_last",
    )


def wire(studio: Studio, stage: Stage) -> None:
    """The search fills the menu."""
    search = stage.search

    def look(draft: str, words: str, sort: Any, license: str, size: float | None, request: gr.Request) -> Html:
        task, caller = drafts.parse(draft).task, caller_of(request, studio)
        filters = ModelFilters(sort, (license or "").strip(), round(size * MB) if size else None)
        try:
            return listed(studio.search_models(caller, task.id, (words or "").strip(), filters))
        except StudioError as error:
            return parts.notice("bad", str(error))

    gr.on(
        [search.look.click, search.words.submit, search.license.submit],
        guarded(look),
        [stage.draft, search.words, search.sort, search.license, search.size],
        search.found,
        api_visibility="private",
        show_progress="minimal",
    )
    search.take.change(
        lambda ref: ref or gr.skip(), search.take, stage.model, api_visibility="private", show_progress="hidden"
    )


def nothing(studio: Studio, caller: Caller, task: Task) -> Html:
    """Why there is no model to choose."""
    where = parts.link("starter kit", f"/kit?task={task.id}")
    if any(one.entry.kind == "model" and task.id in one.entry.tasks for one in studio.kit(caller)):
        said = "A model for this task is an extra, which is not here yet. Add it on the page of the "
        return parts.notice("warn", join([said, where, "."]))
    said = "The starter kit holds none for this task" + (
        "" if studio.hub().reachable else ", and the Hub is out of reach"
    )
    return parts.notice(
        "warn", join([f"{said}. The ", where, " says what serves it; your own model or a Hub id works too."])
    )


def hosts(studio: Studio, caller: Caller, task: Task, model: str) -> Any:
    """Where else the model runs for this caller: Inference Providers ask for an account."""
    found: list[str] = []
    if not model.startswith(("kit:", "artifact:")) and studio.hub().reachable:
        with suppress(StudioError):  # nobody to ask is no reason for a message: it runs here all the same
            found = studio.providers(caller, task.id, model) if studio.account(caller) else []
    choices = [("On this machine", LOCAL), *[(name, name) for name in found]]
    return gr.update(choices=choices, value=LOCAL, visible=bool(found))


def facts(found: ModelFacts) -> Html:
    """One line: what it is, what it takes, and whether it can be used."""
    pieces: list[Html] = []
    if found.bytes:
        pieces.append(_fact(parts.format_bytes(found.bytes), "size of its files"))
    if found.memory_bytes:
        where = f" on {found.device}" if found.device else ""
        pieces.append(
            _fact(f"{parts.format_bytes(found.memory_bytes)} in memory", f"estimated, as {found.dtype}{where}")
        )
    if found.license:
        pieces.append(_fact(found.license, "licence"))
    if found.format and (found.format, found.source) != ("other", "kit"):  # what the kit brings can be used
        pieces.append(_fact(FORMATS.get(found.format, found.format), "how the weights are stored"))
    if found.downloads is not None:
        pieces.append(_fact(f"{found.downloads:,} downloads", "last month"))
    if found.likes is not None:
        pieces.append(_fact(f"{found.likes:,} likes", "on the Hub"))
    if found.gated:
        pieces.append(parts.chip("warn", "Gated"))
    line = Html(f'<p class="fact-line">{join(pieces)}</p>') if pieces else Html("")
    problem = parts.notice("bad", _cut(found.problem)) if found.problem else Html("")
    return join([line, problem])


def _cut(sentence: str) -> str:
    return sentence if len(sentence) <= MOST_WORDS else sentence[: sentence.rfind(" ", 0, MOST_WORDS)] + " …"


def _fact(value: str, meaning: str) -> Html:
    return Html(f'<span title="{text(meaning)}">{text(value)}</span>')


def listed(found: list[ModelFacts]) -> Html:
    """What the Hub has; a press takes it."""
    if not found:
        return parts.notice("info", "No model fits. Use fewer words, or drop a filter.")
    items = join(_listed(one) for one in found)
    return Html(f'<ul class="found-models">{items}</ul>')


def _listed(one: ModelFacts) -> Html:
    ref = text(one.ref)
    take = f'<button type="button" class="copy" data-take="{ref}" aria-label="Use {ref}">Use</button>'
    return Html(f"<li><div><b>{ref}</b>{facts(one)}</div>{take}</li>")
