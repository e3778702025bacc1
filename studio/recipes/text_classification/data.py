"""Rows for a text-classification run: read, sampled and split, the same way for the same seed. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass

from studio.core.errors import InvalidInput
from studio.data import rows
from studio.data.records import Dataset
from studio.recipes.text_classification.params import DataFields
from studio.recipes.training.texts import sort_labels, stratified_split


@dataclass(frozen=True)
class LabelledTexts:
    """Texts and their labels; `numbers` are the rows' places among the usable rows of their split."""

    texts: list[str]
    labels: list[str]
    numbers: list[int]

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, indices: Sequence[int]) -> "LabelledTexts":
        """Some of the rows, in the order of `indices`."""
        return LabelledTexts(
            [self.texts[i] for i in indices], [self.labels[i] for i in indices], [self.numbers[i] for i in indices]
        )


@dataclass(frozen=True)
class Splits:
    """What a run trains, evaluates and tests on; `names` are the classes in the order of their ids."""

    train: LabelledTexts
    evaluation: LabelledTexts
    test: LabelledTexts | None
    names: list[str]
    dropped: int


def load_splits(dataset: Dataset, fields: DataFields, seed: int) -> Splits:
    """Read every split that is asked for. Rows without text or label are left out and counted in `dropped`.

    Raises `InvalidInput` at the field that is to be changed, `UnknownName` for splits and columns.
    """
    train, dropped = read_split(dataset, fields.train_split, fields)
    names = sort_labels(train.labels)
    if len(names) < 2:
        raise InvalidInput("data.label_column", fields.label_column, "At least two classes are needed.")
    if 0 < fields.max_train_samples < len(train):
        train = train.take(_part(train.labels, fields.max_train_samples, seed, "data.max_train_samples"))
    if fields.eval_split:
        evaluation, more = read_split(dataset, fields.eval_split, fields)
        dropped += more
    else:
        size = min(max(round(len(train) * fields.eval_fraction), len(names)), len(train) - len(names))
        held_out = _part(train.labels, size, seed, "data.label_column")
        chosen = set(held_out)
        evaluation = train.take(held_out)
        train = train.take([index for index in range(len(train)) if index not in chosen])
    test = None
    if fields.test_split:
        test, more = read_split(dataset, fields.test_split, fields)
        dropped += more
    for field, split in (("data.eval_split", evaluation), ("data.test_split", test)):
        check_labels(field, names, split)
    return Splits(train, evaluation, test, names, dropped)


def read_split(dataset: Dataset, split: str, fields: DataFields) -> tuple[LabelledTexts, int]:
    """The usable rows of a split, and how many have no text or no label."""
    columns = (fields.text_column, fields.label_column)
    table = rows.table(dataset, split, columns, where_not_empty=columns, as_text=columns)
    texts, labels = (table.column(name).to_pylist() for name in columns)
    dropped = dataset.info.splits.get(split, len(texts)) - len(texts)
    return LabelledTexts(texts, labels, list(range(len(texts)))), dropped


def check_labels(field: str, names: Sequence[str], split: LabelledTexts | None) -> None:
    """Raise `InvalidInput` when a split is empty or has classes that the training split has not."""
    if split is None:
        return
    if not len(split):
        raise InvalidInput(field, "0 rows", "No row of it has both a text and a label.")
    if unknown := sorted(set(split.labels) - set(names)):
        raise InvalidInput(field, ", ".join(unknown[:5]), "These labels do not occur in the training split.")


def _part(labels: Sequence[str], size: int, seed: int, field: str) -> list[int]:
    try:
        return stratified_split(labels, size, seed)[1]
    except ValueError as error:
        expected = "Every class needs two rows at least, and the sample room for each class."
        raise InvalidInput(field, size, f"{expected} Here {error}.") from None
