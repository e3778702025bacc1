"""`kit:qa`: the words of a text that answer a question (extractive). An adapter for `kit:minilm-l6`.

Trained on the made-up questions of `kit:qa-software`, and measured on its written ones.
"""

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.starter import kit
from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.text import heads
from studio.starter.build.text.debian_topics import SENTENCE_END
from studio.starter.build.text.heads import Settings
from studio.starter.kit import KitEntry, Quality, Source

DATA = "kit:qa-software"
ANSWER_PIECES = 30  # the longest answer that is looked for
SETTINGS = Settings("QUESTION_ANS", longest=192, epochs=1)
STOP_WORDS = "a an the of to in on for is are was were does did do what which who where when how it its this with"
STOP = frozenset(re.split(" ", STOP_WORDS))

Split = Mapping[str, Sequence[Any]]


def build(out: Path) -> KitEntry:
    """Train, reload and measure; about eight minutes on one core."""
    base, data = kit.entry(heads.BASE, out), kit.entry(DATA, out)
    splits = {name: tables.read_split(data.path, name) for name in data.splits}
    with writing.new_folder(out, "qa") as folder:
        heads.fit(base.path, encode(base.path, splits["train"]), SETTINGS, folder)
        writing.copy_license(base.path / base.license_file, folder)
        loaded = heads.load(base.path, folder, "QUESTION_ANS")
        quality = {
            **_quality(loaded, splits["test"], "written questions", ""),
            **_quality(loaded, splits["validation"], "made-up questions on texts that were not trained on", "_made"),
        }
    return writing.record(out, _entry(data, quality))


def first(entry: KitEntry) -> str:
    """The answer to one question."""
    loaded = heads.load(kit.entry(heads.BASE).path, entry.path, "QUESTION_ANS")
    text = "Inkscape is a vector graphics editor. It is written in C++ and was forked from Sodipodi in 2003."
    return answer(loaded, "Which language is Inkscape written in?", text)


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """F1 and exact matches on the written questions."""
    test = tables.read_split(kit.entry(DATA).path, "test")
    sample = heads.sample(len(test["question"]), rows)
    loaded = heads.load(kit.entry(heads.BASE).path, entry.path, "QUESTION_ANS")
    some = {name: [values[row] for row in sample] for name, values in test.items()}
    return {name: round(value, 4) for name, value in scores(some, answers(loaded, some)).items()}


def answer(loaded: heads.Loaded, question: str, context: str) -> str:
    """The best span of the context."""
    import torch

    inputs = loaded.tokenizer(
        question,
        context,
        truncation="only_second",
        max_length=SETTINGS.longest,
        return_offsets_mapping=True,
        return_tensors="pt",
    )
    offsets = inputs.pop("offset_mapping")[0].tolist()
    with torch.inference_mode():
        out = loaded.model(**inputs)
    inside = torch.tensor([one == 1 for one in inputs.sequence_ids(0)])
    start = out.start_logits[0].masked_fill(~inside, -1e4)
    end = out.end_logits[0].masked_fill(~inside, -1e4)
    both = start[:, None] + end[None, :]
    allowed = torch.ones_like(both).triu().tril(ANSWER_PIECES - 1).bool()
    best = int(both.masked_fill(~allowed, -1e9).argmax())
    first_piece, last_piece = divmod(best, both.shape[1])
    return context[offsets[first_piece][0] : offsets[last_piece][1]]


def answers(loaded: heads.Loaded, split: Split) -> list[str]:
    """An answer per row."""
    return [
        answer(loaded, question, context) for question, context in zip(split["question"], split["context"], strict=True)
    ]


def by_overlap(question: str, context: str) -> str:
    """The trivial answer: in the sentence that shares most words with the question, the longest run of others."""
    asked = {word for word in re.findall(r"\w+", question.lower()) if word not in STOP}
    sentence = max(SENTENCE_END.split(context), key=lambda one: len(asked & set(re.findall(r"\w+", one.lower()))))
    runs, run = [""], list[str]()
    for word in [*sentence.split(), None]:
        if word is not None and word.lower().strip(string.punctuation) not in asked | STOP:
            run.append(word)
        else:
            runs.append(" ".join(run).strip(string.punctuation))
            run = []
    return max(runs, key=len)


def normalize(text: str) -> list[str]:
    """Words without case, punctuation and articles, as SQuAD's evaluation compares them."""
    plain = "".join(sign for sign in text.lower() if sign not in string.punctuation)
    return [word for word in plain.split() if word not in {"a", "an", "the"}]


def f1(given: str, right: str) -> float:
    """Overlap of words, as in SQuAD's evaluation (Rajpurkar et al. 2016)."""
    one, other = normalize(given), normalize(right)
    shared = sum((Counter(one) & Counter(other)).values())
    return 2 * shared / (len(one) + len(other)) if shared else float(one == other)


def scores(split: Split, given: Sequence[str]) -> dict[str, float]:
    """Mean of F1 and share of exact answers, each against the best of a row's right answers."""
    right = [row["text"] for row in split["answers"]]
    return {
        "f1": sum(max(f1(one, text) for text in texts) for one, texts in zip(given, right, strict=True)) / len(given),
        "exact_match": sum(
            any(normalize(one) == normalize(text) for text in texts) for one, texts in zip(given, right, strict=True)
        )
        / len(given),
    }


def encode(base: Path, split: Split) -> dict[str, list[object]]:
    """Rows for the trainer, with the pieces at which the first answer begins and ends; cut-off ones are left out."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    encoded = tokenizer(
        list(split["question"]), list(split["context"]), truncation="only_second", max_length=SETTINGS.longest
    )
    names = ("input_ids", "attention_mask", "token_type_ids")
    rows: dict[str, list[object]] = {name: [] for name in (*names, "start_positions", "end_positions")}
    for number, row in enumerate(split["answers"]):
        begin = row["answer_start"][0]
        start = encoded.char_to_token(number, begin, 1)
        end = encoded.char_to_token(number, begin + len(row["text"][0]) - 1, 1)
        if start is None or end is None:
            continue
        for name in names:
            rows[name].append(encoded[name][number])
        rows["start_positions"].append(start)
        rows["end_positions"].append(end)
    return rows


def _quality(loaded: heads.Loaded, split: Split, where: str, suffix: str) -> dict[str, Quality]:
    given = scores(split, answers(loaded, split))
    rule = [
        by_overlap(question, context) for question, context in zip(split["question"], split["context"], strict=True)
    ]
    trivial = scores(split, rule)
    told = "longest run of new words in the sentence nearest to the question"
    rows = len(split["question"])
    return {
        f"{name}{suffix}": heads.quality(value, where, rows, (trivial[name], told)) for name, value in given.items()
    }


def _entry(data: KitEntry, quality: dict[str, Quality]) -> KitEntry:
    return KitEntry(
        id="kit:qa",
        kind="adapter",
        library="peft",
        title="Answers from a text",
        description=(
            "Finds the words of a short English text that answer a question on it. Trained on questions made by rule "
            "about software, people and places, so simple questions in the text's own words work best. It always "
            "answers, even where the text holds no answer."
        ),
        tasks=("question-answering",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution=(
            "Trained by the Studio project on kit:qa-software (Debian's package descriptions; WordNet, Princeton "
            "University); the encoder is all-MiniLM-L6-v2."
        ),
        sources=(
            Source(name=heads.BASE, license="Apache-2.0", use="the model that the adapter belongs to"),
            Source(name=DATA, license=data.license, use="training data"),
        ),
        base=heads.BASE,
        built_by="studio.starter.build.text.qa",
        seed=heads.SEED,
        versions=writing.versions("torch", "transformers", "peft"),
        training=SETTINGS.for_manifest(),
        quality=quality,
    )


BUILDER = Builder("kit:qa", 8, build, first, measure)
