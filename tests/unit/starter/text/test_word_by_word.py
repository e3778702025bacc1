"""The dictionary that a translator has to beat."""

from studio.starter.build.text.word_by_word import learn, translate


def test_partners_are_found_from_what_changes_together() -> None:
    english = ["the red house", "the red book", "a green house", "a green book", "the book", "a house"]
    italian = ["la rossa casa", "il rosso libro", "una verde casa", "un verde libro", "il libro", "una casa"]
    dictionary = learn(english, italian)
    assert dictionary["house"] == "casa"
    assert dictionary["book"] == "libro"
    assert dictionary["green"] == "verde"


def test_words_seen_once_stay_and_capitals_and_signs_are_kept() -> None:
    dictionary = learn(["red house", "red book", "zebra house"], ["rosso casa", "rosso libro", "zebra casa"])
    assert "zebra" not in dictionary
    assert translate("Red zebra house.", {"red": "rosso", "house": "casa"}) == "Rosso zebra casa."
