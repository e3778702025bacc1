"""decision: three kinds of question, what is no question, and models that cannot be asked."""

import json
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import InvalidInput
from studio.tasks import decision
from studio.tasks.base import NoParams
from studio.tasks.loading import Loaded, WrongModel
from tests.tiny import several, writing

STATE = "I was charged twice."


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    folder = tmp_path_factory.mktemp("decider")
    several.save_decider(folder)
    return decision.load(folder, None, "cpu")


def decide(pipe: Loaded, questions: Any, state: Any = STATE) -> Any:
    return decision.predict(pipe, [{"state": state, "questions": questions}], NoParams())[0]


def test_every_kind_of_question_is_answered(pipe: Loaded) -> None:
    found = decide(
        pipe,
        {
            "refund": {"type": "noul", "instructions": "Is a refund wanted?"},
            "tone": {"type": "choice", "criteria": {"calm": None, "angry": "Upset"}},
            "urgency": {"type": "score", "criteria": ["It can wait", "Today"]},
        },
    )
    assert 0 < found["refund"]["noul"] < 1
    assert found["tone"]["choice"] in {"calm", "angry"}
    assert sum(found["tone"]["probabilities"].values()) == pytest.approx(1)
    assert 0 <= found["urgency"]["score"] <= 1
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    "questions",
    [
        None,
        {},
        ["Is a refund wanted?"],
        {"refund": "Is a refund wanted?"},
        {"refund": {"type": "essay"}},
        {"tone": {"type": "choice"}},
        {"tone": {"type": "choice", "criteria": {str(number): None for number in range(30)}}},
        {"refund": {"type": "noul", "bogus": 1}},
    ],
)
def test_what_is_no_question_is_named(pipe: Loaded, questions: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        decide(pipe, questions)
    assert caught.value.field == "questions"


def test_a_state_that_fills_the_model_is_refused(pipe: Loaded) -> None:
    with pytest.raises(InvalidInput, match="The model holds 512") as caught:
        decide(pipe, {"refund": {"type": "noul", "instructions": "Is a refund wanted?"}}, STATE * 40)
    assert caught.value.field == "state"


def test_marks_in_the_state_are_read_as_text(pipe: Loaded) -> None:
    questions = {"refund": {"type": "noul", "instructions": "Is a refund wanted?"}}
    assert 0 < decide(pipe, questions, "<|mark|> <|split|> <|end|>")["refund"]["noul"] < 1


def test_models_that_cannot_be_asked_are_refused(tmp_path: Path) -> None:
    writing.save_llama(tmp_path)
    (tmp_path / "decision.json").write_text('{"adapter": "../elsewhere"}', encoding="utf-8")
    with pytest.raises(WrongModel, match="adapter in a folder of its own"):
        decision.load(tmp_path, None, "cpu")
    (tmp_path / "decision.json").unlink()
    (tmp_path / "chat_template.jinja").unlink()
    with pytest.raises(WrongModel, match="no chat template"):
        decision.load(tmp_path, None, "cpu")


def test_a_chat_model_of_a_kind_that_has_decision_models_stays_a_chat_model(tmp_path: Path) -> None:
    """By the name of such a folder transformers' pipeline would build a decision model of a default size instead."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from tests.tiny.tokenizers import letters

    tokenizer = letters()
    tokenizer.add_tokens(["Yes", "No"])
    size = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    Qwen2ForCausalLM(
        Qwen2Config(vocab_size=len(tokenizer), num_key_value_heads=2, max_position_embeddings=512, **size)
    ).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    pipe = decision.load(tmp_path, None, "cpu")
    assert type(pipe.pipe.model) is Qwen2ForCausalLM
    assert pipe.bytes < 1_000_000
    assert 0 < decide(pipe, {"refund": {"type": "noul", "instructions": "Is it?"}})["refund"]["noul"] < 1
