"""Reports: the same again from JSON, cells as text in HTML and Markdown, a section that fits into a card."""

import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pytest
from markdown_it import MarkdownIt

from studio.core.errors import StudioError
from studio.data import reports
from studio.data.checks import CHECKS, asking
from studio.data.checks.base import CheckParams, Evidence, Finding, Mend, RowNumber
from studio.data.records import Basis
from studio.data.reports import Report
from tests.unit.data.test_rows import dataset_of

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
NASTY = [
    SCRIPT,
    "`` ` `` | a | b",
    "[x](javascript:alert(1))",
    "# no heading\n## Data checks\n---",
    "&lt;b&gt;",
    "</code>",
]


def finding(text: str) -> Finding:
    return Finding(
        check="duplicates",
        title=text,
        severity="warning",
        summary=text,
        figures={"rows": 3, "rows_share": 0.25},
        basis={text: Basis(10, 20)},
        found=9,
        evidence=(Evidence((RowNumber(text, 4), RowNumber("train", 5)), text, 7, 0.5),),
        counts={text: {text: 3, "b": 1}},
        method=text,
        remedy=text,
        mends=(Mend("edit", {"split": text}),),
    )


def report(*texts: str) -> Report:
    return Report(
        texts[0], texts[0], {texts[0]: 20}, tuple(map(finding, texts)), texts[0], "ab", 1.0, 2.0, {"duckdb": "2"}
    )


class Tags(HTMLParser):
    """Every tag and attribute, and the text between them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    return tags


def test_json_gives_the_same_report_again() -> None:
    one = report("plain")
    assert reports.from_json(reports.to_json(one)) == one
    for broken in ("", "{}", "[1]", reports.to_json(one)[:-9]):
        with pytest.raises(StudioError, match="no report"):
            reports.from_json(broken)


@pytest.mark.parametrize("text", NASTY)
def test_cells_are_text_on_the_page(text: str) -> None:
    html = reports.page(report(text))
    tags = parsed(html)
    assert not tags.tags & {"script", "img", "iframe", "link", "object", "form"}
    assert not any(name.startswith("on") for name, _ in tags.attributes)
    links = [value for name, value in tags.attributes if name in {"href", "src"}]
    assert all(value.startswith("#") for value in links)
    assert text in tags.text
    assert "default-src 'none'" in html


def test_the_page_stands_alone_and_prints() -> None:
    html = reports.page(report("plain"))
    assert not re.search(r"https?://|url\(|@import", html)
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html
    assert "25.0 %" in html
    assert "1 of 9 are shown." in html
    assert "plain 10 of 20 rows" in html


@pytest.mark.parametrize("text", NASTY)
def test_cells_are_text_in_markdown(text: str) -> None:
    written = reports.markdown(report(text))
    tags = parsed(MarkdownIt("commonmark", {"html": True}).enable("table").render(written))
    assert tags.tags <= {"h2", "h3", "p", "ul", "li", "code", "table", "thead", "tbody", "tr", "th", "td"}
    assert tags.text.count("Data checks") >= 1
    assert len(re.findall(r"^## ", written, re.M)) == 1
    assert " ".join(text.split()) in " ".join(tags.text.split())


def test_code_marks_are_longer_than_what_is_between_them() -> None:
    assert reports.code("a") == "`a`"
    assert reports.code("a `b`") == "`` a `b` ``"
    assert reports.plain("a_b <c>") == r"a\_b \<c\>"


def test_the_section_of_a_card_is_replaced_and_the_rest_stays() -> None:
    one, other = report("one"), report("other")
    card = "---\nlicense: mit\n---\n\n# Name\n\nText.\n"
    first = reports.into_card(card, one)
    assert first == card + "\n" + reports.markdown(one)
    assert reports.into_card(first, one) == first
    middle = first + "\n## Licence\n\nMIT\n"
    changed = reports.into_card(middle, other)
    assert reports.markdown(other) in changed
    assert reports.markdown(one) not in changed
    assert changed.startswith(card)
    assert changed.endswith("\n## Licence\n\nMIT\n")
    assert reports.into_card("", one) == reports.markdown(one)


def test_the_gravest_stands_first() -> None:
    quiet = dataclasses.replace(finding("quiet"), severity="ok")
    grave = dataclasses.replace(finding("grave"), severity="serious")
    one = dataclasses.replace(report("a"), findings=(quiet, finding("some"), grave))
    assert [entry.severity for entry in one.ordered] == ["serious", "warning", "ok"]
    assert one.summary() == "3 checks: 1 serious, 1 warning, 1 ok."
    assert dataclasses.replace(one, findings=()).summary() == "No check was run."


def test_scripts_in_real_cells_and_names_reach_no_reader(tmp_path: Path) -> None:
    rows = [SCRIPT, SCRIPT, "caf\ufffd " + SCRIPT, "schÃ¶n " + SCRIPT] * 30
    labels = [SCRIPT + str(place % 2) for place in range(120)]
    table = pa.table({"text " + SCRIPT: rows, "label": labels})
    dataset = dataset_of(tmp_path, train=[table], test=[table])
    findings = [
        asking.run(dataset, name, check.params(), lambda *_: None, lambda: None) for name, check in CHECKS.items()
    ]
    one = Report("test", "Test", dataset.info.splits, tuple(findings))
    assert sum(len(entry.evidence) for entry in findings) > 10
    tags = parsed(reports.page(one))
    assert not tags.tags & {"script", "img"}
    assert SCRIPT in tags.text
    rendered = parsed(MarkdownIt("commonmark", {"html": True}).enable("table").render(reports.markdown(one)))
    assert not rendered.tags & {"script", "img"}
    assert reports.from_json(reports.to_json(one)) == one


def test_a_refusal_is_a_finding_that_says_why(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, train=[pa.table({"n": [1, 2]})])
    refused = asking.run(dataset, "pii", CHECKS["pii"].params(columns=["n"]), lambda *_: None, lambda: None)
    assert (refused.severity, "text" in refused.summary) == ("not run", True)
    assert isinstance(asking.params_of("pii", {"columns": ["n"], "label": "x"}, {}), CheckParams)
