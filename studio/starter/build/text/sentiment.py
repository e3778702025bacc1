"""`kit:sentiment`: is an English sentence positive or negative? An adapter for `kit:minilm-l6`.

Trained on the sentences that people rated for VADER. Their texts (reviews, editorials, tweets) belong to their
writers: they train and test here, and are not part of the kit. What is: sentences that were written for this test.
"""

import importlib.util
import random
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.starter import kit
from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.sources import Wheel, fetch_sdist
from studio.starter.build.text import heads
from studio.starter.build.text.heads import Settings
from studio.starter.kit import KitEntry, Quality, Source

VADER = Wheel("vaderSentiment", "3.3.2", "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9")
RATED = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
FILES = ("movieReviewSnippets", "amazonReviewSnippets", "nytEditorialSnippets", "tweets")
CLEAR = 0.8  # of 4: below, the raters saw neither
HELD_OUT = 0.1  # of the reviews and articles that sentences come from
WRITTEN = Path(__file__).with_name("written") / "sentiment.txt"
LABELS = ("negative", "positive")
IN_KIT = "sentences written for this test, in test.parquet"
NOT_IN_KIT = "held-out reviews, editorials and tweets, rated by people; not in the kit"
SETTINGS = Settings("SEQ_CLS", LABELS, longest=64, texts_per_step=32, epochs=2, dropout=0.1)


@dataclass(frozen=True)
class Sentence:
    """One rated sentence; sentences of one `origin` stay in one split."""

    text: str
    label: str
    origin: str


def build(out: Path) -> KitEntry:
    """Fetch, train and measure; about eight minutes on one core."""
    base = kit.entry(heads.BASE, out)
    with tempfile.TemporaryDirectory() as temporary, fetch_sdist(VADER, Path(temporary)) as sdist:
        train, held_out = split(_rated(sdist))
        written = read_written(WRITTEN)
        with writing.new_folder(out, "sentiment") as folder:
            heads.fit(base.path, _rows(base.path, train), SETTINGS, folder)
            columns = {"text": [one.text for one in written], "label": [one.label for one in written]}
            tables.write_split(columns, folder / "test.parquet")
            writing.copy_license(base.path / base.license_file, folder)
            vader = _vader(sdist, Path(temporary))
            quality = {
                "accuracy": _quality(base.path, folder, written, vader, IN_KIT),
                "accuracy_rated": _quality(base.path, folder, held_out, vader, NOT_IN_KIT),
            }
    return writing.record(out, _entry(len(train), quality))


def first(entry: KitEntry) -> str:
    """What one sentence says."""
    return heads.classify(kit.entry(heads.BASE).path, entry.path, ["The staff were friendly and the food superb."])[0]


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Accuracy on the sentences that lie in the entry's folder."""
    test = tables.read_split(entry.path, "test")
    sample = heads.sample(len(test["text"]), rows)
    predicted = heads.classify(kit.entry(heads.BASE).path, entry.path, [test["text"][row] for row in sample])
    return {"accuracy": heads.accuracy([test["label"][row] for row in sample], predicted)}


def read_written(file: Path) -> list[Sentence]:
    """Sentences of our own: "+ text" or "- text" a line, "#" for remarks."""
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return [Sentence(line[2:], LABELS[line[0] == "+"], line) for line in lines]


def split(sentences: Iterable[Sentence]) -> tuple[list[Sentence], list[Sentence]]:
    """(training rows, held-out rows): no text and no origin stands in both."""
    distinct = {"".join(filter(str.isalnum, one.text.casefold())): one for one in sentences}
    origins = sorted({one.origin for one in distinct.values()})
    choice = random.Random(heads.SEED)  # noqa: S311  not a secret
    held_out = set(choice.sample(origins, int(HELD_OUT * len(origins))))
    rows = list(distinct.values())
    choice.shuffle(rows)
    return [one for one in rows if one.origin not in held_out], [one for one in rows if one.origin in held_out]


def parse(name: str, lines: Iterable[str]) -> list[Sentence]:
    """Clearly rated sentences of one file: id, mean rating from -4 to 4, text, with tabs between."""
    rows = [line.rstrip("\n").split("\t") for line in lines]
    return [
        Sentence(text.strip(), LABELS[float(rating) > 0], f"{name}-{number.partition('_')[0]}")
        for number, rating, text in (row for row in rows if len(row) == 3)
        if abs(float(rating)) >= CLEAR
    ]


def _rated(sdist: tarfile.TarFile) -> list[Sentence]:
    found: list[Sentence] = []
    with tarfile.open(fileobj=sdist.extractfile(RATED)) as inner:
        for name in FILES:
            file = inner.extractfile(f"hutto_ICWSM_2014/{name}_GroundTruth.txt")
            if file is not None:
                found.extend(parse(name, file.read().decode("latin-1").split("\n")))
    return found


def _rows(base: Path, sentences: Sequence[Sentence]) -> dict[str, list[object]]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    encoded = tokenizer([one.text for one in sentences], truncation=True, max_length=SETTINGS.longest)
    return {**encoded, "labels": [LABELS.index(one.label) for one in sentences]}


def _vader(sdist: tarfile.TarFile, folder: Path) -> object:
    """The lexicon's own judge, from the archive whose sha256 was checked."""
    sdist.extractall(folder, filter="data")
    file = folder / "vaderSentiment-3.3.2" / "vaderSentiment" / "vaderSentiment.py"
    specification = importlib.util.spec_from_file_location("vaderSentiment_of_the_kit", file)
    if specification is None or specification.loader is None:
        raise FileNotFoundError(file)
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    judge: object = module.SentimentIntensityAnalyzer()
    return judge


def _quality(base: Path, adapter: Path, test: Sequence[Sentence], vader: object, where: str) -> Quality:
    truth, texts = [one.label for one in test], [one.text for one in test]
    predicted = heads.classify(base, adapter, texts)
    scores = [vader.polarity_scores(text)["compound"] for text in texts]  # type: ignore[attr-defined]
    lexicon = heads.accuracy(truth, [LABELS[score > 0] for score in scores])
    largest = max(Counter(truth).values()) / len(truth)
    trivial = (lexicon, "VADER, a lexicon with rules")
    return heads.quality(heads.accuracy(truth, predicted), where, len(test), trivial, f"largest class: {largest:.3f}")


def _entry(trained_on: int, quality: dict[str, Quality]) -> KitEntry:
    return KitEntry(
        id="kit:sentiment",
        kind="adapter",
        library="peft",
        title="Positive or negative",
        description="Tells whether an English sentence (a review, an opinion, a message) is positive or negative.",
        tasks=("text-classification",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution=(
            "Trained by the Studio project on the ratings of C.J. Hutto and E. Gilbert (VADER, ICWSM 2014); "
            "the encoder is all-MiniLM-L6-v2."
        ),
        sources=(
            Source(name=heads.BASE, license="Apache-2.0", use="the model that the adapter belongs to"),
            Source(
                name=VADER.requirement,
                sha256=VADER.sha256,
                license="MIT; the rated texts belong to their writers",
                use=f"{trained_on} rated sentences to train on, not re-shipped",
            ),
        ),
        base=heads.BASE,
        built_by="studio.starter.build.text.sentiment",
        seed=heads.SEED,
        versions=writing.versions("torch", "transformers", "peft"),
        labels=LABELS,
        training=SETTINGS.for_manifest(),
        quality=quality,
    )


BUILDER = Builder("kit:sentiment", 8, build, first, measure)
