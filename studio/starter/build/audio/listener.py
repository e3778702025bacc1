"""`kit:listener`: a small CLAP that compares sounds with words: artificial noises, and twelve spoken words.

Trained from nothing on `noises` and `kit:speech-commands`; judged on pairs of words that it never heard together.
"""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studio.starter import kit
from studio.starter.build import tables, writing
from studio.starter.build.audio import commands, noises, sound
from studio.starter.build.audio.noises import RATE, SECONDS, Noise
from studio.starter.build.base import Builder
from studio.starter.build.text import heads
from studio.starter.build.vision import fit, words
from studio.starter.build.vision.fit import Batch, Schedule
from studio.starter.kit import KitEntry, Quality, Source

DATA = "kit:speech-commands"
SEED = 32
EACH = 60  # noises of every combination to learn from
ALTERED = 3  # versions of every spoken word to learn from
HELD_OUT, HELD_OUT_SEED = 10, 1_000_037  # of every combination
TEMPLATES = ("This is a sound of {}.", "the sound of {}", "{}", "I hear {}.")
TOLD = "This is a sound of {}."  # the pipeline's own
WORD = "a voice saying {}"
SPEECH, ANY = "voice", "sound"
KEPT, ANY_KIND = 0.85, 0.1  # chances of a trait, and of saying nothing of the kind
BANDS, SIDE, STRIDE = 64, 128, 8  # mel bands; side of the square that a spectrogram is folded to; of its patches
LONGEST, WIDTH, MEANING = 24, 64, 64  # words of a text; of the text model; of what both are compared by
QUIETER, SHIFTED = 12.0, 24  # decibels and frames by which a training spectrogram may differ
SCHEDULE = Schedule(steps=2500, batch=48, learning_rate=2e-3, average=0.98, seed=SEED)


def build(out: Path) -> KitEntry:
    """Make the noises, train, measure and write; about 12 minutes on one core."""
    data = kit.entry(DATA, out)
    rows = [*noises.generate(SEED, EACH, new=False), *voices(data)]
    with writing.new_folder(out, "listener") as folder:
        model, extractor, tokenizer = train(rows, SCHEDULE)
        extractor.save_pretrained(folder)
        fit.save(model, tokenizer, folder)
        writing.copy_license(fit.LICENSE, folder)
        quality = _quality(folder, data, HELD_OUT, rows)
    return writing.record(out, _entry(data, quality, fit.weights(model)))


def first(entry: KitEntry) -> str:
    """What the first held-out noise is, by the pipeline."""
    from transformers import pipeline

    one = next(noises.generate(HELD_OUT_SEED, 1, new=True))
    listen = pipeline("zero-shot-audio-classification", model=str(entry.path))
    return str(listen(one.samples, candidate_labels=candidates())[0]["label"])


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Accuracies on new noises and on spoken words of new voices."""
    each = max(1, min(HELD_OUT, rows // len(candidates())))
    return {name: one.value for name, one in _quality(entry.path, kit.entry(DATA), each).items()}


def voices(data: KitEntry) -> list[Noise]:
    """The training split's spoken words, each as several rooms and throats would have given it."""
    columns, choice = tables.read_split(data.path, "train"), random.Random(SEED)  # noqa: S311  not a secret
    clips = [sound.decode(clip["bytes"], commands.RATE) for clip in columns["audio"]]
    return [
        Noise(sound.resample(commands.altered(clip, choice), commands.RATE, RATE), SPEECH, (label,))
        for _ in range(ALTERED)
        for clip, label in zip(clips, columns["label"], strict=True)
    ]


def candidates() -> list[str]:
    """What every kind of noise is called, those included that were never heard."""
    return sorted(
        noises.caption(kind, traits) for new in (False, True) for kind, *traits in noises.combinations(new=new)
    )


def told(kind: str, traits: Sequence[str]) -> str:
    """What is said of a sound with some or all of its traits; "sound" is any kind."""
    if kind == SPEECH:
        return WORD.format(*traits) if traits else f"a {SPEECH}"
    return noises.caption(kind, traits)


def partly(one: Noise, chance: np.random.Generator) -> tuple[str, tuple[str, ...]]:
    """A kind, or any, and some of the traits: what is true of more sounds than this one teaches what a word means."""
    kept = tuple(trait for trait in one.traits if chance.random() < KEPT)
    any_kind = one.kind != SPEECH and kept and chance.random() < ANY_KIND
    return (ANY if any_kind else one.kind), kept


def choose(folder: Path, sounds: Sequence[Any], labels: Sequence[str]) -> list[str]:
    """The best label of each sound, by the model as it lies on disk."""
    import torch
    from transformers import AutoTokenizer, ClapFeatureExtractor, ClapModel

    model = ClapModel.from_pretrained(folder).eval()
    texts = AutoTokenizer.from_pretrained(folder)(
        [TOLD.format(one) for one in labels], padding=True, return_tensors="pt"
    )
    extractor = ClapFeatureExtractor.from_pretrained(folder)
    found: list[str] = []
    for start in range(0, len(sounds), SCHEDULE.batch):
        heard = extractor(list(sounds[start : start + SCHEDULE.batch]), sampling_rate=RATE, return_tensors="pt")
        with torch.inference_mode():
            logits = model(**texts, input_features=heard["input_features"].float()).logits_per_audio
        found += [labels[number] for number in logits.argmax(1).tolist()]
    return found


def train(rows: Sequence[Noise], schedule: Schedule) -> tuple[Any, Any, Any]:
    """The model trained on these sounds, with its feature extractor and tokenizer."""
    import torch

    torch.manual_seed(SEED)
    extractor = _extractor()
    heard = np.stack([extractor(row.samples, sampling_rate=RATE)["input_features"][0] for row in rows])
    heard = heard.astype(np.float32)
    texts = [WORD.format(row.traits[0]) for row in rows if row.kind == SPEECH]
    texts += [*candidates(), f"a {SPEECH}", f"a {ANY}", *noises.TRAITS]
    tokenizer = words.tokenizer(
        [template.format(text) for template in TEMPLATES for text in texts], LONGEST, cut_marks=True
    )
    model = _model(len(tokenizer))

    def draw(numbers: Sequence[int], random: np.random.Generator) -> Batch:
        return _batch([rows[number] for number in numbers], heard[list(numbers)], tokenizer, random)

    fit.fit(model, len(rows), draw, _loss, schedule)
    return model, extractor, tokenizer


def _batch(rows: Sequence[Noise], heard: Any, tokenizer: Any, random: np.random.Generator) -> Batch:
    """Sounds, a text with some or all traits of each, and which text is true of which sound."""
    import torch

    said = [partly(row, random) for row in rows]
    texts = [str(random.choice(TEMPLATES)).format(told(kind, traits)) for kind, traits in said]
    fits = [[kind in (row.kind, ANY) and set(traits) <= set(row.traits) for kind, traits in said] for row in rows]
    shifts = random.integers(-SHIFTED, SHIFTED + 1, len(rows))
    moved = np.stack([np.roll(one, shift, axis=-2) for one, shift in zip(heard, shifts, strict=True)])
    moved = moved - random.uniform(0, QUIETER, (len(rows), 1, 1, 1)).astype(np.float32)
    return {
        "input_features": torch.from_numpy(moved),
        "texts": tokenizer(texts, padding=True, return_tensors="pt"),
        "fits": torch.tensor(fits).float(),
    }


def _loss(model: Any, batch: Batch) -> Any:
    """Cross entropy from sounds to the texts that fit them, and from texts to sounds."""
    from torch.nn import functional

    found = model(**batch["texts"], input_features=batch["input_features"])
    fits = batch["fits"]
    one = functional.cross_entropy(found.logits_per_audio.float(), fits / fits.sum(1, keepdim=True))
    other = functional.cross_entropy(found.logits_per_text.float(), fits.T / fits.T.sum(1, keepdim=True))
    return (one + other) / 2


def _extractor() -> Any:
    from transformers import ClapFeatureExtractor

    return ClapFeatureExtractor(
        feature_size=BANDS, max_length_s=int(SECONDS), frequency_min=50, truncation="rand_trunc", padding="repeatpad"
    )


def _model(known: int) -> Any:
    from transformers import ClapAudioConfig, ClapConfig, ClapModel, ClapTextConfig

    text = ClapTextConfig(
        vocab_size=known,
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=2 * WIDTH,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        max_position_embeddings=LONGEST + 8,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    audio = ClapAudioConfig(
        num_mel_bins=BANDS,
        spec_size=SIDE,
        window_size=SIDE // STRIDE // 4,  # the side of the last stage
        patch_size=STRIDE,
        patch_stride=(STRIDE, STRIDE),
        patch_embeds_hidden_size=40,
        hidden_size=160,
        depths=(2, 2, 2),
        num_attention_heads=(2, 4, 8),
        num_hidden_layers=3,
        mlp_ratio=3.0,
        hidden_dropout_prob=0.0,
    )
    return ClapModel(ClapConfig(text_config=text, audio_config=audio, projection_dim=MEANING))


def by_spectrum(rows: Sequence[Noise], sounds: Sequence[Noise]) -> list[str]:
    """The trivial answer: the caption whose training sounds have the nearest mean spectrum."""
    extractor = _extractor()

    def spectra(of: Sequence[Noise]) -> Any:
        return np.stack([extractor(one.samples, sampling_rate=RATE)["input_features"][0].mean((0, 1)) for one in of])

    known = [row for row in rows if row.kind != SPEECH]
    names = np.array([row.caption for row in known])
    labels, heard = sorted(set(names)), spectra(known)
    centres = np.stack([heard[names == label].mean(0) for label in labels])
    distances = ((spectra(sounds)[:, None] - centres[None]) ** 2).sum(-1)
    return [str(labels[number]) for number in distances.argmin(1)]


def _quality(folder: Path, data: KitEntry, each: int, rows: Sequence[Noise] = ()) -> dict[str, Quality]:
    """Figures over `each` new noises of every combination; the baseline only with the training sounds."""
    labels = candidates()
    heard = [*noises.generate(HELD_OUT_SEED, each, new=False), *noises.generate(HELD_OUT_SEED, each, new=True)]
    right = _hits([one.caption for one in heard], choose(folder, [one.samples for one in heard], labels))
    trivial = _hits([one.caption for one in heard], by_spectrum(rows, heard)) if rows else [False] * len(heard)
    new = [(one.kind, *one.traits) in noises.NEW for one in heard]
    test = tables.read_split(data.path, "test")
    numbers = heads.sample(len(test["label"]), len(heard))
    clips = [sound.decode(test["audio"][number]["bytes"], RATE) for number in numbers]
    said = choose(folder, clips, [WORD.format(label) for label in data.labels])
    told_of = "the nearest mean spectrum of training sounds"
    return {
        "accuracy": _figure(right, (_share(trivial), told_of), len(labels), "new noises of every kind"),
        "accuracy_new_pairs": _figure(
            [hit for hit, yes in zip(right, new, strict=True) if yes],
            (1 / len(labels), "guessing"),
            len(labels),
            f"those of them whose {len(noises.NEW)} combinations of words were never heard together",
        ),
        "accuracy_words": _figure(
            _hits([WORD.format(test["label"][number]) for number in numbers], said),
            (1 / len(data.labels), "guessing"),
            len(data.labels),
            "spoken words, voices that were not in training",
        ),
    }


def _hits(wanted: Sequence[str], made: Sequence[str]) -> list[bool]:
    return [one == other for one, other in zip(wanted, made, strict=True)]


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits)


def _figure(right: Sequence[bool], baseline: tuple[float, str], count: int, split: str) -> Quality:
    return Quality(
        value=round(_share(right), 4),
        split=split,
        n=len(right),
        note=f"the right one of {count} labels first",
        baseline=round(baseline[0], 4),
        baseline_note=baseline[1],
        band=heads.band(_share(right), min(len(right), heads.MEASURED)),
    )


def _entry(data: KitEntry, quality: Mapping[str, Quality], weights: int) -> KitEntry:
    kinds = ", ".join(noises.TRAITS)
    return KitEntry(
        id="kit:listener",
        kind="model",
        title="Sounds and the words for them",
        description=(
            f"Says which of your labels fits a sound, as long as they are made of the words that it knows: {kinds}; "
            "low or high, slow or fast, rising, steady or falling; and a voice saying yes, no or a digit. A toy, "
            "learned from artificial sounds: real ones are beyond it. It hears two seconds."
        ),
        tasks=("zero-shot-audio-classification",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="Trained by the Studio project on sounds of its own and synthetic speech.",
        sources=(Source(name=DATA, license=data.license, use="spoken words, to learn from and to measure on"),),
        toy=True,
        built_by="studio.starter.build.audio.listener",
        seed=SEED,
        versions=writing.versions("torch", "transformers", "tokenizers", "numpy", "scipy"),
        training={**SCHEDULE.for_manifest(), "noises": EACH * len(noises.combinations(new=False)), "weights": weights},
        quality=dict(quality),
    )


BUILDER = Builder("kit:listener", 12, build, first, measure)
