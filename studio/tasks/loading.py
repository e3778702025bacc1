"""Loads models for tasks: local safetensors, whole or as a PEFT adapter on its base. No code of a repository runs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.core.errors import StudioError, UserError
from studio.tasks import attention

ADAPTER = "adapter_model.safetensors"
UNUSED = "masked_spec_embed"  # what encoders of speech hear in place of sound, in training only
LARGE = 1_000_000_000  # weights; a model that large runs in half precision where the device is good at it
LOCAL: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}


class WrongModel(UserError):
    """The model does not fit the task."""

    status = 422


@dataclass(frozen=True)
class Loaded:
    """A model with what belongs to it.

    Attributes:
        pipe: a pipeline of transformers, or whatever else the task's `predict` calls.
        bytes: what its weights take.
        dtype: their type, "float32" for example.
    """

    pipe: Any
    bytes: int
    dtype: str = "float32"


def load_pipeline(task: str, auto: Sequence[str], folder: Path, base: Path | None, device: str, *parts: str) -> Loaded:
    """`pipeline` of transformers of a task around a model that `load_model` loaded.

    Args:
        task: the pipeline's name.
        auto: see `load_model`, as of the next three.
        folder: of the model or adapter.
        base: of the adapter's base.
        device: where it goes.
        parts: what the pipeline needs beside the model: "tokenizer", "image_processor", "feature_extractor",
            "processor", "video_processor".
    """
    from transformers import pipeline

    model = load_model(auto, folder, base, device)
    found = {part: load_part(part, folder, base) for part in parts}
    pipe = pipeline(task, model=model, device=device, trust_remote_code=False, **found)
    return loaded(pipe, model)


def loaded(pipe: Any, *models: Any) -> Loaded:
    """The record for a pipe whose weights are those of `models`; each looks before a step whether anybody waits."""
    for model in models:
        attention.watch(model)
    return Loaded(pipe, sum(weight_bytes(model) for model in models), dtype_of(models[0]))


def load_model(auto: Sequence[str], folder: Path, base: Path | None, device: str) -> Any:
    """The model in evaluation mode on its device: float32, or bfloat16 for large ones on GPUs that can.

    Args:
        auto: names of transformers' Auto classes; the first that knows the configuration loads it.
        folder: config.json and safetensors, or a PEFT adapter.
        base: the adapter's base.
        device: "cpu", "cuda" or "mps".

    Raises `WrongModel` when no class knows the configuration, and `StudioError` when weights that the answer depends
    on are in no file.
    """
    import transformers

    config = load_config(folder, base)
    kinds = [getattr(transformers, name) for name in auto]
    kind = next((one for one in kinds if type(config) in one._model_mapping), None)
    if kind is None:
        raise WrongModel(f"A model of type {config.model_type!r} cannot do this task; choose another one.")
    model, info = kind.from_pretrained(
        base or folder,
        config=config,
        dtype=weight_dtype(base or folder, device),
        use_safetensors=True,
        output_loading_info=True,
        **LOCAL,
    )
    missing = set(info["missing_keys"])
    if base is not None:
        model, missing = _with_adapter(model, folder, missing)
    missing = {name for name in missing if not (name.endswith(UNUSED) or _is_zero_bias(model, name))}
    if missing:
        raise StudioError(
            f"These weights are in no file: {', '.join(sorted(missing)[:4])}. The model has no trained head for this "
            "task; fine-tune it first."
        )
    return model.to(device).eval()


def load_config(folder: Path, base: Path | None) -> Any:
    """The configuration: the adapter's own where it has one, else its base's with the labels of its manifest."""
    from transformers import AutoConfig

    own = (folder / "config.json").is_file()
    config = AutoConfig.from_pretrained(folder if own or base is None else base, **LOCAL)
    labels = [] if own or base is None else _manifest_labels(folder)
    if labels:
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: index for index, label in enumerate(labels)}
    return config


def load_tokenizer(folder: Path, base: Path | None) -> Any:
    """The adapter's or the model's own tokenizer, else its base's."""
    return load_part("tokenizer", folder, base)


def load_part(part: str, folder: Path, base: Path | None) -> Any:
    """What prepares a model's inputs, by its name in `PARTS`; raises `WrongModel` where none can be had here."""
    import transformers

    try:
        return getattr(transformers, PARTS[part]).from_pretrained(_place_of(part, folder, base), **LOCAL)
    except (ImportError, OSError, ValueError) as error:
        what = part.replace("_", " ")
        if "torchvision" in str(error).lower():
            raise WrongModel(
                f"Its {what} works with torchvision only, which is not installed here; choose another model."
            ) from None
        raise WrongModel(f"It has no {what} that can be read, so it cannot take this task's inputs.") from None


def halves(size: int, device: str) -> bool:
    """Whether weights whose files have `size` bytes are loaded in half precision."""
    return device.startswith("cuda") and size > 2 * LARGE


def dtype_of(model: Any) -> str:
    """The type of a model's weights, "float32" for example."""
    return str(model.dtype).removeprefix("torch.")


def weight_bytes(model: Any) -> int:
    """Memory of a model's parameters and buffers."""
    return sum(tensor.numel() * tensor.element_size() for tensor in [*model.parameters(), *model.buffers()])


PARTS = {  # transformers' Auto class of each part
    "tokenizer": "AutoTokenizer",
    "image_processor": "AutoImageProcessor",
    "feature_extractor": "AutoFeatureExtractor",
    "processor": "AutoProcessor",
    "video_processor": "AutoVideoProcessor",
}
FILES = {
    "tokenizer": ("tokenizer.json", "tokenizer_config.json"),
    "image_processor": ("preprocessor_config.json", "processor_config.json"),
    "feature_extractor": ("preprocessor_config.json", "processor_config.json"),
    "processor": ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json"),
    "video_processor": ("video_preprocessor_config.json", "preprocessor_config.json", "processor_config.json"),
}


def _place_of(part: str, folder: Path, base: Path | None) -> Path:
    """Adapters bring a tokenizer or processor, or leave it with their base."""
    here = any((folder / name).is_file() for name in FILES[part])
    return folder if here or base is None else base


def weight_dtype(folder: Path, device: str) -> Any:
    """In which type the weights of a folder, and of the folders in it, are loaded."""
    import torch

    size = sum(file.stat().st_size for file in folder.rglob("*.safetensors"))
    return torch.bfloat16 if halves(size, device) and torch.cuda.is_bf16_supported() else torch.float32


def _with_adapter(model: Any, folder: Path, missing: set[str]) -> tuple[Any, set[str]]:
    """The model with its adapter, and which of the base's missing weights the adapter does not bring either."""
    from peft import PeftModel
    from safetensors import safe_open

    with safe_open(folder / ADAPTER, framework="pt") as weights:
        brought = {key.removeprefix("base_model.model.") for key in weights.keys()}  # noqa: SIM118  no mapping
    adapted = PeftModel.from_pretrained(model, folder, local_files_only=True)
    if hasattr(adapted.base_model, "merge_and_unload"):  # one matrix product per layer instead of three
        adapted = adapted.merge_and_unload()
    return adapted, missing - brought


def _is_zero_bias(model: Any, name: str) -> bool:
    """A bias in no file starts as zero: a model whose other weights are there was trained with it so."""
    if not name.endswith("bias"):
        return False
    values = dict(model.named_parameters(remove_duplicate=False)).get(name)
    return values is not None and not values.any()


def _manifest_labels(folder: Path) -> list[str]:
    try:
        found = json.loads((folder / "manifest.json").read_text(encoding="utf-8")).get("labels", [])
    except (OSError, ValueError):
        return []
    return [str(label) for label in found]
