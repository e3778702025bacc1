"""The metadata block: read with line numbers, edited without losing a comment."""

import pytest

from studio.hub import front_matter

CARD = """---
# chosen by the team
license: mit           # because
tags:
- b   # keep b first
- a
model-index:
- name: one
  results: []
- name: two
  results: []
---
# Title

--- not a block ---
"""


def test_comments_and_order_survive_an_edit() -> None:
    edited = front_matter.edit(CARD, {"license": "apache-2.0", "language": "en"})
    for kept in ("# chosen by the team", "# because", "- b   # keep b first", "- name: one", "- name: two"):
        assert kept in edited
    assert "license: apache-2.0    # because" in edited
    assert "language: en\n---\n# Title" in edited
    assert edited.endswith("--- not a block ---\n")
    assert front_matter.edit(edited, {"license": "mit", "language": None}) == CARD


def test_a_card_without_a_block_gets_one() -> None:
    assert front_matter.edit("# Title\n", {"license": "mit"}) == "---\nlicense: mit\n---\n# Title\n"


def test_an_empty_block_is_a_block() -> None:
    assert front_matter.has_block("---\n---\ntext")
    assert front_matter.split("---\n---\ntext") == ("", "text")
    assert not front_matter.has_block("text\n---\na: b\n---\n")


def test_windows_line_ends_are_read() -> None:
    raw, body = front_matter.split("---\r\nlicense: mit\r\n---\r\n# Title")
    assert front_matter.load(raw)["license"] == "mit"
    assert body == "# Title"


@pytest.mark.parametrize(
    ("raw", "line"),
    [("license: mit\n  tags: [", 3), ("a: 1\na: 2\n", 3), ("a: 1\nb: 'x\n", 3), ("a: " + "[" * 5000, 0)],
)
def test_broken_yaml_names_its_line(raw: str, line: int) -> None:
    with pytest.raises(front_matter.BadYaml) as raised:
        front_matter.load(raw)
    assert line == 0 or abs(raised.value.line - line) <= 1


def test_a_huge_block_is_refused() -> None:
    with pytest.raises(front_matter.BadYaml, match="longer than"):
        front_matter.load("a: " + "x" * 300_000)
