"""Groups of form fields that training recipes share. Names are those of transformers and peft.

Titles, help and bounds stand here and nowhere else; hints for the form go through `json_schema_extra`.
"""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from studio.metrics import METRICS

if TYPE_CHECKING:
    MetricName = str
else:
    MetricName = Literal[tuple(METRICS)]  # the table's entries, those of installed packages among them

FOLDED: dict[str, Any] = {"folded": True}


class Group(BaseModel):
    """A section of a form; an unknown name is an error, not a silent loss."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class TrainingFields(Group):
    """How long and how fast the model learns."""

    num_train_epochs: float = Field(
        3.0,
        gt=0,
        le=100,
        title="Epochs",
        description="How often the whole training data is seen. 3 is usual; small data sets take 5 to 10.",
    )
    learning_rate: float = Field(
        2e-3,
        gt=0,
        le=0.05,
        title="Learning rate",
        description="Size of one step. LoRA on a small encoder learns well between 5e-4 and 4e-3; "
        "full fine-tuning would take about 5e-5.",
    )
    per_device_train_batch_size: int = Field(
        16,
        ge=1,
        le=512,
        title="Batch size",
        description="Texts per step on one device. Larger is steadier and takes more memory.",
    )


class LoraFields(Group):
    """The low-rank adapter (Hu et al., 2021) that is trained instead of the whole model."""

    model_config = ConfigDict(json_schema_extra=FOLDED)

    r: int = Field(
        8, ge=1, le=256, title="Rank", description="Width of the adapter. 8 suits most tasks; 16 to 64 learns more."
    )
    lora_alpha: int = Field(
        16,
        ge=1,
        le=1024,
        title="Alpha",
        description="The adapter's output is scaled by alpha divided by rank. Twice the rank is usual.",
    )
    lora_dropout: float = Field(
        0.0,
        ge=0,
        lt=1,
        title="Dropout",
        description="Share of the adapter's inputs that are dropped while training. "
        "0.05 to 0.1 helps against overfitting on small data, and costs time and memory.",
    )
    target_modules: Literal["all-linear", "attention"] = Field(
        "all-linear",
        title="Layers",
        description="all-linear adapts every linear layer and learns most; "
        "attention adapts the projections that peft picks for the architecture, and is faster.",
    )


class StoppingFields(Group):
    """When training ends, and which checkpoint is kept."""

    early_stopping: bool = Field(
        True,
        title="Stop early",
        description="End when the chosen metric has stopped improving.",
    )
    early_stopping_patience: int = Field(
        2,
        ge=1,
        le=100,
        title="Patience",
        description="How many evaluations in a row may pass without improvement.",
        json_schema_extra={"depends_on": {"early_stopping": True}},
    )
    metric_for_best_model: MetricName = Field(
        "f1",
        title="Metric",
        description="What decides on the best checkpoint. f1 (macro) weighs every class the same; accuracy every row.",
    )
    load_best_model_at_end: bool = Field(
        True,
        title="Keep the best checkpoint",
        description="The result is the checkpoint with the best metric. Off: the last one.",
    )


class AdvancedFields(Group):
    """What seldom needs a change."""

    model_config = ConfigDict(json_schema_extra=FOLDED)

    weight_decay: float = Field(
        0.01, ge=0, le=1, title="Weight decay", description="AdamW's pull of the trained weights towards zero."
    )
    warmup_ratio: float = Field(
        0.06,
        ge=0,
        le=0.9,
        title="Warm-up",
        description="Share of all steps in which the learning rate rises from 0 to its full value.",
    )
    lr_scheduler_type: Literal["linear", "cosine", "constant", "constant_with_warmup"] = Field(
        "linear", title="Schedule", description="How the learning rate falls after the warm-up."
    )
    seed: int = Field(
        42,
        ge=0,
        le=2**31 - 1,
        title="Seed",
        description="The same seed, data and settings on the same machine give the same model.",
    )
    gradient_accumulation_steps: int = Field(
        1,
        ge=1,
        le=256,
        title="Accumulate",
        description="Batches whose gradients are added up before one step: a larger batch without its memory.",
    )
    max_grad_norm: float = Field(
        1.0, ge=0, le=100, title="Gradient clipping", description="Longest gradient that is let through; 0 is off."
    )
    eval_steps: int = Field(
        0,
        ge=0,
        le=1_000_000,
        title="Evaluate every",
        description="Steps between two evaluations; a checkpoint is kept at each. 0: once an epoch.",
    )
    save_minutes: float = Field(
        5.0,
        gt=0,
        le=1440,
        title="Checkpoint every",
        description="Minutes after which a checkpoint is written besides those at evaluations, "
        "so that a job that is interrupted loses no more than this.",
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto",
        title="Precision",
        description="auto takes bf16 on a GPU that has it and fp32 elsewhere; bf16 is slower on most CPUs.",
    )
