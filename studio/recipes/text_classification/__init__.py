"""Fine-tuning for text classification: LoRA on an encoder or a language model. Importing this loads no torch."""

from studio.core.errors import StudioError
from studio.core.settings import Settings
from studio.jobs.context import JobContext
from studio.jobs.job import Resources
from studio.recipes.base import Recipe
from studio.recipes.text_classification.checks import validate
from studio.recipes.text_classification.params import TextClassificationParams
from studio.recipes.training import memory
from studio.recipes.training.base_models import resolve_base


def run(params: TextClassificationParams, context: JobContext) -> None:
    """Fine-tune, evaluate and leave an adapter."""
    from studio.recipes.text_classification import fit

    fit.run(params, context)


def resources(params: TextClassificationParams, settings: Settings, owner: str) -> Resources:
    """Predicted peak memory; that of a small encoder for a model that cannot be looked at."""
    try:
        base = resolve_base(params.model.base_model, settings, owner)
        shape = memory.read_shape(base.path)
    except (StudioError, OSError, ValueError, KeyError, TypeError):
        shape = memory.SMALL_ENCODER
    needed = memory.training_bytes(
        shape,
        batch=params.training.per_device_train_batch_size,
        length=params.model.max_length,
        rank=params.lora.r,
        lora_dropout=params.lora.lora_dropout > 0,
    )
    return Resources(memory_bytes=needed, gpu=True)


RECIPE: Recipe[TextClassificationParams] = Recipe(
    name="text-classification",
    title="Text classification",
    kind="train",
    params=TextClassificationParams,
    run=run,
    resources=resources,
    validate=validate,
    describe=TextClassificationParams.title,
)
