"""Tiny models that write."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tests.tiny.tokenizers import letters


def save_llama(folder: Path, words: Sequence[str] = ()) -> None:
    """A chat model; these words are one token each."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = letters()
    tokenizer.add_tokens(list(words))
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=1,
        initializer_range=0.5,
    )
    model = LlamaForCausalLM(config)
    model.generation_config.min_new_tokens = 12  # so that there is something to read
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def save_bart(folder: Path) -> None:
    import torch
    from transformers import BartConfig, BartForConditionalGeneration

    tokenizer = letters(chat=False, length=128)
    torch.manual_seed(0)
    config = BartConfig(
        vocab_size=len(tokenizer),
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_position_embeddings=128,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=1,
        decoder_start_token_id=1,
        forced_eos_token_id=1,
        init_std=0.5,
    )
    BartForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


TINY: dict[str, Callable[[Path], None]] = {
    "text-generation": save_llama,
    "conversational": save_llama,
    "summarization": save_bart,
    "translation": save_bart,
    "text2text-generation": save_bart,
}
