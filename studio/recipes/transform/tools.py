"""What steps ask for beside rows: tokenizers and models. For previews without torch, for jobs with transformers."""

from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from studio.core.errors import InvalidInput, StudioError
from studio.core.settings import Settings
from studio.data import tokens
from studio.data.steps.back_translate import said
from studio.data.steps.base import Tokenizer, Tools, Translator
from studio.data.steps.tokenize import ids_of
from studio.inference.models import hub_id, resolve_model
from studio.tasks.generation import SEQ2SEQ
from studio.tasks.loading import load_model, load_tokenizer

HERE = ("kit:", "artifact:")
CHUNK = 1_000  # texts whose encodings, which hold more than ids, are in memory at once


def light(settings: Settings, owner: str) -> Tools:
    """For previews and scripts: tokenizers of models that are here, by the `tokenizers` library alone."""

    def tokenizer(ref: str) -> Tokenizer:
        if not ref.startswith(HERE):
            expected = "A job fetches tokenizers of the Hub; a preview needs one that is here (kit:… or artifact:…)."
            raise InvalidInput("tokenizer", ref, expected)
        file = _folder(ref, settings, owner, "tokenizer") / tokens.FILE
        if not file.is_file():
            raise InvalidInput("tokenizer", ref, f"It has no {tokens.FILE}; such a tokenizer works in a job only.")
        return partial(fast, tokens.read(file, ref))

    return Tools(tokenizer=tokenizer, arguments=partial(_arguments, settings=settings, owner=owner))


def full(settings: Settings, owner: str, device: str) -> Tools:
    """For jobs: any tokenizer and any model that translates; each is loaded once."""

    @lru_cache(maxsize=4)
    def tokenizer(ref: str) -> Tokenizer:
        loaded = _loaded_tokenizer(ref, settings, owner)
        backend = getattr(loaded, "backend_tokenizer", None)
        return partial(fast, backend) if backend is not None else partial(ids_of, loaded)

    @lru_cache(maxsize=4)
    def translator(ref: str) -> Translator:
        files = resolve_model(ref, settings, owner)
        model = load_model((SEQ2SEQ,), files.path, files.base, device)
        return partial(said, model, load_tokenizer(files.path, files.base))

    return Tools(tokenizer, translator, partial(_arguments, settings=settings, owner=owner))


def fast(tokenizer: Any, texts: list[str], length: int) -> list[list[int]]:
    """Token ids by the `tokenizers` library, in all its threads."""
    tokenizer.no_padding()
    if length:
        tokenizer.enable_truncation(length)
    else:
        tokenizer.no_truncation()
    parts = (texts[start : start + CHUNK] for start in range(0, len(texts), CHUNK))
    return [one.ids for part in parts for one in tokenizer.encode_batch_fast(part)]


def _loaded_tokenizer(ref: str, settings: Settings, owner: str) -> Any:
    from transformers import AutoTokenizer

    if ref.startswith(HERE):
        return load_tokenizer(_folder(ref, settings, owner, "tokenizer"), None)
    repo_id, revision = hub_id(ref)
    token = settings.reader.get_secret_value() if settings.reader else None
    try:  # its files alone, not the weights
        return AutoTokenizer.from_pretrained(repo_id, revision=revision or None, token=token)
    except (OSError, ValueError, ImportError) as error:
        raise StudioError(f"The tokenizer of {ref} cannot be had: {' '.join(str(error).split())[:200]}") from None


def _folder(ref: str, settings: Settings, owner: str, field: str) -> Path:
    try:
        return resolve_model(ref, settings, owner).path
    except InvalidInput as error:
        raise InvalidInput(field, ref, error.expected) from None


def _arguments(ref: str, settings: Settings, owner: str) -> str:
    if ref.startswith(HERE):
        return repr(str(resolve_model(ref, settings, owner).path))
    repo_id, revision = hub_id(ref)
    return repr(repo_id) + (f", revision={revision!r}" if revision else "")
