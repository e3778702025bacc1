"""Drafts come from addresses and browsers: what fits is kept, the rest is left out, and nothing breaks."""

import json
from typing import Any

import pytest

from studio.pages.playground import draft
from studio.tasks import TASKS


def parsed(**given: Any) -> draft.Draft:
    return draft.parse(json.dumps(given))


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "7", '{"task": 7}', '{"task": "no-such"}', '{"inputs": []}'])
def test_nonsense_is_the_first_task(text: str) -> None:
    found = draft.parse(text)
    assert found.task.id == next(iter(TASKS))
    assert (found.model, found.inputs, found.params) == ("", {}, {})


def test_a_link_gives_settings_as_text() -> None:
    link = {"candidate_labels": '["a", "b"]', "multi_label": "true", "hypothesis_template": "It is {}."}
    found = parsed(task="zero-shot-classification", model="kit:zero-shot", link=link)
    assert found.params == {
        "candidate_labels": ["a", "b"],
        "multi_label": True,
        "hypothesis_template": "It is {}.",
    }
    assert found.model == "kit:zero-shot"


def test_a_single_label_need_not_be_json() -> None:
    assert parsed(task="zero-shot-classification", link={"candidate_labels": "a pet"}).params == {
        "candidate_labels": ["a pet"]
    }


def test_a_browser_gives_them_as_its_widgets_have_them() -> None:
    found = parsed(task="text-classification", params={"top_k": 3, "unknown": 1})
    assert found.params == {"top_k": 3}


@pytest.mark.parametrize("value", ["abc", "NaN", "Infinity", None, True, [1], {"a": 1}])
def test_what_is_no_number_is_left_out(value: Any) -> None:
    assert parsed(task="text-classification", link={"top_k": value}).params == {}


def test_a_wrong_number_is_kept_for_the_form_to_say_so() -> None:
    assert parsed(task="text-classification", link={"top_k": "-3"}).params == {"top_k": -3}


def test_inputs_are_what_their_component_takes_and_files_never_come_in() -> None:
    assert parsed(task="text-classification", inputs={"inputs": "text", "other": 1}).inputs == {"inputs": "text"}
    assert parsed(task="text-classification", inputs={"inputs": ["text"]}).inputs == {}
    assert parsed(task="image-classification", inputs={"inputs": {"path": "/etc/passwd"}}).inputs == {}
    table = {"headers": ["a", "b"], "data": [["1"], ["2", None, "3"]]}
    found = parsed(task="table-question-answering", inputs={"table": table}).inputs
    assert found == {"table": {"headers": ["a", "b"], "data": [["1", ""], ["2", ""]]}}
    questions = [{"name": "late", "type": "noul", "options": [["true", 1], 7], "more": "x"}, "x"]
    row = {"name": "late", "type": "noul", "instructions": "", "options": [["true", "1"]]}
    assert parsed(task="decision", inputs={"questions": questions}).inputs == {"questions": [row]}
    assert parsed(task="decision", inputs={"questions": '{"late": {}}'}).inputs == {}


def test_a_conversation_is_read_in_both_of_its_forms() -> None:
    parts = [{"type": "text", "text": "Hello"}, {"type": "file"}]
    given = [
        {"role": "user", "content": parts},
        {"role": "tool", "content": "x"},
        {"role": "assistant", "content": "Hi"},
        7,
    ]
    expected = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]
    assert draft.messages(given) == expected
    found = parsed(task="conversational", inputs={"messages": given}, message="and")
    assert found.inputs == {"messages": expected}
    assert found.message == "and"
