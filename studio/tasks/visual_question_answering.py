"""visual-question-answering: a question about a picture, answered in a word or two.

ViLT chooses among the answers that it was trained with, each judged by itself; BLIP writes its answer.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.core.types import Modality, Slot
from studio.tasks import media, snippets
from studio.tasks.base import Params, Task, examples
from studio.tasks.classes import USUAL, check_top_k
from studio.tasks.loading import Loaded, load_model, load_part, loaded
from studio.tasks.multimodal import likeliest, moved

ID = "visual-question-answering"
AUTO = "AutoModelForVisualQuestionAnswering"
LONGEST, QUESTION = 20, 512  # tokens of a written answer; of a question, where the model says nothing
ASKED = {"blip-2": "Question: {} Answer:"}  # how a kind of model was taught to be asked


class VisualQuestionAnsweringParams(Params):
    """Names and defaults of the Hub's inference API (`huggingface_hub.VisualQuestionAnsweringParameters`)."""

    top_k: int | None = Field(
        default=None,
        ge=1,
        le=100,
        title="Number of answers",
        description="How many of the best. Empty: five of a model that chooses, one of a model that writes.",
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """ViLT, BLIP and their like; raises what `load_model` and `load_part` raise."""
    model = load_model([AUTO], folder, base, device)
    return loaded((model, load_part("processor", folder, base)), model)


def predict(
    pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: VisualQuestionAnsweringParams
) -> list[list[dict[str, Any]]]:
    """The answers to each question, best first. Raises `InvalidInput` by slot."""
    return [_answer(pipe, inputs, params) for inputs in batch]


def _answer(pipe: Loaded, inputs: Mapping[str, Any], params: VisualQuestionAnsweringParams) -> list[dict[str, Any]]:
    import torch

    model, processor = pipe.pipe
    picture = media.image(inputs, "image")
    question = media.text(inputs, "question", "The question is empty; ask one.")
    asked = ASKED.get(model.config.model_type, "{}").replace("{}", question)
    longest = min(processor.tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", QUESTION))
    given = processor(images=picture, text=asked, truncation=True, max_length=longest, return_tensors="pt")
    if model.can_generate():
        return _written(model, processor, moved(given, model), params.top_k or 1)
    with torch.inference_mode():
        scores = model(**moved(given, model)).logits[0].float().sigmoid()
    check_top_k(params.top_k, len(scores))
    best = scores.topk(min(params.top_k or USUAL, len(scores)))
    return [
        {"score": score, "answer": model.config.id2label[number]}
        for score, number in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    ]


def _written(model: Any, processor: Any, given: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """The likeliest texts; the score is the probability of the whole text."""
    rows, scores = likeliest(model, given, count, LONGEST)
    texts = processor.batch_decode(rows, skip_special_tokens=True)
    return [{"score": score, "answer": text.strip()} for score, text in zip(scores, texts, strict=True)]


SCRIPT = """import torch
from PIL import Image, ImageOps
{load}
{picture}
question = {question}
if model.config.model_type == "blip-2":
    question = f"Question: {{question}} Answer:"
longest = min(processor.tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", {longest}))
inputs = processor(images=picture, text=question, truncation=True, max_length=longest, return_tensors="pt")
with torch.inference_mode():
    if model.can_generate():
        found = model.generate(
            **inputs, max_new_tokens={tokens}, num_beams={beams}, num_return_sequences={written}, length_penalty=0.0,
            do_sample=False, output_scores=True, return_dict_in_generate=True,
        )
        scores = found.sequences_scores.exp().tolist()
        answers = [text.strip() for text in processor.batch_decode(found.sequences, skip_special_tokens=True)]
    else:
        scores = model(**inputs).logits[0].sigmoid()
        best = scores.topk(min({chosen}, len(scores)))
        scores, answers = best.values.tolist(), [model.config.id2label[number] for number in best.indices.tolist()]
print([{{"score": score, "answer": answer}} for score, answer in zip(scores, answers)])
"""


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the answers."""
    return SCRIPT.format(
        load=snippets.load_lines(AUTO, model, base, "AutoProcessor"),
        picture=snippets.picture(inputs["image"]),
        question=snippets.quoted(inputs["question"]),
        longest=QUESTION,
        tokens=LONGEST,
        beams=max(2, params.top_k or 1),
        written=params.top_k or 1,
        chosen=params.top_k or USUAL,
    )


TASK = Task(
    id=ID,
    title="Visual question answering",
    description="Answers a question about a picture in a word or two.",
    inputs=(
        Slot("image", Modality.IMAGE, "Image", "What is asked about."),
        Slot("question", Modality.TEXT, "Question", "What the picture itself can answer."),
    ),
    output=Slot("answers", Modality.ANSWERS, "Answer", "Best first, and how sure the model is of each."),
    params=VisualQuestionAnsweringParams,
    models=("kit:vqa", "dandelin/vilt-b32-finetuned-vqa", "Salesforce/blip-vqa-base"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("ViltForQuestionAnswering", "BlipForQuestionAnswering", "Blip2ForConditionalGeneration"),
    group="Several at once",
)
