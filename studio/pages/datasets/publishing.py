"""Tab "Publish": the data as a file, and as a repository on the Hub with its card."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import gradio as gr
from gradio.components import Component

from studio.core.types import Caller
from studio.data.exporting import FORMATS, file_name
from studio.data.records import Dataset, DatasetInfo
from studio.hub.vocabulary import LICENSES, license_id
from studio.pages.datasets import address as addresses
from studio.pages.datasets.address import Address
from studio.pages.datasets.tabs import Kept, Tab
from studio.service import Studio
from studio.ui import cards, parts
from studio.ui.events import caller_of, guarded
from studio.ui.parts import Html, join, text

AT_ONCE = 2_000_000  # cells up to which a card is filled without being asked
TITLES = {"csv": "CSV", "jsonl": "JSON Lines", "parquet": "Parquet"}
OWN = ("upload", "artifact", "kit", "file")
LINES = 16
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


@dataclass(frozen=True)
class Part:
    """The tab's components."""

    exports: gr.HTML
    body: gr.Column
    account: gr.HTML
    owner: gr.Dropdown
    name: gr.Textbox
    license: gr.Dropdown
    private: gr.Checkbox
    fill: gr.Button
    publish: gr.Button
    push: gr.HTML
    card: gr.Textbox
    preview: gr.Markdown
    problems: gr.HTML
    key: gr.State


def layout() -> Part:
    """Files on top; the repository on the left, the card on the right."""
    exports = gr.HTML()
    with gr.Column() as body, gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            account = gr.HTML()
            with gr.Group():
                owner = gr.Dropdown([], label="Owner", info="You or one of your organizations.", interactive=True)
                name = gr.Textbox(label="Repository", info="Letters, digits, - _ and . make the name.", max_lines=1)
                license_ = gr.Dropdown(
                    ["", *sorted(LICENSES)], label="Licence", info="What others may do with it.", interactive=True
                )
                private = gr.Checkbox(value=True, label="Private", info="Only you, or the organization, can see it.")
            with gr.Row(elem_classes="actions-row"):
                publish = gr.Button("Publish", variant="primary", size="md")
                fill = gr.Button("Fill the card", size="md")
            push = gr.HTML()
        with gr.Column(scale=3, min_width=320):
            with gr.Tabs():
                with gr.Tab("Card"):
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
    key = gr.State("")
    return Part(
        exports, body, account, owner, name, license_, private, fill, publish, push, card, preview, problems, key
    )


def build(studio: Studio, query: gr.Textbox) -> tuple[Sequence[Component], Any]:
    """Lay out and wire."""
    part = layout()
    wire(studio, query, part)

    def shown(caller: Caller, address: Address, dataset: Dataset) -> list[Any]:
        info = dataset.info
        own = info.source in OWN
        small = sum(info.splits.values()) * len(info.columns) <= AT_ONCE
        card = filled(studio, caller, address.ref, "") if own and small else ["", "", ""]
        return [
            exports(address, info, own),
            gr.update(visible=own),
            *cards.signed_in(studio, caller),
            Kept(cards.repository_name(file_name(info.title), "data-set")),
            Kept(license_id(info.license)),
            pushes(studio, caller, address.ref),
            *map(Kept, card),
            secrets.token_hex(8),
        ]

    shown_in: list[Any] = [
        part.exports, part.body, part.account, part.owner, part.publish, part.name, part.license, part.push,
        part.card, part.preview, part.problems, part.key,
    ]  # fmt: skip
    return shown_in, shown


def wire(studio: Studio, query: gr.Textbox, part: Part) -> None:
    """Fill, edit, publish."""

    def fill(at: str, license: str | None, request: gr.Request) -> list[Any]:
        return filled(studio, caller_of(request, studio), addresses.parse(at).ref, license or "")

    def edited(text: str) -> list[Any]:
        return [cards.body_of(text), cards.problems(studio.lint_card(text, "dataset"))]

    def publish(request: gr.Request, **given: Any) -> list[Any]:
        caller, here = caller_of(request, studio), addresses.parse(given["query"])
        name = (given["name"] or "").strip()
        repo_id = f"{given['owner']}/{name}" if given["owner"] else name
        values = {"license": given["license"] or "", "card": given["card"] or ""}
        studio.publish(caller, here.ref, repo_id, private=given["private"], key=given["key"], values=values)
        return [pushes(studio, caller, here.ref), secrets.token_hex(8)]

    told = [part.card, part.preview, part.problems]
    part.fill.click(guarded(fill), [query, part.license], told, api_visibility="private", show_progress="minimal")
    part.license.input(guarded(fill), [query, part.license], told, **QUIET)
    part.card.blur(guarded(edited), part.card, [part.preview, part.problems], **QUIET)
    fields = ("owner", "name", "license", "private", "card", "key")
    wanted = {"query": query} | {name: getattr(part, name) for name in fields}
    part.publish.click(guarded(publish), inputs_kwargs=wanted, outputs=[part.push, part.key], api_visibility="private")


def filled(studio: Studio, caller: Caller, ref: str, license: str) -> list[Any]:
    """The card, its text as it will look, and what is wrong with it."""
    card = studio.dataset_card(caller, ref, license)
    return [card, cards.body_of(card), cards.problems(studio.lint_card(card, "dataset"))]


def exports(address: Address, info: DatasetInfo, own: bool) -> Html:
    """Links that download: this split as it is looked at, and all of them."""
    narrowed = bool(address.conditions or address.where)
    told = {"ref": address.ref, "split": address.split}
    view = address.narrowing()
    what = f"The rows of {address.split} that the filters leave" if narrowed else f"The split {address.split}"
    lines = [_links(what, told | view)]
    if len(info.splits) > 1:
        lines.append(_links("All splits, as a zip", {"ref": address.ref}))
    held = [column.name for column in info.columns if "BLOB" in column.type]
    notes = ["Cells are written as they are; a spreadsheet may take one that begins with = for a formula."]
    if held:
        notes.append(f"Pictures and sounds ({', '.join(held)}) need Parquet.")
    if not own:
        notes.append("It lies on the Hub already; publish what you have made of it.")
    body = join([*lines, Html(f'<p class="note">{text(" ".join(notes))}</p>')])
    return parts.panel("As a file", body)


def _links(what: str, told: dict[str, Any]) -> Html:
    links = join(
        Html(f'<a class="button" download href="{text(_place(told, form))}">{TITLES[form]}</a>') for form in FORMATS
    )
    return Html(f'<p class="exports"><span>{text(what)}</span> {links}</p>')


def _place(told: dict[str, Any], form: str) -> str:
    return f"/api/datasets/export?{urlencode({**told, 'format': form})}"


def pushes(studio: Studio, caller: Caller, ref: str) -> Html:
    """The latest push of a data set, live, and where it went."""
    job = cards.newest_push(studio, caller, [ref, ref.removeprefix("artifact:")])
    if job is None:
        return Html("")
    url = studio.published_at(caller, job)
    return join([cards.push_panel(job), *([cards.published(url)] if url else [])])


TAB = Tab("publish", "Publish", build)
