"""Reading WordNet's lines."""

from studio.starter.build.text.wordnet import Noun, parse

LINE = (
    '02084071 05 n 02 dog 0 domestic_dog 0 002 @ 02083346 n 0000 @i 01317541 n 0000 | a tame animal; "the dog barked"'
)


def test_a_line_is_words_gloss_and_what_stands_above() -> None:
    assert list(parse(["  1 This software", LINE])) == [
        Noun("02084071", "05", ("dog", "domestic dog"), "a tame animal", ("02083346",), ("01317541",))
    ]
