"""SQLite files: a split per table, every value kept, nothing that the file defines is run."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from studio.core.errors import InvalidInput, JobCancelled
from studio.core.settings import Settings
from studio.data import databases, sources, uploads, views
from studio.data.views import View
from studio.data.watching import Watch


def database(path: Path, *statements: str | tuple[str, Sequence[Sequence[object]]]) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            if isinstance(statement, str):
                connection.execute(statement)
            else:
                connection.executemany(*statement)
        connection.commit()
    return path


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return database(
        tmp_path / "library.db",
        "CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT, price, cover BLOB, mixed, big)",
        (
            "INSERT INTO books VALUES (?, ?, ?, ?, ?, ?)",
            [
                (1, "Ünïcödé 😀", 1.5, b"\x89PNG", "x", 2**60),
                (2, None, 2, None, 7, 0.5),
                (3, "<script>alert(1)</script>", None, b"", b"\x01\xff", None),
            ],
        ),
        'CREATE TABLE "odd name; DROP TABLE books" ("a""b" TEXT)',
        ('INSERT INTO "odd name; DROP TABLE books" VALUES (?)', [("y",)]),
        "CREATE TABLE empty (a)",
        "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT * FROM n",
        "CREATE VIRTUAL TABLE words USING fts5(text)",
    )


def test_tables_are_splits(settings: Settings, library: Path) -> None:
    info = uploads.store(library, "library.db", settings, "local")
    dataset = sources.resolve(info.ref, settings, "local")
    assert set(dataset.info.splits) == {"books", "odd_name_DROP_TABLE_books"}
    page = views.page(dataset, View(split="books"))
    assert page.columns == ("id", "title", "price", "cover", "mixed", "big")
    assert page.rows == [
        [1, "Ünïcödé 😀", 1.5, "<4 bytes>", "x", str(2**60)],
        [2, None, 2.0, None, "7", "0.5"],
        [3, "<script>alert(1)</script>", None, "<0 bytes>", "01FF", None],
    ]
    assert views.page(dataset, View(split="odd_name_DROP_TABLE_books")).rows == [["y"]]


def test_a_path_is_read_and_left_as_it_is(settings: Settings, library: Path) -> None:
    before = library.read_bytes(), sorted(path.name for path in library.parent.iterdir())
    dataset = sources.resolve(str(library), settings, "local")
    assert dataset.info.splits["books"] == 3
    assert (library.read_bytes(), sorted(p.name for p in library.parent.iterdir() if p.name != "home")) == before


def test_a_database_in_use_is_read_with_its_journal(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "live.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (a)")
        connection.execute("INSERT INTO t VALUES (1)")
        connection.commit()
        assert (tmp_path / "live.db-wal").stat().st_size > 0
        assert sources.resolve(str(path), settings, "local").info.splits == {"t": 1}


def test_many_rows_keep_their_order(settings: Settings, tmp_path: Path) -> None:
    many = [(n, f"text {n}") for n in range(25_000)]
    path = database(tmp_path / "a.sqlite", "CREATE TABLE t (n, text)", ("INSERT INTO t VALUES (?, ?)", many))
    told: list[float] = []
    info = uploads.store(path, "a.sqlite", settings, "local", Watch(lambda done, total, message: told.append(done)))
    dataset = sources.resolve(info.ref, settings, "local")
    assert views.page(dataset, View(split="t", offset=24_990, limit=5)).rows == [
        [n, f"text {n}"] for n in range(24_990, 24_995)
    ]
    assert told == sorted(told)
    with pytest.raises(JobCancelled):
        uploads.store(path, "a.sqlite", settings, "local", Watch(stop=lambda: True))


def test_bad_databases(settings: Settings, library: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.db"
    data = bytearray(library.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    damaged.write_bytes(data)
    binary = database(tmp_path / "binary.db", "CREATE TABLE t (a TEXT)", "INSERT INTO t VALUES (CAST(x'ff41' AS TEXT))")
    for path, said in (
        (damaged, "damaged"),
        (binary, "UTF-8"),
        (database(tmp_path / "none.db", "CREATE TABLE t (a)", "DROP TABLE t"), "no tables"),
    ):
        with pytest.raises(InvalidInput, match=said) as caught:
            uploads.store(path, path.name, settings, "local")
        assert caught.value.field == "file"
        assert str(tmp_path) not in str(caught.value)
    assert uploads.list_all(settings, "local") == []


def test_tables_without_rows(settings: Settings, tmp_path: Path) -> None:
    none = database(tmp_path / "none.db", "CREATE TABLE t (a TEXT, b)", "CREATE TABLE u (c INTEGER)")
    info = uploads.store(none, "none.db", settings, "local")
    assert (info.splits, [column.name for column in info.columns]) == ({"t": 0, "u": 0}, ["a", "b", "c"])
    one = database(tmp_path / "one.db", "CREATE TABLE t (a)", "CREATE TABLE u (c)", "INSERT INTO u VALUES (1)")
    assert uploads.store(one, "one.db", settings, "local").splits == {"u": 1}, "beside others they are left out"


def test_too_many_tables(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "MAX_TABLES", 2)
    path = database(tmp_path / "a.db", *(f"CREATE TABLE t{n} (a)" for n in range(3)))
    with pytest.raises(InvalidInput, match="3 tables; at most 2"):
        uploads.store(path, "a.db", settings, "local")


def test_names_that_fall_together_stay_apart(settings: Settings, tmp_path: Path) -> None:
    path = database(
        tmp_path / "a.db",
        *(f'CREATE TABLE "{name}" (a)' for name in ("x y", "x-y", "😀", "X_Y")),
        *(f"INSERT INTO \"{name}\" VALUES ('{name}')" for name in ("x y", "x-y", "😀", "X_Y")),
    )
    dataset = sources.resolve(uploads.store(path, "a.db", settings, "local").ref, settings, "local")
    assert {views.page(dataset, View(split=split)).rows[0][0] for split in dataset.info.splits} == {
        "x y",
        "x-y",
        "😀",
        "X_Y",
    }
