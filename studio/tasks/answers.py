"""What tasks that find an answer in a text or on a page take alike."""

from pydantic import Field

from studio.tasks.base import Params

QUESTION = 64  # tokens of a question that are read, where nobody says how many


class AnswerParams(Params):
    """Names and defaults of the Hub's inference API for questions."""

    top_k: int | None = Field(
        default=None, ge=1, le=100, title="Number of answers", description="How many of the best. Empty: one."
    )
    max_answer_len: int | None = Field(
        default=None, ge=1, title="Longest answer", description="In tokens. Empty: 15, a few words."
    )
    max_question_len: int | None = Field(
        default=None,
        ge=1,
        title="Longest question",
        description=f"Tokens of the question that are read. Empty: {QUESTION}.",
    )
    handle_impossible_answer: bool | None = Field(
        default=None,
        title="Allow no answer",
        description="Whether an empty answer may win when the text does not tell.",
    )
