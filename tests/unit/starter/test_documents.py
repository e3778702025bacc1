"""Which words of a page answer a question: how it is laid out, and with the kit's own models."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from studio.starter import documents, kit
from studio.starter.documents import Documents
from studio.starter.reading import Line, Reading, Word


def line(text: str, left: int, top: int) -> Line:
    """Words of ten pixels a sign."""
    words = []
    for word in text.split():
        words.append(Word(word, (left, top, left + 10 * len(word), top + 20)))
        left += 10 * len(word) + 10
    return Line(tuple(words), 1.0)


def page(rows: Sequence[Sequence[str]]) -> list[Line]:
    return [
        line(cell, 10 + 400 * column, 40 * row) for row, cells in enumerate(rows) for column, cell in enumerate(cells)
    ]


FORM = page([["Blue Door Cafe"], ["Invoice number", "A-20417"], ["Due date", "3 May 2026"], ["Total", "45.20"]])
LETTER = page(
    [["Dear Anna, we write to you about a broken window. Please"], ["come to the town hall. It begins at 15:30."]]
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Documents:
    """The kit's models behind readers that are not asked."""
    folder = tmp_path_factory.mktemp("documents")
    (folder / documents.SETTINGS).write_text(json.dumps({"answers": "kit:qa", "nearness": 24.0}), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "load_reading", lambda folder: Reading(None, None, ()))
        return documents.load(folder, *documents.places(folder))


def test_rows_of_cells_become_sentences() -> None:
    found = documents.laid_out(FORM)
    assert found.text.startswith("Blue Door Cafe. Invoice number: A-20417. Due date: 3 May 2026. ")
    assert len(found.owners) == len(found.text)
    assert found.words[found.owners[found.text.index("A-20417")]] == "A-20417"
    assert found.parts[-1] > found.parts[0]


def test_an_answer_in_a_cell_is_the_whole_cell() -> None:
    found = documents.laid_out(FORM)
    may = found.words.index("May")
    assert found.words[slice(*found.whole_cells(may, may))] == ("3", "May")
    assert found.whole_cells(may, may) == (may - 1, may + 1)


def test_running_text_goes_on_over_lines_and_parts_at_full_stops() -> None:
    found = documents.laid_out(LETTER)
    assert "window. Please come to the town hall." in found.text
    assert found.parts[found.words.index("Please")] == found.parts[found.words.index("hall.")]
    assert found.parts[found.words.index("window.")] < found.parts[found.words.index("Please")]
    place = found.words.index("town")
    assert found.whole_cells(place, place) == (place, place)


@pytest.mark.parametrize(
    ("lines", "question", "answer"),
    [
        (FORM, "What is the invoice number?", "A-20417"),
        (FORM, "What is the due date?", "3 May 2026"),
        (FORM, "What is the total?", "45.20"),
        (LETTER, "What is the letter about?", "a broken window"),
    ],
)
def test_the_kit_answers(model: Documents, lines: list[Line], question: str, answer: str) -> None:
    (found,) = model.answer(lines, question)
    assert found.answer == answer
    words = [word.text for one in lines for word in one.words]
    assert " ".join(words[found.start : found.end + 1]).strip(",.;:") == answer


def test_several_answers_come_best_first_with_scores_that_add_up(model: Documents) -> None:
    found = model.answer(FORM, "What is the total?", count=documents.CANDIDATES)
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1, abs=1e-3)
    assert len({(one.start, one.end) for one in found}) == len(found)


def test_a_long_page_is_read_to_its_end(model: Documents) -> None:
    rows = [[f"Item {number}", f"{number}.00"] for number in range(200)]
    (found,) = model.answer(page([*rows, ["Invoice number", "B-77777"]]), "What is the invoice number?")
    assert found.answer == "B-77777"


def test_an_empty_page_has_no_answer(model: Documents) -> None:
    assert model.answer([], "What is the total?") == []


def test_the_places_are_the_kits(tmp_path: Path) -> None:
    (tmp_path / documents.SETTINGS).write_text(json.dumps({"answers": "kit:qa", "nearness": 1}), encoding="utf-8")
    assert documents.places(tmp_path) == (kit.entry("kit:qa").path, kit.entry("kit:minilm-l6").path)
