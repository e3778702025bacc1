"""audio-classification: what a sound is → labels with scores."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.core.types import Label, Modality, Slot
from studio.tasks import listening, snippets
from studio.tasks.base import Task, examples
from studio.tasks.classes import USUAL, ClassParams, check_top_k
from studio.tasks.loading import Loaded, load_pipeline

ID = "audio-classification"
AUTO = "AutoModelForAudioClassification"
ENCODERS = (
    *("Data2VecAudio", "Hubert", "SEW", "SEWD", "UniSpeech", "UniSpeechSat"),
    *("Wav2Vec2", "Wav2Vec2Bert", "Wav2Vec2Conformer", "WavLM"),
)


class AudioClassificationParams(ClassParams):
    """Names and defaults of the Hub's inference API (`huggingface_hub.AudioClassificationParameters`)."""


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Whole models and adapters; raises what `load_model` raises."""
    return load_pipeline(ID, [AUTO], folder, base, device, "feature_extractor")


def predict(pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: AudioClassificationParams) -> list[list[Label]]:
    """One list of labels per sound, best first.

    Raises `InvalidInput` for what is no sound, or a `top_k` above the model's number of labels.
    """
    check_top_k(params.top_k, pipe.pipe.model.config.num_labels)
    sounds = listening.sounds(pipe, batch)
    alike = len({len(one) for one in sounds}) == 1  # padding would change what some models hear
    found: list[list[Label]] = pipe.pipe(sounds, batch_size=len(sounds) if alike else 1, **_options(params))
    return found


def _options(params: AudioClassificationParams) -> dict[str, Any]:
    return {"top_k": USUAL} | snippets.options(params)  # transformers alone gives all: 527 for AudioSet


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the labels."""
    call = snippets.arguments("sound", **_options(params))
    return listening.snippet(ID, model, inputs["inputs"], call, (base, AUTO, "feature_extractor") if base else None)


TASK = Task(
    id=ID,
    title="Audio classification",
    description="What a sound is, out of the labels that a model knows: words, speakers, instruments, noises.",
    inputs=(Slot("inputs", Modality.AUDIO, "Sound", "A recording or the sound of a video, up to 15 minutes."),),
    output=Slot("labels", Modality.LABELS, "Labels", "Best first; how sure the model is, from 0 to 1."),
    params=AudioClassificationParams,
    models=("kit:commands", "MIT/ast-finetuned-audioset-10-10-0.4593"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("ForAudioClassification", *(f"{encoder}ForSequenceClassification" for encoder in ENCODERS)),
    group="Audio",
)
