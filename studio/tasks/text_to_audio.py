"""text-to-audio: a text → sound: music that it describes, or speech. The work is done in `studio.tasks.speaking`."""

from collections.abc import Mapping
from typing import Any

from studio.core.types import Modality, Slot
from studio.tasks import speaking
from studio.tasks.base import Task, examples
from studio.tasks.speaking import SpeakingParams

ID = "text-to-audio"


class TextToAudioParams(SpeakingParams):
    """Names and defaults of the Hub's inference API (`huggingface_hub.TextToAudioParameters`), and the speed."""


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that writes sound.wav."""
    return speaking.snippet(model, inputs, params, base, "sound.wav")


TASK = Task(
    id=ID,
    title="Text to audio",
    description="Makes the sound or the music that a text describes, or reads it aloud.",
    inputs=(Slot("inputs", Modality.TEXT, "Text", "What it should sound like; a voice reads it aloud."),),
    output=Slot("audio", Modality.AUDIO, "Sound", "A WAV file."),
    params=TextToAudioParams,
    models=("kit:hibari", "facebook/musicgen-small", "facebook/mms-tts-eng"),
    examples=examples(ID),
    load=speaking.load,
    predict=speaking.predict,
    snippet=snippet,
    heads=(*speaking.SPEAKERS, "MusicgenForConditionalGeneration"),
    group="Audio",
)
