"""What the form's bounds cannot say: data, columns, classes, base model, text lengths. Web process, no torch.

Texts are counted here for the longest ones only; the run counts all of them before it trains. Of what only the
beginning is here, nothing is refused that more rows could mend; the run asks again when it has all of them.
"""

from collections.abc import Iterator, Sequence

from studio.core.errors import InvalidInput, StudioError
from studio.core.settings import Settings
from studio.data import rows, sources
from studio.data.records import Column, Dataset
from studio.inference.models import ModelFiles
from studio.recipes.text_classification.params import DataFields, ModelFields, TextClassificationParams
from studio.recipes.training.base_models import resolve_base, text_limit
from studio.recipes.training.texts import load_tokenizer, token_counts

MAX_CLASSES = 1000
COUNTED = 2000  # of the longest texts, so that a form with a hundred thousand rows answers at once
SHOWN = 5


def validate(params: TextClassificationParams, settings: Settings, owner: str) -> list[InvalidInput]:
    """Every problem, one per field. Never raises for what a user can mend."""
    problems: list[InvalidInput] = []
    base: ModelFiles | None = None
    try:
        base = resolve_base(params.model.base_model, settings, owner)
    except InvalidInput as error:
        problems.append(error)
    try:
        dataset = sources.foreseen(params.data.dataset, settings, owner)
    except StudioError as error:
        expected = error.expected if isinstance(error, InvalidInput) else str(error)
        return [InvalidInput("data.dataset", params.data.dataset, expected), *problems]
    found = list(_shape(dataset, params.data)) or list(_contents(dataset, params.data))
    problems = found + problems
    if base is not None and (problem := _length(dataset, params, base, readable=not found)):
        problems.append(problem)
    return problems


def check_lengths(fields: ModelFields, counts: Sequence[int], limit: int, partial: bool = False) -> InvalidInput | None:
    """The problem with texts of these token counts, if they are to be refused and some are too long."""
    longest = max(counts, default=0)
    too_long = sum(count > fields.max_length for count in counts)
    if not too_long or fields.long_texts == "truncate":
        return None
    at_least = "At least " if partial else ""
    way_out = f'Raise it to {longest}, or choose long_texts="truncate", which cuts their ends off.'
    if longest > limit:
        way_out = f'The model takes {limit} at most; shorten them, or choose long_texts="truncate", which cuts them.'
    return InvalidInput(
        "model.max_length",
        fields.max_length,
        f"{at_least}{too_long:,} text{'s are' if too_long > 1 else ' is'} longer; "
        f"the longest has {longest:,} tokens. {way_out}",
    )


def _shape(dataset: Dataset, fields: DataFields) -> Iterator[InvalidInput]:
    """Splits and columns by name and type."""
    splits = dataset.info.splits
    known = f"It has: {', '.join(splits)}."
    for name, others in (
        ("train_split", ()),
        ("eval_split", (fields.train_split,)),
        ("test_split", (fields.train_split, fields.eval_split)),
    ):
        split = getattr(fields, name)
        if split and split not in splits:
            yield InvalidInput(f"data.{name}", split, f"There is no such split. {known}")
        elif split and split in others:
            yield InvalidInput(f"data.{name}", split, "Rows that were learnt from, or chosen by, prove nothing.")
    columns = {column.name: column for column in dataset.info.columns}
    for name in ("text_column", "label_column"):
        column = columns.get(getattr(fields, name))
        if column is None:
            listed = ", ".join(columns)
            yield InvalidInput(f"data.{name}", getattr(fields, name), f"There is no such column. It has: {listed}.")
        elif expected := _unsuitable(name, column):
            yield InvalidInput(f"data.{name}", column.name, expected)
    if fields.text_column == fields.label_column and fields.label_column in columns:
        yield InvalidInput("data.label_column", fields.label_column, "It is the text column too; choose another one.")


def _unsuitable(name: str, column: Column) -> str:
    """Why a column cannot serve, by its type; "" when it can."""
    if name == "text_column":
        return "" if column.kind == "text" else f"It holds {column.type}; choose a column of texts."
    if column.kind == "other" or column.type in ("FLOAT", "DOUBLE"):
        return f"It holds {column.type}; choose a column of words or whole numbers."
    return ""


def _contents(dataset: Dataset, fields: DataFields) -> Iterator[InvalidInput]:
    """Texts and classes, by counting."""
    texts = rows.summary(dataset, fields.train_split, fields.text_column)
    cut = fields.train_split in dataset.info.cut
    if texts.nulls + texts.empty >= texts.rows and not cut:
        yield InvalidInput("data.text_column", fields.text_column, "No row of the training split has a text in it.")
    try:
        counts = rows.label_counts(dataset, fields.train_split, fields.label_column)
    except InvalidInput as error:
        yield InvalidInput("data.label_column", fields.label_column, error.expected)
        return
    problem = _classes(counts, fields, cut=cut)
    if problem is not None:
        yield problem
        return
    yield from _other_splits(dataset, fields, set(counts))


def _classes(counts: dict[str, int], fields: DataFields, *, cut: bool) -> InvalidInput | None:
    """What is wrong with the training split's classes; of a `cut` one what more rows cannot mend."""
    column, total = fields.label_column, sum(counts.values())
    if len(counts) < 2 and not cut:
        number = "no class" if not counts else f"one class only, {next(iter(counts))!r}"
        return InvalidInput("data.label_column", column, f"It has {number}; two at least are needed.")
    if len(counts) > MAX_CLASSES or (len(counts) > 20 and len(counts) > total / 2 and not cut):
        expected = f"It has {len(counts):,} different values in {total:,} rows; choose a column with few, the classes."
        return InvalidInput("data.label_column", column, expected)
    small = [name for name, count in counts.items() if count < 2]
    if small and not cut and (not fields.eval_split or fields.max_train_samples):
        expected = (
            f"Too few rows to hold some out: {_listed(small)} {'have' if len(small) > 1 else 'has'} one row only. "
            "Add rows, leave the class out, or name a split to evaluate on."
        )
        return InvalidInput("data.label_column", column, expected)
    least = len(counts) * (1 if fields.eval_split else 2)
    if 0 < fields.max_train_samples < least:
        expected = f"With {len(counts)} classes at least {least} rows are needed, or 0 for all."
        return InvalidInput("data.max_train_samples", fields.max_train_samples, expected)
    return None


def _other_splits(dataset: Dataset, fields: DataFields, classes: set[str]) -> Iterator[InvalidInput]:
    """Splits to evaluate and test on must hold the same classes."""
    for name, split in (("data.eval_split", fields.eval_split), ("data.test_split", fields.test_split)):
        if not split:
            continue
        present = set(rows.label_counts(dataset, split, fields.label_column))
        if (unknown := sorted(present - classes)) and fields.train_split not in dataset.info.cut:
            yield InvalidInput(name, split, f"It has labels that the training split has not: {_listed(unknown)}.")
        elif (missing := sorted(classes - present)) and split not in dataset.info.cut:
            way_out = "Leave the split empty to hold rows out." if name == "data.eval_split" else "Choose another one."
            yield InvalidInput(name, split, f"It has no row labelled {_listed(missing)}. {way_out}")


def _length(
    dataset: Dataset, params: TextClassificationParams, base: ModelFiles, readable: bool
) -> InvalidInput | None:
    """Whether `max_length` fits the model, and the texts fit `max_length`."""
    import pyarrow.compute as pc

    fields, limit = params.model, text_limit(base.path)
    if fields.max_length > limit:
        return InvalidInput("model.max_length", fields.max_length, f"The model takes {limit} tokens at most.")
    if not readable or fields.long_texts == "truncate":
        return None
    try:
        tokenizer = load_tokenizer(base.path)
    except (OSError, ValueError):
        return InvalidInput("model.base_model", params.model.base_model, "Its tokenizer.json cannot be read.")
    candidates: list[str] = []
    for split in filter(None, (params.data.train_split, params.data.eval_split, params.data.test_split)):
        column = rows.table(dataset, split, [params.data.text_column], where_not_empty=[params.data.text_column])
        texts = column.column(0)
        long = texts.filter(pc.greater(pc.binary_length(texts), fields.max_length // 2))
        order = pc.sort_indices(pc.binary_length(long), sort_keys=[("", "descending")])[:COUNTED]
        candidates += long.take(order).to_pylist()
    return check_lengths(fields, token_counts(tokenizer, candidates), limit, partial=len(candidates) >= COUNTED)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(repr(name) for name in names[:SHOWN]) + more
