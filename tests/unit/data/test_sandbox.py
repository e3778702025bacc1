"""A visitor's SQL: what it can ask, and a long list of ways out that it does not find."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.core.errors import InvalidInput, JobCancelled, QuotaExceeded, UnknownName
from studio.data import sandbox, views
from studio.data.filters import Condition
from studio.data.records import Dataset, DatasetInfo, RemoteFile
from studio.data.sandbox import Sandbox
from studio.data.views import View
from tests.unit.data.test_rows import dataset_of


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    made = Sandbox(seconds=3)
    yield made
    made.close()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("secret-folder")
    parts = [pa.table({"n": range(3), "t": ["a", "b", None]}), pa.table({"n": [3, 4], "t": ["é", "😀"]})]
    return dataset_of(folder, train=parts, test=[pa.table({"secret": ["of the test split"]})])


def ask(box: Sandbox, dataset: Dataset, query: str) -> list[list[Any]]:
    return box.query(dataset, "train", query).rows


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT count(*) FROM train", [[5]]),
        ("select sum(n) from data;", [[10]]),
        ("FROM data ORDER BY n DESC LIMIT 1", [[4, "😀"]]),
        ("WITH few AS (SELECT n FROM data WHERE n < 2) SELECT sum(n) FROM few -- why", [[1]]),
        ("SELECT t FROM DATA WHERE n IN (SELECT max(n) FROM Train)", [["😀"]]),
        ("WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r WHERE i < 4) SELECT max(i) FROM r", [[4]]),
        ("SELECT n, row_number() OVER (ORDER BY n DESC) FROM data WHERE n = 4", [[4, 1]]),
        ("VALUES (1, 'x'), (NULL, '')", [[1, "x"], [None, ""]]),
        ("SELECT unnest([1, 2]) AS a FROM range(1)", [[1], [2]]),
        (
            "SELECT 'nan'::DOUBLE AS f, [1, NULL] AS l, {'a': 'b'} AS s, '\\x00'::BLOB AS b",
            [["nan", [1, None], {"a": "b"}, "<1 bytes>"]],
        ),
        ("SELECT list_sum([1, 2]), split_part('a-b', '-', 2), regexp_replace('aa', 'a', 'b')", [[3, "b", "ba"]]),
        ("SELECT 1 AS a, 2 AS a", [[1, 2]]),
        ("SELECT a.n FROM data a JOIN train b USING (n) WHERE a.n = 2 UNION ALL SELECT 9", [[2], [9]]),
        ("SELECT $$it's$$ AS quoted, ';' AS semi /* ; */", [["it's", ";"]]),
        ("SELECT n FROM data WHERE false", []),
    ],
)
def test_one_select_is_answered(box: Sandbox, dataset: Dataset, query: str, rows: list[list[Any]]) -> None:
    assert ask(box, dataset, query) == rows


ESCAPES = [
    # files
    "SELECT * FROM '/etc/passwd'",
    'FROM "/etc/passwd"',
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_csv_auto('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM read_json('/etc/passwd')",
    "SELECT * FROM read_ndjson_objects('/etc/passwd')",
    "SELECT * FROM read_parquet('{other}')",
    "SELECT * FROM parquet_scan('{other}')",
    "SELECT * FROM '{other}'",
    "SELECT * FROM parquet_metadata('{own}')",
    "SELECT * FROM parquet_file_metadata('{own}')",
    "SELECT * FROM parquet_kv_metadata('{own}')",
    "SELECT * FROM read_parquet('/dev/fd/5')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT (SELECT content FROM read_text('/etc/passwd'))",
    "SELECT n FROM data WHERE EXISTS (FROM '/etc/passwd')",
    "SELECT n FROM data WHERE n IN (SELECT size FROM read_text('/etc/passwd'))",
    "WITH x AS (FROM read_text('/etc/passwd')) FROM x",
    "SELECT * FROM data, LATERAL (SELECT * FROM read_text('/etc/passwd'))",
    "SELECT * FROM data POSITIONAL JOIN read_text('/etc/passwd')",
    "COPY (SELECT 1) TO '/tmp/out.csv'",
    "COPY data TO '/tmp/out.parquet'",
    "COPY data FROM '/etc/passwd'",
    "EXPORT DATABASE '/tmp/out'",
    "IMPORT DATABASE '/tmp/out'",
    "ATTACH '/tmp/x.db'",
    "ATTACH ':memory:' AS other",
    "DETACH memory",
    "USE memory",
    "CHECKPOINT",
    "VACUUM",
    # network and extensions
    "INSTALL httpfs",
    "LOAD httpfs",
    "SELECT * FROM read_csv('https://example.com/x.csv')",
    "SELECT * FROM 'https://example.com/x.parquet'",
    "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
    "CREATE SECRET s (TYPE s3)",
    "FROM duckdb_secrets()",
    "FROM which_secret('s3://x', 's3')",
    "FROM duckdb_extensions()",
    # settings, environment, catalogue
    "SET memory_limit = '100GB'",
    "SET allowed_paths = ['/']",
    "SET enable_external_access = true",
    "RESET lock_configuration",
    "PRAGMA threads = 64",
    "PRAGMA database_list",
    "PRAGMA show_tables",
    "CALL pragma_version()",
    "CALL duckdb_settings()",
    "FROM pragma_database_list",
    "FROM pragma_storage_info('data')",
    "FROM pragma_user_agent()",
    "SELECT getenv('HOME')",
    "SELECT current_setting('temp_directory')",
    "SELECT getvariable('x')",
    "SELECT current_query()",
    "SELECT version()",
    "SELECT pg_get_viewdef(1)",
    "SELECT write_log('x')",
    "SELECT nextval('s')",
    "FROM duckdb_settings()",
    "FROM duckdb_views()",
    "FROM duckdb_views",
    "FROM duckdb_tables()",
    "FROM duckdb_databases()",
    "FROM duckdb_functions()",
    "FROM duckdb_logs",
    "FROM duckdb_temporary_files()",
    "FROM information_schema.tables",
    "FROM system.information_schema.tables",
    "FROM pg_catalog.pg_class",
    "FROM pg_class",
    "FROM sqlite_master",
    "FROM sqlite_temp_master",
    "FROM memory.main.data",
    "FROM temp.data",
    "WITH duckdb_views AS (FROM duckdb_views) FROM duckdb_views",
    "WITH RECURSIVE PG_CLASS AS (FROM pg_class) FROM pg_class",
    "SHOW TABLES",
    "SHOW ALL TABLES",
    "SHOW DATABASES",
    "DESCRIBE data",
    "FROM (DESCRIBE data)",
    "FROM (SHOW ALL TABLES)",
    "SUMMARIZE data",
    "EXPLAIN SELECT * FROM data",
    "EXPLAIN ANALYZE FROM data",
    # SQL in SQL
    "FROM query('SELECT 1')",
    "FROM query('FROM ''/etc/passwd''')",
    "FROM query_table('data')",
    "FROM query_table(['{other}'])",
    "FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "SELECT json_serialize_sql('SELECT 1')",
    "SELECT json_serialize_plan('FROM duckdb_settings()')",
    "FROM sql_auto_complete('SEL')",
    "EXECUTE p",
    "PREPARE p AS SELECT 1",
    "PREPARE p AS SELECT ?; EXECUTE p('x')",
    "SELECT ?",
    "SELECT $1",
    "SELECT $name",
    # more than one, or no SELECT
    "",
    " ; ",
    "-- nothing",
    "/* open",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP VIEW data",
    "SELECT 1;; ATTACH 'x'",
    "SELECT 1) AS a; COPY data TO '/tmp/x'; SELECT * FROM (SELECT 1",
    "SELECT 1) FROM duckdb_settings() --",
    "INSERT INTO data VALUES (1, 'x')",
    "UPDATE data SET n = 1",
    "DELETE FROM data",
    "DROP VIEW data",
    "CREATE TABLE x AS SELECT 1",
    "CREATE VIEW x AS SELECT 1",
    "CREATE MACRO f() AS 1",
    "CREATE FUNCTION f() AS 1",
    "CREATE TYPE x AS ENUM ('a')",
    "BEGIN",
    "COMMIT",
    "ALTER VIEW data RENAME TO x",
    "COMMENT ON VIEW data IS 'x'",
    "MERGE INTO data USING data ON true WHEN MATCHED THEN DELETE",
    "WITH x AS (INSERT INTO data VALUES (1, 'x') RETURNING *) FROM x",
    "WITH x AS (DELETE FROM data RETURNING *) SELECT 1",
    "PIVOT data ON t USING sum(n)",
    # other splits, virtual columns, variables of this process
    "FROM test",
    "SELECT filename FROM data",
    "SELECT file_index FROM data",
    "FROM sandbox",
    "FROM os",
    # unicode and odd characters
    "SELECT * FROM ʼ/etc/passwdʼ",
    "SE\u200bLECT 1",
    "SELECT\u00a0*\u00a0FROM\u00a0'/etc/passwd'",
    "SELECT 1\0; DROP VIEW data",
    "ＳＥＬＥＣＴ 1",
    "SELECT \ud800",
    "\ufeffATTACH 'x'",
    "SELECT U&'\\0027' FROM '/etc/passwd'",
]


@pytest.mark.parametrize("query", ESCAPES)
def test_there_is_no_way_out(box: Sandbox, dataset: Dataset, tmp_path: Path, query: str) -> None:
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"x": ["somebody else's"]}), other)
    own = dataset.files["train"][0]
    with pytest.raises(InvalidInput) as caught:
        box.query(dataset, "train", query.replace("{other}", str(other)).replace("{own}", str(own)))
    assert caught.value.field == "query"
    assert "secret-folder" not in caught.value.expected
    assert "root:" not in str(caught.value)
    assert not Path("/tmp/out.csv").exists()


BOMBS = [
    "WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r) SELECT count(*) FROM r",
    "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE sqrt(a.range + b.range) = 1.5",
    "SELECT repeat('x', 2000000000)",
    "SELECT length(repeat(repeat('x', 100000000), 20))",
    "SELECT list(range) FROM range(1000000000)",
    "SELECT string_agg(repeat('x', 1000), '') FROM range(100000000)",
    "SELECT range(1000000000)",
    "SELECT count(*) FROM (SELECT DISTINCT range, random() FROM range(100000000000))",
    "SELECT sum(length(regexp_replace(repeat('ab', range % 1000), '(a|b|ab)*c', 'x', 'g'))) FROM range(10000000)",
    "SELECT list_reduce(range(100000000), lambda x, y: x + y)",
]


@pytest.mark.parametrize("query", BOMBS)
def test_what_never_ends_or_is_too_large_is_stopped(box: Sandbox, dataset: Dataset, query: str) -> None:
    begin, before = time.monotonic(), psutil.Process().memory_info().rss
    with pytest.raises(InvalidInput, match=r"memory|longer than"):
        box.query(dataset, "train", query)
    assert time.monotonic() - begin < 30
    assert psutil.Process().memory_info().rss - before < 200 << 20
    assert ask(box, dataset, "SELECT 1") == [[1]]  # the next one finds a process again


def test_long_and_deep_queries_are_refused(box: Sandbox, dataset: Dataset) -> None:
    for query in (
        "SELECT '" + "x" * 30_000 + "'",
        "SELECT " + "(" * 9_000 + "1" + ")" * 9_000,
        "SELECT 1" + "+1" * 9_000,
        "SELECT " + "[" * 9_000,
        "SELECT * FROM " + "(SELECT * FROM " * 1_000 + "data" + ")" * 1_000,
        "SELECT " + "CASE WHEN true THEN " * 900 + "1" + " END" * 900,
    ):
        with pytest.raises(InvalidInput):
            box.query(dataset, "train", query)
    assert ask(box, dataset, "SELECT 1") == [[1]]


def test_an_answer_has_bounds(box: Sandbox, dataset: Dataset) -> None:
    many = box.query(dataset, "train", "SELECT range AS n FROM range(5000) ORDER BY n DESC")
    assert (len(many.rows), many.more, many.rows[0]) == (1_000, True, [4_999])
    few = box.query(dataset, "train", "SELECT range FROM range(3)", limit=3)
    assert (len(few.rows), few.more) == (3, False)
    heavy = box.query(dataset, "train", "SELECT repeat('x', 2000) AS a, repeat('y', 2000) AS b, * FROM range(1000000)")
    assert 0 < len(heavy.rows) < 1_000
    assert (heavy.more, len(json.dumps(heavy.rows)) < 5_000_000) == (True, True)
    long = box.query(dataset, "train", "SELECT repeat('é', 1000000) AS a")
    assert (len(long.rows[0][0]), [(one.column, one.length) for one in long.cut]) == (2_000, [("a", 1_000_000)])
    assert [(column.name, column.type) for column in many.columns] == [("n", "BIGINT")]
    for limit in (-1, 1_001):
        with pytest.raises(InvalidInput, match="limit"):
            box.query(dataset, "train", "SELECT 1", limit=limit)
    with pytest.raises(UnknownName, match="'dev'"):
        box.query(dataset, "dev", "SELECT 1")


def test_mistakes_are_named_without_paths(box: Sandbox, dataset: Dataset) -> None:
    for query, words in (
        ("SELECT nope FROM data", "nope"),
        ("SELEC 1", "syntax error"),
        ("SELECT 1 FROM", "syntax error"),
        ("SELECT t::INTEGER FROM data", "Could not convert string 'a'"),
        ("SELECT 1 / 'x' FROM data", "x"),
    ):
        with pytest.raises(InvalidInput, match=words) as caught:
            box.query(dataset, "train", query)
        assert not {"/dev", "parquet", "secret-folder"} & set(caught.value.expected.split("/"))


@pytest.mark.parametrize(
    ("where", "numbers"),
    [
        ("n >= 2", [2, 3, 4]),
        ("t IS NULL OR t = 'a' -- only", [0, 2]),
        ("n IN (1, 3)", [1, 3]),
        ("n > 0) AND (n < 3", [1, 2]),
        ("length(t) = 1 AND n % 2 = 0", [0, 4]),
    ],
)
def test_a_condition_in_sql_finds_rows(box: Sandbox, dataset: Dataset, where: str, numbers: list[int]) -> None:
    page = views.page(dataset, View(where=where), box.find)
    assert (page.numbers, page.matching) == (numbers, len(numbers))
    assert [row[0] for row in page.rows] == numbers


def test_conditions_order_and_pages_hold_beside_sql(box: Sandbox, dataset: Dataset) -> None:
    few = (Condition(column="n", op="<=", value=3),)
    view = View(where="n > 0", conditions=few, sort="n", descending=True, offset=1, limit=1)
    page = views.page(dataset, view, box.find)
    assert (page.numbers, page.matching) == ([2], 3)
    with pytest.raises(InvalidInput, match="SQL is not run here"):
        views.page(dataset, view)


@pytest.mark.parametrize(
    "where",
    [
        "",
        "n = 1; DROP VIEW data",
        "n = 1) UNION (SELECT 1",
        "n = 1) GROUP BY (n",
        "n = 1) ORDER BY (n",
        "true) LIMIT (1",
        "n = 1 LIMIT 1",
        "EXISTS (FROM '/etc/passwd')",
        "n IN (SELECT length(content) FROM read_text('/etc/passwd'))",
        "current_setting('temp_directory') = ''",
        "n = ?",
        "nope = 1",
        "n = 1 /*",
        "sum(n) > 1",
        "(SELECT count(*) FROM test) > 0",
    ],
)
def test_a_condition_is_nothing_but_a_condition(box: Sandbox, dataset: Dataset, where: str) -> None:
    if not where:
        assert len(views.page(dataset, View(where="  ")).rows) == 5
        return
    with pytest.raises(InvalidInput) as caught:
        views.page(dataset, View(where=where), box.find)
    assert caught.value.field == "where"


def test_paths_stay_unknown_to_the_process(box: Sandbox, dataset: Dataset) -> None:
    view = View(where="filename LIKE '%secret-folder%'")  # a column that DuckDB adds to every file
    assert views.page(dataset, view, box.find).numbers == []


def test_who_leaves_stops_the_question(box: Sandbox, dataset: Dataset) -> None:
    begin, gone = time.monotonic(), threading.Event()
    threading.Timer(0.5, gone.set).start()
    with pytest.raises(JobCancelled):
        box.query(dataset, "train", BOMBS[0], stop=gone.is_set)
    assert time.monotonic() - begin < 5


def test_it_starts_again_when_it_was_killed_and_ends_when_closed(dataset: Dataset) -> None:
    box, mine = Sandbox(seconds=20), psutil.Process()
    before = {child.pid for child in mine.children()}
    assert ask(box, dataset, "SELECT 1") == [[1]]
    (warm,) = [child for child in mine.children() if child.pid not in before]
    warm.kill()
    warm.wait()
    assert ask(box, dataset, "SELECT 2") == [[2]]
    threading.Timer(1, lambda: [child.kill() for child in mine.children() if child.pid not in before]).start()
    with pytest.raises(InvalidInput, match="memory"):
        box.query(dataset, "train", BOMBS[0])
    assert ask(box, dataset, "SELECT 3") == [[3]]
    box.close()
    assert {child.pid for child in mine.children()} <= before


def test_too_many_at_once_wait_and_then_are_told(dataset: Dataset) -> None:
    box = Sandbox(seconds=2)
    failed: list[str] = []

    def one() -> None:
        try:
            box.query(dataset, "train", BOMBS[0])
        except InvalidInput as error:
            failed.append(str(error))

    threads = [threading.Thread(target=one) for _ in range(sandbox.AT_ONCE)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    with pytest.raises((QuotaExceeded, InvalidInput)):
        box.query(dataset, "train", BOMBS[0])
    for thread in threads:
        thread.join()
    assert len(failed) == sandbox.AT_ONCE
    box.close()


def test_the_process_has_no_environment_of_ours(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    box, mine = Sandbox(), psutil.Process()
    before = {child.pid for child in mine.children()}
    assert ask(box, dataset, "SELECT 1") == [[1]]
    (warm,) = [child for child in mine.children() if child.pid not in before]
    assert "HF_TOKEN" not in warm.environ()
    assert warm.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
    held = list(Path(f"/proc/{warm.pid}/fd").iterdir())
    assert len(held) < 10  # the files of a question are closed after it
    box.close()


def test_files_that_lie_elsewhere_are_read_through_the_asking_process(box: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "far.parquet"
    pq.write_table(pa.table({"n": range(1_000), "t": [f"row {n}" for n in range(1_000)]}), path)
    data, read = path.read_bytes(), list[tuple[int, int]]()

    def part(start: int, stop: int) -> bytes:
        read.append((start, stop))
        return data[start:stop]

    file = RemoteFile("far.parquet", len(data), "ab" * 32, part)
    near = dataset_of(tmp_path, train=[pq.read_table(path)])
    info = DatasetInfo("far", "Far", "hub", near.info.splits, near.info.columns)
    far = Dataset(info, {"train": (file,)})
    assert box.query(far, "train", "SELECT sum(n) FROM data").rows == [[499_500]]
    assert read
    page = views.page(far, View(where="t = 'row 7'"), box.find)
    assert (page.numbers, page.rows) == ([7], [[7, "row 7"]])
