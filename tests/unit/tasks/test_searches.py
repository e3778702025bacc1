"""semantic-search, few-shot-text-generation and cross-lingual-zero-shot: what they find, build and refuse."""

from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import InvalidInput
from studio.starter import kit
from studio.tasks import cross_lingual_zero_shot, few_shot_text_generation, semantic_search, text_generation
from studio.tasks.base import with_media
from studio.tasks.cross_lingual_zero_shot import TEMPLATES, CrossLingualZeroShotParams
from studio.tasks.few_shot_text_generation import FewShotTextGenerationParams
from studio.tasks.loading import WrongModel
from studio.tasks.semantic_search import SemanticSearchParams
from tests.tiny import TINY
from tests.unit.inference import tiny

CORPUS = [
    "The train to the coast leaves at nine.",
    "Fry the onions until they are golden.",
    "Her new novel is about two sisters.",
    "The bank raised its interest rate.",
]


@pytest.fixture(scope="module")
def encoder() -> Any:
    return semantic_search.TASK.load(kit.entry("kit:minilm-l6").path, None, "cpu")


def search(encoder: Any, query: str, **params: Any) -> list[dict[str, Any]]:
    inputs = {"query": query, "corpus": CORPUS}
    return semantic_search.predict(encoder, [inputs], SemanticSearchParams(**params))[0]


@pytest.mark.parametrize(
    ("query", "place"),
    [("a book by a woman writer", 2), ("how to cook vegetables", 1), ("railway timetable", 0), ("loans and money", 3)],
)
def test_the_right_text_is_found_by_meaning(encoder: Any, query: str, place: int) -> None:
    found = search(encoder, query)
    assert (found[0]["corpus_id"], found[0]["label"]) == (place, CORPUS[place])
    assert [one["score"] for one in found] == sorted((one["score"] for one in found), reverse=True)
    assert len(found) == len(CORPUS)


def test_as_many_are_found_as_are_wanted(encoder: Any) -> None:
    assert len(search(encoder, "food", top_k=2)) == 2
    with pytest.raises(InvalidInput, match="There are 4 texts") as caught:
        search(encoder, "food", top_k=5)
    assert caught.value.field == "top_k"


@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        ({"query": "food", "corpus": []}, "corpus"),
        ({"query": "food"}, "corpus"),
        ({"query": "food", "corpus": ["a", " "]}, "corpus"),
        ({"query": " ", "corpus": CORPUS}, "query"),
    ],
)
def test_a_search_for_nothing_or_in_nothing_is_refused(encoder: Any, inputs: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        semantic_search.predict(encoder, [inputs], SemanticSearchParams())
    assert caught.value.field == field


def test_the_prompt_is_instruction_examples_and_input() -> None:
    table = {"input": ["hot", " tall ", ""], "Output": ["cold", "short", ""]}
    inputs = {"instruction": "Give the opposite.", "examples": table, "inputs": " early\n"}
    assert few_shot_text_generation.prompt(inputs) == (
        "Give the opposite.\n\n"
        "Input: hot\nOutput: cold\n\n"
        "Input: tall\nOutput: short\n\n"
        "Input: early\nOutput:"
    )  # fmt: skip


def test_the_output_ends_where_the_next_example_would_begin(tmp_path: Path) -> None:
    TINY["few-shot-text-generation"](tmp_path)
    pipe: Any = few_shot_text_generation.TASK.load(tmp_path, None, "cpu")
    task = few_shot_text_generation.TASK
    inputs = with_media(task, task.examples[1].inputs)
    whole = few_shot_text_generation.predict(pipe, [inputs], FewShotTextGenerationParams())[0]["generated_text"]
    middle = whole[4:6]  # what a random model writes has no word of ours: take some of its own as the end
    cut = few_shot_text_generation.predict(pipe, [inputs], FewShotTextGenerationParams(stop=[middle]))[0]
    assert cut["generated_text"] == whole.partition(middle)[0]
    assert text_generation.wish_of(FewShotTextGenerationParams(), "\nInput:").stops == ("\nInput:",)


@pytest.mark.parametrize(
    "table",
    [
        None,
        {},
        {"input": ["a"]},
        {"input": ["a"], "answer": ["b"]},
        {"input": ["a", "b"], "output": ["c"]},
        {"input": ["a"], "output": [" "]},
        {"input": [""], "output": [""]},
        {"input": "a", "output": "b"},
    ],
)
def test_examples_that_are_none_are_refused(table: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        few_shot_text_generation.prompt({"inputs": "a", "examples": table})
    assert caught.value.field == "examples"


def test_the_labels_language_chooses_the_sentence() -> None:
    labels = {"candidate_labels": ["politique", "sport"]}
    chosen = cross_lingual_zero_shot.plain(CrossLingualZeroShotParams(**labels, label_language="fr"))
    assert chosen.hypothesis_template == "Cet exemple est {}."
    own = CrossLingualZeroShotParams(**labels, label_language="fr", hypothesis_template="On parle de {}.")
    assert cross_lingual_zero_shot.plain(own).hypothesis_template == "On parle de {}."
    assert all(template.count("{}") == 1 for template in TEMPLATES.values())


def test_a_model_without_entailment_cannot_tell(tmp_path: Path) -> None:
    tiny.save_classifier(tmp_path)
    with pytest.raises(WrongModel, match="entailment"):
        cross_lingual_zero_shot.TASK.load(tmp_path, None, "cpu")
