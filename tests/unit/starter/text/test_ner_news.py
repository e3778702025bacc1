"""How sentences are marked, filled and split."""

import random

from studio.starter.build.text.ner_news import (
    LABELS,
    WRITTEN,
    Names,
    Tagged,
    fill,
    gloss_sentences,
    part,
    read_marked,
    read_written,
    words,
)
from studio.starter.build.text.wordnet import PERSON, PLACE, Noun

NAMES = Names(["Ada Lovelace"], ["Ada"], ["Lovelace"], ["Paris"], ["France"], ["the Red Cross"])


def place(name: str, gloss: str, file: str = PLACE) -> Noun:
    return Noun(name, file, (name,), gloss, (), ("1",))


def test_marks_become_tokens_and_labels() -> None:
    assert read_marked("[P Ada Lovelace]'s home is [L London].") == Tagged(
        ("Ada", "Lovelace", "'s", "home", "is", "London", "."), ("B-PER", "I-PER", "O", "O", "O", "B-LOC", "O")
    )


def test_a_template_is_filled_with_names_and_labels_that_fit() -> None:
    choice = random.Random(1)
    for _ in range(50):
        row = fill("{P} of {O} flew to {L} in {month}.", NAMES, choice)
        assert set(row.tags) <= set(LABELS)
        assert {tag[2:] for tag in row.tags if tag != "O"} == {"PER", "ORG", "LOC"}
        assert row.tags[row.tokens.index("flew")] == "O"


def test_the_article_is_no_part_of_an_organization() -> None:
    filled = {fill("{O} paid.", NAMES, random.Random(seed)) for seed in range(60)}
    crosses = [row for row in filled if "Cross" in row.tokens]
    assert crosses
    assert {(row.tokens[:3], row.tags[:3]) for row in crosses} == {(("The", "Red", "Cross"), ("O", "B-ORG", "I-ORG"))}


def test_glosses_with_names_that_are_not_known_are_left_out() -> None:
    rows = gloss_sentences(
        [
            place("France", "a republic in western continental lands"),
            place("Lyon", "a city in the south of France that makes silk"),
            place("Sandwich", "a town in the shire of Nowhereville somewhere"),
            place("Marie Curie", "French chemist who studied radiation in France (1867-1934)", PERSON),
        ]
    )
    told = {" ".join(row.tokens): row.tags for row in rows}
    assert not any(text.startswith("Sandwich") for text in told)
    tags = told["Lyon is a city in the south of France that makes silk ."]
    assert [place for place, tag in enumerate(tags) if tag == "B-LOC"] == [0, 8]
    assert told["Marie Curie was a French chemist who studied radiation in France ."][:2] == ("B-PER", "I-PER")


def test_parts_share_nothing_and_depend_on_the_value_alone() -> None:
    values = [str(number) for number in range(1000)]
    train, validation = part(values, "train"), part(values, "validation")
    assert sorted([*train, *validation]) == sorted(values)
    assert 50 < len(validation) < 150
    assert part(reversed(values), "validation") == validation[::-1]


def test_the_written_test_is_labelled_and_distinct() -> None:
    rows = read_written(WRITTEN)
    assert len({row.tokens for row in rows}) == len(rows) > 150
    assert {tag for row in rows for tag in row.tags} == set(LABELS)
    assert not any("[" in token or "]" in token for row in rows for token in row.tokens)


def test_every_slot_has_its_words() -> None:
    assert {"first", "last", "real", "endings", "offices", "clubs", "day", "month", "job", "thing"} <= set(words())
