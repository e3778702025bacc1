"""Fine-tune: choose data, look at it, set what matters, start; everything is checked first."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from studio.core.errors import InvalidInput, StudioError
from studio.core.types import Caller
from studio.data import views as rows
from studio.data.content import FORMATS
from studio.engines import ENGINES
from studio.metrics import METRICS
from studio.recipes import RECIPES
from studio.recipes.base import AnyRecipe
from studio.service import Studio, Wishes
from studio.ui import parts
from studio.ui.events import caller_now, caller_of, guarded, on_load
from studio.ui.forms import Form
from studio.ui.page import Page
from studio.ui.parts import Html

PREVIEW_ROWS, PREVIEW_CHARACTERS = 5, 90
NARROW_COLUMNS = 4  # more of them are scrolled sideways
DATA_FILES = list(FORMATS)


@dataclass(frozen=True)
class RecipeView:
    """The form of one recipe, and what stands around it."""

    recipe: AnyRecipe
    column: gr.Column
    form: Form[Any]
    upload: gr.File | None
    preview: gr.HTML
    engine: gr.Dropdown
    push: gr.Textbox
    start: gr.Button
    key: gr.State
    job: gr.Textbox


@dataclass(frozen=True)
class View:
    """The page's components."""

    recipe: gr.Dropdown
    views: tuple[RecipeView, ...]


def layout(studio: Studio) -> View:
    """One form per training recipe; the first is shown."""
    recipes = [recipe for recipe in RECIPES.values() if recipe.kind == "train"]
    names = [(recipe.title, recipe.name) for recipe in recipes]
    chooser = gr.Dropdown(names, value=recipes[0].name, label="What to train", visible=len(recipes) > 1)
    return View(chooser, tuple(recipe_layout(studio, recipe, shown=recipe is recipes[0]) for recipe in recipes))


def recipe_layout(studio: Studio, recipe: AnyRecipe, *, shown: bool) -> RecipeView:
    """Form on the left, data preview on the right."""
    local = Caller("local")
    choices: dict[str, list[Any]] = {
        "dataset": [(info.title, info.ref) for info in studio.datasets(local)],
        "model": [(model.title, model.ref) for model in studio.base_models(local)],
        "metric": list(METRICS),
    }
    with gr.Column(visible=shown) as column, gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=380):
            form = Form[Any](recipe.params, by_hint(recipe, choices))
            with gr.Accordion("After the run, and where it runs", open=False), gr.Group():
                push = gr.Textbox(
                    label="Publish to",
                    placeholder="owner/name",
                    info="Push the result to this private repository on the Hub when it is ready. Empty: keep it here.",
                )
                engine = gr.Dropdown(list(ENGINES), value="local", label="Engine", info="Where the job runs.")
            job = gr.Textbox(
                elem_classes="offstage", label="Job"
            )  # a State would stay on the server, out of the script's reach
            start = gr.Button("Start training", variant="primary", size="lg")
        with gr.Column(scale=2, min_width=320, elem_classes="first-on-phones"):
            upload = None
            if hinted(recipe, "dataset"):
                upload = gr.File(
                    label="Use your own data: CSV, JSON, Parquet, Arrow, text, SQLite or a ZIP",
                    file_types=DATA_FILES,
                    height=150,
                )
            preview = gr.HTML()
    return RecipeView(recipe, column, form, upload, preview, engine, push, start, gr.State(""), job)


def build(studio: Studio) -> None:
    """Wire the page."""
    view = layout(studio)
    columns = [one.column for one in view.views]

    def choose(name: str) -> list[Any]:
        return [gr.update(visible=one.recipe.name == name) for one in view.views]

    @guarded
    def load(request: gr.Request) -> list[Any]:
        wanted = dict(request.query_params).get("recipe", "")
        known = [one.recipe.name for one in view.views]
        name = wanted if wanted in known else known[0]
        return [name, *choose(name)]

    on_load(load, outputs=[view.recipe, *columns])
    view.recipe.input(choose, view.recipe, columns, api_visibility="private")
    for one in view.views:
        wire(studio, one)


def wire(studio: Studio, view: RecipeView) -> None:
    """The events of one recipe's form."""
    recipe, form = view.recipe, view.form

    @guarded
    def start(request: gr.Request, push: str | None, engine: str, key: str, **values: Any) -> tuple[str, str]:
        params = form.read(values)
        wishes = Wishes(key or secrets.token_hex(8), (push or "").strip(), engine)
        job = studio.submit(caller_of(request, studio), recipe.name, params.model_dump(), wishes)
        return job.id, secrets.token_hex(8)

    def problems(params: Any) -> list[InvalidInput]:
        return studio.validate(caller_now(studio), recipe.name, params.model_dump())

    # the key makes a double click harmless: both clicks carry the same one
    on_load(lambda: secrets.token_hex(8), outputs=view.key)
    view.start.click(
        start,
        inputs=[view.push, view.engine, view.key],
        inputs_kwargs=dict(form.fields),
        outputs=[view.job, view.key],
        validator=form.checker(problems),
        api_name=f"train_{recipe.name.replace('-', '_')}",
    ).success(js="(id) => { window.location.assign('/jobs?id=' + id) }", fn=None, inputs=view.job)
    if hinted(recipe, "dataset"):
        wire_data(studio, view)


def wire_data(studio: Studio, view: RecipeView) -> None:
    """Choosing data fills splits and columns by itself and shows the first rows."""
    fields = view.form.fields
    dataset = fields[hinted(view.recipe, "dataset")[0]]
    followers = [fields[key] for key in hinted(view.recipe, "split") + hinted(view.recipe, "column")]

    @guarded
    def chosen(ref: str, request: gr.Request) -> list[Any]:
        return [
            *mapped(studio, view.recipe, ref, caller_of(request, studio)),
            look(studio, ref, caller_of(request, studio)),
        ]

    @guarded
    def uploaded(path: str | None, request: gr.Request) -> list[Any]:
        if path is None:
            return [gr.skip()] * (len(followers) + 2)
        caller = caller_of(request, studio)
        info = studio.upload(caller, Path(path), Path(path).name)
        listed = [(known.title, known.ref) for known in studio.datasets(caller)]
        return [
            gr.update(choices=listed, value=info.ref),
            *mapped(studio, view.recipe, info.ref, caller),
            look(studio, info.ref, caller),
        ]

    @guarded
    def load(ref: str, request: gr.Request) -> list[Any]:
        caller = caller_of(request, studio)
        listed = [(known.title, known.ref) for known in studio.datasets(caller)]
        query = dict(request.query_params)
        if query.get("dataset") and query.get("recipe", view.recipe.name) == view.recipe.name:
            ref = query["dataset"]
        picked = gr.update(choices=listed, value=ref)
        return [picked, *mapped(studio, view.recipe, ref, caller), look(studio, ref, caller)]

    on_load(load, inputs=dataset, outputs=[dataset, *followers, view.preview])
    picked = dataset.input(chosen, dataset, [*followers, view.preview], api_visibility="private")  # type: ignore[attr-defined]
    # says at the field what the preview says too: on a phone the preview is out of sight while one types
    picked.then(
        lambda _: None,
        dataset,
        validator=lambda ref: unreadable(studio, view, ref),
        api_visibility="private",
        show_progress="hidden",
    )
    if view.upload is not None:
        view.upload.upload(uploaded, view.upload, [dataset, *followers, view.preview], api_visibility="private")


def mapped(studio: Studio, recipe: AnyRecipe, ref: str, caller: Caller) -> list[Any]:
    """Choices and values for the split and column fields of a recipe, in the order of `hinted`."""
    splits, columns = hinted(recipe, "split"), hinted(recipe, "column")
    try:
        info = studio.dataset(caller, ref).info
        guess = studio.map_columns(caller, ref, next(iter(info.splits)))
    except StudioError:  # said in the preview
        return [gr.skip()] * (len(splits) + len(columns))
    named = {"train": "train", "eval": "validation", "test": "test"}
    updates = []
    for key in splits:
        wanted = named.get(key.rsplit("__", 1)[-1].split("_")[0], "train")
        names = list(info.splits)
        first = wanted if wanted in names else (names[0] if wanted == "train" else "")
        optional = [] if wanted == "train" else [("none", "")]
        updates.append(gr.update(choices=optional + [(name, name) for name in names], value=first))
    for key in columns:
        guessed = guess.label if key.endswith("label_column") else guess.text
        updates.append(gr.update(choices=[column.name for column in info.columns], value=guessed or None))
    return updates


def unreadable(studio: Studio, view: RecipeView, ref: str) -> Any:
    """The verdict on a data set's reference alone, in the words that the start button would have for it."""
    field = hinted(view.recipe, "dataset")[0]
    try:
        studio.dataset(caller_now(studio), ref)
    except StudioError as error:
        problem = InvalidInput(field, ref, reason(error))
        return view.form.errors([problem])[list(view.form.fields).index(field)]
    return gr.validate(True, "")


def reason(error: StudioError) -> str:
    """What went wrong, without the internal name of a field."""
    return error.expected if isinstance(error, InvalidInput) else str(error)


def look(studio: Studio, ref: str, caller: Caller) -> Html:
    """The first rows of a data set, its classes and its size; or why it cannot be read."""
    try:
        info = studio.dataset(caller, ref).info
        split = "train" if "train" in info.splits else next(iter(info.splits))
        page = studio.view(caller, ref, rows.View(split=split, limit=PREVIEW_ROWS))
        guess = studio.map_columns(caller, ref, split)
        balance = studio.column(caller, ref, split, guess.label).top if guess.label else []
    except StudioError as error:
        return parts.panel("Preview", parts.notice("bad", reason(error)))
    facts = [("Columns", ", ".join(page.columns))]
    facts += [("Rows", ", ".join(f"{name} {rows:,}" for name, rows in info.splits.items()))]
    facts += [("Licence", info.license or "not stated"), ("Size", parts.format_bytes(info.bytes))]
    # beside the form there is room for what will be learned, not for every column
    shown = [name for name in (guess.label, guess.text) if name] or list(page.columns)
    cells = [[cell(row[page.columns.index(name)]) for name in shown] for row in page.rows]
    pieces = [
        *([parts.notice("warn", info.partial)] if info.partial else []),
        parts.key_values(facts),
        parts.table(shown, cells, f"First rows of {split}", wide=len(shown) > NARROW_COLUMNS),
    ]
    if balance:
        total = max(1, info.splits[split])
        shares = [(f"{label} ({count:,})", count / total) for label, count in balance[:12]]
        pieces.append(parts.panel(f"Classes in {guess.label}", parts.share_bars(shares)))
    return parts.panel(info.title, parts.join(pieces))


def cell(value: Any) -> str:
    """A value of a row, short enough for a preview."""
    shown = "" if value is None else str(value)
    return shown if len(shown) <= PREVIEW_CHARACTERS else shown[: PREVIEW_CHARACTERS - 1] + "…"


def hinted(recipe: AnyRecipe, hint: str) -> list[str]:
    """Form keys (group__field) of the fields whose `widget` hint this is."""
    return [name.replace(".", "__") for name, found in hints(recipe).items() if found == hint]


def hints(recipe: AnyRecipe) -> dict[str, str]:
    """Dotted field → its `widget` hint."""
    found: dict[str, str] = {}

    def walk(model: Any, prefix: str) -> None:
        for name, field in model.model_fields.items():
            if hasattr(field.annotation, "model_fields"):
                walk(field.annotation, f"{prefix}{name}.")
            elif isinstance(field.json_schema_extra, Mapping) and "widget" in field.json_schema_extra:
                found[prefix + name] = str(field.json_schema_extra["widget"])

    walk(recipe.params, "")
    return found


def by_hint(recipe: AnyRecipe, choices: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Dotted field → what to choose from, for every field with a hint that has choices."""
    return {name: choices[hint] for name, hint in hints(recipe).items() if hint in choices}


PAGE = Page(
    "fine-tune",
    "Fine-tune",
    "Choose data and a base model, train a LoRA adapter on it, keep the best.",
    "Build",
    "tune",
    build,
)
