"""The form of a text-classification run: one field, one line; the shared groups stand in `training.fields`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from studio.recipes.training.fields import AdvancedFields, Group, LoraFields, StoppingFields, TrainingFields


class DataFields(Group):
    """What the model learns from."""

    dataset: str = Field(
        "kit:debian-topics",
        min_length=1,
        max_length=300,
        title="Dataset",
        description="A data set of the starter kit (kit:…), one that you uploaded (upload:…), or a Hub id owner/name.",
        json_schema_extra={"widget": "dataset"},
    )
    train_split: str = Field(
        "train",
        min_length=1,
        max_length=100,
        title="Train on",
        description="The split that the model learns from.",
        json_schema_extra={"widget": "split"},
    )
    eval_split: str = Field(
        "",
        max_length=100,
        title="Evaluate on",
        description="The split that measures progress and chooses the checkpoint. "
        "Empty: a part of the training split is held out.",
        json_schema_extra={"widget": "split"},
    )
    eval_fraction: float = Field(
        0.1,
        gt=0,
        le=0.5,
        title="Held-out share",
        description="Part of the training split that is held out, each class in proportion.",
        json_schema_extra={"depends_on": {"eval_split": ""}},
    )
    test_split: str = Field(
        "",
        max_length=100,
        title="Test on",
        description="Scored once, with the finished model. The evaluation split chose the checkpoint, "
        "so only a test split gives an unbiased figure. Empty: none.",
        json_schema_extra={"widget": "split"},
    )
    text_column: str = Field(
        "text",
        min_length=1,
        max_length=300,
        title="Text column",
        description="What the model reads.",
        json_schema_extra={"widget": "column"},
    )
    label_column: str = Field(
        "label",
        min_length=1,
        max_length=300,
        title="Label column",
        description="What the model is to answer: a few classes, as words or whole numbers.",
        json_schema_extra={"widget": "column"},
    )
    max_train_samples: int = Field(
        0,
        ge=0,
        title="At most",
        description="Training rows to use, each class in proportion; good for a first try. 0: all.",
    )


class ModelFields(Group):
    """What the run starts from."""

    base_model: str = Field(
        "kit:minilm-l6",
        min_length=1,
        max_length=300,
        title="Base model",
        description="A whole model with safetensors weights: of the starter kit (kit:…), or a Hub id owner/name.",
        json_schema_extra={"widget": "model"},
    )
    max_length: int = Field(
        128,
        ge=4,
        le=8192,
        title="Longest text",
        description="In tokens, special ones included. Memory and time grow with it.",
    )
    long_texts: Literal["error", "truncate"] = Field(
        "error",
        title="Longer texts",
        description="error refuses the run and says how many are too long; truncate cuts their ends off.",
    )


class TextClassificationParams(BaseModel):
    """Fine-tune a model to sort texts into classes."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    data: DataFields = Field(default_factory=DataFields, title="Data", description="What the model learns from.")
    model: ModelFields = Field(default_factory=ModelFields, title="Model", description="What the run starts from.")
    training: TrainingFields = Field(
        default_factory=TrainingFields, title="Training", description="How long and how fast the model learns."
    )
    stopping: StoppingFields = Field(
        default_factory=StoppingFields, title="Stopping", description="When training ends, and what is kept."
    )
    lora: LoraFields = Field(
        default_factory=LoraFields, title="LoRA", description="The adapter that is trained instead of the whole model."
    )
    advanced: AdvancedFields = Field(
        default_factory=AdvancedFields, title="Advanced", description="What seldom needs a change."
    )
    project: str = Field(
        "text-classification",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$",
        title="Project",
        description="Runs of one project are compared with each other. Letters, digits, - and _.",
    )
    run_name: str = Field(
        "",
        max_length=100,
        title="Run name",
        description="What lists call this run. Empty: made from data and model.",
    )

    def title(self) -> str:
        """What lists call this run."""
        if self.run_name:
            return self.run_name
        return f"{_short(self.model.base_model)} on {_short(self.data.dataset)}"


def _short(ref: str) -> str:
    """The last part of a reference: `kit:minilm-l6` → `minilm-l6`, `owner/name@rev` → `name`."""
    return ref.partition("@")[0].rsplit("/", 1)[-1].rsplit(":", 1)[-1] or ref
