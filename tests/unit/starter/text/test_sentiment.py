"""Which rated sentences are used, and how they are split."""

from studio.starter.build.text.sentiment import LABELS, WRITTEN, Sentence, parse, read_written, split


def test_only_clearly_rated_sentences_count() -> None:
    lines = ["1_1\t2.1\tLovely.", "1_2\t-0.2\tThere is a door.", "2_1\t-3\tAwful.", "", "broken line"]
    assert parse("reviews", lines) == [
        Sentence("Lovely.", "positive", "reviews-1"),
        Sentence("Awful.", "negative", "reviews-2"),
    ]


def test_neither_a_text_nor_an_origin_stands_in_both_splits() -> None:
    rows = [Sentence(f"text {number}", LABELS[number % 2], f"origin-{number // 3}") for number in range(90)]
    train, held_out = split([*rows, Sentence("Text 1!", "positive", "origin-29")])
    assert len(train) + len(held_out) == 90
    assert held_out
    assert not {one.origin for one in train} & {one.origin for one in held_out}


def test_the_written_test_is_balanced_and_has_no_doubles() -> None:
    written = read_written(WRITTEN)
    assert len({one.text for one in written}) == len(written) == 180
    assert sum(one.label == "positive" for one in written) == 90
