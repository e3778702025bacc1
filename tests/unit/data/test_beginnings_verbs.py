"""What the studio's verbs do with a data set of which only the beginning is here: looks take it, all else does not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.cli import looking, mending, opening, searching
from studio.core.errors import InvalidInput, NotFound, UserError
from studio.core.params import parse
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.data import beginnings, hubsets, sources
from studio.data.blocks import BLOCK
from studio.data.finding import Search
from studio.data.mending import Source
from studio.data.records import Basis
from studio.data.views import View
from studio.pages import finetune
from studio.pages.datasets import asking, figures, headline
from studio.pages.datasets.address import Address
from studio.recipes import transform
from studio.recipes.index import RECIPE, IndexParams
from studio.recipes.transform.params import TransformParams
from studio.service import Studio
from tests.hubserver.server import HubServer
from tests.unit.data.test_beginnings import CONTENT, NOTE, table
from tests.unit.recipes.tiny import make_context
from tests.unit.web.serving import Served, serve
from tests.unit.web.test_mcp import call, told

LOCAL = Caller("local", "You", admin=True)
ROWS = 9_000
BIG = "alice/big"
STEPS = "steps:\n- {step: rename, column: text, to: words}\n"


@pytest.fixture
def big(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> HubServer:
    monkeypatch.setattr(hubsets, "SMALL", 300_000)
    monkeypatch.setattr(beginnings, "LONGEST", 1)
    hub.add_repo(BIG, {"train.csv": table(ROWS), "test.csv": table(6)}, "dataset")
    return hub


@pytest.fixture
def studio(big: HubServer, settings: Settings) -> Iterator[Studio]:
    studio = Studio(settings)
    yield studio
    studio.close()


def test_every_look_says_that_it_is_of_the_beginning(big: HubServer, studio: Studio) -> None:
    info = studio.dataset(LOCAL, BIG).info
    known = info.splits["train"]
    page = studio.view(LOCAL, BIG, View(where="n >= 10"))
    assert (page.total, page.matching, page.partial) == (known, known - 10, info.partial)
    answer = studio.sql(LOCAL, BIG, "train", "SELECT count(*) FROM data")
    assert (answer.rows, answer.partial) == ([[known]], info.partial)
    found = studio.search(LOCAL, BIG, Search(query=f"{NOTE} 11", by="text"))
    assert found.page.numbers[0] == 11
    assert found.page.partial == info.partial
    assert studio.row(LOCAL, BIG, "train", 5).values[0].value == 5
    basis = Basis(known, known, beginning=True)
    assert [one.basis for one in studio.statistics(LOCAL, BIG, "train")] == [basis] * 3
    assert studio.cross(LOCAL, BIG, "train", "label", "n").basis == basis
    summary = studio.column(LOCAL, BIG, "train", "label")
    assert (summary.rows, summary.partial) == (known, info.partial)
    tried = studio.preview(LOCAL, BIG, "train", STEPS, 5)
    assert (tried.basis.beginning, tried.basis.whole, tried.columns[1].name) == (True, False, "words")
    assert studio.map_columns(LOCAL, BIG, "train").text == "text"
    other = studio.view(LOCAL, BIG, View(split="test"))
    assert (other.total, other.partial) == (6, "")
    assert big.served(CONTENT) <= BLOCK + len(table(6))


def test_what_needs_all_rows_says_so(big: HubServer, studio: Studio) -> None:
    for by in ("words", "meaning"):
        with pytest.raises(NotFound, match="Build it: it runs as a job"):
            studio.search(LOCAL, BIG, Search.model_validate({"query": "left", "by": by}))
    assert studio.search_index(LOCAL, BIG, "train", "words") is None
    with pytest.raises(NotFound, match="no index by meaning"):
        studio.embedding_map(LOCAL, BIG, "train")
    with pytest.raises(InvalidInput, match="only the beginning is read at once; check it as a job"):
        studio.check_now(LOCAL, BIG, ["empty"])
    assert big.served(CONTENT) <= BLOCK + len(table(6))


def test_what_is_kept_or_given_away_is_of_the_whole(big: HubServer, studio: Studio) -> None:
    part = studio.dataset(LOCAL, BIG)
    assert part.info.splits["train"] < ROWS
    exported = b"".join(studio.export(LOCAL, BIG, "csv", "train").parts)
    assert exported.count(NOTE.partition("\n")[2].encode()) == ROWS


@pytest.mark.parametrize("verb", ["annotate", "yaml", "card", "index"])
def test_jobs_and_plans_begin_with_the_whole(big: HubServer, studio: Studio, verb: str) -> None:
    part = studio.dataset(LOCAL, BIG)
    plan = {"name": "good", "kind": "label", "split": "train", "column": "text", "classes": ["yes", "no"]}
    if verb == "annotate":
        assert studio.start_annotation(LOCAL, BIG, plan).rows == ROWS
    elif verb == "yaml":
        written = studio.recipe_yaml(LOCAL, BIG, STEPS)
        whole = sources.resolve(BIG, studio.settings, "local")
        assert Source.of(whole).fingerprint in written
        assert part.fingerprint() not in written
    elif verb == "card":
        assert f"{ROWS:,}" in studio.dataset_card(LOCAL, BIG)
    else:
        studio.build_index(LOCAL, BIG)
        params = parse(IndexParams, {"dataset": BIG, "columns": ["text"]})
        RECIPE.run(params, make_context(studio.settings, params, recipe="index")[0])
        found = studio.search(LOCAL, BIG, Search(query=f'"{ROWS - 1}"', by="words"))
        assert found.page.numbers == [ROWS - 1]
    assert studio.dataset(LOCAL, BIG).info.splits["train"] == ROWS


def test_a_start_fetches_nothing_and_the_job_everything(big: HubServer, studio: Studio) -> None:
    assert studio.dataset(LOCAL, BIG).info.partial
    before = big.served(CONTENT)
    job = studio.transform(LOCAL, BIG, STEPS)
    studio.check(LOCAL, BIG, ["empty"])
    assert big.served(CONTENT) == before
    params = parse(TransformParams, dict(job.params))
    transform.RECIPE.run(params, make_context(studio.settings, params, recipe="transform")[0])
    assert studio.dataset(LOCAL, "artifact:job-1").info.splits == {"train": ROWS, "test": 6}


def test_a_recipe_for_the_whole_is_no_other_for_the_beginning(big: HubServer, studio: Studio) -> None:
    revision = studio.dataset(LOCAL, BIG).info.revision
    recipe = f'source: {{ref: "{BIG}", revision: "{revision}", fingerprint: "{"0" * 64}"}}\n{STEPS}'
    assert studio.preview(LOCAL, BIG, "train", recipe).notes == []
    sources.resolve(BIG, studio.settings, "local")
    assert "The data are not those" in studio.preview(LOCAL, BIG, "train", recipe).notes[0]


def test_too_large_for_anything_but_a_look(big: HubServer, settings: Settings) -> None:
    big.add_repo("alice/huge", {"train.csv": table(30_000)}, "dataset")
    studio = Studio(settings.model_copy(update={"max_dataset_mb": 1}))
    try:
        assert studio.view(LOCAL, "alice/huge").partial
        for verb in (
            lambda: studio.export(LOCAL, "alice/huge", "csv"),
            lambda: studio.transform(LOCAL, "alice/huge", STEPS),
            lambda: studio.build_index(LOCAL, "alice/huge"),
            lambda: studio.check(LOCAL, "alice/huge", ["empty"]),
            lambda: studio.start_annotation(LOCAL, "alice/huge", {"name": "x", "kind": "label", "column": "text"}),
        ):
            with pytest.raises(UserError, match="at most 1 MB are downloaded here"):
                verb()
    finally:
        studio.close()


@pytest.fixture
def served(big: HubServer, settings: Settings) -> Iterator[Served]:
    yield from serve(settings.model_copy(update={"zygote": False}))


def test_over_http_and_as_tools(served: Served) -> None:
    with served.client() as client:
        info = client.get("/datasets/info", params={"ref": BIG}).json()
        assert info["partial"].startswith("The first 0.1 MB of 0.4 MB (train.csv, test.csv); download it")
        assert info["cut"] == ["train"]
        page = client.get("/datasets/view", params={"ref": BIG, "limit": 1}).json()
        assert (page["total"], page["partial"]) == (info["splits"]["train"], info["partial"])
        asked = {"ref": BIG, "split": "train", "query": "SELECT 1"}
        assert client.post("/datasets/sql", json=asked).json()["partial"] == info["partial"]
        (one,) = client.get("/datasets/statistics", params={"ref": BIG, "columns": "n"}).json()
        assert one["basis"]["beginning"] is True
    assert told(call(served, "show_dataset", ref=BIG)) == info
    assert told(call(served, "view_dataset", ref=BIG))["partial"] == info["partial"]


def test_in_a_terminal(
    big: HubServer,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(settings.home))
    opening.shown(BIG)
    shown = capsys.readouterr().out
    partial = "The first 0.1 MB of 0.4 MB (train.csv, test.csv); download it to see and use all of it.\n"
    assert partial in shown
    looking.view(BIG)
    looking.sql(BIG, "SELECT 1")
    searching.search(BIG, "so, then")
    assert capsys.readouterr().err.count(partial) == 3
    looking.view(BIG, split="test")
    assert partial not in capsys.readouterr().err
    searching.stats(BIG)
    searching.cross(BIG, "n", "label")
    assert capsys.readouterr().err.count("Of the beginning only, ") == 2
    (tmp_path / "steps.yaml").write_text(STEPS)
    mending.mend(BIG, tmp_path / "steps.yaml", preview=True)
    assert "rows of the beginning of train." in capsys.readouterr().err


def test_on_the_page(studio: Studio) -> None:
    info = studio.dataset(LOCAL, BIG).info
    shown = headline(Address(ref=BIG, split="train"), info)
    assert '<div class="notice warn" role="status">' in shown
    assert f"<div>{info.partial}</div>" in shown
    known = info.splits["train"]
    assert f"{known + 6:,}+ rows" in shown
    assert f"train <small>{known:,}+</small>" in shown
    assert "test <small>6</small>" in shown
    assert figures.basis(Basis(known, known, beginning=True)) == f"all {known:,} rows of the beginning"
    assert figures.basis(Basis(5, known, beginning=True)) == f"a sample of 5 of {known:,} rows of the beginning"
    assert info.partial in finetune.look(studio, BIG, LOCAL)
    assert info.partial in asking.table(studio.sql(LOCAL, BIG, "train", "SELECT count(*) FROM data"))
    whole = headline(Address(ref=BIG, split="train"), sources.resolve(BIG, studio.settings, "local").info)
    assert "notice" not in whole
    assert f"{ROWS + 6:,} rows" in whole
