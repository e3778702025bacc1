"""Labels that a visitor names: the field, and its checks."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from studio.core.errors import InvalidInput

MOST = 100

Candidates = Annotated[
    list[str], Field(title="Candidate labels", description="What to choose from: two words or more, each once.")
]


def check_candidates(labels: list[str], fewest: int = 1) -> list[str]:
    """The labels without white space around them; raises `InvalidInput` for none, too many, empty or twice there."""
    found = [label.strip() for label in labels]
    if len(found) < fewest or not all(found):
        raise InvalidInput("candidate_labels", labels, "Name at least one label; none may be empty.")
    if len(found) > MOST:
        raise InvalidInput("candidate_labels", f"{len(found)} labels", f"At most {MOST} are compared.")
    twice = next((label for label in found if found.count(label) > 1), None)
    if twice is not None:
        raise InvalidInput("candidate_labels", twice, "It is there twice; name each label once.")
    return found


def check_template(template: str | None) -> None:
    """Raise `InvalidInput` for a sentence without a place for the label, or with other braces."""
    if template is not None and ("{}" not in template or set("{}") & set(template.replace("{}", ""))):
        expected = 'Write "{}" where the label is to stand, and no other braces.'
        raise InvalidInput("hypothesis_template", template, expected)


def check_lengths(labels: Sequence[str], sentences: Sequence[str], tokenizer: Any) -> None:
    """Raise `InvalidInput` with the label whose sentence is longer than a model's texts may be."""
    longest = int(tokenizer.model_max_length)
    for label, sentence in zip(labels, sentences, strict=True):
        count = len(tokenizer(sentence)["input_ids"])
        if count > longest:
            raise InvalidInput("candidate_labels", label, f"It is {count} tokens long; the model reads {longest}.")
