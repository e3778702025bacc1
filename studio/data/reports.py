"""A report of what checks have found: as JSON, as Markdown that fits into a card, and as one page of HTML.

Cells of the data stand in it as text, whatever they hold: HTML is escaped, Markdown put between code marks. The page
loads nothing from anywhere.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any

from pydantic import TypeAdapter, ValidationError

from studio.core.errors import StudioError
from studio.data.checks.base import Evidence, Finding, percent, plural
from studio.data.pagestyle import STYLE
from studio.data.records import Basis

HEADING = "Data checks"
IN_CARD = 5  # finds of a check that stand in a card; the page shows all that were kept
MOST_COUNTS = 100  # lines of a table of counts
SIGNS = {"serious": "✖", "warning": "▲", "note": "●", "ok": "✔", "not run": "–"}
ORDER = list(SIGNS)
ROWS_FROM = "Rows are counted from 0 within their split."


@dataclass(frozen=True)
class Report:
    """What was examined, and what was found.

    Attributes:
        ref, title, revision, fingerprint: the data set, and its state then.
        splits: split → rows.
        created_at: seconds since 1970.
        seconds: how long it took; 0 is unknown.
    """

    ref: str
    title: str
    splits: Mapping[str, int]
    findings: tuple[Finding, ...]
    revision: str = ""
    fingerprint: str = ""
    created_at: float = 0
    seconds: float = 0
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def ordered(self) -> list[Finding]:
        """The gravest first, as the table has them within a severity."""
        return sorted(self.findings, key=lambda finding: ORDER.index(finding.severity))

    def summary(self) -> str:
        """How many checks came to what, in a sentence."""
        counts = {word: sum(finding.severity == word for finding in self.findings) for word in ORDER}
        named = [f"{count} {word}" for word, count in counts.items() if count]
        return f"{plural(len(self.findings), 'check')}: {', '.join(named)}." if named else "No check was run."


REPORT = TypeAdapter(Report)


def to_json(report: Report) -> str:
    """The whole report."""
    return json.dumps(asdict(report), ensure_ascii=False, indent=1)


def as_json(report: Report) -> dict[str, Any]:
    """A report as an answer: with its summary, and its section for a card."""
    return asdict(report) | {"summary": report.summary(), "markdown": markdown(report)}


def from_json(text: str) -> Report:
    """The report again; raises `StudioError` for anything else."""
    try:
        return REPORT.validate_json(text)
    except ValidationError:
        raise StudioError("This is no report of a data check, or it is damaged.") from None


def markdown(report: Report, shown: int = IN_CARD) -> str:
    """A section for a card, from its heading on."""
    return "\n".join(_lines(report, shown)).rstrip() + "\n"


def into_card(card: str, report: Report) -> str:
    """The card with this section: in the place of an earlier one, else at the end. Everything else stays."""
    section = markdown(report)
    earlier = re.search(rf"^## {HEADING}\n.*?(?=^#{{1,2}} |\Z)", card, re.M | re.S)
    if earlier:
        after = card[earlier.end() :]
        return card[: earlier.start()] + section + ("\n" + after if after else "")
    return card.rstrip("\n") + ("\n\n" if card.strip() else "") + section


def plain(text: str) -> str:
    """Text as it may stand in a line of Markdown: no markup of its own."""
    return re.sub(r"([\\`*_\[\]<>|#~&])", r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Text between code marks, where nothing is markup; a row of backticks in it is shorter than the marks."""
    flat = " ".join(text.split())
    longest = max((len(run) for run in re.findall("`+", flat)), default=0)
    marks = "`" * (longest + 1)
    gap = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{marks}{gap}{flat}{gap}{marks}"


def _lines(report: Report, shown: int) -> Iterator[str]:
    yield f"## {HEADING}"
    yield ""
    yield f"{report.summary()} {ROWS_FROM}"
    yield ""
    yield from (f"- {line}" for line in _facts(report, code))
    yield ""
    yield "| | check | result |"
    yield "|---|---|---|"
    for finding in report.ordered:
        yield f"| {SIGNS[finding.severity]} {finding.severity} | {plain(finding.title)} | {plain(finding.summary)} |"
    for finding in report.ordered:
        if finding.severity in {"ok", "not run"}:
            continue
        yield ""
        yield f"### {plain(finding.title)}"
        yield ""
        yield f"{plain(_basis(finding.basis))} {plain(finding.method)}"
        yield ""
        yield from (f"- {_where(one)}{': ' if one.rows else ''}{code(one.text)}" for one in finding.evidence[:shown])
        if finding.found > min(shown, len(finding.evidence)):
            yield f"- … {finding.found:,} in all"
        if finding.remedy:
            yield ""
            yield plain(_remedy(finding))


def _facts(report: Report, mark: Callable[[str], str]) -> Iterator[str]:
    rows = ", ".join(f"{mark(split)} {count:,}" for split, count in report.splits.items())
    yield f"data set: {mark(report.ref)}"
    if report.revision:
        yield f"revision: {mark(report.revision)}"
    if report.fingerprint:
        yield f"SHA-256 over its files: {mark(report.fingerprint)}"
    yield f"rows: {rows}"
    if report.created_at:
        yield f"checked: {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime(report.created_at))}"


def _basis(basis: Mapping[str, Basis]) -> str:
    """What the figures rest on, in a sentence."""
    if not basis:
        return ""
    if all(one.whole for one in basis.values()):
        return "All rows were read."
    parts = [f"{split} {one.rows_seen:,} of {one.rows_total:,}" for split, one in basis.items()]
    return f"A random sample was read: {', '.join(parts)} rows."


def _where(one: Evidence) -> str:
    """Split and rows, as plain text."""
    by_split: dict[str, list[int]] = {}
    for place in one.rows:
        by_split.setdefault(place.split, []).append(place.row)
    named = "; ".join(f"{plain(split)} {', '.join(map(str, rows))}" for split, rows in by_split.items())
    return named + (f" and {one.count - len(one.rows):,} more" if one.rows and one.count > len(one.rows) else "")


def _remedy(finding: Finding) -> str:
    steps = " and ".join(f'"{step}"' for step in dict.fromkeys(mend.step for mend in finding.mends))
    told = f" In a recipe: the step {steps}." if steps else ""
    return f"What to do: {finding.remedy}{told}"


def page(report: Report) -> str:
    """One self-contained page: its style is in it, its policy lets nothing else in."""
    title = f"{HEADING}: {report.title or report.ref}"
    body = "\n".join(_body(report))
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"{body}\n</main>\n</body>\n</html>\n"
    )


def _body(report: Report) -> Iterator[str]:
    yield f"<h1>{escape(HEADING)}</h1>"
    yield f"<p class=lead>{escape(report.title or report.ref)}</p>"
    yield f"<p>{escape(report.summary())} {escape(ROWS_FROM)}</p>"
    facts = "".join(f"<li>{line}</li>" for line in _facts(report, lambda text: f"<code>{escape(text)}</code>"))
    yield f"<ul class=facts>{facts}</ul>"
    yield "<table class=results><thead><tr><th>severity</th><th>check</th><th>result</th></tr></thead><tbody>"
    for finding in report.ordered:
        link = f'<a href="#{escape(finding.check)}">{escape(finding.title)}</a>'
        yield f"<tr><td>{_chip(finding)}</td><td>{link}</td><td>{escape(finding.summary)}</td></tr>"
    yield "</tbody></table>"
    for finding in report.ordered:
        yield from _section(finding)
    if report.versions:
        named = ", ".join(f"{package} {version}" for package, version in report.versions.items())
        yield f"<p class=small>Made with {escape(named)}.</p>"


def _chip(finding: Finding) -> str:
    word = finding.severity
    return f'<span class="chip {word.replace(" ", "-")}">{SIGNS[word]} {word}</span>'


def _section(finding: Finding) -> Iterator[str]:
    yield f'<section id="{escape(finding.check)}"><h2>{escape(finding.title)} {_chip(finding)}</h2>'
    yield f"<p>{escape(finding.summary)}</p>"
    if finding.figures:
        cells = "".join(
            f"<div><dt>{escape(name.replace('_', ' '))}</dt><dd>{_figure(name, value)}</dd></div>"
            for name, value in finding.figures.items()
        )
        yield f"<dl>{cells}</dl>"
    for name, counts in finding.counts.items():
        yield from _counts(name, counts)
    if finding.evidence:
        yield "<ol>"
        yield from (f"<li>{_place(one)}<code>{escape(one.text)}</code></li>" for one in finding.evidence)
        yield "</ol>"
        if finding.found > len(finding.evidence):
            yield f"<p class=small>{len(finding.evidence):,} of {finding.found:,} are shown.</p>"
    if finding.remedy:
        yield f"<p>{escape(_remedy(finding))}</p>"
    yield f"<p class=small>{escape(_basis(finding.basis))} {escape(finding.method)}</p></section>"


def _place(one: Evidence) -> str:
    return f"<b>{escape(_where(one))}</b> " if one.rows else ""


def _figure(name: str, value: float) -> str:
    if name.endswith("share"):
        return percent(value, 1)
    return f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"


def _counts(name: str, counts: Mapping[str, int]) -> Iterator[str]:
    """A table with bars of CSS; what goes beyond its length is summed up."""
    most = max(counts.values(), default=1) or 1
    yield f"<details open><summary>{escape(name)}</summary><table class=counts><tbody>"
    for value, rows in list(counts.items())[:MOST_COUNTS]:
        bar = f'<span class=bar style="width:{100 * rows / most:.1f}%"></span>'
        yield f"<tr><td>{escape(value)}</td><td class=number>{rows:,}</td><td>{bar}</td></tr>"
    if len(counts) > MOST_COUNTS:
        rest = sum(list(counts.values())[MOST_COUNTS:])
        yield f"<tr><td>{len(counts) - MOST_COUNTS:,} others</td><td class=number>{rest:,}</td><td></td></tr>"
    yield "</tbody></table></details>"
