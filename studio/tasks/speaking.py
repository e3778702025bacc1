"""How texts become sound, for two tasks: the kit's voice, and transformers' models as VITS, Bark and MusicGen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.core.settings import ROOT
from studio.starter import voice
from studio.tasks import generation, media, snippets
from studio.tasks.base import Params
from studio.tasks.generation import SEED, AllGenerationParams
from studio.tasks.loading import Loaded, load_config, load_pipeline

PIPELINE = "text-to-audio"  # of transformers, for both tasks
AUTO = "AutoModelForTextToWaveform"
SPEAKERS = ("VitsModel", "BarkModel")
LONGEST = 1_000  # characters; about a minute of speech: what a model computes at once grows with it
GENERATION = "generation_parameters"


class SpeakingParams(Params):
    """What the Hub's inference API takes for both, and how fast to speak."""

    speed: float | None = Field(
        default=None,
        ge=voice.SLOWEST,
        le=voice.FASTEST,
        title="Speed",
        description="Above 1 faster; for the kit's voice and VITS models. Empty: as the voice is.",
    )
    generation_parameters: AllGenerationParams = Field(
        default_factory=AllGenerationParams,
        title="Generation",
        description="How models that generate sound, as MusicGen and Bark, do so; other voices take the seed only.",
    )


@dataclass(frozen=True)
class Voice:
    """The kit's voice, where its entry lies."""

    folder: Path


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """The kit's voice or a model of transformers; raises `VoiceMissing`, and what `load_model` raises."""
    if (folder / voice.SETTINGS).is_file():
        return Loaded(Voice(folder), voice.load(folder))
    more = ["processor"] if load_config(folder, base).model_type == "bark" else []  # with its speakers
    return load_pipeline(PIPELINE, [AUTO], folder, base, device, "tokenizer", *more)


def predict(pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: SpeakingParams) -> list[bytes]:
    """A WAV file per text. Raises `InvalidInput` for texts that cannot be said, and for what a voice does not have."""
    texts = [media.text(inputs) for inputs in batch]
    if isinstance(pipe.pipe, Voice):
        _check_unused(params, "This voice does not generate token by token; leave it empty.")
        return [_say(pipe.pipe, text, params) for text in texts]
    return [_generate(pipe.pipe, text, params) for text in texts]


def _say(speaker: Voice, text: str, params: SpeakingParams) -> bytes:
    try:
        speech = voice.speak(speaker.folder, text, params.speed or 1.0, _seed(params))
    except InvalidInput as error:
        field = "inputs" if error.field == "text" else error.field
        raise InvalidInput(field, error.value, error.expected) from None
    return media.wav(speech.samples, speech.rate)


def _generate(pipe: Any, text: str, params: SpeakingParams) -> bytes:
    import numpy as np
    import torch

    model, given = pipe.model, generation.options(params.generation_parameters)
    if not model.can_generate():
        _check_unused(params, "This model does not generate token by token; leave it empty.")
    _check_text(pipe, text)
    _set_speed(model, params.speed)
    torch.manual_seed(_seed(params))
    with generation.refusing(GENERATION, given):
        spoken = pipe(text, **({"generate_kwargs": given} if given else {}))
    samples = np.atleast_1d(spoken["audio"])
    if not samples.size or not np.isfinite(samples).all():
        raise InvalidInput("inputs", text, "The model makes no sound of it; write other words.")
    return media.wav(samples.T, int(spoken["sampling_rate"]))


def _check_text(pipe: Any, text: str) -> None:
    if len(text) > LONGEST:
        raise InvalidInput("inputs", f"{len(text):,} characters", f"At most {LONGEST:,} are taken at once.")
    tokenizer, blank = pipe.tokenizer, {pipe.tokenizer.pad_token_id, pipe.tokenizer.unk_token_id}
    if pipe.model.config.model_type == "vits" and not set(tokenizer(text)["input_ids"]) - blank:
        raise InvalidInput("inputs", text, "The voice knows none of these letters.")


def _check_unused(params: SpeakingParams, expected: str) -> None:
    given = generation.options(params.generation_parameters)
    if given:
        name, value = next(iter(given.items()))
        raise InvalidInput(f"{GENERATION}.{name}", value, expected)


def _set_speed(model: Any, speed: float | None) -> None:
    if hasattr(model, "speaking_rate"):
        model.speaking_rate = speed or model.config.speaking_rate
    elif speed is not None:
        raise InvalidInput("speed", speed, "This model has one speed; leave it empty.")


def _seed(params: SpeakingParams) -> int:
    chosen = params.generation_parameters.seed
    return SEED if chosen is None else chosen


VOICE = """import soundfile
from hibari import Hibari

voice = Hibari(voice={voice})
samples = voice({text}, speed={speed}, seed={seed})
soundfile.write({file}, samples, voice.sample_rate)
"""


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str, file: str) -> str:
    """A script that writes the sound into `file`."""
    text, seed = snippets.quoted(inputs["inputs"]), _seed(params)
    if (ROOT / model / voice.SETTINGS).is_file():
        named = {"voice": snippets.quoted(voice.VOICE), "file": snippets.quoted(file)}
        return VOICE.format(text=text, speed=params.speed or 1.0, seed=seed, **named)
    given = generation.options(params.generation_parameters)
    call = snippets.arguments(text, **({"generate_kwargs": given} if given else {}))
    code = snippets.with_pipeline(PIPELINE, model, call, (base, AUTO, "tokenizer") if base else None)
    speed = "" if params.speed is None else f"pipe.model.speaking_rate = {params.speed}\n"
    write = f'soundfile.write({snippets.quoted(file)}, spoken["audio"].T, spoken["sampling_rate"])'
    say = f"{speed}torch.manual_seed({seed})\nspoken = pipe({call})\n{write}"
    return "import soundfile\nimport torch\n" + code.replace(f"print(pipe({call}))", say)
