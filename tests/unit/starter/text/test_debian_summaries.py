"""Which descriptions become a text with its one-line summary."""

from studio.starter.build.sources import Description
from studio.starter.build.text.debian_summaries import LONGEST, PER_SOURCE, lead, prose, select, split
from studio.starter.build.text.held_out import split_of

LONG = "It reads tables of numbers and draws charts from them, in colours that one may choose, on paper or on a screen."


def description(
    package: str, title: str = "draws charts from tables", *paragraphs: str, source: str = ""
) -> Description:
    return Description(package, source or package, "graphics", title, paragraphs or (f"{package} is useful. {LONG}",))


def test_whole_sentences_are_taken_while_they_fit_and_addresses_are_not() -> None:
    text = prose(description("plot", "t", "See https://example.org for it. Features are:", LONG, "x " * LONGEST))
    assert text == LONG


def test_rows_are_sentences_with_a_line_that_starts_in_capitals() -> None:
    (row,) = select([description("plot", "draws charts from tables.")])
    assert row.summary == "Draws charts from tables"
    assert row.text.startswith("plot is useful.")


def test_forms_short_texts_doubles_and_large_families_are_left_out() -> None:
    assert select([description("plot-dev"), description("plot-doc")]) == []
    assert select([description("a", "plot - development files")]) == []
    assert select([description("a", "draws charts from tables", "Too short.")]) == []
    assert (
        len(select([description("a", "one two three four", LONG), description("b", "one two three five", LONG)])) == 1
    )
    family = [description(f"plot-{number}", source="plot") for number in range(9)]
    assert len(select(family)) == PER_SOURCE


def test_splits_follow_the_source_package() -> None:
    rows = select([description(f"plot{number}") for number in range(300)])
    for name, chosen in split(rows).items():
        assert {split_of(row.source) for row in chosen} <= {name}


def test_the_trivial_summary_has_as_many_words_as_the_true_one() -> None:
    assert lead("Draws charts from tables of numbers.", "A drawing tool") == "Draws charts from"
