"""Full-text search, ranked by BM25 (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009).

The index is tantivy's: words in lower case without regard to accents, their places for phrases, nothing of the texts.
"""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.core.errors import InvalidInput
from studio.data import reading
from studio.data.records import Dataset

if TYPE_CHECKING:
    import tantivy

HEAP = 32_000_000  # bytes that the writer gathers before it writes a segment
COMMIT_EVERY = 400_000  # rows; so many are done again after a kill
M_MMAP_THRESHOLD, LARGE_BLOCK = -3, 256 << 10  # as malloc.h calls it; bytes
LONGEST_WORD = 80  # bytes; longer ones are no words
TEXT, ROW, ANALYZER = "text", "row", "studio"
OPEN = 16  # indexes that are kept open

Progress = Callable[[float, float, str], None]


@dataclass(frozen=True)
class Hits:
    """Row numbers with their scores, the best first, and how many rows hold any of the words in all."""

    rows: list[int]
    scores: list[float]
    total: int


def build(
    dataset: Dataset, split: str, columns: Sequence[str], folder: Path, progress: Progress, check: Callable[[], None]
) -> int:
    """Index the columns' texts, in one pass; goes on where an earlier attempt has committed. Returns the rows.

    Args:
        dataset: where from.
        split: which part.
        columns: whose texts, taken together.
        folder: for the index; what is in it is continued.
        progress: is told rows done, rows in all, and a message.
        check: called for every batch; raises to stop.
    """
    import tantivy

    folder.mkdir(parents=True, exist_ok=True)
    index = _opened(folder)
    done, total = index.searcher().num_docs, dataset.info.splits[split]
    if total > COMMIT_EVERY:
        _return_freed_memory()
    writer, since = _writer(index), 0
    for start, texts in _texts(dataset, split, columns, done):
        check()
        for place, text in enumerate(texts, start):
            document = tantivy.Document()
            document.add_integer(ROW, place)
            document.add_text(TEXT, text)
            writer.add_document(document)
        since += len(texts)
        if since >= COMMIT_EVERY:
            _commit(writer)
            writer, since = _writer(index), 0
        progress(start + len(texts), total, f"row {start + len(texts):,} of {total:,}")
    _commit(writer)
    return total


def search(folder: Path, words: str, offset: int, limit: int) -> Hits:
    """The rows that hold any of the words, the best first.

    "Quoted words" must follow each other, +word must be there, -word must not. Nothing else has a meaning of its own.

    Raises:
        InvalidInput: at "query": there is no word in it.
    """
    index = _searchable(folder, folder.stat().st_mtime_ns)
    query, _problems = index.parse_query_lenient(_plain(words), [TEXT])
    searcher = index.searcher()
    try:
        found = searcher.search(query, limit, count=True, offset=offset)
    except ValueError:
        raise InvalidInput("query", words, "It holds no word to look for.") from None
    places = [address for _, address in found.hits]
    rows = searcher.fast_field_values(ROW, places) if places else []
    return Hits([int(row) for row in rows], [float(score) for score, _ in found.hits], int(found.count))  # type: ignore[attr-defined,arg-type]


def _writer(index: "tantivy.Index") -> "tantivy.IndexWriter":
    """One thread keeps the order, which a second start relies on."""
    return index.writer(heap_size=HEAP, num_threads=1)


def _commit(writer: "tantivy.IndexWriter") -> None:
    """Write what is gathered, and wait for the merging of segments that follows.

    Several at a time, beside a writer that goes on, would take as much memory again as all the rest.
    """
    writer.commit()
    writer.wait_merging_threads()


def _return_freed_memory() -> None:
    """Have large blocks go back to the system as soon as they are freed, where the C library can (glibc).

    It would keep them, a heap for each of the threads that the writer starts, and of those it starts some per commit.
    """
    choose = getattr(ctypes.CDLL(None), "mallopt", None)
    if choose is not None:
        choose(M_MMAP_THRESHOLD, LARGE_BLOCK)


def _plain(words: str) -> str:
    """A query in which only quotes, + and - before a word have a meaning; fields, ranges and AND are words."""
    kept = "".join(one if one.isalnum() or one in ' "+-_' else " " for one in words).lower()
    before, quote, after = kept.rpartition('"')
    return kept if kept.count('"') % 2 == 0 or not quote else f"{before} {after}"


def _texts(dataset: Dataset, split: str, columns: Sequence[str], skip: int) -> Iterator[tuple[int, list[str]]]:
    """Row number of the first, and texts, in the order of the files, the first `skip` rows left out."""
    start = 0
    for batch in reading.batches(dataset, split, columns):
        end = start + batch.num_rows
        if end > skip:
            left = max(0, skip - start)
            yield start + left, joined(batch.slice(left))
        start = end


def joined(batch: Any) -> list[str]:
    """The texts of a batch, those of its columns one below the other; empty where there is none."""
    columns = [column.to_pylist() for column in batch.columns]
    return ["\n".join(str(value) for value in row if value is not None) for row in zip(*columns, strict=True)]


def _opened(folder: Path) -> "tantivy.Index":
    import tantivy

    schema = tantivy.SchemaBuilder()
    schema.add_integer_field(ROW, stored=False, indexed=False, fast=True)
    schema.add_text_field(TEXT, stored=False, tokenizer_name=ANALYZER, index_option="position")
    index = tantivy.Index(schema.build(), path=str(folder))
    filters = (
        tantivy.Filter.remove_long(LONGEST_WORD),
        tantivy.Filter.lowercase(),
        tantivy.Filter.ascii_fold(),
    )
    analyzer = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    for one in filters:
        analyzer = analyzer.filter(one)
    index.register_tokenizer(ANALYZER, analyzer.build())
    return index


@lru_cache(maxsize=OPEN)
def _searchable(folder: Path, modified: int) -> "tantivy.Index":
    """Opened once per state of the folder; what it reads is mapped, not held."""
    del modified
    return _opened(folder)
