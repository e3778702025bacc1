"""Fine-tuning for text classification: LoRA on an encoder or a language model. Importing this loads no torch."""

from contextlib import suppress

from studio.core.errors import StudioError
from studio.core.settings import Settings
from studio.data import sources
from studio.jobs.context import JobContext
from studio.jobs.job import Resources
from studio.recipes.base import Recipe
from studio.recipes.text_classification.checks import validate
from studio.recipes.text_classification.params import TextClassificationParams
from studio.recipes.text_classification.sizes import data_size
from studio.recipes.training import memory
from studio.recipes.training.base_models import resolve_base
from studio.recipes.training.texts import load_tokenizer

BESIDE = 5_000_000  # bytes: a tokenizer, a head, predictions of the held-out rows


def run(params: TextClassificationParams, context: JobContext) -> None:
    """Fine-tune, evaluate and leave an adapter."""
    from studio.recipes.text_classification import fit

    fit.run(params, context)


def resources(params: TextClassificationParams, settings: Settings, owner: str) -> Resources:
    """Predicted peak memory; for what cannot be looked at that of a small encoder, and of texts as long as allowed."""
    shape, data = memory.SMALL_ENCODER, memory.DataSize(longest=params.model.max_length)
    with suppress(StudioError, OSError, ValueError, KeyError, TypeError):
        base = resolve_base(params.model.base_model, settings, owner)
        shape = memory.read_shape(base.path)
        dataset = sources.foreseen(params.data.dataset, settings, owner)
        data = data_size(dataset, params, load_tokenizer(base.path))
    needed = memory.training_bytes(
        shape,
        batch=params.training.per_device_train_batch_size,
        data=data,
        rank=params.lora.r,
        lora_dropout=params.lora.lora_dropout > 0,
    )
    return Resources(memory_bytes=needed, gpu=True)


def leaves(params: TextClassificationParams, settings: Settings, owner: str) -> int:
    """The adapter, and what comes with it."""
    shape = memory.read_shape(resolve_base(params.model.base_model, settings, owner).path)
    return BESIDE + memory.adapter_bytes(shape, params.lora.r)


RECIPE: Recipe[TextClassificationParams] = Recipe(
    name="text-classification",
    title="Text classification",
    kind="train",
    params=TextClassificationParams,
    run=run,
    resources=resources,
    validate=validate,
    describe=TextClassificationParams.title,
    reads_hub=True,
    leaves=leaves,
)
