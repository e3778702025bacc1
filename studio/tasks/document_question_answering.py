"""document-question-answering: the words of a scanned page that answer a question.

LayoutLM reads words with their places on the page: they are given, or read from it by tesseract where that is
installed. Donut reads the page itself, and writes its answer. So do the kit's readers (`studio.starter.documents`),
which find it among the words.
"""

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from studio.core.errors import InvalidInput
from studio.core.settings import ROOT
from studio.core.types import Modality, Slot
from studio.starter import documents, reading, sentences
from studio.starter.documents import Documents
from studio.tasks import media, snippets
from studio.tasks.answers import QUESTION, AnswerParams
from studio.tasks.base import Task, examples
from studio.tasks.loading import (
    Loaded,
    WrongModel,
    load_config,
    load_model,
    load_part,
    load_pipeline,
    loaded,
    weight_bytes,
)
from studio.tasks.multimodal import likeliest, moved

ID = "document-question-answering"
READS, SEES = "AutoModelForDocumentQuestionAnswering", "AutoModelForImageTextToText"
DONUT = "donut-swin"
ANSWER = 128  # tokens of a written answer
ITSELF = "This model reads the page itself; leave it empty."
SIDE = 1000  # places are counted from 0 to here, whatever the page's size
WORD = 'Give each word with its box, as in [["Total", [120, 80, 190, 100]]]: left, top, right, bottom, 0 to 1000.'


def as_lines(value: Any) -> Any:
    """Words with boxes in one form, "left top right bottom word", as a form's field has them.

    Pairs [word, box] and the flat list word, box, word, box … are understood too.
    """
    if not isinstance(value, list | tuple):
        return value
    if value and all(isinstance(one, str) == (place % 2 == 0) for place, one in enumerate(value)) and len(value) > 1:
        value = list(zip(value[::2], value[1::2], strict=False))
    return [one if isinstance(one, str) else _line(one) for one in value]


def _line(pair: Any) -> str:
    try:
        word, box = pair
        return " ".join([*(f"{float(side):g}" for side in box), str(word)])
    except (TypeError, ValueError):
        raise InvalidInput("word_boxes", pair, WORD) from None


WordBoxes = Annotated[
    list[str] | None,
    BeforeValidator(as_lines),
    WithJsonSchema({"type": "array", "items": {}, "description": "Pairs of a word and [left, top, right, bottom]."}),
]


class DocumentQuestionAnsweringParams(AnswerParams):
    """Names and defaults of the Hub's inference API (`huggingface_hub.DocumentQuestionAnsweringParameters`)."""

    doc_stride: int | None = Field(
        default=None,
        ge=1,
        title="Overlap of windows",
        description="Tokens that windows of a long page share. Empty: half a window, 256 at most.",
    )
    max_seq_len: int | None = Field(
        default=None, ge=16, title="Window", description="Tokens that the model sees at once. Empty: its limit."
    )
    lang: str | None = Field(
        default=None, title="Language", description="For tesseract, for example deu or fra. Empty: English."
    )
    word_boxes: WordBoxes = Field(
        default=None,
        title="Words and their places",
        description='One "left top right bottom word" each, from 0 to 1000. Empty: tesseract reads them, if it is '
        "there; Donut models need none.",
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """LayoutLM as a pipeline, Donut in parts, the kit's readers; raises `WrongModel` for what does not see the page."""
    if (folder / documents.SETTINGS).is_file():
        reader = documents.load(folder, *documents.places(folder))
        size = sum(file.stat().st_size for file in folder.glob("*.onnx"))
        return Loaded(reader, size + weight_bytes(reader.model) + weight_bytes(reader.encoder))
    config = load_config(folder, base)
    if config.model_type != "vision-encoder-decoder":
        if config.model_type in {"layoutlmv2", "layoutlmv3"}:
            raise WrongModel(
                "LayoutLM 2 and 3 look at the page too, which transformers' pipeline does not show them; choose a "
                "LayoutLM or a Donut."
            )
        found = load_pipeline(ID, [READS], folder, base, device, "tokenizer")
        limit = config.max_position_embeddings
        found.pipe.tokenizer.model_max_length = min(found.pipe.tokenizer.model_max_length, limit)
        return found
    if config.encoder.model_type != DONUT:
        raise WrongModel("It writes about pictures, but was not taught to answer questions; choose a Donut.")
    model = load_model([SEES], folder, base, device)
    parts = (load_part(part, folder, base) for part in ("tokenizer", "image_processor"))
    return loaded((model, *parts), model)


def predict(
    pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: DocumentQuestionAnsweringParams
) -> list[list[dict[str, Any]]]:
    """The answers to each question, best first; `start` and `end` are numbers of words, -1 where none were given.

    Raises `InvalidInput`, also where a model needs words and nothing here reads them.
    """
    answer = _write if isinstance(pipe.pipe, tuple) else _read if isinstance(pipe.pipe, Documents) else _find
    return [answer(pipe, inputs, params) for inputs in batch]


def boxes(params: DocumentQuestionAnsweringParams) -> list[list[Any]] | None:
    """The words with their boxes as transformers takes them."""
    found: list[list[Any]] = []
    for line in params.word_boxes or ():
        *sides, word = line.split(maxsplit=4)
        try:
            box = [round(float(side)) for side in sides]
        except (ValueError, OverflowError):
            box = []
        if len(box) != 4 or not all(0 <= side <= SIDE for side in box) or box[0] > box[2] or box[1] > box[3]:
            raise InvalidInput("word_boxes", line, WORD)
        found.append([word, box])
    return found or None


def _find(pipe: Loaded, inputs: Mapping[str, Any], params: DocumentQuestionAnsweringParams) -> list[dict[str, Any]]:
    picture, tokenizer = media.image(inputs, "image"), pipe.pipe.tokenizer
    question = media.text(inputs, "question", "The question is empty; ask one.")
    asked = tokenizer(question, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    asked = asked[: params.max_question_len or QUESTION]
    size = min(params.max_seq_len or tokenizer.model_max_length, tokenizer.model_max_length)
    room = size - len(asked) - tokenizer.num_special_tokens_to_add(pair=True)
    stride = params.doc_stride or min(size // 2, 256)
    if room <= stride:
        expected = f"With this question and overlap {size - room + stride + 1} tokens are needed at least."
        raise InvalidInput("max_seq_len", size, expected)
    given = {"image": picture, "question": question[: asked[-1][1]] if asked else question}
    words = boxes(params)
    if words is not None:
        given["word_boxes"] = words
    elif find_spec("pytesseract") is None or which("tesseract") is None:
        expected = (
            "This model takes words with their places, and reading them from the picture needs tesseract with "
            "pytesseract, which are not installed here. Give word_boxes, or choose a Donut model."
        )
        raise InvalidInput("word_boxes", "nothing", expected)
    found: list[dict[str, Any]] = pipe.pipe(given, **_options(params) | {"max_seq_len": size, "doc_stride": stride})
    return found


def _options(params: DocumentQuestionAnsweringParams) -> dict[str, Any]:
    """Arguments of the pipeline; it reads no more of a question than its tokenizer says."""
    return {
        name: value
        for name, value in snippets.options(params).items()
        if name not in {"word_boxes", "max_question_len"}
    }


def _read(pipe: Loaded, inputs: Mapping[str, Any], params: DocumentQuestionAnsweringParams) -> list[dict[str, Any]]:
    """The answers of the kit's readers."""
    picture = media.image(inputs, "image")
    question = media.text(inputs, "question", "The question is empty; ask one.")
    if params.word_boxes is not None:
        raise InvalidInput("word_boxes", params.word_boxes, ITSELF)
    lines = pipe.pipe.reading.read(picture)
    return [asdict(one) for one in pipe.pipe.answer(lines, question, **_wanted(params))]


def _wanted(params: DocumentQuestionAnsweringParams) -> dict[str, int]:
    return {"count": params.top_k or 1, "longest": params.max_answer_len or documents.LONGEST}


def _write(pipe: Loaded, inputs: Mapping[str, Any], params: DocumentQuestionAnsweringParams) -> list[dict[str, Any]]:
    """Donut's answer; its score is the probability of the whole text."""
    model, tokenizer, images = pipe.pipe
    picture = media.image(inputs, "image")
    question = media.text(inputs, "question", "The question is empty; ask one.")
    if params.word_boxes is not None:
        raise InvalidInput("word_boxes", params.word_boxes, ITSELF)
    prompt = f"<s_docvqa><s_question>{question}</s_question><s_answer>"
    read = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")["input_ids"].to(model.device)
    most = int(getattr(model.config.decoder, "max_position_embeddings", None) or QUESTION + ANSWER)
    if read.shape[1] >= most:
        raise InvalidInput("question", f"{read.shape[1]} tokens", f"The model holds {most}, its answer included.")
    given = moved(images(images=picture, return_tensors="pt"), model) | {"decoder_input_ids": read}
    rows, scores = likeliest(model, given, params.top_k or 1, min(ANSWER, most - read.shape[1]))
    texts = [written(tokenizer.decode(row[read.shape[1] :])) for row in rows]
    return [{"score": score, "answer": text, "start": -1, "end": -1} for score, text in zip(scores, texts, strict=True)]


def written(text: str) -> str:
    """The answer in what Donut wrote after <s_answer>: up to its end, without marks."""
    return re.sub(r"<.*?>", "", text.partition("</s_answer>")[0]).strip()


FIND = """from PIL import Image, ImageOps
{load}
{picture}
pipe = pipeline("document-question-answering", model=model, tokenizer=tokenizer)
print(pipe({call}))
"""
WRITE = """import re
import torch
from PIL import Image, ImageOps
{load}
{picture}
inputs = processor.image_processor(images=picture, return_tensors="pt")
prompt = "<s_docvqa><s_question>" + {question} + "</s_question><s_answer>"
read = processor.tokenizer(prompt, add_special_tokens=False, return_tensors="pt")["input_ids"]
found = model.generate(
    **inputs, decoder_input_ids=read, num_beams={beams}, num_return_sequences={count}, length_penalty=0.0,
    max_new_tokens=min({answer}, model.config.decoder.max_position_embeddings - read.shape[1]),
    do_sample=False, output_scores=True, return_dict_in_generate=True,
)
texts = [processor.tokenizer.decode(row[read.shape[1]:]).partition("</s_answer>")[0] for row in found.sequences]
scores = found.sequences_scores.exp().tolist()
print([{{"score": score, "answer": re.sub("<.*?>", "", text).strip(), "start": -1, "end": -1}}
       for score, text in zip(scores, texts)])
"""
READ = """{source}

from PIL import Image, ImageOps

{picture}
page = load(Path({model}), Path({answers}), Path({base}))
print([vars(one) for one in page.answer(page.reading.read(picture), {question}, {call})])
"""


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the answers; a model that words are given for is taken for a LayoutLM."""
    picture, question = snippets.picture(inputs["image"]), snippets.quoted(inputs["question"])
    if (ROOT / model / documents.SETTINGS).is_file():
        answers, below = documents.places(ROOT / model)
        return READ.format(
            source=_source(),
            picture=picture,
            model=snippets.quoted(model),
            answers=snippets.quoted(str(answers)),
            base=snippets.quoted(str(below)),
            question=question,
            call=snippets.arguments(**_wanted(params)),
        )
    if params.word_boxes is None and "donut" in model.lower() + _kind(model):
        load = snippets.load_lines(SEES, model, base, "AutoProcessor")
        count = params.top_k or 1
        return WRITE.format(
            load=load, picture=picture, question=question, beams=max(2, count), count=count, answer=ANSWER
        )
    load = snippets.load_lines(READS, model, base).replace("AutoTokenizer\n", "AutoTokenizer, pipeline\n", 1)
    call = [f'{{"image": picture, "question": {question}}}']
    if params.word_boxes is not None:
        call = [f'{{"image": picture, "question": {question}, "word_boxes": {snippets.quoted(boxes(params))}}}']
    return FIND.format(load=load, picture=picture, call=snippets.arguments(*call, **_options(params)))


def _source() -> str:
    """The readers' own modules as one script: no other library has them."""
    parts = [inspect.getsource(module) for module in (sentences, reading, documents)]
    return "\n\n".join(re.sub(r"^from studio\.\S+ import .*\n", "", part, flags=re.MULTILINE) for part in parts)


def _kind(model: str) -> str:
    """What the configuration of a folder says; "" for Hub ids."""
    file = Path(model) / "config.json"
    return file.read_text(encoding="utf-8") if file.is_file() else ""


TASK = Task(
    id=ID,
    title="Document question answering",
    description="Answers a question by the words of a scanned page: an invoice, a receipt, a letter.",
    inputs=(
        Slot("image", Modality.IMAGE, "Page", "A scan or photo, upright."),
        Slot("question", Modality.TEXT, "Question", "What the page says."),
    ),
    output=Slot("answers", Modality.ANSWERS, "Answer", "Best first; how sure the model is, from 0 to 1."),
    params=DocumentQuestionAnsweringParams,
    models=("kit:documents", "impira/layoutlm-document-qa", "naver-clova-ix/donut-base-finetuned-docvqa"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("LayoutLMForQuestionAnswering", "VisionEncoderDecoderModel"),
    group="Several at once",
)
