"""What holds for every recipe that reads data: of what is large the request that starts it reads the beginning only."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import Conflict, InvalidInput, InvalidInputs, UserError
from studio.core.params import parse
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.data import beginnings, hubsets, sources
from studio.data.blocks import BLOCK
from studio.recipes import RECIPES
from studio.recipes.index import MOST_VECTORS
from studio.service import Studio
from tests.hubserver import commits
from tests.hubserver.server import HubServer
from tests.unit.data.conftest import hub
from tests.unit.data.test_beginnings import CONTENT
from tests.unit.recipes.tiny import make_context

__all__ = ["hub"]

LOCAL = Caller("local", "You", admin=True)
BIG = "alice/big"
ROWS = 9_000
LONG = "very " * 60
STEPS = "steps:\n- {step: edit, split: train, cells: [{row: 0, column: n, value: 5}]}\n"
READ: dict[str, dict[str, Any]] = {
    "text-classification": {"dataset": BIG, "max_length": 256},
    "predict": {"task": "text-classification", "model": "kit:sentiment", "dataset": BIG},
    "index": {"dataset": BIG, "columns": ["text"], "kind": "meaning"},
    "check": {"dataset": BIG, "checks": ["empty"], "columns": ["text"]},
    "transform": {"dataset": BIG, "recipe": STEPS},
    "fetch": {"source": BIG},
    "annotate": {},  # of what was begun
    "publish": {"artifact": BIG, "repo_id": "alice/copy"},
}
NO_DATA = {"kit-add"}


def lines(last: str = "", head: str = "n,text,label,mark") -> bytes:
    rows = "".join(f"{n},a text of some length that is number {n},{'ab'[n % 2]},{n % 3}\n" for n in range(ROWS))
    return f"{head}\n{rows}{last}".encode()


@pytest.fixture
def studio(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setattr(hubsets, "SMALL", 300_000)
    monkeypatch.setattr(beginnings, "SMALL", 300_000)
    monkeypatch.setattr(beginnings, "LONGEST", 1)
    monkeypatch.setenv("HF_TOKEN", hub.token)
    made = Studio(Settings(home=tmp_path / "home"))
    yield made
    made.close()


def test_all_recipes_are_here() -> None:
    assert set(READ) | NO_DATA == set(RECIPES)


def begun(hub: HubServer, studio: Studio) -> str:
    """An annotation whose data set is not here any more."""
    work = studio.start_annotation(
        LOCAL, BIG, {"name": "good", "kind": "label", "column": "text", "classes": ["a", "b"]}
    )
    studio.annotate(LOCAL, work.id, 0, "a")
    shutil.rmtree(studio.settings.home / "datasets")
    hub.requests.clear()
    return work.id


@pytest.mark.parametrize("name", list(READ))
def test_a_start_reads_the_beginning_only(hub: HubServer, studio: Studio, name: str) -> None:
    hub.add_repo(BIG, {"train.csv": lines()}, "dataset")
    values = READ[name] or {"work": begun(hub, studio)}
    if name == "publish":
        with pytest.raises(InvalidInputs, match="lies on the Hub already"):
            studio.submit(LOCAL, name, values)
    else:
        assert studio.submit(LOCAL, name, values).recipe == name
    assert hub.served(CONTENT) <= BLOCK


@pytest.mark.parametrize("name", list(READ))
def test_nothing_large_is_converted_by_a_start(hub: HubServer, studio: Studio, tmp_path: Path, name: str) -> None:
    file = tmp_path / "big.csv"
    file.write_bytes(lines())
    values = {field: str(file) if value == BIG else value for field, value in READ[name].items()}
    if not values:
        plan = {"name": "good", "kind": "label", "column": "text", "classes": ["a", "b"]}
        values = {"work": studio.start_annotation(LOCAL, str(file), plan).id}
        studio.annotate(LOCAL, values["work"], 0, "a")
        shutil.rmtree(studio.settings.home / "datasets")
    studio.submit(LOCAL, name, values)
    made = (studio.settings.home / "datasets").rglob("*.parquet")
    assert sum(path.stat().st_size for path in made) < BLOCK


def run(studio: Studio, name: str, values: dict[str, Any]) -> None:
    """The job, up to what it finds wrong with its data."""
    params = parse(RECIPES[name].params, values)
    RECIPES[name].run(params, make_context(studio.settings, params, recipe=name)[0])


@pytest.mark.parametrize(
    ("name", "values", "last", "field", "said"),
    [
        ("text-classification", {"label_column": "mark"}, "0,t,a,1.5", "data.label_column", "It holds DOUBLE"),
        ("text-classification", {}, "0,t,c,1", "data.label_column", "'c' has one row only"),
        ("text-classification", {"max_length": 40}, f"0,{LONG},a,1", "model.max_length", "1 text is longer"),
        ("transform", {}, "none,t,a,1", "steps.1.cells.0.value", "'n' holds VARCHAR"),
        ("index", {}, "0,t,a,1", "split", f"It has {ROWS + 1:,} rows; vectors are made for at most {ROWS:,}"),
    ],
)
def test_a_job_asks_again_of_the_whole(
    hub: HubServer,
    studio: Studio,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    values: dict[str, Any],
    last: str,
    field: str,
    said: str,
) -> None:
    monkeypatch.setattr("studio.recipes.index.MOST_VECTORS", ROWS)
    assert MOST_VECTORS > ROWS
    hub.add_repo(BIG, {"train.csv": lines(f"{last}\n")}, "dataset")
    given = READ[name] | values
    studio.submit(LOCAL, name, given)
    before = hub.served(CONTENT)
    assert before <= BLOCK
    with pytest.raises(UserError) as caught:
        run(studio, name, given)
    error = caught.value
    assert isinstance(error, InvalidInput | InvalidInputs)
    problems = error.problems if isinstance(error, InvalidInputs) else (error,)
    assert [problem.field for problem in problems] == [field]
    assert said in str(error)
    assert len(lines()) <= hub.served(CONTENT) - before
    with pytest.raises(InvalidInputs, match=said.replace("(", "\\(")):
        studio.submit(LOCAL, name, given)


CHECKED = [name for name in READ if name not in ("fetch", "annotate", "publish")]


@pytest.mark.parametrize("name", CHECKED)
def test_a_job_asks_again_of_what_was_changed_meanwhile(hub: HubServer, studio: Studio, name: str) -> None:
    repo = hub.add_repo(BIG, {"train.csv": lines()}, "dataset")
    studio.submit(LOCAL, name, READ[name])
    commits.add_files(hub.hub, repo, {"train.csv": lines(head="number,words,label,marks")})
    hubsets._asked.cache_clear()
    with pytest.raises((InvalidInput, InvalidInputs), match=r"There is no such|Columns of text: words"):
        run(studio, name, READ[name])


@pytest.mark.parametrize("name", CHECKED)
def test_a_rest_that_cannot_be_read_is_told_at_the_field(hub: HubServer, studio: Studio, name: str) -> None:
    hub.add_repo(BIG, {"train.csv": lines("1,2,3,4,5,6,7\n")}, "dataset")
    studio.submit(LOCAL, name, READ[name])
    with pytest.raises(InvalidInput) as caught:
        run(studio, name, READ[name])
    assert caught.value.field == ("data.dataset" if name == "text-classification" else "dataset")
    assert caught.value.value == BIG
    assert f"{ROWS + 2:,}" in caught.value.expected or str(ROWS + 2) in caught.value.expected


def test_an_annotation_of_other_rows_is_refused_by_the_job(hub: HubServer, studio: Studio) -> None:
    repo = hub.add_repo(BIG, {"train.csv": lines()}, "dataset")
    values = {"work": begun(hub, studio)}
    commits.add_files(hub.hub, repo, {"train.csv": lines("1,other,a,2\n")})
    hubsets._asked.cache_clear()
    studio.submit(LOCAL, "annotate", values)
    with pytest.raises(Conflict, match="is not what it was when it was annotated"):
        run(studio, "annotate", values)
    assert not sources.resolve(BIG, studio.settings, "local").info.partial
