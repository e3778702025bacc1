"""Tokenizers that split any text into letters: small, and never at a loss."""

import string
from pathlib import Path
from typing import Any

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["the", "a", "of", "in", "is", "and", "cat", "film", "great", "yes", "no"]
SIGNS = [*string.ascii_lowercase, *string.digits, *string.punctuation]
CHAT = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def pieces() -> list[str]:
    return [*SPECIAL, *WORDS, *SIGNS, *(f"##{sign}" for sign in SIGNS)]


def wordpiece(length: int = 128) -> Any:
    """As BERT has it."""
    from transformers import BertTokenizer

    return BertTokenizer(vocab={piece: number for number, piece in enumerate(pieces())}, model_max_length=length)


def letters(chat: bool = True, length: int = 512) -> Any:
    """Bytes as tokens, as GPT-2 has them, with a chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = ["<pad>", "</s>", "<|user|>", "<|assistant|>", "<|system|>", "<|end|>", "Yes", "No", "A", "B", "C", "D"]
    alphabet = [*special, *(one for one in sorted(pre_tokenizers.ByteLevel.alphabet()) if one not in special)]
    model = models.BPE({piece: number for number, piece in enumerate(alphabet)}, [])
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", bos_token="</s>", model_max_length=length
    )
    wrapped.add_special_tokens({"additional_special_tokens": special[2:6]})
    if chat:
        wrapped.chat_template = CHAT
    return wrapped


def write_vocabulary(file: Path, *more: str) -> None:
    file.write_text("\n".join([*pieces(), *more]) + "\n", encoding="utf-8")
