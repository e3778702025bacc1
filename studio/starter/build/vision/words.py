"""Tokenizers of whole words, for models that know a few dozen of them."""

from collections.abc import Sequence
from typing import Any

PAD, START, END, UNKNOWN = "[PAD]", "[CLS]", "[SEP]", "[UNK]"


def tokenizer(texts: Sequence[str], longest: int, *, cut_marks: bool) -> Any:
    """Knows every word of the texts, in small letters; puts [CLS] before and [SEP] behind.

    `cut_marks` makes "ball?" two words; without it, words keep their marks, so that decoding gives back the text.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    cut = pre_tokenizers.Whitespace() if cut_marks else pre_tokenizers.WhitespaceSplit()
    found = {word for text in set(texts) for word, _ in cut.pre_tokenize_str(text.lower())}
    known = {word: number for number, word in enumerate([PAD, START, END, UNKNOWN, *sorted(found)])}
    raw = Tokenizer(models.WordLevel(known, unk_token=UNKNOWN))
    raw.normalizer = normalizers.Lowercase()
    raw.pre_tokenizer = cut
    raw.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[(START, known[START]), (END, known[END])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token=PAD,
        cls_token=START,
        sep_token=END,
        unk_token=UNKNOWN,
        model_max_length=longest,
        clean_up_tokenization_spaces=False,
    )
