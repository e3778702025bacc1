"""token-classification: people, places, organizations and whatever else a model marks in a text."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from studio.core.types import Modality, Slot
from studio.tasks import media, snippets
from studio.tasks.base import Params, Task, examples
from studio.tasks.loading import Loaded, load_pipeline

ID = "token-classification"
AUTO = "AutoModelForTokenClassification"


class TokenClassificationParams(Params):
    """Names and defaults of the Hub's inference API (`huggingface_hub.TokenClassificationParameters`)."""

    aggregation_strategy: Literal["none", "simple", "first", "average", "max"] | None = Field(
        default=None,
        title="Joining of pieces",
        description="How word pieces become entities. Empty: simple, which joins neighbours of one kind; none shows "
        "each piece; first, average and max decide per word.",
    )
    ignore_labels: list[str] | None = Field(
        default=None,
        title="Labels to leave out",
        description="What is not shown. Empty: O, which is no entity.",
    )
    stride: int | None = Field(
        default=None,
        ge=0,
        title="Overlap of windows",
        description="Tokens that neighbouring windows share, for texts longer than the model reads. Empty: the rest is "
        "not read.",
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Whole models and adapters; raises what `load_model` raises."""
    return load_pipeline(ID, [AUTO], folder, base, device, "tokenizer")


def predict(
    pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: TokenClassificationParams
) -> list[list[dict[str, Any]]]:
    """The entities of each text in their order, with `start` and `end` as characters of it."""
    texts = [media.text(inputs) for inputs in batch]
    found = pipe.pipe(texts, **_options(params))
    return [[_plain(entity) for entity in entities] for entities in found]


def _options(params: TokenClassificationParams) -> dict[str, Any]:
    return {"aggregation_strategy": "simple"} | snippets.options(params)


def _plain(entity: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, str | int) else float(value) for name, value in entity.items()}


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the entities."""
    call = snippets.arguments(snippets.quoted(inputs["inputs"]), **_options(params))
    code = snippets.with_pipeline(ID, model, call, (base, AUTO, "tokenizer") if base else None)
    printed = f"print(pipe({call}))"
    plain = f'for entity in pipe({call}):\n    entities.append({{**entity, "score": float(entity["score"])}})'
    return code.replace(printed, f"entities = []\n{plain}\nprint(entities)")


TASK = Task(
    id=ID,
    title="Token classification",
    description="Marks the words of a text: names of people, places and organizations, for example.",
    inputs=(Slot("inputs", Modality.TEXT, "Text", "One text; what is longer than the model reads is cut."),),
    output=Slot("entities", Modality.ENTITIES, "Entities", "What was found, where, and how sure the model is."),
    params=TokenClassificationParams,
    models=("kit:ner", "dslim/bert-base-NER"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("ForTokenClassification",),
)
