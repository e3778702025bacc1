"""`kit:vqa`: a small ViLT that answers questions about scenes of emoji with one word.

Trained from scratch. Beside the answers it learns what each square of the picture shows, without which a transformer
of this size sees nothing in the time; that part is dropped afterwards. Judged on `kit:emoji-scenes`.
"""

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
from studio.starter.build.vision.scenes import CATEGORIES, GROUNDS, SIZE, THINGS, Scene
from studio.starter.kit import KitEntry, Quality, Source

DATA = "kit:emoji-scenes"
SEED = 22
ANSWERS = (*GROUNDS, "yes", "no", *(str(number) for number in range(1, THINGS[1] + 1)), *CATEGORIES)
SCENES = 8000
PATCH, WIDTH, LAYERS = 16, 144, 5
SEEING = 3  # layer after which the squares' kinds are asked for
LONGEST = 16  # words of a question
AT_ONCE = 25
SCHEDULE = Schedule(steps=3000, batch=32, learning_rate=1e-3, average=0.995, seed=SEED)


def build(out: Path) -> KitEntry:
    """Draw, train, measure and write; about 15 minutes on one core."""
    data = kit.entry(DATA, out)
    drawn = list(scenes.generate(SEED, SCENES, "train", kit.entry("kit:emoji", out).path))
    with writing.new_folder(out, "vqa") as folder:
        model, processor = train(drawn, SCHEDULE)
        fit.save(model, processor, folder, bits=8)
        writing.copy_license(fit.LICENSE, folder)
        quality = _quality(folder, data)
    return writing.record(out, _entry(data, quality, fit.weights(model)))


def first(entry: KitEntry) -> str:
    """The answer to the first test question."""
    data = kit.entry(DATA, entry.root)
    question = tables.read_split(data.path, "test")["question"][0]
    return answer(entry.path, pictures.read(data.path, "test", [0]), [question])[0]


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Share of right answers to the test split's questions."""
    data = kit.entry(DATA, entry.root)
    columns = tables.read_split(data.path, "test")
    numbers = heads.sample(len(columns["answer"]), rows)
    images = pictures.read(data.path, "test", numbers)
    made = answer(entry.path, images, [columns["question"][number] for number in numbers])
    return {"accuracy": heads.accuracy([columns["answer"][number] for number in numbers], made)}


def answer(folder: Path, images: Sequence[Pixels], questions: Sequence[str]) -> list[str]:
    """One word for each picture with its question, by the model as it lies on disk."""
    import torch
    from transformers import AutoModelForVisualQuestionAnswering, AutoProcessor

    model = AutoModelForVisualQuestionAnswering.from_pretrained(folder).eval()
    processor = AutoProcessor.from_pretrained(folder)
    found: list[str] = []
    for start in range(0, len(images), AT_ONCE):
        part = np.s_[start : start + AT_ONCE]
        inputs = processor(images=list(images[part]), text=list(questions[part]), padding=True, return_tensors="pt")
        with torch.inference_mode():
            logits = model(**inputs).logits
        found += [model.config.id2label[int(number)] for number in logits.argmax(1)]
    return found


def by_question(questions: Sequence[str], answers: Sequence[str]) -> dict[str, str]:
    """The most frequent answer to each form of question; forms differ in more than the thing they name."""
    counts: dict[str, Counter[str]] = {}
    for question, given in zip(questions, answers, strict=True):
        counts.setdefault(form(question), Counter())[given] += 1
    return {asked: max(sorted(found), key=found.__getitem__) for asked, found in counts.items()}


def form(question: str) -> str:
    """The question without the thing that it names: "is there a cat?" → "is there"."""
    kept = question.lower().split()
    return " ".join(kept[:2]) if kept[0] == "is" or (kept[:2] == ["how", "many"] and kept[2] != "things") else question


def train(drawn: Sequence[Scene], schedule: Schedule) -> tuple[Any, Any]:
    """The model trained on these scenes' questions, and its processor."""
    import torch

    torch.manual_seed(SEED)
    processor = _processor([question for row in drawn for question, _ in row.questions])
    model = _model(len(processor.tokenizer))
    model.seeing = torch.nn.Linear(WIDTH, len(CATEGORIES) + 1)

    def draw(numbers: Sequence[int], random: np.random.Generator) -> Batch:
        return _batch([drawn[number] for number in numbers], processor.tokenizer, random)

    fit.fit(model, len(drawn), draw, _loss, schedule)
    del model.seeing
    return model, processor


def _batch(rows: Sequence[Scene], tokenizer: Any, random: np.random.Generator) -> Batch:
    import torch
    from torch.nn import functional

    asked = [row.questions[random.integers(len(row.questions))] for row in rows]
    images = augment.recoloured(augment.stack([row.image for row in rows]), random, hue=0.1, light=0.08)
    classes = torch.from_numpy(np.stack([row.classes for row in rows])).long()
    shares = functional.one_hot(classes, len(CATEGORIES) + 1).permute(0, 3, 1, 2).float()
    return {
        "pixel_values": augment.normalized(images),
        "words": tokenizer([question for question, _ in asked], padding=True, return_tensors="pt"),
        "answers": torch.tensor([ANSWERS.index(given) for _, given in asked]),
        "squares": functional.avg_pool2d(shares, PATCH).flatten(2),  # batch × classes × squares
    }


def _loss(model: Any, batch: Batch) -> Any:
    """ViLT's own loss of the answer, and cross entropy of what each square shows.

    The squares are handed over already embedded, in their order; the model itself would shuffle them.
    """
    import torch
    from torch.nn import functional

    embeddings = model.vilt.embeddings
    squares = embeddings.patch_embeddings(batch["pixel_values"]).flatten(2).transpose(1, 2)
    given = torch.cat([embeddings.cls_token.expand(len(squares), -1, -1), squares], 1) + embeddings.position_embeddings
    found = model.vilt(
        **batch["words"], image_embeds=given, pixel_mask=torch.ones(given.shape[:2]), output_hidden_states=True
    )
    logits = model.classifier(found.pooler_output).float()
    wanted = functional.one_hot(batch["answers"], len(ANSWERS)).float()
    answers = functional.binary_cross_entropy_with_logits(logits, wanted) * len(ANSWERS)
    seen = model.seeing(found.hidden_states[SEEING][:, -squares.shape[1] :]).float().transpose(1, 2)
    return answers + functional.cross_entropy(seen, batch["squares"])


def _processor(questions: Sequence[str]) -> Any:
    from transformers import ViltProcessor
    from transformers.models.vilt.image_processing_pil_vilt import ViltImageProcessorPil

    images = ViltImageProcessorPil(
        size={"shortest_edge": SIZE}, size_divisor=32, image_mean=[augment.MEAN] * 3, image_std=[augment.STD] * 3
    )
    return ViltProcessor(images, words.tokenizer(questions, LONGEST, cut_marks=True))


def _model(known: int) -> Any:
    from transformers import ViltConfig, ViltForQuestionAnswering

    return ViltForQuestionAnswering(
        ViltConfig(
            vocab_size=known,
            hidden_size=WIDTH,
            num_hidden_layers=LAYERS,
            num_attention_heads=4,
            intermediate_size=3 * WIDTH,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            max_position_embeddings=LONGEST,
            image_size=SIZE,
            patch_size=PATCH,
            max_image_length=-1,
            id2label=dict(enumerate(ANSWERS)),
            label2id={label: number for number, label in enumerate(ANSWERS)},
        )
    )


def _quality(folder: Path, data: KitEntry) -> dict[str, Quality]:
    train_rows, test = tables.read_split(data.path, "train"), tables.read_split(data.path, "test")
    often = by_question(train_rows["question"], train_rows["answer"])
    made = answer(folder, pictures.read(data.path, "test", range(len(test["answer"]))), test["question"])
    right = heads.accuracy(test["answer"], made)
    trivial = heads.accuracy(test["answer"], [often.get(form(question), "") for question in test["question"]])
    return {
        "accuracy": Quality(
            value=round(right, 4),
            split="test",
            n=len(made),
            note=f"one of {len(ANSWERS)} answers; the emoji were never trained on",
            baseline=round(trivial, 4),
            baseline_note="the most frequent answer to each form of question, without a look at the picture",
            band=heads.band(right),
        )
    }


def _entry(data: KitEntry, quality: Mapping[str, Quality], weights: int) -> KitEntry:
    return KitEntry(
        id="kit:vqa",
        kind="model",
        title="Questions about emoji scenes",
        description=(
            "Answers nine kinds of question about a drawn scene of emoji with one word: colours, presence, numbers, "
            "places, sizes. A toy: it learned from artificial pictures and fixed sentences, to show how the task works."
        ),
        tasks=("visual-question-answering",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="Trained by the Studio project on scenes of Fluent Emoji, copyright Microsoft Corporation (MIT).",
        sources=(
            Source(name="kit:emoji", license="MIT", use="the things in the training scenes"),
            Source(name=DATA, license=data.license, use="held-out scenes and questions"),
        ),
        toy=True,
        built_by="studio.starter.build.vision.vqa",
        seed=SEED,
        versions=writing.versions("torch", "transformers", "tokenizers", "numpy"),
        labels=ANSWERS,
        training={**SCHEDULE.for_manifest(), "scenes": SCENES, "weights": weights},
        quality=dict(quality),
    )


BUILDER = Builder("kit:vqa", 15, build, first, measure)
