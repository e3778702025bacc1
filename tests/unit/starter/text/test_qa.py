"""How answers are compared, and what the trivial answer is."""

import pytest

from studio.starter import kit
from studio.starter.build.text.qa import by_overlap, encode, f1, scores


def test_answers_are_compared_as_squad_does() -> None:
    assert f1("The red house.", "red house") == 1.0
    assert f1("a red house", "red door") == 0.5
    assert f1("blue", "red") == 0.0


def test_the_best_of_the_right_answers_counts() -> None:
    split = {"answers": [{"text": ["xpdf", "xpdf and your wiimote"]}, {"text": ["Perl"]}]}
    assert scores(split, ["xpdf and your wiimote", "a Perl script"]) == {
        "f1": pytest.approx((1 + 2 / 3) / 2),
        "exact_match": 0.5,
    }


def test_the_trivial_answer_is_from_the_nearest_sentence() -> None:
    text = "Lzip is fast. It compresses better than bzip2. Ask for help."
    assert by_overlap("What does lzip compresses better than?", text) == "bzip2"


def test_rows_point_at_the_pieces_of_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import AutoTokenizer

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    base, context = kit.entry("kit:minilm-l6").path, "It is written in Perl."
    answers = [{"text": ["Perl"], "answer_start": [context.index("Perl")]}]
    rows = encode(base, {"question": ["Which language?"], "context": [context], "answers": answers})
    pieces, start, end = rows["input_ids"][0], rows["start_positions"][0], rows["end_positions"][0]
    assert isinstance(pieces, list)
    assert isinstance(start, int)
    assert isinstance(end, int)
    assert AutoTokenizer.from_pretrained(base).decode(pieces[start : end + 1]) == "perl"
