"""What a run is predicted to need: counted from its own data and model, without a run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.core.settings import Settings
from studio.data import sources
from studio.inference.models import resolve_model
from studio.recipes import RECIPES
from studio.recipes.text_classification.sizes import data_size
from studio.recipes.training.memory import SMALL_ENCODER, DataSize, training_bytes
from studio.recipes.training.texts import load_tokenizer, token_counts
from tests.unit.recipes import tiny

RECIPE = RECIPES["text-classification"]
TEXTS = {"train": ["the cat sleeps", "the dog", "a bird sings again", "the fish"], "test": ["the horse runs and runs"]}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    tiny.save_model(settings)
    return settings


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> str:
    labelled = {split: [(text, "ab"[place % 2]) for place, text in enumerate(texts)] for split, texts in TEXTS.items()}
    return tiny.save_rows(tmp_path_factory.mktemp("rows"), **labelled)


def measured(settings: Settings, dataset: str, **values: Any) -> DataSize:
    params = tiny.make_params(dataset, **values)
    folder = resolve_model(params.model.base_model, settings, tiny.OWNER).path
    return data_size(sources.resolve(dataset, settings, tiny.OWNER), params, load_tokenizer(folder))


def predicted(settings: Settings, dataset: str, **values: Any) -> int:
    return RECIPE.resources(tiny.make_params(dataset, **values), settings, tiny.OWNER).memory_bytes


def test_the_size_of_the_data_is_counted(settings: Settings, dataset: str) -> None:
    folder = resolve_model(tiny.make_params(dataset).model.base_model, settings, tiny.OWNER).path
    every = [*TEXTS["train"], *TEXTS["test"]]
    counts = token_counts(load_tokenizer(folder), every)
    whole = measured(settings, dataset, **{"data.eval_split": "", "data.test_split": "test"})
    assert (whole.rows, whole.text_bytes) == (5, sum(map(len, every)))
    assert (whole.tokens, whole.longest) == (sum(counts), max(counts))
    cut = {"data.eval_split": "", "model.max_length": 4, "model.long_texts": "truncate"}
    assert measured(settings, dataset, **cut).longest == 4
    part = measured(settings, dataset, **{"data.eval_split": "", "data.max_train_samples": 2})
    assert (part.rows, part.tokens) == (2, round(sum(counts[:4]) / 2))


def test_more_of_anything_takes_more() -> None:
    data = DataSize(longest=100, rows=1000, text_bytes=10**6, tokens=10**5)
    least = training_bytes(SMALL_ENCODER, 16, data, 8, lora_dropout=False)
    more = [
        training_bytes(SMALL_ENCODER, 17, data, 8, lora_dropout=False),
        training_bytes(SMALL_ENCODER, 16, data, 16, lora_dropout=False),
        training_bytes(SMALL_ENCODER, 16, data, 8, lora_dropout=True),
        training_bytes(SMALL_ENCODER, 16, replace(data, longest=101), 8, lora_dropout=False),
        training_bytes(SMALL_ENCODER, 16, replace(data, rows=2000), 8, lora_dropout=False),
        training_bytes(replace(SMALL_ENCODER, layers=13), 16, data, 8, lora_dropout=False),
    ]
    assert all(needed > least for needed in more)


def test_a_hundred_million_tokens_are_counted_while_they_are_packed() -> None:
    """They lie in lists for a while, and that may be more than any batch takes."""
    huge = DataSize(longest=10, rows=10**7, text_bytes=5 * 10**8, tokens=10**8)
    needed = training_bytes(SMALL_ENCODER, 1, huge, 8, lora_dropout=False)
    assert needed > 36 * huge.tokens + 2 * huge.text_bytes


def test_the_longest_text_counts_not_the_longest_that_is_allowed(settings: Settings, dataset: str) -> None:
    assert predicted(settings, dataset, **{"model.max_length": 32}) == predicted(
        settings, dataset, **{"model.max_length": 16}
    )


def test_what_cannot_be_looked_at_is_taken_for_large(settings: Settings, dataset: str, tmp_path: Path) -> None:
    known = predicted(settings, dataset)
    for missing in (str(tmp_path / "gone"), "upload:0123456789abcdef"):
        assert predicted(settings, missing) > known
    assert predicted(settings, dataset, **{"data.text_column": "no such"}) > known
