"""Which conversations are shown, how their turns are made, and what is taken for a preference."""

from collections.abc import Sequence
from typing import Any

import pytest

from studio.starter.build.text import preferences
from studio.starter.build.text.dialogues import MOST, SIZES, Talk, as_talk, is_fit, overlap_found, select, split


def conversation(*turns: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {"messages": [[{"text": text, "sender": who, "timestamp": "x"}] for who, text in turns], **more}


def talk(topic: str, *turns: str, rated: int = 9) -> Talk:
    return Talk(topic, turns, {"witty": rated, "upbeat": rated - 1})


def lively(topic: str, number: int) -> Talk:
    said = [
        f"{topic} {number} {word} is what I would like to hear about" for word in ("food", "music", "rain", "sleep")
    ]
    return talk(topic, *said)


def test_turns_alternate_and_names_are_gone() -> None:
    found = as_talk(
        conversation(
            ("a", "Hi"),
            ("a", " there  you "),
            ("b", "Hello"),
            ("a", "Bye"),
            ("b", ""),
            ("a", "bye"),
            ("b", "!"),
            prompt="What if\n pigs could fly?",
            ratings={"witty": 7, "upbeat": 3, "other": 1},
        )
    )
    assert found == Talk(
        "What if pigs could fly?", ("Hi\nthere you", "Hello", "Bye\nbye", "!"), {"witty": 7, "upbeat": 3}
    )
    assert [message["role"] for message in found.messages] == ["user", "assistant", "user", "assistant"]


def test_the_last_turn_is_the_assistants_and_long_talks_are_cut() -> None:
    odd = as_talk(conversation(("a", "one"), ("b", "two"), ("a", "three")))
    assert odd is not None
    assert odd.turns == ("one", "two")
    endless = as_talk(conversation(*[("ab"[number % 2], f"turn {number}") for number in range(99)]))
    assert endless is not None
    assert len(endless.turns) == MOST


def test_monologues_and_ratings_that_nobody_set_do_not_count() -> None:
    assert as_talk(conversation(("a", "one"), ("a", "two"))) is None
    unset = as_talk(conversation(("a", "one"), ("b", "two"), ratings={"witty": 5, "upbeat": 5, "interesting": 5}))
    assert unset is not None
    assert unset.ratings == {}


def test_addresses_coarse_words_and_short_talks_are_left_out() -> None:
    assert is_fit(talk("t", "hi", "hello", "how are you", "fine"))
    for bad in ("mail me at a@b.org", "call 555-1234", "see www.example.org", "what the FUCK", "x" * 400):
        assert not is_fit(talk("t", "hi", "hello", "how are you", bad))
    assert not is_fit(talk("t", "hi", "hello"))


def test_a_conversation_stands_once_and_splits_share_none() -> None:
    turns = [("a", "I like to read long books at night"), ("b", "so do I my friend"), ("a", "which ones"), ("b", "all")]
    assert len(select([conversation(*turns), conversation(*turns)])) == 1
    talks = [lively(f"topic{number}", number) for number in range(400)]
    splits = split(talks)
    assert len(splits["test"]) == SIZES["test"]
    assert len({one.topic for rows in splits.values() for one in rows}) == sum(map(len, splits.values()))


def rows_of(talks: Sequence[Talk]) -> list[preferences.Preference]:
    return preferences.pair(talks)


def test_chosen_follows_the_prompt_and_rejected_comes_from_another_topic() -> None:
    talks = [lively(f"topic{number % 5}", number) for number in range(40)]
    rows = rows_of(talks)
    assert rows
    for row in rows:
        assert row.chosen.split()[:2] == row.prompt[-1].split()[:2]
        assert row.rejected.split()[0] != row.chosen.split()[0]
        assert len(row.prompt) % 2 == 1
        assert abs(len(row.rejected) - len(row.chosen)) < 10
    replies = [reply for row in rows for reply in (row.chosen, row.rejected)]
    assert len(set(replies)) == len(replies)


def test_conversations_that_nobody_rated_well_give_no_chosen_reply() -> None:
    turns = lively("a", 1).turns
    assert rows_of([Talk("a", turns, {"witty": 3}), Talk("b", lively("b", 2).turns, {})]) == []


def test_trivial_judges_count_ties_as_one_half() -> None:
    rows = [
        preferences.Preference(("do you like chess",), "chess is nice", "rain is nice"),
        preferences.Preference(("hi",), "same", "size"),
    ]
    assert preferences.judges(rows) == {"overlap_accuracy": 0.75, "longer_accuracy": 0.75}


def test_the_last_turn_is_found_by_the_words_it_repeats() -> None:
    talks = [["do you like chess", "chess is great"], ["rain again", "always rain"], ["tell me more", "yes"]]
    assert overlap_found(talks[:2]) == 1.0
    assert overlap_found(talks) == pytest.approx(7 / 9)  # the third shares nothing, like the two others
