"""Questions on tables as TAPAS reads them: what its tokenizer gives, ten times as fast, and batches of it."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.starter.build.text.table_questions import OPERATIONS, Asked

Numbers = NDArray[np.int64]
POSITIONS, COLUMNS, ROWS, RANKS = 64, 32, 64, 256  # what the model has embeddings for
KINDS = 7  # of TAPAS's token types
COLUMN, ROW = 1, 2  # their places among the kinds
CACHED = 300_000
CONSOLIDATED = 0.7  # share of a column's cells that have to be numbers, as the tokenizer has it


@dataclass(frozen=True)
class Row:
    """One question with its table: pieces, their token types, which are answered with, and the operation's number."""

    pieces: Numbers
    types: Numbers
    labels: Numbers
    operation: int


class Encoder:
    """What `TapasTokenizer` gives, with texts that come again looked up."""

    def __init__(self, tokenizer: Any) -> None:
        from transformers.models.tapas import tokenization_tapas as tapas

        self.tapas = tapas
        self.ends = (tokenizer.cls_token_id, tokenizer.sep_token_id)
        self.pieces = functools.lru_cache(CACHED)(
            lambda text: tokenizer.convert_tokens_to_ids(tokenizer.tokenize(text))
        )
        self.values = functools.lru_cache(CACHED)(
            lambda text: [value for span in tapas.parse_text(tapas.normalize_for_match(text)) for value in span.values]
        )

    def encode(self, asked: Asked) -> Row:
        """The question, then the header, then the cells row by row."""
        begin, end = self.ends
        pieces = [begin, *self.pieces(asked.question), end]
        types = [(0,) * KINDS] * len(pieces)
        chosen = set(asked.cells)
        labels = [0] * len(pieces)
        marks = self._marks(asked)
        for row, cells in enumerate((asked.header, *asked.rows)):
            for column, cell in enumerate(cells):
                found = self.pieces(cell)
                pieces += found
                types += [(1, column + 1, row, 0, *marks.get((row - 1, column), (0, 0, 0)))] * len(found)
                labels += [int((row - 1, column) in chosen)] * len(found)
        operation = OPERATIONS.index(asked.operation)
        return Row(np.array(pieces), np.array(types), np.array(labels), operation)

    def _marks(self, asked: Asked) -> dict[tuple[int, int], tuple[int, int, int]]:
        """For cells with numbers: the rank in the column, from both ends, and relations to the question's numbers."""
        found = {}
        for column, cells in enumerate(zip(*asked.rows, strict=True)):
            given = {row: list(self.values(cell)) for row, cell in enumerate(cells)}
            numbers = self.tapas._consolidate_numeric_values(given, CONSOLIDATED, None)
            ranks = self._ranks(numbers)
            for row, number in numbers.items():
                relations = {self._relation(value, number, numbers) for value in self.values(asked.question)}
                found[row, column] = (*ranks.get(row, (0, 0)), sum(1 << one for one in relations if one is not None))
        return found

    def _ranks(self, numbers: Mapping[int, Any]) -> dict[int, tuple[int, int]]:
        key = self._key(numbers.values())
        if key is None:
            return {}
        order = sorted({key(number) for number in numbers.values()})
        places = {row: order.index(key(number)) for row, number in numbers.items()}
        return {row: (place + 1, len(order) - place) for row, place in places.items()}

    def _relation(self, value: Any, number: Any, numbers: Mapping[int, Any]) -> int | None:
        key = self._key([*numbers.values(), value])
        relation = key and self.tapas.get_numeric_relation(value, number, key)
        return relation.value - self.tapas.Relation.EQ.value if relation else None

    def _key(self, numbers: Any) -> Any:
        try:
            return self.tapas.get_numeric_sort_key_fn(numbers)
        except ValueError:  # numbers and dates, or none
            return None


def batch(rows: Sequence[Row], random: np.random.Generator | None = None) -> dict[str, Any]:
    """Tensors for the model; with `random`, rows and columns are now and then numbered with gaps.

    So numbers of rows and columns beyond those of the training's small tables are learned too.
    """
    import torch

    shape = (len(rows), max(len(row.pieces) for row in rows))
    pieces, labels, mask, places = (np.zeros(shape, np.int64) for _ in range(4))
    types = np.zeros((*shape, KINDS), np.int64)
    for number, row in enumerate(rows):
        filled = np.s_[number, : len(row.pieces)]
        pieces[filled], labels[filled], mask[filled] = row.pieces, row.labels, 1
        types[filled], places[filled] = _spread(row.types, random), _places(row.types)
    return {
        "input_ids": torch.from_numpy(pieces),
        "token_type_ids": torch.from_numpy(types),
        "attention_mask": torch.from_numpy(mask),
        "position_ids": torch.from_numpy(places),
        "labels": torch.from_numpy(labels),
        "aggregation_labels": torch.tensor([row.operation for row in rows]),
    }


def _places(types: Numbers) -> Numbers:
    """Each piece's place in its cell, which the model would find out slowly."""
    cells = types[:, COLUMN] * ROWS + types[:, ROW]
    _, first, which = np.unique(cells, return_index=True, return_inverse=True)
    places: Numbers = np.minimum(np.arange(len(cells)) - first[which], POSITIONS - 1)
    return places


def _spread(types: Numbers, random: np.random.Generator | None) -> Numbers:
    if random is None:
        return types
    changed = types.copy()
    for place, most, share in ((ROW, ROWS, 0.5), (COLUMN, COLUMNS, 0.3)):
        if random.random() < share:
            used = int(types[:, place].max())
            numbers = np.sort(random.choice(np.arange(1, most - 1), used, replace=False))
            changed[:, place] = np.concatenate([[0], numbers])[types[:, place]]
    return changed
