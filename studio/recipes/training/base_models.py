"""What a fine-tune may start from: a whole model with a fast tokenizer, and how long a text it takes. No torch."""

import json
from pathlib import Path
from typing import Any

from studio.core.errors import InvalidInput, StudioError
from studio.core.settings import Settings
from studio.inference.models import ModelFiles, resolve_model

OFFSET_POSITIONS = frozenset({"roberta", "xlm-roberta", "camembert", "xlm-roberta-xl", "roberta-prelayernorm", "mpnet"})
UNLIMITED = 1_000_000  # tokenizers write 1e30 for "no limit"


def resolve_base(ref: str, settings: Settings, owner: str, field: str = "model.base_model") -> ModelFiles:
    """The files of a text model to start from; every refusal is an `InvalidInput` at `field`."""
    try:
        files = resolve_model(ref, settings, owner)
    except InvalidInput as error:
        raise InvalidInput(field, ref, error.expected) from None
    except StudioError as error:
        raise InvalidInput(field, ref, str(error)) from None
    if files.base is not None:
        raise InvalidInput(field, ref, f"It is an adapter; start from its base, {files.base_ref}.")
    config = read_config(files.path)
    if config.get("is_encoder_decoder"):
        raise InvalidInput(field, ref, "It is an encoder-decoder; choose an encoder (BERT-like) or a language model.")
    if not isinstance(config.get("vocab_size"), int):
        raise InvalidInput(field, ref, "It does not read text; choose an encoder (BERT-like) or a language model.")
    if not (files.path / "tokenizer.json").is_file():
        raise InvalidInput(field, ref, "It has no tokenizer.json; choose a model with a fast tokenizer.")
    return files


def read_config(folder: Path) -> dict[str, Any]:
    """config.json of a folder that has been checked; an empty one when it is no object."""
    return _object(folder / "config.json")


def text_limit(folder: Path) -> int:
    """Longest text in tokens that positions and tokenizer allow, special tokens included."""
    config = read_config(folder)
    positions = config.get("max_position_embeddings") or config.get("n_positions") or UNLIMITED
    if config.get("model_type") in OFFSET_POSITIONS:  # their first positions are taken by padding
        positions -= (config.get("pad_token_id") or 0) + 1
    stated = _object(folder / "tokenizer_config.json").get("model_max_length")
    if isinstance(stated, int | float) and 0 < stated < UNLIMITED:
        return min(int(positions), int(stated))
    return int(positions)


def _object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
