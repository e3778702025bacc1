"""Modalities: each has its input and its picture; what models and visitors say never becomes markup."""

import io
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from studio.core.errors import InvalidInput
from studio.core.types import MEDIA, Modality, Slot
from studio.tasks import TASKS, media
from studio.ui import modalities
from studio.ui.modalities import Asked, pictures, raw, words
from studio.ui.parts import Html

EVIL = "<script>alert('x')</script>\"><img src=x onerror=y>"
PICTURE = media.png(Image.new("RGB", (80, 40), "navy"))
MASK = media.png(Image.new("L", (80, 40), 255))
SOUND = media.wav(np.sin(np.arange(8000) / 9), 8000)
TEXT = f"Ada met {EVIL} in Rome"
PLACE = (TEXT.index("Rome"), TEXT.index("Rome") + 4)
SLOTS = (
    Slot("text", Modality.TEXT, "Text"),
    Slot("texts", Modality.TEXTS, "Texts"),
    Slot("table", Modality.TABLE, "Table"),
    Slot("first", Modality.IMAGE, "First"),
    Slot("second", Modality.IMAGE, "Second"),
    Slot("sound", Modality.AUDIO, "Sound"),
)
ASKED = Asked(
    SLOTS,
    {
        "text": TEXT,
        "texts": [EVIL, "b"],
        "table": {EVIL: [EVIL, "2"]},
        "first": PICTURE,
        "second": PICTURE,
        "sound": SOUND,
    },
)
BOX = {"xmin": 8, "ymin": 4, "xmax": 40, "ymax": 20}
OUTPUTS: dict[Modality, Any] = {
    Modality.TEXT: {"generated_text": EVIL},
    Modality.TEXTS: [EVIL],
    Modality.CHAT: {"role": "assistant", "content": EVIL},
    Modality.TABLE: {EVIL: [EVIL]},
    Modality.QUESTIONS: {EVIL: {"type": EVIL}},
    Modality.IMAGE: PICTURE,
    Modality.AUDIO: SOUND,
    Modality.VIDEO: b"\0\0\0\x18ftypmp42",
    Modality.LABELS: [{"label": EVIL, "score": 0.1}, {"label": "high", "score": 0.9}],
    Modality.ENTITIES: [{"entity_group": EVIL, "score": 0.9, "word": EVIL, "start": PLACE[0], "end": PLACE[1]}],
    Modality.ANSWERS: [{"answer": "Rome", "score": 0.8, "start": PLACE[0], "end": PLACE[1]}],
    Modality.FILLS: [{"score": 0.5, "token": 1, "token_str": EVIL, "sequence": f"so {EVIL}"}],
    Modality.SCORES: [0.25, -0.5],
    Modality.VECTORS: [0.5, -1.0, 2.0],
    Modality.CELLS: {"answer": EVIL, "coordinates": [[0, 0]], "cells": [EVIL], "aggregator": "SUM"},
    Modality.TRANSCRIPT: {
        "text": EVIL,
        "chunks": [{"text": EVIL, "timestamp": [0.0, 0.5]}, {"text": "b", "timestamp": [0.5, None]}],
    },
    Modality.BOXES: [{"label": EVIL, "score": 0.75, "box": BOX}],
    Modality.MASKS: [{"label": EVIL, "score": 0.75, "mask": MASK}],
    Modality.DEPTH: {"depth": MASK, "predicted_depth": [[0.5]]},
    Modality.KEYPOINTS: [{"keypoint_image_0": {"x": 1, "y": 2}, "keypoint_image_1": {"x": 3, "y": 4}, "score": 0.5}],
    Modality.DECISIONS: {EVIL: EVIL},
}


def shown(modality: Modality, output: Any) -> str:
    made = modalities.render(Slot("output", modality, "Output"), output, ASKED)
    assert type(made) is Html
    return made


@pytest.mark.parametrize("modality", list(Modality))
def test_every_modality_is_shown_and_nothing_becomes_markup(modality: Modality) -> None:
    made = shown(modality, OUTPUTS[modality])
    assert "unusual form" not in made
    assert "<script" not in made
    assert "src=x" not in made.replace("&lt;img src=x", "")


@pytest.mark.parametrize("modality", list(Modality))
@pytest.mark.parametrize("odd", [None, 7, EVIL, [EVIL], {EVIL: [EVIL]}, [[{}]], b"bytes", [None]])
def test_an_odd_answer_is_shown_as_json(modality: Modality, odd: Any) -> None:
    made = shown(modality, odd)
    assert "<script" not in made


@pytest.mark.parametrize("modality", sorted({slot.modality for task in TASKS.values() for slot in task.inputs}))
def test_every_input_that_a_task_has_can_be_entered(modality: Modality) -> None:
    with gr.Blocks():
        slot = Slot("inputs", modality, "Input", "Help")
        component = modalities.input_for(slot, key="x")
    assert component.label == "Input"
    assert component.elem_classes is not None
    assert "at-inputs" in component.elem_classes


@pytest.mark.parametrize("task", list(TASKS))
def test_every_example_fills_its_form_and_is_read_back(task: str) -> None:
    for example in TASKS[task].examples:
        for slot in TASKS[task].inputs:
            value = example.inputs.get(slot.name)
            if value is None or slot.modality is Modality.CHAT:
                continue
            filled = modalities.fill(slot, value)
            read = modalities.read(slot, filled)
            assert modalities.wanting(slot, read) == ""
            if slot.modality not in MEDIA:
                assert read == value
            else:
                assert isinstance(read, bytes)


def test_what_is_missing_is_said() -> None:
    slot = Slot("inputs", Modality.TEXT, "Text")
    assert modalities.wanting(slot, modalities.read(slot, "  ")) == "Write a text."
    optional = Slot("inputs", Modality.IMAGE, "Image", optional=True)
    assert modalities.read(optional, None) is None
    assert modalities.wanting(optional, None) == ""


def test_a_table_without_a_row_is_empty_and_holes_are_texts() -> None:
    slot = Slot("table", Modality.TABLE, "Table")
    assert modalities.read(slot, {"headers": ["a"], "data": [["", None], ["  "]]}) == {}
    assert modalities.read(slot, {"headers": ["a", 1], "data": [["x", None], ["", ""]]}) == {"a": ["x"], "1": [""]}
    assert modalities.read(slot, None) == {}


def test_broken_json_names_its_field() -> None:
    slot = Slot("boxes", Modality.BOXES, "Boxes")  # no task takes them; one from elsewhere might
    assert modalities.read(slot, modalities.fill(slot, [{"label": "a"}])) == [{"label": "a"}]
    with pytest.raises(InvalidInput, match="no JSON") as caught:
        modalities.read(slot, "{")
    assert caught.value.field == "boxes"


def row(name: str = "a", kind: str = "noul", *options: list[str], asked: str = "Is it?") -> dict[str, Any]:
    return {"name": name, "type": kind, "instructions": asked, "options": list(options)}


QUESTIONS = Slot("questions", Modality.QUESTIONS, "Questions")


def test_rows_become_questions_and_empty_ones_are_left_out() -> None:
    rows = [
        row(" late ", "noul", ["true", ""], ["false", " In time "]),
        row("", "choice", ["", ""], ["", ""], asked=" "),
        row("mood", "choice", ["calm", ""], ["angry", "Loud"], ["", ""], asked=""),
        row("haste", "score", ["", "Later"], ["", "Now"]),
    ]
    assert modalities.read(QUESTIONS, rows) == {
        "late": {"type": "noul", "instructions": "Is it?", "criteria": {"false": "In time"}},
        "mood": {"type": "choice", "criteria": {"calm": None, "angry": "Loud"}},
        "haste": {"type": "score", "instructions": "Is it?", "criteria": ["Later", "Now"]},
    }
    assert modalities.wanting(QUESTIONS, modalities.read(QUESTIONS, [])) == "Give one question at least."


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row("")], "Question 1 needs a name"),
        ([row(), row()], "Question 2 needs a name of its own"),
        ([row("a", "guess")], "Question 1 needs a type: noul, choice, score"),
        ([row("a", "choice", ["yes", ""])], "two options"),
        ([row("a", "choice", ["yes", ""], ["", "No"])], "an option without a name"),
        ([row("a", "choice", ["yes", ""], ["yes", "No"])], "two options of one name"),
        ([row("a", "score", ["", "Now"])], "two levels"),
    ],
)
def test_a_row_that_is_no_question_says_what_it_needs(rows: list[dict[str, Any]], expected: str) -> None:
    with pytest.raises(InvalidInput, match=expected) as caught:
        modalities.read(QUESTIONS, rows)
    assert caught.value.field == "questions"


@pytest.mark.parametrize("odd", [None, 7, "{", {"a": 1}, [7, None], [{"options": 7}], [{"options": [["a"], 3, {}]}]])
def test_rows_of_nonsense_are_no_questions(odd: Any) -> None:
    assert modalities.read(QUESTIONS, odd) == {}


def test_what_was_decided_is_drawn_for_each_question() -> None:
    decided = {
        "late": {"type": "noul", "noul": 0.25},
        "mood": {"type": "choice", "choice": "angry", "probabilities": {"calm": 0.25, "angry": 0.75}},
        "haste": {"type": "score", "score": 0.6, "legend": {"0": "Later", "1": "Now"}, "confidence": 0.2,
                  "probabilities": {"0": 0.4, "1": 0.6}},
    }  # fmt: skip
    made = shown(Modality.DECISIONS, decided)
    assert made.count('<section class="scores"') == 3
    assert '<p class="best">No</p>' in made
    assert made.index("75.0%") < made.index("25.0%", made.index("mood"))
    assert "0.60 of 1" in made
    assert "1: Now" in made


def test_cosines_are_measured_against_one_and_a_vector_without_losses_stands_on_the_ground() -> None:
    made = shown(Modality.LABELS, [{"label": "a", "score": 0.5}, {"label": "b", "score": -0.2}])
    assert "width:50.0%" in made
    assert f'height="{words.PLOT_HEIGHT:.1f}"' in shown(Modality.VECTORS, [0.5, 1.0, 2.0])


def test_what_was_found_is_spelled_as_the_text_has_it() -> None:
    found = [{"entity_group": "LOC", "score": 0.9, "word": "rome", "start": PLACE[0], "end": PLACE[1]}]
    assert "<td" in shown(Modality.ENTITIES, found)
    assert ">Rome<" in shown(Modality.ENTITIES, found)
    assert ">rome<" in shown(Modality.ENTITIES, [{"entity_group": "LOC", "score": 0.9, "word": "rome"}])


def test_pictures_and_sounds_come_to_the_handler_as_their_path(tmp_path: Path) -> None:
    with gr.Blocks():
        image = modalities.input_for(Slot("inputs", Modality.IMAGE, "Image"))
    damaged = tmp_path / "x.png"
    damaged.write_bytes(b"no picture")
    from gradio.data_classes import FileData

    assert image.preprocess(FileData(path=str(damaged))) == str(damaged)
    assert image.preprocess(None) is None


def test_labels_are_ranked_many_are_folded_and_logits_are_no_shares() -> None:
    made = shown(Modality.LABELS, [{"label": f"l{n}", "score": n / 100} for n in range(14)])
    assert made.index("l13") < made.index("l12")
    assert "<summary>4 more</summary>" in made
    assert "%" not in shown(Modality.LABELS, [{"label": "a", "score": 5.5}, {"label": "b", "score": -2.0}]).replace(
        '%"', ""
    )


def test_words_outside_of_entities_are_left_alone_and_overlaps_too() -> None:
    found = [
        {"entity": "O", "score": 1.0, "word": "met", "start": 4, "end": 7},
        {"entity": "PER", "score": 0.9, "word": "Ada", "start": 0, "end": 3},
        {"entity": "ORG", "score": 0.5, "word": "Ada met", "start": 0, "end": 7},
    ]
    made = shown(Modality.ENTITIES, found)
    assert made.count("<mark") == 1
    assert ">O<" not in made
    assert "Nothing was found" in shown(Modality.ENTITIES, [])


def test_an_answer_is_marked_in_the_text_that_holds_it() -> None:
    assert "<mark" in shown(Modality.ANSWERS, OUTPUTS[Modality.ANSWERS])
    assert "No answer in this text" in shown(Modality.ANSWERS, {"answer": "", "score": 0.9, "start": 0, "end": 0})


def test_boxes_are_placed_by_the_pictures_own_pixels() -> None:
    assert "left:10.000%;top:10.000%;width:40.000%;height:40.000%" in shown(Modality.BOXES, OUTPUTS[Modality.BOXES])
    assert "Nothing was found" in shown(Modality.BOXES, [])


def test_a_mask_shines_through_where_it_is_black() -> None:
    half = Image.new("L", (4, 2))
    half.paste(255, (0, 0, 2, 2))
    address, width, height = pictures._layer(media.png(half), (1, 2, 3))
    import base64

    with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as layer:
        assert layer.getpixel((0, 0)) == (1, 2, 3, round(255 * pictures.MASK_ALPHA))
        assert layer.getpixel((3, 0))[3] == 0  # type: ignore[index]
    assert (width, height) == (4, 2)


def test_masks_of_one_name_are_told_apart() -> None:
    same = [{"label": "mask", "score": None, "mask": MASK}] * 2
    assert "mask 2" in shown(Modality.MASKS, same)


def test_a_transcript_leads_to_its_places_in_the_sound() -> None:
    made = shown(Modality.TRANSCRIPT, OUTPUTS[Modality.TRANSCRIPT])
    assert 'data-seek="0.50" data-until=""' in made
    assert "0:00.0 – 0:00.5" in made
    assert "<audio" in made


def test_json_tells_files_by_size_and_cuts_long_rows() -> None:
    made = raw.as_json({"mask": b"x" * 1500, "vector": list(range(500)), "rows": [[1.0] * 200] * 100, "odd": {1, 2}})
    assert '"<1.5 kB>"' in made
    assert "484 more" in made
    assert len(made) < 20_000


def test_a_written_text_shows_a_cursor_while_it_comes() -> None:
    assert "cursor-block" in words.written("half", running=True)
    assert "data-copy-text" in words.written("whole")
