"""How many tokens texts take with a tokenizer, by the `tokenizers` library alone: nothing of torch is loaded."""

from functools import lru_cache
from pathlib import Path

from studio.core.errors import InvalidInput
from studio.data import reading, statistics
from studio.data.fulltext import joined
from studio.data.records import Basis, Dataset
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
    encoder = _tokenizer(file, file.stat().st_mtime_ns, name)
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
    return statistics.spread_of(counts, "tokens", Basis(seen, dataset.info.splits[split]))


@lru_cache(maxsize=8)
def _tokenizer(file: Path, modified: int, name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
    from tokenizers import Tokenizer

    del modified
    try:
        loaded = Tokenizer.from_file(str(file))
    except Exception as error:  # the library knows no other class
        raise InvalidInput("tokenizer", name, "Its tokenizer.json cannot be read.") from error
    loaded.no_truncation()
    loaded.no_padding()
    return loaded
