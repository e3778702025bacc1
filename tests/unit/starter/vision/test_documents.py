"""How what was read is judged."""

from studio.starter.build.vision import documents, papers
from studio.starter.reading import Line, Word


def test_words_count_wherever_they_stand_and_as_often_as_they_stand() -> None:
    paper = papers.Paper(next(papers.generate(0, 1, "test")).image, ("total", "4.20", "4.20", "cash"), ())
    read = [Line(tuple(Word(text, (0, 0, 1, 1)) for text in ("cash", "4.20", "tota1")), 1.0)]
    assert documents.read_right(paper, read) == 0.5


def test_the_wheel_is_pinned_to_the_byte() -> None:
    assert len(documents.WHEEL.sha256) == 64
    assert documents.WHEEL.size > 1_000_000
