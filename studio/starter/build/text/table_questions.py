"""Questions on made-up tables with the cells that answer them, by rule: what `kit:tables` learns from."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from studio.starter.build.text import table_columns
from studio.starter.build.text.table_columns import Column, Sheet
from studio.starter.build.text.table_words import Block, Words

OPERATIONS = ("NONE", "SUM", "AVERAGE", "COUNT")
HIGHEST = ("highest", "most", "largest", "biggest", "greatest", "longest")
LOWEST = ("lowest", "fewest", "smallest", "least", "shortest")
DONE = ("won", "lost", "made", "sold", "scored", "wrote", "had", "got", "took", "found", "bought", "played")
OF_SOME = {
    "SUM": ("what is the total {h} of the {p}?", "what is the {h} of all {p} together?", "total {h} of all {p}"),
    "AVERAGE": ("what is the average {h} of the {p}?", "average {h} of {p}", "what is the {h} of {p} on average?"),
}


@dataclass(frozen=True)
class Asked:
    """A question on a table, and its answer: cells of one column, and what is done with them.

    `kind` says how the question was made.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    question: str
    cells: tuple[tuple[int, int], ...]
    operation: str
    kind: str


@dataclass(frozen=True)
class Draft:
    """A question before it is filled in: a form, what fills it, and the answer."""

    form: str
    column: Column
    rows: tuple[int, ...]
    operation: str = "NONE"
    fill: Mapping[str, str] | None = None


def generate(words: Words, seed: int, count: int) -> Iterator[Asked]:
    """So many questions, three on each table, the same for the same seed."""
    choice = random.Random(seed)  # noqa: S311  not a secret
    made = 0
    while made < count:
        sheet = table_columns.sheet(words, choice)
        kinds = [kind for kind, (share, _) in MAKERS.items() for _ in range(share)]
        choice.shuffle(kinds)
        rows = tuple(zip(*(column.cells for column in sheet.columns), strict=True))
        drafts = ((kind, MAKERS[kind][1](sheet, words.forms, choice)) for kind in kinds)
        for kind, draft in [(kind, draft) for kind, draft in drafts if draft and draft.rows][: min(3, count - made)]:
            place = sheet.columns.index(draft.column)
            cells = tuple((row, place) for row in draft.rows)
            header = tuple(column.name for column in sheet.columns)
            yield Asked(header, rows, _text(draft, sheet, choice), cells, draft.operation, kind)
            made += 1


def _text(draft: Draft, sheet: Sheet, choice: random.Random) -> str:
    noun = sheet.key.name if sheet.key.name not in (sheet.many, "name") and choice.random() < 0.2 else sheet.one
    text = draft.form
    for name, value in {"n": noun, "p": sheet.many, **(draft.fill or {})}.items():
        text = text.replace(f"{{{name}}}", value)
    luck = choice.random()
    return text.rstrip("?") if luck < 0.15 else text


def _look_up(sheet: Sheet, forms: Block, choice: random.Random) -> Draft | None:
    column, row = choice.choice(sheet.others), choice.randrange(len(sheet.key.cells))
    name = sheet.key.cells[row]
    if sheet.person:
        part = choice.choice(name.split())
        unique = sum(part in cell.split() for cell in sheet.key.cells) == 1
        name = part if unique and choice.random() < 0.15 else name
    elif choice.random() < 0.2:
        name = f"the {name}"
    if "ask" in column.block and choice.random() < 0.5:
        form = choice.choice(column.block["ask"])
    else:
        form = choice.choice(forms["many" if column.counted and choice.random() < 0.6 else "lookup"])
    return Draft(form, column, (row,), fill={"e": name, "h": column.name})


def _which(sheet: Sheet, forms: Block, choice: random.Random) -> Draft:
    column = choice.choice(sheet.others)
    if not column.numbers and choice.random() < 0.15:
        value = choice.choice(column.cells)
        rows = tuple(row for row, cell in enumerate(column.cells) if cell == value)
        return Draft(choice.choice(forms["whose"]), sheet.key, rows, fill={"v": value, "h": column.name})
    found = table_columns.condition(column, choice)
    if found.before and choice.random() < 0.3:
        return Draft(choice.choice(forms["all"]), sheet.key, found.rows, fill={"p": f"{found.before} {sheet.many}"})
    form = choice.choice(forms["who" if sheet.person and choice.random() < 0.6 else "which"])
    return Draft(form, sheet.key, found.rows, fill=_filled(found))


def _count(sheet: Sheet, forms: Block, choice: random.Random) -> Draft:
    found = table_columns.condition(choice.choice(sheet.others), choice)
    if found.before and choice.random() < 0.5:
        fill = {"p": f"{found.before} {sheet.many}"}
        return Draft(choice.choice(forms["count all"]), sheet.key, found.rows, "COUNT", fill)
    return Draft(choice.choice(forms["count"]), sheet.key, found.rows, "COUNT", _filled(found))


def _count_all(sheet: Sheet, forms: Block, choice: random.Random) -> Draft:
    return Draft(choice.choice(forms["count all"]), sheet.key, _every(sheet), "COUNT")


def _all(sheet: Sheet, forms: Block, choice: random.Random) -> Draft:
    if choice.random() < 0.4:
        column = choice.choice(sheet.others)
        return Draft(choice.choice(forms["all of"]), column, _every(sheet), fill={"h": column.name})
    return Draft(choice.choice(forms["all"]), sheet.key, _every(sheet))


def _most(sheet: Sheet, forms: Block, choice: random.Random) -> Draft | None:
    """The row at an end of a column: its name, or another cell of it, or the end itself."""
    if not sheet.measures:
        return None
    column, side = choice.choice(sheet.measures), choice.choice(("most", "least"))
    end = (max if side == "most" else min)(column.numbers)
    rows = tuple(row for row, number in enumerate(column.numbers) if number == end)
    if len(rows) > 1:
        return None
    adjectives = column.block.get(side, ())
    fill = {"h": column.name, "s": choice.choice(adjectives) if adjectives else "", "v": choice.choice(DONE)}
    others = [other for other in sheet.others if other is not column]
    luck = choice.random()
    if luck < 0.15 and not column.dated:
        return Draft(choice.choice(forms[f"extreme {side}"]), column, rows, fill=fill)
    if luck < 0.4 and others:
        return _of_most(choice.choice(others), side, fill, rows, forms, choice)
    if column.dated and choice.random() < 0.4:
        form, fill = f"date {side}", fill | {"v": choice.choice(table_columns.BEGUN)}
    elif column.dated or (adjectives and choice.random() < 0.55):
        form = "who superlative" if sheet.person and choice.random() < 0.6 else "superlative"
    elif column.counted and choice.random() < 0.25:
        form = f"did {side}"
    else:
        form = f"who {side}" if sheet.person and choice.random() < 0.6 else side
    return Draft(choice.choice(forms[form]), sheet.key, rows, fill=fill)


def _of_most(
    column: Column, side: str, fill: Mapping[str, str], rows: tuple[int, ...], forms: Block, choice: random.Random
) -> Draft:
    if fill["s"] and choice.random() < 0.6:
        return Draft(choice.choice(forms["of superlative"]), column, rows, fill={**fill, "h": column.name})
    end = choice.choice(HIGHEST if side == "most" else LOWEST)
    return Draft(choice.choice(forms["of extreme"]), column, rows, fill={"h": column.name, "m": end, "g": fill["h"]})


def _summed(operation: str) -> Callable[[Sheet, Block, random.Random], Draft | None]:
    own = {"SUM": "sum", "AVERAGE": "mean"}[operation]

    def make(sheet: Sheet, forms: Block, choice: random.Random) -> Draft | None:
        measures = [column for column in sheet.measures if not column.dated]
        if not measures:
            return None
        column = choice.choice(measures)
        others = [other for other in sheet.others if other is not column]
        if others and choice.random() < 0.25:
            found = table_columns.condition(choice.choice(others), choice)
            if found.before and choice.random() < 0.5:
                fill = {"h": column.name, "p": f"{found.before} {sheet.many}"}
                return Draft(choice.choice(OF_SOME[operation]), column, found.rows, operation, fill)
            fill = {"h": column.name, **_filled(found)}
            return Draft(choice.choice(forms[f"{own} of"]), column, found.rows, operation, fill)
        counted = operation == "SUM" and column.counted and choice.random() < 0.6
        form = choice.choice(forms["sum counted" if counted else own])
        if own in column.block and choice.random() < 0.3:
            form = choice.choice(column.block[own])
        return Draft(form, column, _every(sheet), operation, {"h": column.name})

    return make


def _filled(found: table_columns.Condition) -> dict[str, str]:
    return {"do": found.plural, "does": found.single, "with": found.within}


def _every(sheet: Sheet) -> tuple[int, ...]:
    return tuple(range(len(sheet.key.cells)))


# shares of the kinds among what is tried on a table
MAKERS: Mapping[str, tuple[int, Callable[[Sheet, Block, random.Random], Draft | None]]] = {
    "look-up": (6, _look_up),
    "condition": (4, _which),
    "end": (5, _most),
    "count": (3, _count),
    "count all": (1, _count_all),
    "sum": (2, _summed("SUM")),
    "average": (2, _summed("AVERAGE")),
    "all": (1, _all),
}
