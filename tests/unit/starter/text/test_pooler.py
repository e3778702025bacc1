"""The fitted pooler, on a tiny encoder of random weights."""

import random
from typing import Any

import pytest

from studio.starter.build.text import pooler

WORDS = [f"word{number}" for number in range(40)]


@pytest.fixture
def encoder() -> tuple[Any, Any]:
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    torch.manual_seed(0)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    tokenizer = BertTokenizer(vocab={piece: number for number, piece in enumerate(vocabulary)})
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        initializer_range=0.3,  # so that the first token sees the others
    )
    return BertModel(config).eval(), tokenizer


def test_the_pooler_gives_the_mean_and_the_encoder_stays(encoder: tuple[Any, Any]) -> None:
    import torch

    model, tokenizer = encoder
    choice = random.Random(0)
    texts = [" ".join(choice.choices(WORDS, k=choice.randint(2, 8))) for _ in range(1500)]
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    explained = pooler.fit(model, tokenizer, texts)
    changed = {name for name, weight in model.state_dict().items() if not torch.equal(weight, before[name])}
    assert changed == {"pooler.dense.weight", "pooler.dense.bias"}
    assert 0.3 < explained <= 1

    inputs = tokenizer(texts[:50], padding=True, return_tensors="pt")
    with torch.inference_mode():
        output = model(**inputs)
    mask = inputs["attention_mask"][..., None]
    mean = (output.last_hidden_state * mask).sum(1) / mask.sum(1)
    together = torch.corrcoef(torch.stack([output.pooler_output[:, 0], mean[:, 0]]))[0, 1]
    assert together > 0.5
