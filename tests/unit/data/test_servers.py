"""A real PostgreSQL, where one is installed: its tables come over as a stream, and nothing can be written."""

import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.core.errors import InvalidInput, JobCancelled, StudioError, UnknownName
from studio.core.settings import Settings
from studio.data import adding, rows, servers, sources, views
from studio.data.watching import Watch

PASSWORD = "s3cret-word"
TABLES = """
CREATE TABLE books (id int PRIMARY KEY, title text, price numeric(9, 2), exact numeric, tags text[], extra jsonb,
                    sold boolean, printed date, seen timestamptz, cover bytea, mood mood, ratio real);
INSERT INTO books VALUES
  (1, 'Ünïcödé 😀', 12.50, 0.1234567890123456789, '{a,b}', '{"x": [1]}', true, '2020-01-02', '2020-01-02 03:04:05+00',
   '\\x8950', 'sad', 0.5),
  (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE many AS SELECT i AS n, 'text ' || i AS text FROM generate_series(0, 199999) i;
CREATE SCHEMA sales;
CREATE TABLE sales."odd ""name; DROP TABLE books" ("a""b" int);
INSERT INTO sales."odd ""name; DROP TABLE books" VALUES (7);
CREATE VIEW cheap AS SELECT id, title FROM books WHERE price < 20;
CREATE TABLE nothing (a int);
"""


PROGRAMS = os.pathsep.join([os.environ["PATH"], *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))])  # Debian


def run(program: str, *arguments: str, **options: object) -> None:
    # PostgreSQL refuses to run as root
    who = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    command = [shutil.which(program, path=PROGRAMS) or program, *arguments]
    subprocess.run(command, check=True, capture_output=True, cwd="/", **who, **options)  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server of this test's own."""
    if not all(shutil.which(program, path=PROGRAMS) for program in ("initdb", "pg_ctl", "psql")):
        pytest.skip("PostgreSQL is not installed")
    if os.geteuid() == 0 and "postgres" not in {entry.pw_name for entry in pwd.getpwall()}:
        pytest.skip("PostgreSQL does not run as root")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="studio-postgres-") as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        secret = Path(folder) / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        data = f"{folder}/data"
        run("initdb", "-D", data, "-U", "studio", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        run("pg_ctl", "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start")
        address = f"postgresql://studio:{PASSWORD}@127.0.0.1:{port}/postgres"
        try:
            run("psql", address, "-v", "ON_ERROR_STOP=1", "-c", "CREATE TYPE mood AS ENUM ('sad', 'ok')")
            run("psql", address, "-v", "ON_ERROR_STOP=1", "-c", TABLES)
            yield address
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")


@pytest.fixture
def shop(server: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("STUDIO_DATABASES", json.dumps({"shop": server}))
    return settings


def test_tables_are_listed(shop: Settings) -> None:
    listed = servers.listed(shop)
    assert set(listed["shop"]) == {"books", "cheap", "many", "nothing", 'sales.odd "name; DROP TABLE books'}


def test_every_type(shop: Settings) -> None:
    dataset = sources.resolve(adding.add("sql:shop#books", shop, "local").ref, shop, "local")
    assert dataset.info.title == "shop books.parquet"
    first, second = rows.table(dataset, "train").to_pylist()
    assert first["title"] == "Ünïcödé 😀"
    assert (first["price"], first["exact"], first["ratio"]) == (12.5, "0.1234567890123456789", 0.5)
    assert (first["tags"], json.loads(first["extra"]), first["mood"]) == ("{a,b}", {"x": [1]}, "sad")
    assert (first["sold"], str(first["printed"]), first["cover"]) == (True, "2020-01-02", b"\x89P")
    assert first["seen"].isoformat().startswith("2020-01-02T03:04:05")
    assert {name for name, value in second.items() if value is not None} == {"id"}


def test_a_long_table_is_a_stream(shop: Settings) -> None:
    told: list[float] = []
    info = adding.add("sql:shop#many", shop, "local", watch=Watch(lambda done, total, message: told.append(done)))
    assert info.splits == {"train": 200_000}
    assert told == sorted(told)
    dataset = sources.resolve(info.ref, shop, "local")
    assert rows.part(dataset, "train", ["text"], 199_999, 1).to_pylist() == [{"text": "text 199999"}]
    with pytest.raises(JobCancelled):
        adding.add("sql:shop#many", shop, "local", watch=Watch(stop=lambda: True))


def test_odd_names_and_views(shop: Settings) -> None:
    odd = adding.add('sql:shop#sales.odd "name; DROP TABLE books', shop, "local", name="odd")
    dataset = sources.resolve(odd.ref, shop, "local")
    assert (dataset.info.title, views.page(dataset).rows) == ("odd.parquet", [[7]])
    assert adding.add("sql:shop#cheap", shop, "local").splits == {"train": 1}
    assert adding.add("sql:shop#nothing", shop, "local").splits == {"train": 0}


def test_nothing_can_be_written(shop: Settings) -> None:
    with pytest.raises(StudioError, match="read-only"), servers._opened("shop", shop) as cursor:
        cursor.execute("DELETE FROM books")
    assert adding.add("sql:shop#books", shop, "local").splits == {"train": 2}


def test_what_is_not_there(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownName, match="books"):
        adding.add("sql:shop#books; DROP TABLE books", shop, "local")
    with pytest.raises(UnknownName, match="shop"):
        adding.add("sql:stock#books", shop, "local")
    with pytest.raises(InvalidInput, match="sql:NAME#TABLE"):
        adding.add("sql:shop", shop, "local")
    for address in (
        f"postgresql://studio:{PASSWORD}@127.0.0.1:1/postgres",
        os.environ["STUDIO_DATABASES"].split('"')[3].replace(PASSWORD, "wrong-word"),
    ):
        monkeypatch.setenv("STUDIO_DATABASES", json.dumps({"shop": address}))
        with pytest.raises(StudioError, match="cannot be read") as caught:
            adding.add("sql:shop#books", shop, "local")
        assert PASSWORD not in str(caught.value)
        assert "wrong-word" not in str(caught.value)


@pytest.mark.parametrize("value", ["nonsense", "[1]", '{"a": 1}'])
def test_a_setting_that_is_not_usable(settings: Settings, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("STUDIO_DATABASES", value)
    with pytest.raises(StudioError, match="STUDIO_DATABASES"):
        servers.listed(settings)
    monkeypatch.setenv("STUDIO_DATABASES", '{"a": "mysql://x"}')
    with pytest.raises(StudioError, match="must start with"):
        servers.listed(settings)
