"""Search, figures and the map by their verbs, over HTTP, as tools and from the terminal; index jobs that were cut."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mcp import Client

from studio import cli
from studio.core.errors import InvalidInput, JobCancelled, NotFound
from studio.core.params import parse
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.data import indexes, semantic, sources, uploads
from studio.data.finding import Search
from studio.recipes.index import RECIPE, IndexParams, work
from studio.service import Studio
from tests.unit.recipes.tiny import make_context
from tests.unit.web.serving import Served, serve

LOCAL = Caller("local", "You", admin=True)
TOPICS = "kit:debian-topics"
SENTENCES = [
    "The cat sleeps on the sofa.",
    "A kitten is resting on the couch.",
    "The stock market fell sharply today.",
    "Shares lost much of their value this morning.",
    "Rain is expected over the weekend.",
    "Bring an umbrella, the weather turns bad.",
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("served") / "home"
    yield from serve(Settings.model_validate({"home": home, "offline": True, "zygote": False}))


def uploaded(settings: Settings, folder: Path, rows: dict[str, list[Any]]) -> str:
    file = folder / "rows.parquet"
    pq.write_table(pa.table(rows), file)
    return uploads.store(file, file.name, settings, "local").ref


def run(settings: Settings, ref: str, **values: Any) -> None:
    params = parse(IndexParams, {"dataset": ref, "columns": ["text"], **values})
    assert RECIPE.validate(params, settings, "local") == []
    context, _ = make_context(settings, params, recipe="index")
    RECIPE.run(params, context)


def test_words_of_a_small_set_are_indexed_at_once(served: Served) -> None:
    studio = served.studio
    assert studio.search_index(LOCAL, TOPICS, "test", "words") is None
    found = studio.search(LOCAL, TOPICS, Search(query='"web server"', by="words", split="test", limit=5))
    assert found.scores == sorted(found.scores, reverse=True)
    texts = [" ".join(map(str, row)).lower() for row in found.page.rows]
    assert texts
    assert all("web" in text and "server" in text for text in texts)
    kept = studio.search_index(LOCAL, TOPICS, "test", "words")
    assert kept is not None
    assert kept.rows == 995
    assert studio.search_index(LOCAL, TOPICS, "train", "words") is None, "another split is another index"


def test_meaning_needs_an_index(served: Served, tmp_path: Path) -> None:
    studio, settings = served.studio, served.studio.settings
    settings.artifacts_dir.mkdir(parents=True, exist_ok=True)
    ref = uploaded(settings, tmp_path, {"text": SENTENCES, "label": list("aabbcc")})
    wanted = Search(query="a pet takes a nap", by="meaning", columns=("text",), limit=2)
    with pytest.raises(NotFound, match="no index by meaning"):
        studio.search(LOCAL, ref, wanted)
    with pytest.raises(NotFound, match="no index by meaning"):
        studio.embedding_map(LOCAL, ref, "train", ["text"])
    run(settings, ref, kind="meaning")
    found = studio.search(LOCAL, ref, wanted)
    assert set(found.page.numbers) == {0, 1}
    assert found.total == len(SENTENCES)
    drawn = studio.embedding_map(LOCAL, ref, "train", ["text"], "label")
    assert (drawn.rows, drawn.texts, drawn.colours) == (list(range(6)), SENTENCES, list("aabbcc"))
    assert drawn.basis.whole


def test_a_cut_index_of_meanings_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.model_validate({"home": tmp_path / "home", "offline": True})
    settings.artifacts_dir.mkdir(parents=True)
    ref = uploaded(settings, tmp_path, {"text": SENTENCES})
    monkeypatch.setattr(work, "AT_ONCE", 2)
    params = parse(IndexParams, {"dataset": ref, "columns": ["text"], "kind": "meaning"})
    context, _ = make_context(settings, params, recipe="index")
    append = semantic.append

    def cut(folder: Path, vectors: Any) -> None:
        append(folder, vectors)
        if semantic.written(folder, vectors.shape[1]) >= 4:
            raise JobCancelled

    monkeypatch.setattr(semantic, "append", cut)
    with pytest.raises(JobCancelled):
        RECIPE.run(params, context)
    place = indexes.place(sources.resolve(ref, settings, "local"), "train", ["text"], "meaning", settings)
    assert indexes.load(place) is None, "a half-made index is not searched"
    added: list[int] = []

    def counted(folder: Path, vectors: Any) -> None:
        added.append(len(vectors))
        append(folder, vectors)

    monkeypatch.setattr(semantic, "append", counted)
    context, _ = make_context(settings, params, attempt=2, recipe="index")
    RECIPE.run(params, context)
    assert added == [2], "what was written is kept"
    kept = indexes.load(place)
    assert kept is not None
    assert (kept.rows, kept.model) == (6, "kit:minilm-l6")


def test_what_an_index_is_refused_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.model_validate({"home": tmp_path / "home", "offline": True})
    params = {"dataset": TOPICS, "columns": ["text"]}
    for wrong, field in (
        ({"dataset": "kit:nothing"}, "dataset"),
        ({"split": "no"}, "split"),
        ({"columns": ["no"]}, "columns"),
        ({"kind": "meaning", "model": "kit:emoji"}, "model"),
        ({"kind": "meaning", "model": "kit:segmenter"}, "model"),
    ):
        problems = RECIPE.validate(parse(IndexParams, params | wrong), settings, "local")
        assert [one.field for one in problems] == [field], wrong
    monkeypatch.setattr("studio.recipes.index.MOST_VECTORS", 10)
    large = parse(IndexParams, params | {"kind": "meaning"})
    assert "Take a sample" in RECIPE.validate(large, settings, "local")[0].expected


def test_a_large_set_is_not_indexed_while_one_waits(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.service.searching.AT_ONCE", 100)
    with pytest.raises(NotFound, match="no index by words"):
        served.studio.search(LOCAL, "kit:debian-summaries", Search(query="web", by="words"))


def test_columns_that_cannot_be_searched(served: Served) -> None:
    with pytest.raises(InvalidInput, match="columns"):
        served.studio.search(LOCAL, "kit:emoji-scenes", Search(query="x", columns=("objects",)))


def test_tokens_of_texts(served: Served) -> None:
    found = served.studio.token_lengths(LOCAL, TOPICS, "test", "text", "kit:minilm-l6")
    assert found is not None
    assert found.unit == "tokens"
    assert 10 < (found.mean or 0) < 100
    assert found.basis.whole
    with pytest.raises(InvalidInput, match="tokenizer"):
        served.studio.token_lengths(LOCAL, TOPICS, "test", "text", "kit:segmenter")


def test_over_http(served: Served) -> None:
    with served.client() as client:
        body = {"ref": TOPICS, "query": "WEB server", "split": "test", "limit": 3}
        found = client.post("/datasets/search", json=body).json()
        assert [len(row) for row in found["page"]["rows"]] == [3, 3, 3]
        assert client.post("/datasets/search", json=body | {"by": "smell"}).status_code == 422
        missing = client.post("/datasets/search", json=body | {"by": "meaning", "split": "train"})
        assert missing.status_code == 404
        assert "index" in missing.json()["error"]
        figures = client.get("/datasets/statistics", params={"ref": TOPICS, "split": "test", "columns": "label"}).json()
        assert figures[0]["distinct"] == 10
        assert sum(rows for _, rows in figures[0]["top"]) == 995
        crossed = client.get("/datasets/cross", params={"ref": "kit:wine", "x": "label", "y": "alcohol"}).json()
        assert (crossed["kind"], len(crossed["cells"])) == ("spreads", 3)
        told = client.get("/datasets/tokens", params={"ref": TOPICS, "column": "text", "tokenizer": "kit:minilm-l6"})
        assert told.json()["unit"] == "tokens"
        assert client.get("/datasets/index", params={"ref": TOPICS, "kind": "meaning"}).json() is None
        made = client.post("/datasets/index", json={"ref": TOPICS, "kind": "words"}, headers={"Idempotency-Key": "k"})
        again = client.post("/datasets/index", json={"ref": TOPICS, "kind": "words"}, headers={"Idempotency-Key": "k"})
        assert made.status_code == 201
        assert made.json()["id"] == again.json()["id"]
        assert client.get("/datasets/map", params={"ref": TOPICS}).status_code == 404


def test_as_tools(served: Served) -> None:
    async def ask(name: str, given: dict[str, Any]) -> Any:
        async with Client(f"{served.url}/mcp") as client:
            answer = await client.call_tool(name, given)
            return json.loads(answer.content[0].text)  # type: ignore[union-attr]

    found = anyio.run(ask, "search_dataset", {"ref": TOPICS, "query": "web server", "by": "words", "split": "test"})
    assert found["scores"]
    assert anyio.run(ask, "describe_columns", {"ref": "kit:wine", "columns": ["label"]})[0]["distinct"] == 3
    assert anyio.run(ask, "cross_columns", {"ref": "kit:wine", "x": "ash", "y": "alcohol"})["kind"] == "plane"


def test_from_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path))
    monkeypatch.setenv("STUDIO_OFFLINE", "true")

    def said(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["studio", "datasets", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return str(err if ended.value.code else out)

    assert "web" in said("search", TOPICS, "web server", "--by", "words", "--split", "test")
    assert "grower 2 (47)" in said("stats", "kit:wine", "-c", "label")
    assert "lower quartile" in said("cross", "kit:wine", "label", "alcohol")
    assert "Say what to look for" in said("search", TOPICS, " ")


def test_whoever_may_not_see_the_data_finds_nothing(tmp_path: Path) -> None:
    settings = Settings.model_validate({"home": tmp_path / "home", "offline": True, "public": True, "zygote": False})
    settings.artifacts_dir.mkdir(parents=True)
    file = tmp_path / "rows.csv"
    file.write_text("text\nsecret plan\nother\n")
    ref = uploads.store(file, file.name, settings, "session:ann").ref
    studio = Studio(settings)
    try:
        assert studio.search(Caller("session:ann"), ref, Search(query="secret")).page.numbers == [0]
        for ask in (
            lambda who: studio.search(who, ref, Search(query="secret")),
            lambda who: studio.statistics(who, ref, "train"),
            lambda who: studio.cross(who, ref, "train", "text", "text"),
            lambda who: studio.search_index(who, ref, "train", "words"),
        ):
            with pytest.raises(NotFound):
                ask(Caller("session:ben"))
    finally:
        studio.close()
