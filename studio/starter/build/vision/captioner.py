"""`kit:captioner`: a small model that says what a scene of emoji shows: the segmenter's encoder, and a decoder.

A VisionEncoderDecoder of SegFormer and BERT. The encoder starts from `kit:segmenter`; judged on `kit:emoji-scenes`.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studio.starter import kit
from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.text import heads
from studio.starter.build.vision import augment, fit, pictures, scenes, words
from studio.starter.build.vision.emoji import Pixels
from studio.starter.build.vision.fit import Batch, Schedule
from studio.starter.build.vision.scenes import CATEGORIES, NUMBERS, PLURALS, SIZE, Scene
from studio.starter.kit import KitEntry, Quality, Source

DATA = "kit:emoji-scenes"
ENCODER = "kit:segmenter"
SEED = 21
SCENES = 6000
LONGEST = 24  # words of a caption
AT_ONCE = 50
SCHEDULE = Schedule(steps=2000, batch=16, learning_rate=1e-3, average=0.995, seed=SEED)


def build(out: Path) -> KitEntry:
    """Draw, train, measure and write; about 10 minutes on one core."""
    data, encoder = kit.entry(DATA, out), kit.entry(ENCODER, out)
    drawn = list(scenes.generate(SEED, SCENES, "train", kit.entry("kit:emoji", out).path))
    with writing.new_folder(out, "captioner") as folder:
        model, tokenizer = train(encoder.path, drawn, SCHEDULE)
        tokenizer.save_pretrained(folder)
        fit.save(model, pictures.square_processor(SIZE), folder)
        writing.copy_license(fit.LICENSE, folder)
        quality = _quality(folder, data)
    return writing.record(out, _entry(data, quality, fit.weights(model)))


def first(entry: KitEntry) -> str:
    """The caption of the first test scene."""
    return caption(entry.path, pictures.read(kit.entry(DATA, entry.root).path, "test", [0]))[0]


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """F1 of the things named, and shares of right grounds and of captions right to the word, on test scenes."""
    data = kit.entry(DATA, entry.root)
    columns = tables.read_split(data.path, "test")
    numbers = heads.sample(len(columns["caption"]), rows)
    made = caption(entry.path, pictures.read(data.path, "test", numbers))
    found = scores([columns["caption"][number] for number in numbers], made)
    return {name: float(np.mean(values)) for name, values in found.items()}


def caption(folder: Path, images: Sequence[Pixels]) -> list[str]:
    """What each picture shows, by the model as it lies on disk."""
    import torch
    from transformers import AutoImageProcessor, AutoTokenizer, VisionEncoderDecoderModel

    model = VisionEncoderDecoderModel.from_pretrained(folder).eval()
    processor, tokenizer = AutoImageProcessor.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    found: list[str] = []
    for start in range(0, len(images), AT_ONCE):
        pixels = processor(images=list(images[start : start + AT_ONCE]), return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            made = model.generate(pixels)
        found += [text.strip() for text in tokenizer.batch_decode(made, skip_special_tokens=True)]
    return found


def named(text: str) -> Counter[str]:
    """The things that a caption names, with their number: "two cats and a dog" → cat 2, dog 1."""
    parts = re.findall(r"[a-z]+", text)
    found: Counter[str] = Counter()
    singular = {plural: one for one, plural in PLURALS.items()}
    for before, word in zip(["", *parts], parts, strict=False):
        if word in singular and before in NUMBERS:
            found[singular[word]] += NUMBERS.index(before)
        elif word in CATEGORIES:
            found[word] += 1
    return found


def scores(truth: Sequence[str], made: Sequence[str]) -> dict[str, list[float]]:
    """Figures of each caption: F1 of the things named, whether the ground is right, whether every word is."""
    found: dict[str, list[float]] = {"things_f1": [], "ground_accuracy": [], "exact_match": []}
    for wanted, given in zip(truth, made, strict=True):
        there, said = named(wanted), named(given)
        found["things_f1"].append(2 * (there & said).total() / max(there.total() + said.total(), 1))
        found["ground_accuracy"].append(float(wanted.split()[-2:] == given.split()[-2:]))
        found["exact_match"].append(float(wanted == given))
    return found


def train(encoder: Path, drawn: Sequence[Scene], schedule: Schedule) -> tuple[Any, Any]:
    """The model trained on these scenes, and its tokenizer."""
    import torch

    torch.manual_seed(SEED)
    tokenizer = words.tokenizer([row.caption for row in drawn], LONGEST, cut_marks=False)
    model = _model(encoder, tokenizer)

    def draw(numbers: Sequence[int], random: np.random.Generator) -> Batch:
        rows = [drawn[number] for number in numbers]
        images = augment.recoloured(augment.stack([row.image for row in rows]), random, hue=0.1, light=0.08)
        known = tokenizer([row.caption for row in rows], padding=True, return_tensors="pt")
        return {"pixel_values": augment.normalized(images), "words": known["input_ids"]}

    fit.fit(model, len(drawn), draw, _loss, schedule)
    return model, tokenizer


def _loss(model: Any, batch: Batch) -> Any:
    """Cross entropy of each word after those before it."""
    from torch.nn import functional

    given, wanted = batch["words"][:, :-1], batch["words"][:, 1:]
    logits = model(pixel_values=batch["pixel_values"], decoder_input_ids=given).logits.float()
    return functional.cross_entropy(logits.transpose(1, 2), wanted, ignore_index=0)


def _model(encoder: Path, tokenizer: Any) -> Any:
    from transformers import BertConfig, BertLMHeadModel, SegformerForSemanticSegmentation, VisionEncoderDecoderModel

    seen = SegformerForSemanticSegmentation.from_pretrained(encoder).segformer
    config = seen.config
    config.hidden_size = config.hidden_sizes[-1]  # where the decoder looks for the width
    config.strides = [4, 2, 2, 1]  # of the last stage: 8 × 8 places instead of 4 × 4; the weights fit both
    config.reshape_last_stage = False
    config.attn_implementation = "eager"
    config._name_or_path = ""  # it would name a folder of this machine
    first = type(seen)(config)
    first.load_state_dict(seen.state_dict())
    second = BertLMHeadModel(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.hidden_size,
            num_hidden_layers=2,
            num_attention_heads=3,
            intermediate_size=256,
            max_position_embeddings=LONGEST + 8,
            hidden_dropout_prob=0.05,
            attention_probs_dropout_prob=0.0,
            is_decoder=True,
            add_cross_attention=True,
        )
    )
    model = VisionEncoderDecoderModel(encoder=first, decoder=second)
    ends = {
        "decoder_start_token_id": tokenizer.cls_token_id,
        "eos_token_id": tokenizer.sep_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    for name, number in ends.items():
        setattr(model.config, name, number)
    model.generation_config = type(model.generation_config)(**ends, max_new_tokens=LONGEST, do_sample=False)
    return model


def _quality(folder: Path, data: KitEntry) -> dict[str, Quality]:
    often = Counter(tables.read_split(data.path, "train")["caption"]).most_common(1)[0][0]
    truth = tables.read_split(data.path, "test")["caption"]
    made = caption(folder, pictures.read(data.path, "test", range(len(truth))))
    every = ", ".join(f"one {kind}" for kind in CATEGORIES)  # beats any single caption by far
    trivial = scores(truth, [often] * len(truth)) | {"things_f1": scores(truth, [every] * len(truth))["things_f1"]}
    notes = {
        "things_f1": "things named, with their number, against those shown; the emoji were never trained on",
        "ground_accuracy": "colour of the ground",
        "exact_match": "captions right to the word",
    }
    return {
        name: Quality(
            value=round(float(np.mean(values)), 4),
            split="test",
            n=len(values),
            note=notes[name],
            baseline=round(float(np.mean(trivial[name])), 4),
            baseline_note=(
                "every kind named once"
                if name == "things_f1"
                else f'the most frequent caption of the training split, "{often}"'
            ),
            band=fit.band(values),
        )
        for name, values in scores(truth, made).items()
    }


def _entry(data: KitEntry, quality: Mapping[str, Quality], weights: int) -> KitEntry:
    return KitEntry(
        id="kit:captioner",
        kind="model",
        title="Captions of emoji scenes",
        description=(
            "Says in one line what a drawn scene of emoji shows, by kind, number, place and ground. It learned from "
            "artificial pictures and knows nothing of photos: it shows how captioning works."
        ),
        tasks=("image-to-text",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="Trained by the Studio project on scenes of Fluent Emoji, copyright Microsoft Corporation (MIT).",
        sources=(
            Source(name="kit:emoji", license="MIT", use="the things in the training scenes"),
            Source(name=ENCODER, license="Apache-2.0", use="first weights of the encoder"),
            Source(name=DATA, license=data.license, use="held-out scenes"),
        ),
        toy=True,
        built_by="studio.starter.build.vision.captioner",
        seed=SEED,
        versions=writing.versions("torch", "transformers", "tokenizers", "numpy"),
        training={**SCHEDULE.for_manifest(), "scenes": SCENES, "weights": weights},
        quality=dict(quality),
    )


BUILDER = Builder("kit:captioner", 10, build, first, measure)
