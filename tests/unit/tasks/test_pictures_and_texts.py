"""Tasks that read pictures and write: captions, answers, pages, chats, and models that are of another kind."""

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.core.errors import InvalidInput
from studio.starter import kit
from studio.starter.build import tables
from studio.tasks import (
    any_to_any,
    document_question_answering,
    image_text_to_text,
    image_to_text,
    visual_question_answering,
)
from studio.tasks.any_to_any import AnyToAnyParams
from studio.tasks.base import EXAMPLES, Task
from studio.tasks.document_question_answering import DocumentQuestionAnsweringParams
from studio.tasks.image_text_to_text import ImageTextToTextParams
from studio.tasks.image_to_text import ImageToTextParams
from studio.tasks.loading import WrongModel
from studio.tasks.visual_question_answering import VisualQuestionAnsweringParams
from tests.contract.test_tasks import run, same
from tests.tiny import several, text
from tests.unit.inference import tiny

SCENE, PAGE = EXAMPLES / "scene-cat.png", EXAMPLES / "receipt.png"
PAIRS = [["Total", [120, 580, 240, 620]], ["10.50", [700, 580, 840, 620]]]


def loaded(task: Task, folder: Path, save: Callable[[Path], None]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # saving is not what is tested
        save(folder)
    return task.load(folder, None, "cpu")


def test_the_kits_answers_are_better_than_guessing() -> None:
    """What the manifest claims holds by way of the task, too."""
    entry, data = kit.entry("kit:vqa"), kit.entry("kit:emoji-scenes")
    rows = tables.read_split(data.path, "test")
    pipe = visual_question_answering.load(entry.path, None, "cpu")
    batch = [
        {"image": image["bytes"], "question": question}
        for image, question in zip(rows["image"][:60], rows["question"][:60], strict=True)
    ]
    found = visual_question_answering.predict(pipe, batch, VisualQuestionAnsweringParams(top_k=1))
    right = [given[0]["answer"] == wanted for given, wanted in zip(found, rows["answer"][:60], strict=True)]
    assert sum(right) / len(right) > (entry.quality["accuracy"].baseline or 0)
    assert all(len(given) == 1 and 0 <= given[0]["score"] <= 1 for given in found)


def test_a_caption_may_be_cut_short(tmp_path: Path) -> None:
    pipe = loaded(image_to_text.TASK, tmp_path, several.save_captioner)
    inputs = {"inputs": SCENE.read_bytes()}
    whole = image_to_text.predict(pipe, [inputs], ImageToTextParams())[0]["generated_text"]
    writing = {"min_new_tokens": 2}
    short = image_to_text.predict(
        pipe, [inputs], ImageToTextParams.model_validate({"max_new_tokens": 4, "generation_parameters": writing})
    )[0]["generated_text"]
    assert whole.startswith(short)
    assert len(short) < len(whole)


def test_blip_goes_on_from_words(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    pipe = loaded(image_to_text.TASK, folder, several.save_blip)
    inputs = {"inputs": SCENE.read_bytes(), "prompt": "a cat"}
    params = ImageToTextParams(max_new_tokens=6)
    found = image_to_text.predict(pipe, [inputs], params)[0]
    assert found["generated_text"].startswith("a cat")
    ran = tmp_path / "run"
    ran.mkdir()
    code = image_to_text.snippet(str(folder), {"inputs": str(SCENE), "prompt": "a cat"}, params)
    assert same(run(code, ran), found)


def test_other_models_take_no_first_words(tmp_path: Path) -> None:
    pipe = loaded(image_to_text.TASK, tmp_path, several.save_captioner)
    with pytest.raises(InvalidInput, match="no words to begin with"):
        image_to_text.predict(pipe, [{"inputs": SCENE.read_bytes(), "prompt": "a cat"}], ImageToTextParams())


def test_blip_writes_its_answers(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    pipe = loaded(visual_question_answering.TASK, folder, _blip_of_questions)
    inputs = {"image": SCENE.read_bytes(), "question": "what is it?"}
    one = visual_question_answering.predict(pipe, [inputs], VisualQuestionAnsweringParams())[0]
    three = visual_question_answering.predict(pipe, [inputs], VisualQuestionAnsweringParams(top_k=3))[0]
    assert (len(one), len(three)) == (1, 3)
    assert [answer["score"] for answer in three] == sorted((answer["score"] for answer in three), reverse=True)
    assert all(0 <= answer["score"] <= 1 for answer in three)
    ran = tmp_path / "run"
    ran.mkdir()
    named = {"image": str(SCENE), "question": "what is it?"}
    assert same(run(visual_question_answering.snippet(str(folder), named, VisualQuestionAnsweringParams()), ran), one)


def _blip_of_questions(folder: Path) -> None:
    several.save_blip(folder, "BlipForQuestionAnswering")


def test_more_answers_than_there_are_and_no_question_are_refused(tmp_path: Path) -> None:
    pipe = loaded(visual_question_answering.TASK, tmp_path, several.save_vilt)
    inputs = {"image": SCENE.read_bytes(), "question": "is it red?"}
    with pytest.raises(InvalidInput, match="7 labels") as caught:
        visual_question_answering.predict(pipe, [inputs], VisualQuestionAnsweringParams(top_k=8))
    assert caught.value.field == "top_k"
    with pytest.raises(InvalidInput, match="ask one"):
        visual_question_answering.predict(pipe, [{**inputs, "question": " "}], VisualQuestionAnsweringParams())
    long = visual_question_answering.predict(
        pipe, [{**inputs, "question": "why " * 300}], VisualQuestionAnsweringParams()
    )
    assert len(long[0]) == 5  # what the model cannot read is cut


@pytest.mark.parametrize(
    "given",
    [
        PAIRS,
        [word for pair in PAIRS for word in pair],
        ["120 580 240 620 Total", "700 580 840 620 10.50"],
    ],
)
def test_words_with_boxes_are_understood_in_every_form(given: Any) -> None:
    params = DocumentQuestionAnsweringParams(word_boxes=given)
    assert document_question_answering.boxes(params) == PAIRS
    assert params.model_dump()["word_boxes"] == ["120 580 240 620 Total", "700 580 840 620 10.50"]


@pytest.mark.parametrize("given", [["Total"], [["Total", [1, 2, 3]]], ["9 1 2 3 a"], ["0 0 10 2000 a"], [["a", "b"]]])
def test_boxes_that_are_none_are_named(tmp_path: Path, given: Any) -> None:
    pipe = loaded(document_question_answering.TASK, tmp_path, several.save_layoutlm)
    with pytest.raises(InvalidInput) as caught:
        document_question_answering.predict(
            pipe,
            [{"image": PAGE.read_bytes(), "question": "total?"}],
            DocumentQuestionAnsweringParams(word_boxes=given),
        )
    assert caught.value.field == "word_boxes"


def test_a_page_without_words_needs_what_reads_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no tesseract there
    pipe = loaded(document_question_answering.TASK, tmp_path, several.save_layoutlm)
    inputs = {"image": PAGE.read_bytes(), "question": "What is the total?"}
    with pytest.raises(InvalidInput, match=r"tesseract .* not installed here.*Donut") as caught:
        document_question_answering.predict(pipe, [inputs], DocumentQuestionAnsweringParams())
    assert caught.value.field == "word_boxes"


def test_a_window_has_to_hold_the_question(tmp_path: Path) -> None:
    pipe = loaded(document_question_answering.TASK, tmp_path, several.save_layoutlm)
    inputs = {"image": PAGE.read_bytes(), "question": "what is the total of all " * 20}
    params = DocumentQuestionAnsweringParams(word_boxes=PAIRS)
    with pytest.raises(InvalidInput) as caught:
        document_question_answering.predict(pipe, [inputs], params.model_copy(update={"max_seq_len": 64}))
    assert caught.value.field == "max_seq_len"
    short = params.model_copy(update={"max_question_len": 4, "top_k": 2})
    assert len(document_question_answering.predict(pipe, [inputs], short)[0]) == 2


def test_donut_reads_the_page_itself(tmp_path: Path) -> None:
    folder = tmp_path / "donut"
    pipe = loaded(document_question_answering.TASK, folder, several.save_donut)
    inputs = {"image": PAGE.read_bytes(), "question": "total?"}
    found = document_question_answering.predict(pipe, [inputs], DocumentQuestionAnsweringParams())[0]
    assert set(found[0]) == {"score", "answer", "start", "end"}
    assert 0 <= found[0]["score"] <= 1
    ran = tmp_path / "run"
    ran.mkdir()
    named = {"image": str(PAGE), "question": "total?"}
    code = document_question_answering.snippet(str(folder), named, DocumentQuestionAnsweringParams())
    assert same(run(code, ran), found)
    with pytest.raises(InvalidInput, match="reads the page itself"):
        document_question_answering.predict(
            pipe,
            [inputs],
            DocumentQuestionAnsweringParams(word_boxes=PAIRS),
        )
    with pytest.raises(InvalidInput, match="The model holds 128"):
        document_question_answering.predict(
            pipe, [{**inputs, "question": "why " * 90}], DocumentQuestionAnsweringParams()
        )


def test_what_donut_wrote_ends_at_its_mark() -> None:
    assert document_question_answering.written(" 10.50</s_answer></s> more") == "10.50"
    assert document_question_answering.written("a <b> c</s>") == "a  c"


def test_a_chat_goes_on_from_what_was_said(tmp_path: Path) -> None:
    pipe = loaded(image_text_to_text.TASK, tmp_path, several.save_llava)
    params = ImageTextToTextParams(max_new_tokens=12)
    inputs = {"image": SCENE.read_bytes(), "text": "what is it?"}
    plain = image_text_to_text.predict(pipe, [inputs], params)[0]
    told = [{"role": "system", "content": "Be brief."}]
    assert image_text_to_text.predict(pipe, [{**inputs, "messages": told}], params)[0] != plain
    for wrong in ("no", [{"role": "robot", "content": "x"}], [{"role": "user"}]):
        with pytest.raises(InvalidInput) as caught:
            image_text_to_text.predict(pipe, [{**inputs, "messages": wrong}], params)
        assert caught.value.field == "messages"


def test_pictures_differ_in_what_is_said_of_them(tmp_path: Path) -> None:
    pipe = loaded(image_text_to_text.TASK, tmp_path, several.save_llava)
    stream = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(stream, "PNG")
    params = ImageTextToTextParams(max_new_tokens=16)
    first, second = (
        image_text_to_text.predict(pipe, [{"image": image, "text": "what?"}], params)[0]
        for image in (SCENE.read_bytes(), stream.getvalue())
    )
    assert first != second


def test_a_text_that_fills_the_model_is_refused(tmp_path: Path) -> None:
    pipe = loaded(image_text_to_text.TASK, tmp_path, several.save_llava)
    with pytest.raises(InvalidInput, match="there is room for") as caught:
        image_text_to_text.predict(pipe, [{"image": SCENE.read_bytes(), "text": "why " * 200}], ImageTextToTextParams())
    assert caught.value.field == "text"


@pytest.mark.parametrize("kind", ["image", "video"])
def test_what_a_model_does_not_take_is_named(tmp_path: Path, kind: str) -> None:
    pipe = loaded(any_to_any.TASK, tmp_path, several.save_qwen2_audio)
    with pytest.raises(InvalidInput, match=f"takes no {kind}") as caught:
        any_to_any.predict(pipe, [{"text": "what?", kind: SCENE.read_bytes()}], AnyToAnyParams())
    assert caught.value.field == kind


def test_pictures_go_through_any_to_any_too(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    pipe = loaded(any_to_any.TASK, folder, several.save_llava)
    params = AnyToAnyParams(max_new_tokens=14)
    found = any_to_any.predict(pipe, [{"text": "what?", "image": SCENE.read_bytes()}], params)[0]
    ran = tmp_path / "run"
    ran.mkdir()
    code = any_to_any.snippet(str(folder), {"text": "what?", "image": str(SCENE)}, params)
    assert same(run(code, ran), found)


@pytest.mark.parametrize(
    "task",
    [
        image_to_text.TASK,
        visual_question_answering.TASK,
        document_question_answering.TASK,
        image_text_to_text.TASK,
        any_to_any.TASK,
    ],
    ids=lambda task: str(task.id),
)
def test_a_model_of_texts_is_refused_with_the_reason(tmp_path: Path, task: Task) -> None:
    tiny.save_classifier(tmp_path)
    with pytest.raises(WrongModel, match="type 'bert' cannot do this task"):
        task.load(tmp_path, None, "cpu")


def test_a_captioner_is_no_reader_of_pages(tmp_path: Path) -> None:
    with pytest.raises(WrongModel, match="choose a Donut"):
        loaded(document_question_answering.TASK, tmp_path, several.save_captioner)


def test_a_processor_that_needs_torchvision_says_so(tmp_path: Path) -> None:
    """Qwen2-VL's processor has one of videos, which is there with torchvision only."""
    from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

    from tests.tiny.tokenizers import letters

    small = {"embed_dim": 16, "hidden_size": 32, "depth": 1, "num_heads": 2, "mlp_ratio": 1, "patch_size": 8}
    size = {key: value for key, value in text.SIZE.items() if key != "max_position_embeddings"}
    config = Qwen2VLConfig(text_config={**size, "vocab_size": 400, "num_key_value_heads": 2}, vision_config=small)
    config.text_config.rope_parameters = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10_000.0}
    Qwen2VLForConditionalGeneration(config).save_pretrained(tmp_path)
    letters().save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text('{"processor_class": "Qwen2VLProcessor"}', encoding="utf-8")
    with pytest.raises(WrongModel, match="torchvision only, which is not installed here"):
        image_text_to_text.load(tmp_path, None, "cpu")
