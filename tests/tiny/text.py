"""Tiny models that read texts."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tests.tiny.tokenizers import wordpiece, write_vocabulary
from tests.unit.inference import tiny

SIZE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 37,
    "max_position_embeddings": 128,
}


def save_bert(folder: Path, head: str, labels: Sequence[str] = (), louder: str = "") -> None:
    """A BERT with a head; the weights called `louder` are made larger, so that scores differ visibly."""
    import torch
    import transformers

    tokenizer = wordpiece()
    torch.manual_seed(0)
    known: dict[str, Any] = {}
    if labels:
        known = {"id2label": dict(enumerate(labels)), "label2id": {label: n for n, label in enumerate(labels)}}
    config = transformers.BertConfig(vocab_size=len(tokenizer), pad_token_id=0, **SIZE, **known)
    model = getattr(transformers, head)(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if louder and louder in name:
                weight.mul_(20)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def save_tapas(folder: Path) -> None:
    import torch
    from transformers import TapasConfig, TapasForQuestionAnswering, TapasTokenizer

    write_vocabulary(folder / "vocab.txt", "[EMPTY]")
    tokenizer = TapasTokenizer(str(folder / "vocab.txt"), model_max_length=128)
    torch.manual_seed(0)
    sums = {0: "NONE", 1: "SUM", 2: "AVERAGE", 3: "COUNT"}
    config = TapasConfig(
        vocab_size=len(tokenizer),
        **SIZE,
        num_aggregation_labels=4,
        aggregation_labels=sums,
        use_answer_as_supervision=True,
    )
    TapasForQuestionAnswering(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


TINY: dict[str, Callable[[Path], None]] = {
    "text-classification": tiny.save_classifier,
    "token-classification": partial(
        save_bert, head="BertForTokenClassification", labels=("O", "B-PER", "I-PER"), louder="classifier"
    ),
    "zero-shot-classification": partial(
        save_bert,
        head="BertForSequenceClassification",
        labels=("contradiction", "neutral", "entailment"),
        louder="classifier",
    ),
    "question-answering": partial(save_bert, head="BertForQuestionAnswering", louder="qa_outputs"),
    "table-question-answering": save_tapas,
    "fill-mask": partial(save_bert, head="BertForMaskedLM"),
    "sentence-similarity": partial(save_bert, head="BertModel"),
    "feature-extraction": partial(save_bert, head="BertModel"),
}
