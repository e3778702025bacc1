"""question-answering: the words of a text that answer a question.

transformers 5 has no pipeline for it; what is done here is what version 4's did: windows that overlap, the most likely
start and end of each, no answer where the model says so (Devlin et al., BERT, 2019, section 4.2 and 4.3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.core.types import Modality, Slot
from studio.tasks import media, snippets
from studio.tasks.answers import QUESTION, AnswerParams
from studio.tasks.base import Task, examples
from studio.tasks.loading import dtype_of, load_model, load_tokenizer, weight_bytes

ID = "question-answering"
AUTO = "AutoModelForQuestionAnswering"
WINDOW, STRIDE, ANSWER = 384, 128, 15  # tokens; transformers 4's defaults
WINDOWS_AT_ONCE = 8


class QuestionAnsweringParams(AnswerParams):
    """Names and defaults of the Hub's inference API (`huggingface_hub.QuestionAnsweringParameters`)."""

    align_to_words: bool | None = Field(
        default=None, title="Whole words", description="Whether answers begin and end with words. Empty: yes."
    )
    doc_stride: int | None = Field(
        default=None,
        ge=1,
        title="Overlap of windows",
        description="Tokens that windows of a long text share. Empty: 128.",
    )
    max_seq_len: int | None = Field(
        default=None, ge=16, title="Window", description="Tokens that the model sees at once. Empty: 384, or its limit."
    )


@dataclass(frozen=True)
class Reader:
    """A loaded model; `limit` is the most tokens that it reads at once."""

    model: Any
    tokenizer: Any
    limit: int
    bytes: int
    dtype: str


@dataclass(frozen=True)
class Window:
    """Part of a text, tokenized after the question.

    Attributes:
        offsets: characters of the context by token; None outside it.
        words: number of the word by token; None outside.
    """

    ids: Sequence[int]
    types: Sequence[int] | None
    offsets: Sequence[tuple[int, int] | None]
    words: Sequence[int | None]


def load(folder: Path, base: Path | None, device: str) -> Reader:
    """Whole models and adapters; raises what `load_model` raises."""
    model = load_model([AUTO], folder, base, device)
    tokenizer = load_tokenizer(folder, base)
    positions = int(getattr(model.config, "max_position_embeddings", None) or WINDOW)
    limit = min(int(tokenizer.model_max_length), positions)
    return Reader(model, tokenizer, limit, weight_bytes(model), dtype_of(model))


def predict(
    pipe: Reader, batch: Sequence[Mapping[str, Any]], params: QuestionAnsweringParams
) -> list[list[dict[str, Any]]]:
    """The best answers to each question, with `start` and `end` as characters of the context.

    The score is the product of the two probabilities, each within its window. Raises `InvalidInput`.
    """
    return [_answer(pipe, inputs, params) for inputs in batch]


def _answer(pipe: Reader, inputs: Mapping[str, Any], params: QuestionAnsweringParams) -> list[dict[str, Any]]:
    import torch

    question = media.text(inputs, "question", "The question is empty; ask one.")
    context = media.text(inputs, "context", "The text is empty; give one that holds the answer.")
    windows = _windows(pipe, question, context, params)
    found: dict[tuple[int, int], float] = {}
    nothing = 1.0
    for start in range(0, len(windows), WINDOWS_AT_ONCE):
        for window in windows[start : start + WINDOWS_AT_ONCE]:
            given = {"input_ids": torch.tensor([window.ids])}
            if window.types is not None:
                given["token_type_ids"] = torch.tensor([window.types])
            with torch.inference_mode():
                output = pipe.model(**{name: value.to(pipe.model.device) for name, value in given.items()})
            spans, empty = _spans(window, output.start_logits[0], output.end_logits[0], params)
            nothing = min(nothing, empty)
            for span, score in spans:
                found[span] = max(score, found.get(span, 0.0))
    answers = [
        {"answer": context[start:end], "score": score, "start": start, "end": end}
        for (start, end), score in found.items()
    ]
    if params.handle_impossible_answer:
        answers.append({"answer": "", "score": nothing, "start": 0, "end": 0})
    return sorted(answers, key=lambda one: -float(str(one["score"])))[: params.top_k or 1]


def _windows(pipe: Reader, question: str, context: str, params: QuestionAnsweringParams) -> list[Window]:
    tokenizer = pipe.tokenizer
    size = min(params.max_seq_len or WINDOW, pipe.limit)
    longest = params.max_question_len or QUESTION
    asked = tokenizer(question, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"][:longest]
    question = question[: asked[-1][1]] if asked else question
    stride = min(params.doc_stride or STRIDE, size // 4)
    room = size - len(asked) - tokenizer.num_special_tokens_to_add(pair=True)
    if room <= stride:
        expected = f"With this question {size - room + stride + 1} tokens are needed at least."
        raise InvalidInput("max_seq_len", size, expected)
    encoded = tokenizer(
        question,
        context,
        truncation="only_second",
        max_length=size,
        stride=stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    return [
        Window(one.ids, one.type_ids if "token_type_ids" in encoded else None, *_of_context(one))
        for one in encoded.encodings
    ]


def _of_context(encoding: Any) -> tuple[list[tuple[int, int] | None], list[int | None]]:
    inside = [number == 1 for number in encoding.sequence_ids]
    offsets = [tuple(offset) if here else None for offset, here in zip(encoding.offsets, inside, strict=True)]
    return offsets, [word if here else None for word, here in zip(encoding.word_ids, inside, strict=True)]


def _spans(
    window: Window, starts: Any, ends: Any, params: QuestionAnsweringParams
) -> tuple[list[tuple[tuple[int, int], float]], float]:
    """The best spans of a window with their scores, and the score of no answer at all."""
    import torch

    allowed = torch.tensor([offset is not None for offset in window.offsets])
    allowed[0] |= bool(params.handle_impossible_answer)  # the first token stands for no answer
    start, end = (
        torch.where(allowed, values.float().cpu(), torch.tensor(-10_000.0)).softmax(-1) for values in (starts, ends)
    )
    empty = float(start[0] * end[0])
    inside = torch.tensor([offset is not None for offset in window.offsets])
    scores = torch.outer(start * inside, end * inside).triu().tril((params.max_answer_len or ANSWER) - 1)
    count = min(params.top_k or 1, scores.numel())
    best = scores.flatten().topk(count)
    found = []
    for score, place in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        if score > 0:
            first, last = divmod(place, len(window.offsets))
            found.append((_characters(window, first, last, params.align_to_words is not False), score))
    return found, empty


def _characters(window: Window, first: int, last: int, whole_words: bool) -> tuple[int, int]:
    if whole_words:
        first, last = _edge(window, first, -1), _edge(window, last, 1)
    begin, end = window.offsets[first], window.offsets[last]
    return (begin[0] if begin else 0), (end[1] if end else 0)


def _edge(window: Window, token: int, step: int) -> int:
    """The token at the edge of the word that this one is part of."""
    word = window.words[token]
    while 0 <= token + step < len(window.words) and word is not None and window.words[token + step] == word:
        token += step
    return token


SCRIPT = """import torch
{load}
question = {question}
context = {context}
size = min({size}, tokenizer.model_max_length, model.config.max_position_embeddings)
inputs = tokenizer(question, context, truncation="only_second", max_length=size, stride=min({stride}, size // 4),
                   return_overflowing_tokens=True, return_offsets_mapping=True)
found = {{}}
for window in inputs.encodings:
    names = {{"input_ids": [window.ids]}}
    if "token_type_ids" in inputs:
        names["token_type_ids"] = [window.type_ids]
    with torch.inference_mode():
        output = model(**{{name: torch.tensor(value) for name, value in names.items()}})
    inside = torch.tensor([number == 1 for number in window.sequence_ids])
    allowed = inside.clone()
    allowed[0] |= {impossible}
    start, end = (torch.where(allowed, logits[0].float(), torch.tensor(-10_000.0)).softmax(-1)
                  for logits in (output.start_logits, output.end_logits))
    if {impossible}:
        nothing = float(start[0] * end[0])
        found[0, 0] = min(nothing, found.get((0, 0), 1.0))
    scores = torch.outer(start * inside, end * inside).triu().tril({answer} - 1)
    best = scores.flatten().topk(min({top_k}, scores.numel()))
    for score, place in zip(best.values.tolist(), best.indices.tolist()):
        first, last = divmod(place, len(window.ids))
        if {words}:  # from the start of a word to the end of one
            first = min(i for i, word in enumerate(window.word_ids) if word == window.word_ids[first] and inside[i])
            last = max(i for i, word in enumerate(window.word_ids) if word == window.word_ids[last] and inside[i])
        span = window.offsets[first][0], window.offsets[last][1]
        if score > 0:
            found[span] = max(score, found.get(span, 0.0))
answers = [{{"answer": context[s:e], "score": score, "start": s, "end": e}} for (s, e), score in found.items()]
print(sorted(answers, key=lambda one: -one["score"])[:{top_k}])
"""


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the answers."""
    return SCRIPT.format(
        load=snippets.load_lines(AUTO, model, base),
        question=snippets.quoted(inputs["question"]),
        context=snippets.quoted(inputs["context"]),
        size=params.max_seq_len or WINDOW,
        stride=params.doc_stride or STRIDE,
        impossible=bool(params.handle_impossible_answer),
        answer=params.max_answer_len or ANSWER,
        top_k=params.top_k or 1,
        words=params.align_to_words is not False,
    )


TASK = Task(
    id=ID,
    title="Question answering",
    description="Finds the words of a text that answer a question.",
    inputs=(
        Slot("question", Modality.TEXT, "Question", "In the text's own words it works best."),
        Slot("context", Modality.TEXT, "Text", "Where the answer stands; long texts are read in windows."),
    ),
    output=Slot("answers", Modality.ANSWERS, "Answer", "The words of the text, and how sure the model is."),
    params=QuestionAnsweringParams,
    models=("kit:qa", "distilbert/distilbert-base-cased-distilled-squad"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("ForQuestionAnswering",),
    answer=lambda output: output[0] if len(output) == 1 else output,
)
