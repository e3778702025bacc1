"""Cards of models and data sets: filled from the run, edited, checked, saved with the artifact, published with it."""

import secrets
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.core.types import Caller
from studio.jobs.artifacts import Artifact
from studio.service import Studio
from studio.ui import cards, parts
from studio.ui.events import caller_of, guarded, on_load
from studio.ui.page import Page
from studio.ui.parts import Html

LINES = 24


@dataclass(frozen=True)
class View:
    """The page's components."""

    empty: gr.HTML
    body: gr.Column
    artifact: gr.Dropdown
    facts: gr.HTML
    card: gr.Textbox
    preview: gr.Markdown
    problems: gr.HTML
    save: gr.Button
    refill: gr.Button
    account: gr.HTML
    owner: gr.Dropdown
    name: gr.Textbox
    private: gr.Checkbox
    publish: gr.Button
    key: gr.State
    push: gr.HTML
    delete: gr.Button
    confirm: gr.Button
    keep: gr.Button


def layout() -> View:
    """Artifact on top; card on the left, publishing on the right."""
    empty = gr.HTML()
    with gr.Column(visible=False) as body:
        artifact = gr.Dropdown([], label="Result", info="What your jobs have made.", interactive=True)
        facts = gr.HTML()
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=360):
                with gr.Tabs():
                    with gr.Tab("Edit"):
                        card = gr.Textbox(
                            label="Card",
                            info="Markdown with YAML metadata between the two --- lines.",
                            lines=LINES,
                            max_lines=LINES,
                            elem_classes="mono",
                            interactive=True,
                        )
                    with gr.Tab("Preview"):
                        preview = gr.Markdown()
                problems = gr.HTML()
                with gr.Row():
                    save = gr.Button("Save card", variant="primary")
                    refill = gr.Button("Fill again from the run")
            with gr.Column(scale=2, min_width=320):
                account = gr.HTML()
                with gr.Group():
                    owner = gr.Dropdown([], label="Owner", info="You or one of your organizations.", interactive=True)
                    name = gr.Textbox(label="Repository", info="Letters, digits, - _ and . make the name.")
                    private = gr.Checkbox(
                        value=True, label="Private", info="Only you, or the organization, can see it."
                    )
                publish = gr.Button("Publish", variant="primary")
                push = gr.HTML()
                delete = gr.Button("Delete this result")
                with gr.Row():
                    confirm = gr.Button("Delete for good", variant="stop", visible=False)
                    keep = gr.Button("Keep it", visible=False)
    key = gr.State("")
    return View(
        empty,
        body,
        artifact,
        facts,
        card,
        preview,
        problems,
        save,
        refill,
        account,
        owner,
        name,
        private,
        publish,
        key,
        push,
        delete,
        confirm,
        keep,
    )


def build(studio: Studio) -> None:
    """Wire the page."""
    view = layout()
    opened = [view.facts, view.card, view.preview, view.problems, view.name, view.push]

    def open_artifact(caller: Caller, artifact_id: str) -> list[Any]:
        artifact = studio.artifact(caller, artifact_id)
        text = studio.card(caller, artifact_id)
        return [
            facts(artifact),
            text,
            cards.body_of(text),
            lint(studio, caller, artifact_id, text),
            cards.repository_name(artifact.manifest.title, artifact.id),
            pushes(studio, caller, artifact_id),
        ]

    @guarded
    def load(request: gr.Request) -> list[Any]:
        caller = caller_of(request, studio)
        found = [artifact for artifact in studio.artifacts(caller) if artifact.manifest.kind != "report"]
        if not found:
            return [nothing(), gr.update(visible=False), gr.skip(), *[gr.skip()] * len(opened), *[gr.skip()] * 4]
        wanted = dict(request.query_params).get("id", "")
        chosen = wanted if wanted in {artifact.id for artifact in found} else found[0].id
        menu = [(f"{artifact.manifest.title} · {artifact.id}", artifact.id) for artifact in found]
        first = ["", gr.update(visible=True), gr.update(choices=menu, value=chosen)]
        return [*first, *open_artifact(caller, chosen), *cards.signed_in(studio, caller), secrets.token_hex(8)]

    @guarded
    def choose(artifact_id: str, request: gr.Request) -> list[Any]:
        return open_artifact(caller_of(request, studio), artifact_id)

    @guarded
    def edited(artifact_id: str, text: str, request: gr.Request) -> list[Any]:
        return [cards.body_of(text), lint(studio, caller_of(request, studio), artifact_id, text)]

    @guarded
    def save(artifact_id: str, text: str, request: gr.Request) -> Html:
        caller = caller_of(request, studio)
        studio.save_card(caller, artifact_id, text)
        gr.Info("Card saved with the artifact.")
        return lint(studio, caller, artifact_id, text)

    @guarded
    def refill(artifact_id: str, request: gr.Request) -> list[Any]:
        caller = caller_of(request, studio)
        text = studio.card(caller, artifact_id, fresh=True)
        return [text, cards.body_of(text), lint(studio, caller, artifact_id, text)]

    @guarded
    def publish(request: gr.Request, **given: Any) -> list[Any]:
        caller, artifact_id = caller_of(request, studio), given["artifact"]
        studio.save_card(caller, artifact_id, given["card"])
        name = (given["name"] or "").strip()
        repo_id = f"{given['owner']}/{name}" if given["owner"] else name
        studio.publish(caller, artifact_id, repo_id, private=given["private"], key=given["key"])
        return [pushes(studio, caller, artifact_id), secrets.token_hex(8)]

    first = [view.empty, view.body, view.artifact, *opened, view.account, view.owner, view.publish, view.key]
    on_load(load, outputs=first)
    view.artifact.input(choose, view.artifact, opened, api_visibility="private")
    view.card.blur(edited, [view.artifact, view.card], [view.preview, view.problems], api_visibility="private")
    view.save.click(save, [view.artifact, view.card], view.problems, api_visibility="private")
    view.refill.click(refill, view.artifact, [view.card, view.preview, view.problems], api_visibility="private")
    wanted = {name: getattr(view, name) for name in ("artifact", "card", "owner", "name", "private", "key")}
    view.publish.click(publish, inputs_kwargs=wanted, outputs=[view.push, view.key], api_visibility="private")
    wire_deleting(studio, view)


def wire_deleting(studio: Studio, view: View) -> None:
    """Delete in two steps, and back out of it; choosing another result backs out too."""

    @guarded
    def delete(artifact_id: str, request: gr.Request) -> None:
        studio.delete_artifact(caller_of(request, studio), artifact_id)

    steps = [view.delete, view.confirm, view.keep]
    ask = [gr.update(visible=False), gr.update(visible=True), gr.update(visible=True)]
    rest = [gr.update(visible=True), gr.update(visible=False), gr.update(visible=False)]
    view.delete.click(lambda: ask, outputs=steps, api_visibility="private")
    gr.on([view.keep.click, view.artifact.input], lambda: rest, outputs=steps, api_visibility="private")
    deleted = view.confirm.click(delete, view.artifact, api_visibility="private")
    deleted.success(js="() => { location.assign('/cards') }")


def facts(artifact: Artifact) -> Html:
    """What the result is worth."""
    manifest = artifact.manifest
    if manifest.kind == "dataset":
        return data_facts(artifact)
    pairs: list[tuple[object, object]] = [(name, f"{value:.3f}") for name, value in manifest.metrics.items()]
    pairs += [(f"{name} (baseline)", f"{value:.3f}") for name, value in manifest.baselines.items()]
    pairs += [("Size", parts.format_bytes(artifact.bytes)), ("Trained in", parts.format_duration(manifest.seconds))]
    links = parts.join(
        [
            parts.link("Try it in the playground", f"/playground?task={manifest.task}&model=artifact:{artifact.id}"),
            Html(" · "),
            parts.link("The run", f"/jobs?id={manifest.job}"),
        ]
    )
    return parts.panel(manifest.title, parts.key_values(pairs), links)


def data_facts(artifact: Artifact) -> Html:
    """What a data set is, and where it can be looked at."""
    manifest = artifact.manifest
    pairs: list[tuple[object, object]] = [
        (name.replace("_", " ").capitalize(), f"{value:,.6g}") for name, value in manifest.metrics.items()
    ]
    pairs += [("Size", parts.format_bytes(artifact.bytes)), ("Made in", parts.format_duration(manifest.seconds))]
    if manifest.data is not None:
        pairs.append(("Made from", manifest.data.id))
    look = parts.link("Look into it", f"/datasets?ref=artifact:{artifact.id}")
    links = parts.join([look, Html(" · "), parts.link("The job", f"/jobs?id={manifest.job}")])
    return parts.panel(manifest.title, parts.key_values(pairs), links)


def lint(studio: Studio, caller: Caller, artifact_id: str, text: str) -> Html:
    """What the linter says."""
    return cards.problems(studio.lint_card(text, studio.card_kind(caller, artifact_id)))


def pushes(studio: Studio, caller: Caller, artifact_id: str) -> Html:
    """The latest push of an artifact, live; and where it was published."""
    manifest = studio.artifact(caller, artifact_id).manifest
    links = [cards.published(url) for url in manifest.published[-1:]]
    job = cards.newest_push(studio, caller, [artifact_id, f"artifact:{artifact_id}"])
    return parts.join([*([cards.push_panel(job)] if job else []), *links])


def nothing() -> Html:
    """Before the first artifact."""
    return parts.empty_state(
        "Nothing to describe yet",
        "A model card is filled from a finished run.",
        ("Fine-tune a model", "/fine-tune"),
        "card",
    )


PAGE = Page(
    "cards",
    "Model cards",
    "A card filled from the run, checked, and published with the model or data set.",
    "Ship",
    "card",
    build,
)
