"""text-to-speech: a text, read aloud. The work is done in `studio.tasks.speaking`."""

from collections.abc import Mapping
from typing import Any

from studio.core.types import Modality, Slot
from studio.tasks import speaking
from studio.tasks.base import Task, examples
from studio.tasks.speaking import SpeakingParams

ID = "text-to-speech"


class TextToSpeechParams(SpeakingParams):
    """Names and defaults of the Hub's inference API (`huggingface_hub.TextToSpeechParameters`), and the speed."""


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that writes speech.wav."""
    return speaking.snippet(model, inputs, params, base, "speech.wav")


TASK = Task(
    id=ID,
    title="Text to speech",
    description="Reads a text aloud.",
    inputs=(Slot("inputs", Modality.TEXT, "Text", "What is to be said, in the voice's language."),),
    output=Slot("audio", Modality.AUDIO, "Speech", "A WAV file."),
    params=TextToSpeechParams,
    models=("kit:hibari", "facebook/mms-tts-eng"),
    examples=examples(ID),
    load=speaking.load,
    predict=speaking.predict,
    snippet=snippet,
    heads=speaking.SPEAKERS,
    group="Audio",
)
