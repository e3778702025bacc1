"""Tasks that hear: labels, one's own labels and words, with the kit's models or tiny ones."""

import ast
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import soundfile
from huggingface_hub.inference._generated import types as hub_types
from safetensors.torch import load_file, save_file

from studio.core.errors import InvalidInput, StudioError
from studio.starter import kit
from studio.tasks import TASKS
from studio.tasks.base import EXAMPLES
from studio.tasks.generation import AllGenerationParams
from studio.tasks.loading import WrongModel
from tests.contract import fresh
from tests.contract.test_tasks import same
from tests.tiny import audio, text
from tests.tiny.tokenizers import letters
from tests.unit.tasks.sounding import Model, ask, loaded
from tests.unit.tasks.test_media_sound import muxed, packed, tone

NOVEL, CHAPTER, THREE = (EXAMPLES / name for name in ("novel.mp3", "chapter.mp3", "three.mp3"))
HEAR = "automatic-speech-recognition"


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return loaded("audio-classification", audio.save_audio_classifier, tmp_path_factory.mktemp("classifier"))


@pytest.fixture(scope="module")
def ctc(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return loaded(HEAR, audio.save_ctc, tmp_path_factory.mktemp("ctc"))


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return loaded(HEAR, audio.save_whisper, tmp_path_factory.mktemp("whisper"))


@pytest.fixture(scope="module")
def clap(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return loaded("zero-shot-audio-classification", audio.save_clap, tmp_path_factory.mktemp("clap"))


def printed(task: str, model: Model, file: Path, folder: Path, base: str = "", **params: Any) -> Any:
    """What the snippet prints about a file."""
    code = TASKS[task].snippet(str(model[1]), {"inputs": str(file)}, TASKS[task].params(**params), base)
    return ast.literal_eval(fresh.printed(code, folder))


def test_the_kit_knows_its_words() -> None:
    folder = kit.entry("kit:commands").path
    model = TASKS["audio-classification"].load(folder, None, "cpu"), folder
    found = ask("audio-classification", model, THREE.read_bytes())
    assert found[0]["label"] == "three"
    assert [one["score"] for one in found] == sorted((one["score"] for one in found), reverse=True)
    assert len(found) == 5


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (8_000, 2), (96_000, 1), (96_000, 2)])
def test_labels_do_not_depend_on_how_a_sound_is_stored(classifier: Model, rate: int, channels: int) -> None:
    plain = ask("audio-classification", classifier, packed(tone(1)), top_k=6)
    other = ask("audio-classification", classifier, packed(tone(1, rate, channels), rate), top_k=6)
    scores = {one["label"]: one["score"] for one in other}
    assert all(one["score"] == pytest.approx(scores[one["label"]], abs=0.03) for one in plain)


def test_more_labels_than_there_are_is_refused(classifier: Model) -> None:
    assert len(ask("audio-classification", classifier, packed(tone(1)))) == 5
    with pytest.raises(InvalidInput, match=r"top_k: 7 .*1 to 6"):
        ask("audio-classification", classifier, packed(tone(1)), top_k=7)


def test_a_video_is_heard_and_its_snippet_hears_the_same(classifier: Model, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(muxed(tone(1, 48_000), "mp4", "aac", picture=True))
    found = ask("audio-classification", classifier, film.read_bytes())
    assert same(printed("audio-classification", classifier, film, tmp_path), found)


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")  # between peft and transformers
@pytest.mark.parametrize(
    ("task", "kind", "auto"),
    [
        ("audio-classification", "classifier", "AutoModelForAudioClassification"),
        (HEAR, "whisper", "AutoModelForSpeechSeq2Seq"),
    ],
)
def test_an_adapter_answers_as_its_snippet_does(
    task: str, kind: str, auto: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    import transformers
    from peft import LoraConfig, get_peft_model

    whole: Model = request.getfixturevalue(kind)
    base, adapter = whole[1], tmp_path / "adapter"
    lora = LoraConfig(target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    get_peft_model(getattr(transformers, auto).from_pretrained(base), lora).save_pretrained(adapter)
    for file in base.iterdir():
        if file.suffix == ".json":
            (adapter / file.name).write_bytes(file.read_bytes())
    adapted = TASKS[task].load(adapter, base, "cpu"), adapter
    found = ask(task, adapted, NOVEL.read_bytes())
    assert found != ask(task, whole, NOVEL.read_bytes())
    assert same(printed(task, adapted, NOVEL, tmp_path, base=str(base)), found)


def test_what_only_training_needs_may_be_missing(classifier: Model, tmp_path: Path) -> None:
    for file in classifier[1].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    del weights["wav2vec2.masked_spec_embed"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    model = TASKS["audio-classification"].load(tmp_path, None, "cpu"), tmp_path
    assert ask("audio-classification", model, NOVEL.read_bytes()) == ask(
        "audio-classification", classifier, NOVEL.read_bytes()
    )
    del weights["projector.weight"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(StudioError, match=r"projector\.weight"):
        TASKS["audio-classification"].load(tmp_path, None, "cpu")


def test_of_long_sounds_the_same_piece_is_heard_again(clap: Model, tmp_path: Path) -> None:
    chosen: dict[str, Any] = {"candidate_labels": ["rain", "a dog"], "hypothesis_template": "{} is heard"}
    first, again = (
        ask("zero-shot-audio-classification", clap, CHAPTER.read_bytes(), **chosen),
        ask("zero-shot-audio-classification", clap, CHAPTER.read_bytes(), **chosen),
    )
    assert first == again
    assert sum(one["score"] for one in first) == pytest.approx(1)
    assert same(printed("zero-shot-audio-classification", clap, CHAPTER, tmp_path, **chosen), first)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"candidate_labels": []}, "candidate_labels"),
        ({"candidate_labels": ["rain", " "]}, "candidate_labels"),
        ({"candidate_labels": ["rain", "rain"]}, "candidate_labels"),
        ({"candidate_labels": ["rain " * 300, "sun"]}, "candidate_labels"),
        ({"candidate_labels": ["rain", "sun"], "hypothesis_template": "a sound"}, "hypothesis_template"),
    ],
)
def test_labels_that_cannot_be_compared_are_refused(clap: Model, params: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ask("zero-shot-audio-classification", clap, NOVEL.read_bytes(), **params)
    assert caught.value.field == field


def test_a_model_that_hears_nothing_is_refused(tmp_path: Path) -> None:
    text.save_bert(tmp_path, "BertModel")
    with pytest.raises(WrongModel):
        TASKS["zero-shot-audio-classification"].load(tmp_path, None, "cpu")


@pytest.mark.parametrize("file", [NOVEL, CHAPTER], ids=["short", "long"])
@pytest.mark.parametrize("timed", [False, True], ids=["plain", "timed"])
@pytest.mark.parametrize("kind", ["ctc", "whisper"])
def test_words_and_times_are_those_of_the_snippet(
    kind: str, timed: bool, file: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    model = request.getfixturevalue(kind)
    found = ask(HEAR, model, file.read_bytes(), return_timestamps=timed)
    told = printed(HEAR, model, file, tmp_path, return_timestamps=timed)
    assert json.loads(json.dumps(told)) == json.loads(json.dumps(found))
    assert ("chunks" in found) == timed
    seconds = soundfile.info(file).duration
    for chunk in found.get("chunks", ()):
        begin, end = chunk["timestamp"]
        assert 0 <= begin <= end <= seconds + 0.1
    if timed:
        assert found["chunks"][-1]["timestamp"][1] > (30 if file == CHAPTER else 1)


def test_a_batch_of_long_and_short_is_heard_one_by_one(ctc: Model) -> None:
    task = TASKS[HEAR]
    files = [{"inputs": file.read_bytes()} for file in (CHAPTER, NOVEL)]
    together = task.predict(ctc[0], files, task.params())
    assert together == [task.predict(ctc[0], [one], task.params())[0] for one in files]


def test_generation_has_a_seed_and_a_length(whisper: Model, tmp_path: Path) -> None:
    def heard(**chosen: Any) -> str:
        return str(ask(HEAR, whisper, NOVEL.read_bytes(), generation_parameters={"num_beams": 1, **chosen})["text"])

    assert heard(temperature=1.5, seed=1) == heard(temperature=1.5, seed=1) != heard(temperature=1.5, seed=2)
    assert len(heard(max_new_tokens=4)) < len(heard(max_new_tokens=25))
    chosen: dict[str, Any] = {"generation_parameters": {"num_beams": 1, "temperature": 1.5, "seed": 1}}
    assert printed(HEAR, whisper, NOVEL, tmp_path, **chosen)["text"] == heard(temperature=1.5, seed=1)


@pytest.mark.parametrize(
    ("kind", "params", "field"),
    [
        ("ctc", {"generation_parameters": {"max_new_tokens": 5}}, "generation_parameters.max_new_tokens"),
        ("whisper", {"generation_parameters": {"max_new_tokens": 4000}}, "generation_parameters"),
    ],
)
def test_generation_that_a_model_cannot_do_is_refused(
    kind: str, params: dict[str, Any], field: str, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(InvalidInput) as caught:
        ask(HEAR, request.getfixturevalue(kind), NOVEL.read_bytes(), **params)
    assert caught.value.field == field


def test_a_model_without_times_says_so(tmp_path: Path) -> None:
    from transformers import MoonshineConfig, MoonshineForConditionalGeneration, Wav2Vec2FeatureExtractor

    tokenizer = letters(chat=False)
    config = MoonshineConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        encoder_num_attention_heads=2,
        decoder_num_attention_heads=2,
        max_position_embeddings=64,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=1,
        decoder_start_token_id=1,
        encoder_num_hidden_layers=1,
        decoder_num_hidden_layers=1,
    )
    MoonshineForConditionalGeneration(config).save_pretrained(tmp_path)
    Wav2Vec2FeatureExtractor().save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    model = TASKS[HEAR].load(tmp_path, None, "cpu"), tmp_path
    short = {"generation_parameters": {"max_new_tokens": 5}}
    assert set(ask(HEAR, model, NOVEL.read_bytes(), **short)) == {"text"}
    with pytest.raises(InvalidInput, match="does not tell times"):
        ask(HEAR, model, NOVEL.read_bytes(), return_timestamps=True)


@pytest.mark.parametrize("name", ["AutomaticSpeechRecognition", "TextToSpeech", "TextToAudio"])
def test_generation_parameters_are_the_hubs(name: str) -> None:
    theirs = {field.name for field in dataclasses.fields(getattr(hub_types, f"{name}GenerationParameters"))}
    fetched = {"num_beam_groups", "penalty_alpha"}  # transformers 5 has their code on the Hub only
    assert theirs - set(AllGenerationParams.model_fields) == fetched
    assert all(AllGenerationParams.model_fields[field].default is None for field in theirs - fetched)


def test_early_stopping_may_be_written_as_text() -> None:
    wanted = {"True": True, "false": False, "never": "never", None: None, True: True}
    assert {given: AllGenerationParams(early_stopping=given).early_stopping for given in wanted} == wanted
