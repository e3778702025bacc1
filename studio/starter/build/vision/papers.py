"""Drawn receipts, invoices and letters: pages whose words, and whose answers to questions, are known exactly.

The questions of the two splits are worded differently, so that what was tuned on one is measured on the other.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np

from studio.core.settings import ASSETS
from studio.starter.build.vision.emoji import Pixels

Split = Literal["tuning", "test"]
WIDTH, MARGIN, SIZES = 820, 50, (18, 25)  # of a page; of its letters
GRAIN = 7.0  # standard deviation of what a scanner adds to each value
FONTS = ("inter-latin-wght-normal.woff2", "jetbrains-mono-latin-wght-normal.woff2", "")  # "" is Pillow's own

PEOPLE = (
    "Anna Keller|David Moreau|Laura Rossi|James Okafor|Mina Tanaka|Peter Novak|Sofia Almeida|Erik Lund|Nadia Haddad"
)
FIRMS = "Greenfield Books|Harbour Tools|Blue Door Cafe|Northside Garage|Lakeview Hotel|Corner Bakery|Summit Sports"
TOWNS = "Leeds|Bristol|Cork|Utrecht|Bergen|Porto|Graz|Lyon|Turin|Malmo"
STREETS = "Mill Lane|Station Road|Park Street|Church Hill|Kings Avenue|Bridge Street"
GOODS = "Coffee|Sandwich|Notebook|Light bulb|Paint brush|Apple juice|Umbrella|Desk lamp|Garden hose|Road map|Candle"
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
PAYMENTS = "cash|credit card|bank transfer|debit card|cheque"
REASONS = (
    "a broken window|a missing parcel|a late delivery|a change of address|a new contract|a lost key|a noisy heater"
)
PLACES = "room 12|the town hall|the library|office 4B|the main entrance|the sports hall"


@dataclass(frozen=True)
class Paper:
    """One page.

    Attributes:
        words: all that stands on it, from the top to the bottom.
        questions: each with its answer.
    """

    image: Pixels
    words: tuple[str, ...]
    questions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Fact:
    """Something that a page tells: how it may stand there, and how it is asked for, in tuning and in the test.

    Attributes:
        shown: labels of a row; in letters, sentences with "{}" in the value's place.
    """

    shown: tuple[str, ...]
    value: Callable[[np.random.Generator], str]
    asked: dict[Split, tuple[str, ...]]


def generate(seed: int, count: int, split: Split) -> Iterator[Paper]:
    """`count` pages, a third of each kind, the same for the same seed."""
    random = np.random.default_rng([seed, ("tuning", "test").index(split)])
    for number in range(count):
        rows, questions = (_receipt, _invoice, _letter)[number % 3](random, split)
        words = tuple(" ".join(part for row in rows for part in row if part).split())
        yield Paper(_drawn(rows, random), words, tuple(questions))


def _one(names: str) -> Callable[[np.random.Generator], str]:
    return lambda random: str(random.choice(names.split("|")))


def _date(random: np.random.Generator) -> str:
    return f"{random.integers(1, 29)} {_one(MONTHS)(random)} {random.integers(2021, 2029)}"


def _time(random: np.random.Generator) -> str:
    return f"{random.integers(8, 19)}:{random.integers(0, 6)}5"


def _code(random: np.random.Generator) -> str:
    return f"{random.choice(list('ABCDEFGHKLMNPRST'))}-{random.integers(10_000, 99_999)}"


def _phone(random: np.random.Generator) -> str:
    return f"0{random.integers(100, 999)} {random.integers(100_000, 999_999)}"


def _price(random: np.random.Generator) -> str:
    return f"{random.integers(1, 40)}.{random.integers(0, 100):02d}"


def _sum(random: np.random.Generator) -> str:
    return f"{random.integers(41, 900)}.{random.integers(0, 100):02d}"


INVOICE = (
    Fact(
        ("Invoice number", "Invoice no."),
        _code,
        {
            "tuning": ("What is the invoice number?", "Which number does the invoice have?"),
            "test": ("What is the number of this invoice?", "Which invoice number is given?"),
        },
    ),
    Fact(
        ("Date", "Invoice date"),
        _date,
        {
            "tuning": ("What is the date?", "When was the invoice written?"),
            "test": ("On which date was it issued?", "What is the invoice date?"),
        },
    ),
    Fact(
        ("Due date", "Payment due"),
        _date,
        {
            "tuning": ("When is the payment due?", "What is the due date?"),
            "test": ("By when does it have to be paid?", "On which day is the payment due?"),
        },
    ),
    Fact(
        ("Customer", "Bill to"),
        _one(PEOPLE),
        {
            "tuning": ("Who is the customer?", "Who gets the bill?"),
            "test": ("What is the name of the customer?", "Who has to pay the bill?"),
        },
    ),
    Fact(
        ("Phone", "Telephone"),
        _phone,
        {
            "tuning": ("What is the phone number?", "Which number can be called?"),
            "test": ("What is the telephone number?", "Under which phone number can they be reached?"),
        },
    ),
)
TOTAL: dict[Split, tuple[str, ...]] = {
    "tuning": ("What is the total?", "How much has to be paid?"),
    "test": ("How much is the total amount?", "What does it cost in total?"),
}
RECEIPT = (
    Fact(
        ("Cashier", "Served by"),
        _one(PEOPLE),
        {
            "tuning": ("Who is the cashier?", "Who served the customer?"),
            "test": ("What is the name of the cashier?", "By whom was the customer served?"),
        },
    ),
    Fact(
        ("Date",),
        _date,
        {"tuning": ("What is the date?", "When was it bought?"), "test": ("On which date was this sold?",)},
    ),
    Fact(
        ("Payment", "Paid by"),
        _one(PAYMENTS),
        {
            "tuning": ("How was it paid?", "What was it paid with?"),
            "test": ("What is the method of payment?", "In which way was it paid?"),
        },
    ),
)
LETTER = (
    Fact(
        ("Thank you for your letter about {}.", "We are writing to you about {}."),
        _one(REASONS),
        {
            "tuning": ("What is the letter about?", "What do they write about?"),
            "test": ("About what are they writing?", "What was the earlier letter about?"),
        },
    ),
    Fact(
        ("We would like to meet you at {}.", "Please come to {}."),
        _one(PLACES),
        {
            "tuning": ("Where is the meeting?", "Where should one come to?"),
            "test": ("At which place will they meet?", "To which place should you come?"),
        },
    ),
    Fact(
        ("The meeting is on {}.", "Our appointment is on {}."),
        _date,
        {
            "tuning": ("When is the meeting?", "On which day is the appointment?"),
            "test": ("What is the date of the meeting?", "On which date is the appointment?"),
        },
    ),
    Fact(
        ("It will begin at {}.", "We start at {}."),
        _time,
        {
            "tuning": ("At what time does it begin?", "When do they start?"),
            "test": ("At which time will it start?", "What time does the meeting begin?"),
        },
    ),
    Fact(
        ("If you cannot come, please call {}.", "You can reach us by phone at {}."),
        _phone,
        {
            "tuning": ("Which number should be called?", "What is the phone number?"),
            "test": ("What is the telephone number?", "Which number can you call?"),
        },
    ),
    Fact(
        ("Please ask for {}.", "Your contact will be {}."),
        _one(PEOPLE),
        {
            "tuning": ("Who should be asked for?", "Who is the contact?"),
            "test": ("For whom should you ask?", "What is the name of the contact?"),
        },
    ),
)
Rows = list[tuple[str, str]]  # what stands on the left, and on the right
Asked = list[tuple[str, str]]


def _told(facts: Sequence[Fact], random: np.random.Generator, split: Split) -> tuple[Rows, Asked]:
    """Each fact's wording with its value, and a question for it."""
    rows, asked = [], []
    for fact in facts:
        value = fact.value(random)
        rows.append((str(random.choice(fact.shown)), value))
        asked.append((str(random.choice(fact.asked[split])), value))
    return rows, asked


def _address(random: np.random.Generator) -> Rows:
    street = f"{random.integers(1, 99)} {_one(STREETS)(random)}"
    return [(_one(FIRMS)(random), ""), (f"{street}, {_one(TOWNS)(random)}", "")]


def _receipt(random: np.random.Generator, split: Split) -> tuple[Rows, Asked]:
    rows, asked = _told(RECEIPT, random, split)
    goods = [(str(name), _price(random)) for name in random.choice(GOODS.split("|"), 4, replace=False)]
    total = _sum(random)
    name, price = goods[random.integers(len(goods))]
    wording = {"tuning": f"How much was the {name.lower()}?", "test": f"What did the {name.lower()} cost?"}
    asked += [(wording[split], price), (str(random.choice(TOTAL[split])), total)]
    label = str(random.choice(["Total", "Total amount"]))
    return [*_address(random), ("", ""), *rows[:2], ("", ""), *goods, (label, total), rows[2]], asked


def _invoice(random: np.random.Generator, split: Split) -> tuple[Rows, Asked]:
    rows, asked = _told(INVOICE, random, split)
    total = _sum(random)
    goods = [(str(name), _price(random)) for name in random.choice(GOODS.split("|"), 3, replace=False)]
    asked.append((str(random.choice(TOTAL[split])), total))
    return [*_address(random), ("", ""), *rows, ("", ""), *goods, ("Total amount", total)], asked


def _letter(random: np.random.Generator, split: Split) -> tuple[Rows, Asked]:
    sentences, asked = _told(LETTER, random, split)
    writer, reader = random.choice(PEOPLE.split("|"), 2, replace=False)
    text = " ".join(sentence.format(value) for sentence, value in sentences)
    lines = [""]
    for word in text.split():
        lines = [*lines[:-1], f"{lines[-1]} {word}".strip()] if len(lines[-1]) < 44 else [*lines, word]
    body: Rows = [(line, "") for line in lines]
    head: Rows = [*_address(random), ("", ""), (f"Dear {reader},", ""), ("", "")]
    return [*head, *body, ("", ""), ("Yours sincerely,", ""), (str(writer), "")], asked


@cache
def _font(name: str, size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.truetype(ASSETS / "fonts" / name, size) if name else ImageFont.load_default(size)


def _drawn(rows: Rows, random: np.random.Generator) -> Pixels:
    """The page as a scanner might give it: a tone of paper, grain, a little softness."""
    from PIL import Image, ImageDraw, ImageFilter

    size = int(random.integers(*SIZES))
    font = _font(str(random.choice(FONTS)), size)
    step = round(size * random.uniform(1.6, 2.0))
    paper = tuple(int(value) for value in random.integers(232, 256) - random.integers(0, 10, 3))
    page = Image.new("RGB", (WIDTH, 2 * MARGIN + step * len(rows)), paper)
    pen = ImageDraw.Draw(page)
    ink = tuple(int(value) for value in random.integers(0, 70, 3))
    column = int(random.integers(WIDTH * 4 // 10, WIDTH * 6 // 10))
    for number, (left, right) in enumerate(rows):
        pen.text((MARGIN, MARGIN + step * number), left, ink, font)
        pen.text((column, MARGIN + step * number), right, ink, font)
    soft = np.asarray(page.filter(ImageFilter.GaussianBlur(random.uniform(0, 0.7))), np.float32)
    grained: Pixels = (soft + random.normal(0, GRAIN, soft.shape)).clip(0, 255).astype(np.uint8)
    return grained
