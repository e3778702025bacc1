"""translation: a text in another language."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.core.types import Modality, Slot
from studio.tasks import generation, seq2seq, snippets, writing
from studio.tasks.base import Listener, Task, examples
from studio.tasks.loading import Loaded
from studio.tasks.seq2seq import Seq2SeqParams

ID = "translation"


class TranslationParams(Seq2SeqParams):
    """Names and defaults of the Hub's inference API (`huggingface_hub.TranslationParameters`)."""

    src_lang: str | None = Field(
        default=None,
        title="From",
        description="The text's language as the model writes it: eng_Latn for NLLB, en_XX for mBART, en for T5. Empty "
        "for models of one pair.",
    )
    tgt_lang: str | None = Field(
        default=None, title="To", description="The language to translate to, written in the same way."
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Whole models and adapters; raises what `load_model` raises."""
    return generation.load(generation.SEQ2SEQ, folder, base, device)


def predict(pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: TranslationParams) -> list[dict[str, str]]:
    """The translation of each text. Raises `InvalidInput` for a language that the model does not know."""
    texts = seq2seq.answer_all(pipe, batch, params, prepared, **target(pipe.pipe[1], params))
    return [{"translation_text": text} for text in texts]


def stream(pipe: Loaded, inputs: Mapping[str, Any], params: TranslationParams, listener: Listener) -> dict[str, str]:
    """As `predict`, part by part."""
    ids = seq2seq.read(pipe, inputs, params, prepared)
    wish = seq2seq.wish_of(pipe.pipe[0], params, **target(pipe.pipe[1], params))
    return {"translation_text": writing.write(pipe, ids, wish, listener).text.strip()}


def prepared(model: Any, tokenizer: Any, text: str, params: TranslationParams) -> str:
    """The text as the model reads it: T5 is told in words, others by the tokenizer's language."""
    if params.src_lang and hasattr(tokenizer, "src_lang"):
        _token(tokenizer, "src_lang", params.src_lang)
        tokenizer.src_lang = params.src_lang
    known = getattr(model.config, "task_specific_params", None) or {}
    if not known:
        return text
    pair = f"translation_{params.src_lang}_to_{params.tgt_lang}"
    pairs = [name for name in known if name.startswith("translation_")]
    if pair not in known and pairs:
        raise InvalidInput("tgt_lang", params.tgt_lang, f"Pairs of this model: {', '.join(pairs)}.")
    return str(known.get(pair, {}).get("prefix", "")) + text


def target(tokenizer: Any, params: TranslationParams) -> dict[str, int]:
    """The first token of the answer, for models of many languages."""
    if not params.tgt_lang or not hasattr(tokenizer, "src_lang"):
        return {}
    return {"forced_bos_token_id": _token(tokenizer, "tgt_lang", params.tgt_lang)}


def _token(tokenizer: Any, field: str, language: str) -> int:
    number = tokenizer.convert_tokens_to_ids(language)
    if number == tokenizer.unk_token_id:
        known = [token for token in tokenizer.all_special_tokens if "_" in token][:8]
        raise InvalidInput(field, language, f"Languages of this model: {', '.join(known) or 'none'} …")
    return int(number)


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the translation."""
    code = seq2seq.snippet(model, snippets.quoted(inputs["inputs"]), params, base, "translation_text")
    if params.src_lang:
        code = code.replace("\ninputs = ", f"\ntokenizer.src_lang = {snippets.quoted(params.src_lang)}\ninputs = ")
    if params.tgt_lang:
        first = f"tokenizer.convert_tokens_to_ids({snippets.quoted(params.tgt_lang)})"
        code = code.replace('inputs["attention_mask"]', f'inputs["attention_mask"], forced_bos_token_id={first}')
    return code


TASK = Task(
    id=ID,
    title="Translation",
    description="Says a text in another language.",
    inputs=(Slot("inputs", Modality.TEXT, "Text", "In the model's language; what is longer than it reads is cut."),),
    output=Slot("translation_text", Modality.TEXT, "Translation", "What the model writes."),
    params=TranslationParams,
    models=("kit:translator", "Helsinki-NLP/opus-mt-en-fr", "facebook/nllb-200-distilled-600M"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("MarianMTModel", "M2M100ForConditionalGeneration", "MBartForConditionalGeneration"),
    stream=stream,
    answer=lambda output: [output],
)
