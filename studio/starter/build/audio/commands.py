"""`kit:commands`: which of twelve words was said? A small audio spectrogram transformer, from `kit:speech-commands`.

Trained from nothing. Noise, pitch, pace, loudness and telephone sound are added anew in every epoch.
"""

import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.starter import kit
from studio.starter.build import storing, tables, writing
from studio.starter.build.audio import sound
from studio.starter.build.base import Builder
from studio.starter.kit import KitEntry, Quality, Source

DATA, PEOPLE = "kit:speech-commands", "kit:speech-prompts"
RATE, TELEPHONE = 16_000, 8_000
FRAMES, BANDS = 100, 64  # of 10 ms
WIDTH, LAYERS, HEADS, INNER = 96, 4, 4, 256
PATCH, STRIDE = 16, 8
SEED = 20
EPOCHS, BATCH, RATE_OF_LEARNING, DECAY, SMOOTHING = 240, 32, 1e-3, 0.05, 0.1
PENALTIES = (0.01, 0.1, 1.0, 10.0)  # C of the logistic regression; the validation split chooses
Split = Mapping[str, list[Any]]


def build(out: Path) -> KitEntry:
    """Train, reload and measure; about ten minutes on one core."""
    data = kit.entry(DATA, out)
    splits = {name: tables.read_split(data.path, name) for name in data.splits}
    with writing.new_folder(out, "commands") as folder:
        _train(splits["train"], data.labels, folder)
        writing.copy_license(data.path / data.license_file, folder)
        baseline = _baseline(folder, splits, len(splits["test"]["label"]))
        quality = _quality(folder, splits["test"], kit.entry(PEOPLE, out), baseline)
    return writing.record(out, _entry(data, quality))


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Accuracies on a sample of the test split."""
    test = tables.read_split(kit.entry(DATA).path, "test")
    chosen = sorted(random.Random(0).sample(range(len(test["label"])), min(rows, len(test["label"]))))  # noqa: S311  not a secret
    sample = {name: [values[row] for row in chosen] for name, values in test.items()}
    return {name: one.value for name, one in _quality(entry.path, sample, kit.entry(PEOPLE), 0.0).items()}


def first(entry: KitEntry) -> Any:
    """The words that a pipeline hears in the first test clip, with their scores."""
    from transformers import pipeline

    clip = tables.read_split(kit.entry(DATA).path, "test")["audio"][0]["bytes"]
    return pipeline("audio-classification", model=str(entry.path))(sound.decode(clip, RATE))


def classify(folder: Path, sounds: Sequence[Any]) -> list[str]:
    """The most likely word in each sound (float32, 16 kHz)."""
    import torch
    from transformers import ASTFeatureExtractor, AutoModelForAudioClassification

    model = AutoModelForAudioClassification.from_pretrained(folder).eval()
    features = ASTFeatureExtractor.from_pretrained(folder)
    found: list[str] = []
    for start in range(0, len(sounds), BATCH):
        values = features(list(sounds[start : start + BATCH]), sampling_rate=RATE, return_tensors="pt").input_values
        with torch.inference_mode():
            found.extend(model.config.id2label[number] for number in model(values).logits.argmax(-1).tolist())
    return found


def altered(samples: Any, choice: random.Random) -> Any:
    """The same word, somewhere in a second, as another room, throat and microphone might have given it.

    `samples` is float32 at 16 kHz; gives 16,000 of them, or every second time the word alone.
    """
    import numpy as np

    pace = choice.uniform(0.8, 1.25)  # moves the pitch too
    samples = np.interp(np.arange(0, len(samples) - 1, pace), np.arange(len(samples)), samples)
    if choice.random() < 0.4:
        samples = sound.resample(sound.resample(samples, RATE, TELEPHONE), TELEPHONE, RATE)
    tilt = choice.uniform(-0.5, 0.5)  # dull to sharp
    samples = samples + tilt * np.concatenate([[0], samples[:-1]])
    samples = samples[:RATE]
    place = choice.randint(0, RATE - len(samples))
    noise = np.random.default_rng(choice.getrandbits(32)).standard_normal(RATE)
    if choice.random() < 0.5:
        noise = np.cumsum(noise) - np.arange(RATE) / RATE * noise.sum()  # rumbles
        noise /= np.abs(noise).max()
    second = noise * 10 ** choice.uniform(-4, -1.6)
    second[place : place + len(samples)] += samples
    second = (second * 10 ** choice.uniform(-1, 0.1)).astype(np.float32)
    if choice.random() < 0.5:  # the extractor pads short sound with what no noise looks like: learn that too
        return second[max(0, place - choice.randint(0, 800)) : place + len(samples) + choice.randint(0, 800)]
    return second


def _train(rows: Split, labels: Sequence[str], folder: Path) -> None:
    import torch
    from transformers import ASTConfig, ASTForAudioClassification, set_seed

    torch.set_num_threads(1)
    set_seed(SEED)
    choice = random.Random(SEED)  # noqa: S311  not a secret
    sounds = [sound.decode(one["bytes"], RATE) for one in rows["audio"]]
    targets = torch.tensor([list(labels).index(label) for label in rows["label"]])
    features = _features([altered(samples, choice) for samples in sounds])
    model = ASTForAudioClassification(_config(labels, ASTConfig))
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE_OF_LEARNING, weight_decay=DECAY)
    steps = EPOCHS * math.ceil(len(sounds) / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE_OF_LEARNING, total_steps=steps, pct_start=0.15)
    measured = torch.nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    for _ in range(EPOCHS):
        values = features([altered(samples, choice) for samples in sounds], sampling_rate=RATE, return_tensors="pt")
        values = _masked(values.input_values, choice)
        order = torch.randperm(len(sounds))
        for start in range(0, len(sounds), BATCH):
            batch = order[start : start + BATCH]
            loss = measured(model(values[batch]).logits, targets[batch])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    features.save_pretrained(folder)
    storing.write(model.eval(), folder)


def _masked(values: Any, choice: random.Random) -> Any:
    """A band and a moment of each row are blanked, so that no single trait decides."""
    for row in values:
        band, moment = choice.randint(0, BANDS - 8), choice.randint(0, FRAMES - 12)
        row[:, band : band + choice.randint(0, 8)] = 0
        row[moment : moment + choice.randint(0, 12)] = 0
    return values


def _features(sounds: Sequence[Any]) -> Any:
    """The feature extractor, its mean and deviation taken from these sounds."""
    from transformers import ASTFeatureExtractor

    plain = ASTFeatureExtractor(sampling_rate=RATE, num_mel_bins=BANDS, max_length=FRAMES, do_normalize=False)
    values = plain(list(sounds), sampling_rate=RATE, return_tensors="np").input_values
    mean, deviation = round(float(values.mean()), 4), round(float(values.std()), 4)
    return ASTFeatureExtractor(sampling_rate=RATE, num_mel_bins=BANDS, max_length=FRAMES, mean=mean, std=deviation / 2)


def _config(labels: Sequence[str], kind: Any) -> Any:
    return kind(
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=INNER,
        hidden_dropout_prob=0.1,
        patch_size=PATCH,
        frequency_stride=STRIDE,
        time_stride=STRIDE,
        max_length=FRAMES,
        num_mel_bins=BANDS,
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
    )


def _decoded(rows: Split) -> list[Any]:
    return [sound.decode(one["bytes"], RATE) for one in rows["audio"]]


def _baseline(folder: Path, splits: Mapping[str, Split], rows: int) -> float:
    """Accuracy of logistic regression on the mean mel spectrum."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler
    from transformers import ASTFeatureExtractor

    features = ASTFeatureExtractor.from_pretrained(folder)
    means = {
        name: features(_decoded(split), sampling_rate=RATE, return_tensors="np").input_values.mean(axis=1)
        for name, split in splits.items()
    }
    scaler = StandardScaler().fit(means["train"])
    fitted = [
        LogisticRegression(C=penalty, max_iter=2000).fit(scaler.transform(means["train"]), splits["train"]["label"])
        for penalty in PENALTIES
    ]
    best = max(fitted, key=lambda one: one.score(scaler.transform(means["validation"]), splits["validation"]["label"]))
    return float(best.score(scaler.transform(means["test"][:rows]), splits["test"]["label"][:rows]))


def _quality(folder: Path, test: Split, people: KitEntry, baseline: float) -> dict[str, Quality]:
    right = [said == heard for said, heard in zip(test["label"], classify(folder, _decoded(test)), strict=True)]
    strange = [one for one, engine in zip(right, test["engine"], strict=True) if engine != "espeak-ng"]
    rows = tables.read_split(people.path, "test")
    digits = [row for row, path in enumerate(one["path"] for one in rows["audio"]) if path.startswith("digits-")]
    heard = classify(folder, [sound.decode(rows["audio"][row]["bytes"], RATE) for row in digits])
    human = [rows["text"][row] == word for row, word in zip(digits, heard, strict=True)]
    return {
        "accuracy": Quality(
            value=_share(right),
            split="test (voices that were not in training)",
            n=len(right),
            baseline=round(baseline, 4),
            baseline_note="logistic regression on the mean mel spectrum; one word always has 0.0833",
            band=0.08,
        ),
        "accuracy_other_voices": Quality(
            value=_share(strange),
            split="test, voices of flite and hibari",
            n=len(strange),
            note="speakers that resemble none in training",
            baseline=0.0833,
            baseline_note="one word always",
            band=0.15,
        ),
        "accuracy_human": Quality(
            value=_share(human),
            split=f"digits of {people.id}, a telephone announcer",
            n=len(human),
            note="one clip a digit, one human voice: a hint, not a measurement",
            baseline=0.1,
            baseline_note="one digit always",
            band=0.2,
        ),
    }


def _share(right: Sequence[bool]) -> float:
    return round(sum(right) / max(1, len(right)), 4)


def _entry(data: KitEntry, quality: Mapping[str, Quality]) -> KitEntry:
    return KitEntry(
        id="kit:commands",
        kind="model",
        title="Twelve spoken words",
        description=(
            "Tells the digits, yes and no apart in a second of sound (16 kHz). A toy, learned from synthetic voices: "
            "people, rooms and microphones are harder than what it knows, and any other word is taken for one of the "
            "twelve."
        ),
        tasks=("audio-classification",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="Trained by the Studio project on synthetic speech.",
        sources=(
            Source(name=DATA, license=data.license, use="training data"),
            Source(name=PEOPLE, use="ten human digits, to measure on"),
        ),
        toy=True,
        built_by="studio.starter.build.audio.commands",
        seed=SEED,
        versions=writing.versions("torch", "transformers", "scikit-learn", "numpy", "scipy"),
        labels=data.labels,
        training={
            "epochs": EPOCHS,
            "batch_size": BATCH,
            "learning_rate": RATE_OF_LEARNING,
            "weight_decay": DECAY,
            "label_smoothing": SMOOTHING,
        },
        quality=dict(quality),
    )


BUILDER = Builder("kit:commands", 12, build, first, measure)
