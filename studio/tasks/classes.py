"""What tasks that choose among a model's own labels take: two fields, and their check."""

from typing import Literal

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.tasks.base import Params

USUAL = 5  # labels, where nobody says how many


class ClassParams(Params):
    """Names and defaults of the Hub's inference API for pictures and sounds."""

    function_to_apply: Literal["sigmoid", "softmax", "none"] | None = Field(
        default=None,
        title="Function for the scores",
        description="How raw outputs become scores. Empty: softmax for one label of several, sigmoid for several at "
        "once, as the model says.",
    )
    top_k: int | None = Field(
        default=None, ge=1, title="Number of labels", description="How many of the best labels are shown. Empty: five."
    )


def check_top_k(top_k: int | None, count: int) -> None:
    """Raise `InvalidInput` for more labels than the model has."""
    if top_k is not None and top_k > count:
        raise InvalidInput("top_k", top_k, f"The model has {count} labels: 1 to {count}, or empty for five.")
