"""The tokenizer: known words are one token, everything else is spelled."""

import random
from pathlib import Path

import pytest
from transformers import CLIPTokenizer

from studio.starter.build.diffusion import data, parts


def test_a_known_word_is_one_token() -> None:
    known = parts.tokenizer(data.words())
    for word in data.words():
        if "-" not in word:
            assert known.tokenize(word) == [f"{word}</w>"]


@pytest.mark.parametrize("text", ["Über elephants!", "猫", "a red cats 42"])
def test_nothing_is_unknown(text: str) -> None:
    known = parts.tokenizer(["red", "cat", "a"])
    ids = known(text).input_ids[1:-1]
    assert ids
    assert known.unk_token_id not in ids


def test_it_loads_again_with_the_plain_class(tmp_path: Path) -> None:
    known = parts.tokenizer(data.words())
    known.save_pretrained(tmp_path)
    again = CLIPTokenizer.from_pretrained(tmp_path)
    prompt = "a picture of a purple digit seven"
    assert again(prompt).input_ids == known(prompt).input_ids
    assert again.model_max_length == parts.LONGEST


def test_the_longest_prompt_fits() -> None:
    known, choice = parts.tokenizer(data.words()), random.Random(0)
    prompts = {
        data.phrase(number, colour, choice)
        for number in range(len(data.SUBJECTS))
        for colour in data.COLOURS
        for _ in range(20)
    }
    assert max(len(known(prompt).input_ids) for prompt in prompts) <= parts.LONGEST
