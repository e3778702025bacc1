"""Made-up tables: columns of names, numbers and words, and the conditions that one may put on a column."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase

from studio.starter.build.text.table_words import Block, Words

ROWS = (3, 3, 4, 4, 5, 5, 6, 7, 8, 10)
COLUMNS = (1, 2, 2, 3, 3, 4)  # beside that of the names
OVER = ("more than", "over", "above", "greater than", "higher than", "at least", "exceeding", "no less than")
UNDER = ("less than", "under", "below", "lower than", "smaller than", "at most", "up to")
EQUAL_TOO = {"at least", "no less than", "since", "at most", "up to", "until"}
BEGUN = ("founded", "built", "born", "made", "opened", "published", "released", "started", "hired")
ONES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
SYLLABLES = re.split(
    " ",
    "ba be bi bo ca ce co da de di do fa fe fi ga go ha he ja jo ka ke ki la le li lo ma me mi mo na ne ni no pa pe po "
    "ra re ri ro sa se si so ta te ti to va ve vi vo za ze zi zo lan mar ton bel dor win ster ford nor vik",
)


@dataclass(frozen=True)
class Column:
    """One column; `numbers` is empty where the cells are words, and `block` says how one asks for it."""

    name: str
    cells: tuple[str, ...]
    block: Block = field(default_factory=dict)
    numbers: tuple[float, ...] = ()
    unit: str = ""

    @property
    def counted(self) -> bool:
        """Whether the header is what is counted: "how many goals", not "how high is the price"."""
        return "counted" in self.block

    @property
    def dated(self) -> bool:
        """Whether the numbers are years."""
        return "date" in self.block


@dataclass(frozen=True)
class Sheet:
    """A table: what a row is about, in the singular and plural, and whether that is a person."""

    one: str
    many: str
    person: bool
    key: Column
    columns: tuple[Column, ...]

    @property
    def others(self) -> list[Column]:
        """Columns beside that of the names."""
        return [column for column in self.columns if column is not self.key]

    @property
    def measures(self) -> list[Column]:
        """Columns of numbers."""
        return [column for column in self.others if column.numbers]


@dataclass(frozen=True)
class Condition:
    """One condition in three forms, and the rows that it holds for.

    `plural`, `single` and `within` are like "have a price over 5", "has a price over 5" and "with a price over 5";
    `before` is what can stand before the noun instead: "red".
    """

    plural: str
    single: str
    within: str
    rows: tuple[int, ...]
    before: str = ""


def sheet(words: Words, choice: random.Random) -> Sheet:
    """A table made at random."""
    rows = choice.choice(ROWS)
    subject = choice.choice(words.subjects)
    kind = subject["of"][0]
    one, many = choice.choice(subject["subject"]).split(" ")
    name = one if choice.random() < 0.7 else choice.choice(("name", "name", many))
    key = Column(name, _distinct(words, kind, rows, choice))
    columns = [key]
    wanted = 1 + choice.choice(COLUMNS)
    while len(columns) < wanted:
        column = _measure(words, rows, choice) if choice.random() < 0.55 else _category(words, rows, choice)
        if all(column.name != one.name and column.block is not one.block for one in columns):
            columns.append(column)
    if choice.random() < 0.12:
        choice.shuffle(columns)
    person = kind == "person"
    return Sheet(one, "people" if person and choice.random() < 0.2 else many, person, key, tuple(columns))


def condition(column: Column, choice: random.Random) -> Condition:
    """A condition on the column that holds for one row at least, most times."""
    if not column.numbers:
        return _on_words(column, choice)
    return _equal(column, choice) if choice.random() < 0.15 else _compared(column, choice)


def _name(words: Words, kind: str, choice: random.Random) -> str:
    names, luck = words.names, choice.random()
    if kind == "random":
        if luck < 0.5:
            return choice.choice(names["word"])
        if luck < 0.75:
            return "".join(choice.choices(ascii_lowercase, k=3))
        return f"{choice.choice(ascii_lowercase)}{choice.randint(1, 99)}"
    if kind == "title":
        run = " ".join(choice.choices(names["word"], k=choice.choice((1, 2, 2, 3))))
        return run if luck < 0.8 else choice.choice(names["software"])
    if kind == "person" and luck < 0.5:
        return choice.choice(names["person"]).split()[0]
    made_up = kind == "made up" or choice.random() < 0.1
    return _made_up(words, choice) if made_up else choice.choice(names[kind])


def _made_up(words: Words, choice: random.Random) -> str:
    luck = choice.random()
    if luck < 0.45:
        return "".join(choice.choices(SYLLABLES, k=choice.choice((2, 2, 3))))
    if luck < 0.9:
        return " ".join(choice.choices(words.names["word"], k=choice.choice((1, 1, 2))))
    return f"{choice.choice(words.names['word'])} {choice.randint(1, 99)}"


def _distinct(words: Words, kind: str, count: int, choice: random.Random) -> tuple[str, ...]:
    found: dict[str, str] = {}
    while len(found) < count:
        name = _name(words, kind, choice)
        found.setdefault(name.lower(), name)
    return tuple(found.values())


def _measure(words: Words, rows: int, choice: random.Random) -> Column:
    luck, block = choice.random(), choice.choice(words.measures)
    if luck < 0.2:  # any word can be a header
        some = choice.choices(words.names["word"], k=40)
        nouns = (choice.choice([word for word in some if word.endswith("s")] or ["parts"]),)
        highest = choice.choice((10, 100, 1000))
        block = {"measure": nouns, "range": (f"0 {highest} 0",), "unit": ("#",), "counted": ("yes",)}
    low, high, digits = map(int, block["range"][0].split())
    if "date" in block:
        low = choice.choice((low, 1950))
    elif high > 200 and choice.random() < 0.4:
        high = max(low + 20, high // choice.choice((5, 20, 100)))
    digits = digits if choice.random() < 0.5 else 0
    numbers = [round(choice.uniform(low, high), digits) if digits else choice.randint(low, high) for _ in range(rows)]
    unit = choice.choice(block["unit"])
    comma = "date" not in block and choice.random() < 0.5
    cells = tuple(unit.replace("#", f"{number:,}" if comma else str(number)) for number in numbers)
    name = choice.choice(block["measure"])
    return Column(name, cells, block, tuple(map(float, numbers)), unit.partition("#")[2].strip())


def _category(words: Words, rows: int, choice: random.Random) -> Column:
    block = choice.choice(words.categories)
    if choice.random() < 0.12:  # any word can be a header
        block = {"category": (choice.choice(words.names["word"]),), "values": ("random",)}
    values: Sequence[str] = block["values"]
    few = choice.randint(2, rows + 1)
    known = len(values) > 1
    pool = choice.sample(values, min(len(values), few)) if known else _distinct(words, values[0], few, choice)
    cells = choice.sample(pool, rows) if len(pool) >= rows and choice.random() < 0.4 else choice.choices(pool, k=rows)
    return Column(choice.choice(block["category"]), tuple(cells), block)


def _on_words(column: Column, choice: random.Random) -> Condition:
    head, value = column.name, choice.choice(column.cells)
    rows = tuple(row for row, cell in enumerate(column.cells) if cell == value)
    if column.block.get("values") == ("yes", "no"):
        told = head if value == "yes" else f"not {head}"
        return Condition(f"are {told}", f"is {told}", f"that are {told}", rows, head if value == "yes" else "")
    forms = [
        (f"have the {head} {value}", f"has the {head} {value}", f"with the {head} {value}"),
        (f"have {value} as {head}", f"has {value} as {head}", f"whose {head} is {value}"),
        (f"have {head} {value}", f"has {head} {value}", f"with {head} {value}"),
    ]
    for form in column.block.get("are", ()):
        told = form.replace("{v}", value).replace("{h}", head)
        forms += [(f"are {told}", f"is {told}", f"that are {told}" if form.startswith(("{v}", "a ")) else told)] * 2
    does = [form.replace("{v}", value) for form in column.block.get("do", ())]
    for plural, single in zip(does[::2], does[1::2], strict=True):
        forms += [(plural, single, f"that {plural}")] * 2
    return Condition(*choice.choice(forms), rows, value if "before" in column.block else "")


def _equal(column: Column, choice: random.Random) -> Condition:
    place = choice.randrange(len(column.cells))
    head, cell = column.name, column.cells[place]
    rows = tuple(row for row, number in enumerate(column.numbers) if number == column.numbers[place])
    if column.dated:
        begun = choice.choice(BEGUN)
        forms = [
            (f"are from {cell}", f"is from {cell}", f"from {cell}"),
            (f"were {begun} in {cell}", f"was {begun} in {cell}", f"{begun} in {cell}"),
        ]
    elif column.counted:
        told = _spelled(column.numbers[place], cell, choice)
        forms = [
            (f"have {told} {head}", f"has {told} {head}", f"with {told} {head}"),
            (f"have exactly {told} {head}", f"has exactly {told} {head}", f"with exactly {told} {head}"),
        ]
    else:
        forms = [
            (f"have a {head} of {cell}", f"has a {head} of {cell}", f"with a {head} of {cell}"),
            (f"have the {head} {cell}", f"has the {head} {cell}", f"whose {head} is {cell}"),
        ]
    return Condition(*choice.choice([*forms, *_verbs(column.block, cell)]), rows)


def _compared(column: Column, choice: random.Random) -> Condition:
    up = choice.random() < 0.55
    limit = choice.choice(column.numbers)
    if choice.random() < 0.75:  # a round number that no cell need hold
        limit = choice.uniform(min(column.numbers), max(column.numbers))
        limit = float(f"{limit:.2g}") if limit >= 1000 and not column.dated else round(limit)
    if column.dated:
        word = choice.choice(("after", "after", "since", "later than") if up else ("before", "before", "earlier than"))
    else:
        word = choice.choice(OVER if up else UNDER + ("fewer than",) * 4 * column.counted)
    rows = tuple(
        row
        for row, number in enumerate(column.numbers)
        if (number > limit if up else number < limit) or (word in EQUAL_TOO and number == limit)
    )
    told = f"{limit:g}" if limit < 1e5 else f"{limit:.0f}"
    told = f"{limit:,.0f}" if limit >= 1000 and not column.dated and choice.random() < 0.5 else told
    than = f"{word} {_spelled(limit, told, choice)}" if column.counted else f"{word} {told}"
    if column.unit and column.unit != "%" and choice.random() < 0.5:
        than += f" {column.unit}"
    forms = _comparisons(column, than, choice)
    if "more" in column.block and word not in EQUAL_TOO:
        adjective = choice.choice(column.block["more" if up else "less"])
        forms += [(f"are {adjective} {told}", f"is {adjective} {told}", f"{adjective} {told}")] * 2
    return Condition(*choice.choice(forms), rows)


def _comparisons(column: Column, than: str, choice: random.Random) -> list[tuple[str, str, str]]:
    head = column.name
    if column.dated:
        begun = choice.choice(BEGUN)
        return [
            (f"were {begun} {than}", f"was {begun} {than}", f"{begun} {than}"),
            (f"{begun} {than}", f"{begun} {than}", f"from {than}"),
            (f"have a {head} {than}", f"has a {head} {than}", f"with a {head} {than}"),
        ]
    if column.counted:
        return [
            (f"have {than} {head}", f"has {than} {head}", f"with {than} {head}"),
            (f"got {than} {head}", f"got {than} {head}", f"with {than} {head}"),
            (f"have {head} {than}", f"has {head} {than}", f"whose {head} are {than}"),
        ]
    return [
        (f"have a {head} {than}", f"has a {head} {than}", f"with a {head} {than}"),
        (f"have {head} {than}", f"has {head} {than}", f"whose {head} is {than}"),
        *_verbs(column.block, than),
    ]


def _verbs(block: Mapping[str, tuple[str, ...]], told: str) -> list[tuple[str, str, str]]:
    """Where the numbers have a verb: "cost 5", "costs 5", "that cost 5"; it counts twice."""
    if "verb" not in block:
        return []
    plural, single = block["verb"]
    return [(f"{plural} {told}", f"{single} {told}", f"that {plural} {told}")] * 2


def _spelled(number: float, told: str, choice: random.Random) -> str:
    """Small numbers as words, sometimes."""
    whole = number in range(1, len(ONES))
    return ONES[int(number)] if whole and choice.random() < 0.4 else told
