"""Drawn pages: what is asked stands on them, and the test's questions are its own."""

import numpy as np
import pytest

from studio.starter.build.vision import papers
from studio.starter.build.vision.papers import Split


@pytest.mark.parametrize("split", ["tuning", "test"])
def test_every_answer_stands_on_its_page(split: Split) -> None:
    for paper in papers.generate(3, 9, split):
        text = " ".join(paper.words)
        assert len(paper.questions) >= 5
        assert all(answer in text and question.endswith("?") for question, answer in paper.questions)
        assert paper.image.dtype == np.uint8
        assert paper.image.shape[1:] == (papers.WIDTH, 3)


def test_the_same_seed_gives_the_same_pages() -> None:
    one, other, another = (next(papers.generate(seed, 1, "test")) for seed in (1, 1, 2))
    assert one.questions == other.questions
    assert (one.image == other.image).all()
    assert one.words != another.words


def test_no_question_is_worded_as_one_that_was_tuned_on() -> None:
    asked: dict[Split, set[str]] = {"tuning": set(), "test": set()}
    for fact in (*papers.INVOICE, *papers.RECEIPT, *papers.LETTER):
        for split, questions in fact.asked.items():
            asked[split] |= set(questions)
    asked["tuning"] |= set(papers.TOTAL["tuning"])
    asked["test"] |= set(papers.TOTAL["test"])
    assert not asked["tuning"] & asked["test"]
