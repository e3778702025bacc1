"""Full-text search on random tables: which rows are found, in which order, and that a cut build goes on."""

import math
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.core.errors import JobCancelled
from studio.data import fulltext
from studio.data.records import Dataset
from tests.unit.data.test_rows import dataset_of

FEW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WORDS = ["red", "green", "blue", "shoe", "Hat", "café", "42"]
TEXTS = st.lists(st.none() | st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join), min_size=1, max_size=40)


def built(folder: Path, dataset: Dataset, columns: tuple[str, ...] = ("t",)) -> Path:
    made = folder / "index"
    fulltext.build(dataset, "train", columns, made, lambda *_: None, lambda: None)
    return made


def bm25(texts: list[list[str]], words: list[str]) -> list[float]:
    """The formula, over all rows: k1 = 1.2, b = 0.75. tantivy keeps a text's length in a byte, exact up to 40 words."""
    average = sum(map(len, texts)) / len(texts)
    found = []
    for text in texts:
        counts, score = Counter(text), 0.0
        for word in words:
            holders = sum(word in other for other in texts)
            rarity = math.log(1 + (len(texts) - holders + 0.5) / (holders + 0.5))
            length = 1 - 0.75 + 0.75 * len(text) / average if average else 1
            score += rarity * counts[word] * 2.2 / (counts[word] + 1.2 * length)
        found.append(score)
    return found


@FEW
@given(
    texts=TEXTS, words=st.lists(st.sampled_from(["red", "blue", "cafe", "hat"]), min_size=1, max_size=3, unique=True)
)
def test_ranked_as_the_formula_says(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str | None], words: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("texts")
    dataset = dataset_of(folder, train=[pa.table({"t": pa.array(texts, pa.string())})])
    found = fulltext.search(built(folder, dataset), " ".join(words), 0, 100)
    split = [(text or "").lower().replace("é", "e").split() for text in texts]
    wanted = bm25(split, words)
    holding = {row for row, score in enumerate(wanted) if score > 0}
    assert set(found.rows) == holding
    assert found.total == len(holding)
    assert found.scores == sorted(found.scores, reverse=True)
    assert found.scores == pytest.approx([wanted[row] for row in found.rows], rel=1e-4)


def test_quotes_plus_and_minus(tmp_path: Path) -> None:
    texts = ["the web server", "server of the web", "a web", "web server minus"]
    dataset = dataset_of(tmp_path, train=[pa.table({"t": texts})])
    index = built(tmp_path, dataset)
    ask = {
        '"web server"': {0, 3},
        "+server -minus": {0, 1},
        "WEB AND of": {0, 1, 2, 3},
        "t:[a TO b] web*": {0, 1, 2, 3},
        '"never closed web': {0, 1, 2, 3},
        "!!!": set(),
        "": set(),
        "x" * 10_000: set(),
    }
    for query, rows in ask.items():
        assert set(fulltext.search(index, query, 0, 10).rows) == rows, query


def test_pages_follow_each_other(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, train=[pa.table({"t": ["word " * (n % 5 + 1) for n in range(50)]})])
    index = built(tmp_path, dataset)
    pages = [fulltext.search(index, "word", offset, 20).rows for offset in (0, 20, 40, 60)]
    assert [len(page) for page in pages] == [20, 20, 10, 0]
    assert sorted(row for page in pages for row in page) == list(range(50))


def test_several_columns_are_one_text(tmp_path: Path) -> None:
    table = pa.table({"a": ["one", None], "b": ["two", "three"]})
    index = built(tmp_path, dataset_of(tmp_path, train=[table]), ("a", "b"))
    assert fulltext.search(index, "+one +two", 0, 5).rows == [0]
    assert fulltext.search(index, "three", 0, 5).rows == [1]


def test_many_commits_find_what_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{WORDS[n % 7]} {WORDS[n % 5]} n{n}" for n in range(60_000)]
    dataset = dataset_of(tmp_path, train=[pa.table({"t": texts})])
    whole = built(tmp_path / "one", dataset)
    monkeypatch.setattr(fulltext, "COMMIT_EVERY", 5_000)
    parts = built(tmp_path / "many", dataset)
    assert len(list(parts.glob("*.idx"))) < 8, "segments are merged"
    for query in ("red", "shoe blue", '"green hat"', "+42 -red", "n17 n59999"):
        one, many = (fulltext.search(folder, query, 0, 50) for folder in (whole, parts))
        assert many.total == one.total
        assert many.scores == pytest.approx(one.scores, rel=1e-5)
    assert fulltext.search(parts, "n59999", 0, 5).rows == [59_999]


def test_goes_on_where_it_was_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fulltext, "COMMIT_EVERY", 10_000)
    dataset = dataset_of(tmp_path, train=[pa.table({"t": [f"w{n}" for n in range(45_000)]})])
    folder, seen = tmp_path / "index", []

    def stop() -> None:
        seen.append(1)
        if len(seen) == 3:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        fulltext.build(dataset, "train", ["t"], folder, lambda *_: None, stop)
    starts: list[float] = []
    fulltext.build(dataset, "train", ["t"], folder, lambda done, *_: starts.append(done), lambda: None)
    assert starts[0] > 10_000, "the first batches are not indexed again"
    for row in (0, 9_999, 10_000, 44_999):
        assert fulltext.search(folder, f"w{row}", 0, 5).rows == [row], "each row stands once"
