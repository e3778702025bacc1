"""How many tokens texts take with a tokenizer, by the `tokenizers` library alone: nothing of torch is loaded."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from studio.core.errors import InvalidInput
from studio.data import reading, statistics
from studio.data.fulltext import joined
from studio.data.records import Dataset
from studio.data.statistics import Spread

ROWS = 20_000  # the first ones, which is said
FILE = "tokenizer.json"


def lengths(dataset: Dataset, split: str, column: str, tokenizer: Path, name: str) -> Spread | None:
    """Tokens per text, special ones included, of the first 20,000 rows; None where there is no text.

    Args:
        dataset: where from.
        split: which part.
        column: whose texts.
        tokenizer: folder of a model, with its `tokenizer.json`.
        name: what the message calls the model.

    Raises:
        UnknownName: no such split or column.
        InvalidInput: at "tokenizer", the model has no fast tokenizer, or it cannot be read.
    """
    file = tokenizer / FILE
    if not file.is_file():
        raise InvalidInput("tokenizer", name, f"It has no {FILE}; choose a model with a fast tokenizer.")
    encoder = read(file, name)
    encoder.no_truncation()
    encoder.no_padding()
    counts: list[int] = []
    seen = 0
    for batch in reading.batches(dataset, split, [column]):
        texts = [text for text in joined(batch.slice(0, ROWS - seen)) if text]
        seen += min(batch.num_rows, ROWS - seen)
        counts += [len(one.ids) for one in encoder.encode_batch_fast(texts)]
        if seen >= ROWS:
            break
    if not counts:
        return None
    return statistics.spread_of(counts, "tokens", dataset.basis(split, seen))


def read(file: Path, name: str) -> Any:
    """The tokenizer in a `tokenizer.json`, kept while the file stays as it is: set truncation and padding before use.

    Raises `InvalidInput` at "tokenizer".
    """
    return _read(file, file.stat().st_mtime_ns, name)


@lru_cache(maxsize=8)
def _read(file: Path, modified: int, name: str) -> Any:
    """Read once per state of the file."""
    from tokenizers import Tokenizer

    del modified
    try:
        return Tokenizer.from_str(file.read_text(encoding="utf-8"))
    except Exception as error:  # the library knows no other class
        raise InvalidInput("tokenizer", name, f"Its {FILE} cannot be read.") from error
