"""cross-lingual-zero-shot: which labels fit a text that is written in another language than they are.

By a model of entailment that was trained on many languages (Conneau et al., XNLI, 2018): the sentence around a label
is in the label's language, whatever the text's is.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from studio.core.types import Label, Modality, Slot
from studio.tasks import zero_shot_classification
from studio.tasks.base import Task, examples
from studio.tasks.loading import Loaded
from studio.tasks.zero_shot_classification import ZeroShotClassificationParams, load

ID = "cross-lingual-zero-shot"
TEMPLATES = {
    "ar": "هذا المثال هو {}.",
    "bg": "Този пример е {}.",
    "de": "Dieses Beispiel ist {}.",
    "el": "Αυτό το παράδειγμα είναι {}.",
    "en": "This example is {}.",
    "es": "Este ejemplo es {}.",
    "fr": "Cet exemple est {}.",
    "it": "Questo esempio è {}.",
    "nl": "Dit voorbeeld is {}.",
    "pt": "Este exemplo é {}.",
    "ru": "Этот пример — {}.",
    "tr": "Bu örnek {}.",
    "vi": "Ví dụ này là {}.",
    "zh": "这个例子是{}。",
}
Language = Literal["ar", "bg", "de", "el", "en", "es", "fr", "it", "nl", "pt", "ru", "tr", "vi", "zh"]


class CrossLingualZeroShotParams(ZeroShotClassificationParams):
    """As for zero-shot classification, and the labels' language."""

    label_language: Language = Field(
        default="en",
        title="Language of the labels",
        description="It chooses the sentence around a label, unless that is written below.",
    )
    hypothesis_template: str | None = Field(
        default=None,
        title="Sentence around a label",
        description='In the labels\' language, with "{}" in the label\'s place. Empty: "This example is {}." in it.',
    )


def predict(pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: CrossLingualZeroShotParams) -> list[list[Label]]:
    """One list of labels per text, best first. Raises `InvalidInput` for labels that are none or twice there."""
    return zero_shot_classification.predict(pipe, batch, plain(params))


def plain(params: CrossLingualZeroShotParams) -> ZeroShotClassificationParams:
    """The parameters with the sentence that the language chooses."""
    return ZeroShotClassificationParams(
        candidate_labels=params.candidate_labels,
        hypothesis_template=params.hypothesis_template or TEMPLATES[params.label_language],
        multi_label=params.multi_label,
    )


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the labels."""
    return zero_shot_classification.snippet(model, inputs, plain(params), base)


TASK = Task(
    id=ID,
    title="Cross-lingual zero-shot",
    description="Which of your own labels fits a text in another language, without any training.",
    inputs=(Slot("inputs", Modality.TEXT, "Text", "In any language that the model knows."),),
    output=Slot("labels", Modality.LABELS, "Labels", "Best first; how well each fits, from 0 to 1."),
    params=CrossLingualZeroShotParams,
    models=("joeddav/xlm-roberta-large-xnli", "MoritzLaurer/mDeBERTa-v3-base-mnli-xnli"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=zero_shot_classification.TASK.heads,
)
