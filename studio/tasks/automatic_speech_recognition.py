"""automatic-speech-recognition: speech → its words, with their times if wanted. Long recordings are heard in windows.

Whisper goes from window to window by its own timestamps (Radford et al., 2022, section 3.8); what CTC models hear in
windows that overlap is joined where both hear well.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.core.types import Modality, Slot
from studio.tasks import generation, listening, snippets
from studio.tasks.base import Params, Task, examples
from studio.tasks.generation import SEED, AllGenerationParams
from studio.tasks.loading import Loaded, load_pipeline

ID = "automatic-speech-recognition"
AUTO = ("AutoModelForCTC", "AutoModelForTDT", "AutoModelForSpeechSeq2Seq")
PARTS = ("feature_extractor", "tokenizer")
WINDOW = 30  # seconds
BEAMS = 5  # as the pipeline has it
WHISPER, CTC, SEQ2SEQ = "seq2seq_whisper", "ctc", "seq2seq"  # kinds, as the pipeline calls them
GENERATION = "generation_parameters"


class AutomaticSpeechRecognitionParams(Params):
    """Names and defaults of the Hub's inference API (`huggingface_hub.AutomaticSpeechRecognitionParameters`)."""

    return_timestamps: bool | None = Field(
        default=None,
        title="Times",
        description="When what was said: of sentences with Whisper, of words with CTC models. Empty: no.",
    )
    generation_parameters: AllGenerationParams = Field(
        default_factory=AllGenerationParams, title="Writing", description="How Whisper and its like write the words."
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Whole models and adapters; raises what `load_model` raises."""
    return load_pipeline(ID, AUTO, folder, base, device, *PARTS)


def predict(
    pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: AutomaticSpeechRecognitionParams
) -> list[dict[str, Any]]:
    """The words of each recording as `text`; with times, parts of it as `chunks` too.

    Raises `InvalidInput` for what is no sound, and for parameters that the model has no use for.
    """
    chosen = params.generation_parameters
    given = generation.options(chosen)
    _check(pipe.pipe.type, params, given)
    return [_hear(pipe.pipe, sound, params, given) for sound in listening.sounds(pipe, batch)]


def _hear(pipe: Any, sound: Any, params: AutomaticSpeechRecognitionParams, given: Mapping[str, Any]) -> dict[str, Any]:
    import torch

    seed = params.generation_parameters.seed
    torch.manual_seed(SEED if seed is None else seed)
    with generation.refusing(GENERATION, given):
        if pipe.type == WHISPER and params.return_timestamps:
            return _segments(pipe, sound, given)
        long = len(sound) > WINDOW * pipe.feature_extractor.sampling_rate
        more = {"generate_kwargs": dict(given)} if given else {}
        heard = pipe(sound, **_options(pipe.type, params, long), **more)
    if not params.return_timestamps:
        return {"text": heard["text"]}
    chunks = [one | {"timestamp": [round(float(time), 2) for time in one["timestamp"]]} for one in heard["chunks"]]
    return {"text": heard["text"], "chunks": chunks}


def _check(kind: str, params: AutomaticSpeechRecognitionParams, given: Mapping[str, Any]) -> None:
    if params.return_timestamps and kind not in {WHISPER, CTC}:
        expected = "This model does not tell times; choose a Whisper or a CTC model."
        raise InvalidInput("return_timestamps", True, expected)
    if given and kind == CTC:
        name, value = next(iter(given.items()))
        raise InvalidInput(f"{GENERATION}.{name}", value, "This model hears letter by letter (CTC); leave it empty.")


def _options(kind: str, params: AutomaticSpeechRecognitionParams, long: bool) -> dict[str, Any]:
    """Arguments of the pipeline's call."""
    if kind == WHISPER:  # without timestamps it does not find from one window to the next
        return {"return_timestamps": True} if long else {}
    times = {"return_timestamps": "word"} if params.return_timestamps else {}
    return times | ({"chunk_length_s": WINDOW} if long and kind in {CTC, SEQ2SEQ} else {})


def _segments(pipe: Any, sound: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """What Whisper's own `generate` gives: the times that the pipeline makes of it go astray from window to window."""
    import torch

    rate = pipe.feature_extractor.sampling_rate
    seconds = len(sound) / rate
    padding = "max_length" if seconds <= WINDOW else "longest"
    prepared = pipe.feature_extractor(
        sound, sampling_rate=rate, return_tensors="pt", return_attention_mask=True, truncation=False, padding=padding
    ).to(pipe.model.device, dtype=pipe.model.dtype)
    options = {"num_beams": BEAMS, **given}
    with torch.inference_mode():
        found = pipe.model.generate(**prepared, return_timestamps=True, return_segments=True, **options)
    chunks = []
    for one in found["segments"][0]:
        begin, end = (round(min(float(one[name]), seconds), 2) for name in ("start", "end"))
        text = pipe.tokenizer.decode(one["tokens"], skip_special_tokens=True)
        chunks.append({"text": text, "timestamp": [begin, max(begin, end)]})
    return {"text": "".join(chunk["text"] for chunk in chunks), "chunks": chunks}


HEAR = """more = {{}}
if len(sound) > {window} * wanted:  # longer than a window
    more = {{"return_timestamps": True}} if pipe.type == "{whisper}" else {{"chunk_length_s": {window}}}
found = pipe({call})
print({{"text": found["text"]}})
"""
TIMED = """long = len(sound) > {window} * wanted
if pipe.type == "{whisper}":
    prepared = pipe.feature_extractor(sound, sampling_rate=wanted, return_tensors="pt", return_attention_mask=True,
                                      truncation=False, padding="longest" if long else "max_length")
    found = pipe.model.generate(**prepared, return_timestamps=True, return_segments=True, {options})
    chunks, seconds = [], len(sound) / wanted
    for one in found["segments"][0]:
        begin, end = (round(min(float(one[name]), seconds), 2) for name in ("start", "end"))
        text = pipe.tokenizer.decode(one["tokens"], skip_special_tokens=True)
        chunks.append({{"text": text, "timestamp": [begin, max(begin, end)]}})
    print({{"text": "".join(chunk["text"] for chunk in chunks), "chunks": chunks}})
else:
    heard = pipe(sound, return_timestamps="word", chunk_length_s={window} if long else 0)
    for one in heard["chunks"]:
        one["timestamp"] = [round(float(time), 2) for time in one["timestamp"]]
    print(heard)
"""


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the words."""
    chosen = params.generation_parameters
    given = generation.options(chosen)
    auto = AUTO[-1]  # those of adapters are Whisper's
    code = listening.snippet(ID, model, inputs["inputs"], "sound", (base, auto, *PARTS) if base else None)
    call = snippets.arguments("sound", "**more", **({"generate_kwargs": given} if given else {}))
    options = snippets.arguments(**{"num_beams": BEAMS, **given})
    script = TIMED if params.return_timestamps else HEAR
    hear = script.format(window=WINDOW, whisper=WHISPER, call=call, options=options)
    if given:
        seed = SEED if chosen.seed is None else chosen.seed
        code, hear = f"import torch\n{code}", f"torch.manual_seed({seed})\n{hear}"
    return code.replace("print(pipe(sound))\n", hear)


TASK = Task(
    id=ID,
    title="Speech recognition",
    description="Writes down what is said in a recording, with times if wanted.",
    inputs=(Slot("inputs", Modality.AUDIO, "Speech", "A recording or the sound of a video, up to 15 minutes."),),
    output=Slot("transcript", Modality.TRANSCRIPT, "Transcript", "What was said, and when."),
    params=AutomaticSpeechRecognitionParams,
    models=("kit:whisper-tiny-en", "openai/whisper-base", "facebook/wav2vec2-base-960h"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=(
        *("ForCTC", "ForTDT", "ForSpeechToText", "WhisperForConditionalGeneration", "SpeechEncoderDecoderModel"),
        *("Speech2TextForConditionalGeneration", "MoonshineForConditionalGeneration"),
    ),
    group="Audio",
)
