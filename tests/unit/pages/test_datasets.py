"""The datasets page's address and markup: every place has a link that leads to it, and no cell is taken for markup."""

import html
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.checks.base import Finding, Mend
from studio.data.filters import Condition
from studio.data.records import Column
from studio.data.steps import STEPS
from studio.data.views import Page
from studio.pages.datasets import address as addresses
from studio.pages.datasets import checking, looking, table
from studio.pages.datasets.address import TABS, WAYS, Address

HERE = Address(ref="kit:x")
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=20).map(str.strip)
CONDITIONS = st.lists(
    st.builds(
        Condition,
        column=TEXT,
        op=st.sampled_from(["is", "in", "null"]),
        value=st.none() | TEXT | st.lists(TEXT, max_size=3).map(tuple) | st.booleans() | st.integers(-5, 5),
    ),
    max_size=3,
)
PLACES = st.builds(
    Address,
    ref=TEXT.filter(bool),
    split=TEXT,
    tab=st.sampled_from(TABS),
    q=TEXT,
    by=st.sampled_from(WAYS),
    conditions=CONDITIONS.map(tuple),
    where=TEXT,
    sort=TEXT,
    descending=st.booleans(),
    page=st.integers(0, 10**6),
    row=st.integers(-1, 10**9),
    step=st.sampled_from(["", *STEPS]),
    job=TEXT,
)


@settings(max_examples=200, deadline=None)
@given(place=PLACES)
def test_a_link_leads_to_the_same_place(place: Address) -> None:
    assert addresses.parse(place.link().partition("?")[2]) == place


@pytest.mark.parametrize(
    ("step", "fields"),
    [
        ("deduplicate", {"columns": ["a b", EVIL, "ünï"]}),
        ("deduplicate-near", {"column": "text", "threshold": 0.75, "shingle": 7}),
        ("drop-leaked", {"against": "train", "columns": [], "normal": True, "texts": ["t"], "threshold": 1.0}),
        ("remove-pii", {"columns": ["t"], "kinds": ["email"], "region": ""}),
        ("edit", {"delete": [1, 2]}),
    ],
)
def test_a_link_fills_the_form_of_a_step(step: str, fields: dict[str, Any]) -> None:
    place = Address(ref="kit:x", tab="mend", step=step, fields=fields)
    assert addresses.parse(place.link().partition("?")[2]) == place
    STEPS[step].params.model_validate(fields)


@pytest.mark.parametrize(
    ("step", "fields", "left"),
    [
        ("deduplicate", '{"columns": "text", "other": 1}', {}),
        ("deduplicate", '{"columns": [1]}', {}),
        ("deduplicate-near", '{"column": "", "threshold": 7, "shingle": 3}', {"shingle": 3}),
        ("deduplicate-near", "[]", {}),
        ("deduplicate-near", "{", {}),
        ("", '{"columns": ["a"]}', {}),
        ("mix", '{"columns": ["a"]}', {}),
        ("remove-pii", "[" * 5_000, {}),
    ],
)
def test_what_a_step_cannot_have_is_left_out(step: str, fields: str, left: dict[str, Any]) -> None:
    assert addresses.parse(urlencode({"ref": "kit:x", "step": step, "fields": fields})).fields == left


def test_a_find_leads_to_the_step_with_its_columns() -> None:
    mends = (Mend("remove-pii", {"columns": ["mail", EVIL]}, "test", f"rows of {EVIL}"),)
    found = Finding("pii", "Personal data", "warning", "Some.", remedy="Mask it.", mends=mends)
    markup = checking.finding(HERE, found)
    link = html.unescape(markup.partition('<a href="')[2].partition('"')[0])
    at = addresses.parse(link.partition("?")[2])
    assert (at.tab, at.step, at.fields) == ("mend", "remove-pii", {"columns": ["mail", EVIL]})
    assert (at.split, at.only) == ("test", "test")
    assert "<script" not in markup


@settings(max_examples=200, deadline=None)
@given(query=st.text(max_size=80) | st.dictionaries(st.sampled_from(list(vars(Address()))), TEXT).map(str))
def test_any_query_is_some_place(query: str) -> None:
    assert isinstance(addresses.parse(query), Address)


@pytest.mark.parametrize(
    "query",
    [
        "ref=kit:wine&tab=nothing&page=-1&row=x&by=smell&step=mix&conditions=[{",
        f"ref=x&conditions={json.dumps([{'column': 1}])}",
        "ref=x&conditions={}&page=99999999999999999999999",
        "&".join(f"a{n}=1" for n in range(200)),
        "ref=x&conditions=" + "[" * 5000,
    ],
)
def test_nonsense_is_as_usual(query: str) -> None:
    found = addresses.parse(query)
    assert (found.tab, found.page, found.row, found.by, found.conditions) == ("rows", 0, -1, "text", ())
    assert found.step == ""


def shown(rows: Sequence[Sequence[Any]], columns: Sequence[Column], at: Address = HERE) -> str:
    names = tuple(column.name for column in columns)
    page = Page(names, [list(row) for row in rows], list(range(len(rows))), len(rows), len(rows), [], {})
    return table.table(at, columns, page)


@pytest.mark.parametrize("by", WAYS)
@pytest.mark.parametrize("value", [EVIL, EVIL * 20, [EVIL], {"a": EVIL}])
def test_cells_are_text(value: Any, by: Any) -> None:
    columns = [Column(EVIL, "VARCHAR", "text")]
    markup = shown([[value]], columns, Address(ref=EVIL, split=EVIL, q="script", by=by))
    markup += looking.chips(Address(ref=EVIL, q=EVIL, where=EVIL, conditions=(Condition(column=EVIL, op="null"),)))
    markup += table.value(Address(ref=EVIL), 1, columns[0], value, EVIL)
    assert "<script" not in markup.replace("<mark>script</mark>", "")
    assert "<img" not in markup
    assert "onerror=" not in markup.replace("onerror=alert(2)&gt;", "")


def test_words_are_marked_where_they_stand() -> None:
    at = Address(ref="kit:x", q='+Web "server"', by="words")
    markup = shown([["a web <b> webby SERVER"]], [Column("t", "VARCHAR", "text")], at)
    assert "a <mark>web</mark> &lt;b&gt; webby <mark>SERVER</mark>" in markup
    characters = Address(ref="kit:x", q="w.b", by="text")
    assert "<mark>w.b</mark> web" in shown([["w.b web"]], [Column("t", "VARCHAR", "text")], characters)


def test_pictures_and_sounds_come_from_their_cell() -> None:
    kind = "STRUCT(bytes BLOB, path VARCHAR)"
    columns = [Column("a b", kind, "other"), Column("s", kind, "other"), Column("f", kind, "other")]
    markup = shown([["image, 8×8", "sound, 1.0 s, 16 kHz", "file x.bin"]], columns, Address(ref="kit:x", split="train"))
    assert 'src="/api/datasets/cell?ref=kit%3Ax&amp;split=train&amp;number=0&amp;column=a+b"' in markup
    assert "<audio controls" in markup
    assert markup.count("<img") == 1


def test_a_header_sorts_up_then_down_then_not() -> None:
    columns = [Column("n", "BIGINT", "number"), Column("l", "BIGINT[]", "other")]
    first = shown([[1, [1]]], columns)
    assert "sort=n" in first
    assert "sort=l" not in first, "lists have no order"
    assert 'aria-sort="none"' in first
    up = shown([[1, [1]]], columns, Address(ref="kit:x", sort="n"))
    assert 'aria-sort="ascending"' in up
    assert "descending=1" in up
    down = shown([[1, [1]]], columns, Address(ref="kit:x", sort="n", descending=True))
    assert 'aria-sort="descending"' in down
    assert "sort=n" not in down.partition("<tbody>")[0]


def test_pages() -> None:
    middle = table.pager(Address(ref="kit:x", page=1), 100, 250)
    assert "Rows 101 to 200 of 250" in middle
    assert "page=2" in middle
    last = table.pager(Address(ref="kit:x", page=2), 50, 250)
    assert last.count("aria-disabled") == 2
    unknown = table.pager(Address(ref="kit:x"), 100, None)
    assert "Last" not in unknown
    assert "page=1" in unknown
