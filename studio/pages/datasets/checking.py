"""Tab "Checks": what may be wrong with the data, at once or as a job; each find leads to its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.core.errors import StudioError
from studio.core.types import Caller
from studio.data.checks import CHECKS
from studio.data.checks.base import Evidence, Finding, Mend, percent
from studio.data.records import Dataset
from studio.data.reports import Report
from studio.pages.datasets import address as addresses
from studio.pages.datasets import table
from studio.pages.datasets.address import Address
from studio.pages.datasets.tabs import Tab
from studio.service import Studio
from studio.ui import parts
from studio.ui.events import caller_of, guarded
from studio.ui.parts import Html, join, text

AUTO = "(the one that looks like it)"
TONES = {"ok": "good", "note": "info", "warning": "warn", "serious": "bad", "not run": "offline"}
SHOWN, COUNTS = 10, 12  # finds and lines of a table that are shown of a check
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


@dataclass(frozen=True)
class Part:
    """The tab's components."""

    chosen: gr.CheckboxGroup
    label: gr.Dropdown
    now: gr.Button
    job: gr.Button
    report: gr.HTML


def layout() -> Part:
    """Which checks, the two ways to run them, what they found."""
    light = [name for name in CHECKS if not CHECKS[name].heavy]
    with gr.Accordion("Which checks", open=False, elem_classes="folded"):
        chosen = gr.CheckboxGroup(
            [(one.title, one.id) for one in CHECKS.values()],
            value=light,
            label="Checks",
            info="Label errors and a few more train or load a model: they run as a job only.",
            elem_classes=["field", "wide"],
        )
        label = gr.Dropdown([AUTO], value=AUTO, label="Column of labels", interactive=True)
    with gr.Row(elem_classes="actions-row"):
        now = gr.Button("Check now", variant="primary", size="md")
        job = gr.Button("Check as a job", size="md")
    return Part(chosen, label, now, job, gr.HTML())


def build(studio: Studio, query: gr.Textbox) -> tuple[Sequence[Component], Any]:
    """Lay out and wire."""
    part = layout()

    def values(label: str | None) -> dict[str, Any]:
        return {} if not label or label == AUTO else {"label": label}

    def now(at: str, chosen: list[str], label: str, request: gr.Request) -> Html:
        here, caller = addresses.parse(at), caller_of(request, studio)
        try:
            light = [name for name in chosen if not CHECKS[name].heavy]
            left = [CHECKS[name].title for name in chosen if CHECKS[name].heavy]
            found = shown_report(here, studio.check_now(caller, here.ref, light, values(label)))
        except StudioError as error:
            return parts.notice("bad", str(error))
        if left:
            said = f"Run as a job only, and left out here: {', '.join(left)}."
            return join([parts.notice("info", said), found])
        return found

    def as_job(at: str, chosen: list[str], label: str, request: gr.Request) -> Html:
        here, caller = addresses.parse(at), caller_of(request, studio)
        job = studio.check(caller, here.ref, chosen, values(label))
        return table.job_panel(job, "The checks run; open this tab again when they are done")

    asked = [query, part.chosen, part.label]
    part.now.click(guarded(now), asked, part.report, api_visibility="private", show_progress="minimal")
    part.job.click(guarded(as_job), asked, part.report, **QUIET)

    def shown(caller: Caller, address: Address, dataset: Dataset) -> list[Any]:
        names = [one.name for one in dataset.info.columns if one.kind != "other"]
        return [gr.update(choices=[AUTO, *names], value=AUTO), latest(studio, caller, address)]

    return [part.label, part.report], shown


def latest(studio: Studio, caller: Caller, address: Address) -> Html:
    """The newest report over this data set, with its downloads; what a check is where there is none."""
    for artifact in studio.artifacts(caller):
        if artifact.manifest.kind == "report" and artifact.manifest.params.get("dataset") == address.ref:
            links = [
                parts.link(name, f"/api/reports/{artifact.id}/file?format={kind}")
                for name, kind in (("Report as a page", "html"), ("Markdown for the card", "md"), ("JSON", "json"))
            ]
            when = parts.format_time(artifact.manifest.created_at)
            head = Html(f'<p class="note">Checked {when} · {join(links, " · ")}</p>')
            return join([head, shown_report(address, studio.report(caller, artifact.id))])
    told = (
        "Duplicates, rows of test that also stand in train, personal data, outliers, languages, broken characters, "
        "doubtful labels. Nothing is changed; every find says which rows it means."
    )
    return parts.empty_state("Not checked yet", told, picture="check")


def shown_report(address: Address, report: Report) -> Html:
    """All findings, the gravest first."""
    summary = Html(f'<p class="note">{text(report.summary())} Rows are counted from 0 within their split.</p>')
    return join([summary, *(finding(address, one) for one in report.ordered)])


def finding(address: Address, one: Finding) -> Html:
    """What a check found, on how many rows it rests, and what to do."""
    chip = parts.chip(TONES[one.severity], one.severity)
    pieces: list[object] = [Html(f"<p>{text(one.summary)}</p>")]
    if one.severity == "not run":
        return parts.panel(one.title, join(pieces), chip)
    pieces += [_counts(name, counts) for name, counts in one.counts.items()]
    if one.evidence:
        pieces.append(Html(f'<ul class="finds">{join(_find(address, each) for each in one.evidence[:SHOWN])}</ul>'))
        if one.found > min(SHOWN, len(one.evidence)):
            shown = min(SHOWN, len(one.evidence))
            pieces.append(Html(f'<p class="note">{shown} of {one.found:,} are shown; the report has more.</p>'))
    if one.remedy:
        pieces.append(Html(f"<p>{text(one.remedy)}{join(_mend(address, each) for each in one.mends)}</p>"))
    pieces.append(Html(f'<p class="note">{text(_basis(one))} {text(one.method)}</p>'))
    return parts.panel(one.title, join(pieces), chip)


def _mend(address: Address, one: Mend) -> Html:
    """The way to the step's form, filled in, and to the split that it is about."""
    split = one.split or str(one.fields.get("split", "")) or address.split
    place = address.link(tab="mend", split=split, step=one.step, fields=one.fields, only=one.split, row=-1)
    what = f": {one.does}" if one.does else ""
    return Html(f' <a href="{text(place)}" data-go>Mend it</a> with the step “{text(one.step)}”{text(what)}.')


def _find(address: Address, one: Evidence) -> Html:
    rows = [
        Html(
            f'<a href="{text(address.link(tab="rows", split=place.split, row=place.row))}" data-go>'
            f"{text(place.split)} {place.row:,}</a>"
        )
        for place in one.rows[:6]
    ]
    more = f" and {one.count - len(rows):,} more" if rows and one.count > len(rows) else ""
    where = Html(f'<span class="ref">{join(rows, ", ")}{more}</span>') if rows else ""
    return Html(f"<li>{where}<span>{text(one.text)}</span></li>")


def _counts(name: str, counts: Any) -> Html:
    total = sum(counts.values()) or 1
    most = sorted(counts.items(), key=lambda item: -item[1])[:COUNTS]
    bars = parts.value_bars([(value[:80], rows / total, f"{rows:,} ({percent(rows, total)})") for value, rows in most])
    return Html(f'<details class="counts"><summary>{text(name)}</summary>{bars}</details>')


def _basis(one: Finding) -> str:
    if not one.basis or all(basis.whole for basis in one.basis.values()):
        return "Of all rows."
    seen = [f"{split} {basis.rows_seen:,} of {basis.rows_total:,}" for split, basis in one.basis.items()]
    return f"Of a random sample: {', '.join(seen)} rows."


TAB = Tab("checks", "Checks", build)
