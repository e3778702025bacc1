"""Labels that a visitor names: the field, and its checks."""

from typing import Annotated

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
    """Raise `InvalidInput` for a sentence without a place for the label."""
    if template is not None and "{}" not in template:
        raise InvalidInput("hypothesis_template", template, 'Write "{}" where the label is to stand.')
