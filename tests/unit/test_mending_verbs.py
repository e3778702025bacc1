"""Mending through every door: the verbs, REST, MCP and the terminal; who may see what, and a chain of versions."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from studio.core.errors import InvalidInput, InvalidInputs, NotFound
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.data import mending
from studio.service import Studio
from tests.mended import some_rows
from tests.unit.plugged import plugged
from tests.unit.test_cli import Terminal
from tests.unit.web.answers import finished
from tests.unit.web.serving import Served, serve
from tests.unit.web.test_mcp import call, told

LOCAL = Caller("local", "You", admin=True)
ANN, BEN = Caller("session:ann", "Guest"), Caller("session:ben", "Guest")
STEPS = [{"step": "filter", "condition": "number > 3"}, {"step": "shuffle", "seed": 1}]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with plugged():
        yield from serve(Settings(home=tmp_path_factory.mktemp("mending") / "home", offline=True, zygote=False))


@pytest.fixture(scope="module")
def studio(served: Served) -> Studio:
    return served.studio


@pytest.fixture(scope="module")
def ref(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("rows") / "rows.parquet"
    pq.write_table(some_rows(), file)
    return studio.upload(LOCAL, file, file.name).ref


@pytest.fixture(scope="module")
def versions(studio: Studio, ref: str) -> list[str]:
    """A data set, one made from it, and one made from that."""
    first = studio.wait(LOCAL, studio.transform(LOCAL, ref, STEPS, "First").id, 120)
    assert first.state.value == "succeeded", first.error
    again = f"artifact:{first.artifact}"
    second = studio.wait(LOCAL, studio.transform(LOCAL, again, [{"step": "toy-step"}]).id, 120)
    assert second.state.value == "succeeded", second.error
    return [ref, again, f"artifact:{second.artifact}"]


def test_versions_and_where_they_come_from(studio: Studio, versions: list[str]) -> None:
    found = studio.lineage(LOCAL, versions[2])
    assert [one.ref for one in found] == versions[::-1]
    assert [one.made_by for one in found] == ["transform", "transform", ""]
    assert found[0].steps == ("say text louder",)
    assert found[1].steps == ("keep rows where number > 3", "shuffle with seed 1")
    assert (found[1].title, found[0].title) == ("First", f"{versions[1]}, mended")
    assert found[2].fingerprint == studio.dataset(LOCAL, versions[0]).fingerprint()
    assert found[1].fingerprint == studio.dataset(LOCAL, versions[1]).fingerprint()
    texts = [row["text"] for row in _rows(studio, versions[1])]
    assert [row["text"] for row in _rows(studio, versions[2])] == [text and text.upper() for text in texts]
    assert studio.lineage(LOCAL, "kit:wine")[0].made_by == ""
    with pytest.raises(NotFound):
        studio.lineage(LOCAL, "artifact:nothing")


def _rows(studio: Studio, ref: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(studio.dataset(LOCAL, ref).files["train"][0]).to_pylist()
    return found


def test_a_lineage_may_have_lost_its_beginning(studio: Studio, tmp_path: Path) -> None:
    file = tmp_path / "gone.parquet"
    pq.write_table(some_rows(4), file)
    ref = studio.upload(LOCAL, file, file.name).ref
    job = studio.wait(LOCAL, studio.transform(LOCAL, ref, [{"step": "shuffle"}]).id, 120)
    studio.delete_dataset(LOCAL, ref)
    made, lost = studio.lineage(LOCAL, f"artifact:{job.artifact}")
    assert (made.problem, lost.ref) == ("", ref)
    assert "There is no" in lost.problem


def test_recipes_of_results(studio: Studio, versions: list[str]) -> None:
    recipe = mending.read(studio.recipe_yaml(LOCAL, versions[1]))
    assert recipe.steps == mending.read(STEPS).steps
    assert recipe.source is not None
    assert recipe.source.ref == versions[0]
    assert "shuffled" in studio.recipe_python(LOCAL, versions[1])
    assert "def louder" in studio.recipe_python(LOCAL, versions[2])
    other = mending.read(studio.recipe_yaml(LOCAL, "kit:wine", [{"step": "shuffle"}]))
    assert other.source == mending.Source.of(studio.dataset(LOCAL, "kit:wine"))
    with pytest.raises(InvalidInput, match="only results of jobs"):
        studio.recipe_yaml(LOCAL, "kit:wine")


def test_what_is_wrong_is_named_by_every_verb(studio: Studio, ref: str) -> None:
    wrong = [{"step": "shuffle"}, {"step": "drop", "columns": ["no"]}]
    for verb in (
        lambda: studio.preview(LOCAL, ref, "train", wrong),
        lambda: studio.transform(LOCAL, ref, wrong),
        lambda: studio.recipe_yaml(LOCAL, ref, wrong),
        lambda: studio.recipe_python(LOCAL, ref, wrong),
    ):
        with pytest.raises(InvalidInput) as caught:
            verb()
        assert caught.value.field == "steps.2.columns"
    with pytest.raises(InvalidInputs, match=r"steps\.1\.step: 'mix'"):
        studio.transform(LOCAL, ref, "- step: mix")


def test_others_see_nothing(tmp_path: Path) -> None:
    studio = Studio(Settings(home=tmp_path / "home", offline=True, zygote=False, public=True))
    file = tmp_path / "rows.parquet"
    pq.write_table(some_rows(4), file)
    ref = studio.upload(ANN, file, file.name).ref
    assert studio.preview(ANN, ref, "train", STEPS).basis.whole
    assert studio.transform(ANN, ref, STEPS).owner == ANN.owner
    for verb in (
        lambda: studio.preview(BEN, ref, "train", STEPS),
        lambda: studio.transform(BEN, ref, STEPS),
        lambda: studio.recipe_python(BEN, ref, STEPS),
        lambda: studio.lineage(BEN, ref),
    ):
        with pytest.raises(NotFound):
            verb()
    studio.close()


def test_rest(served: Served, ref: str) -> None:
    with served.client() as client:
        assert "filter" in [step["name"] for step in client.get("/steps").json()]
        shown = client.post("/datasets/mend/preview", json={"ref": ref, "recipe": STEPS, "rows": 2}).json()
        assert len(shown["after"]) == 2
        assert shown["counts"][0]["after"] == 24
        text = client.post("/datasets/mend/yaml", json={"ref": ref, "recipe": STEPS})
        assert text.headers["content-type"].startswith("application/yaml")
        assert "from datasets import" in client.post("/datasets/mend/python", json={"ref": ref, "recipe": STEPS}).text
        key = {"Idempotency-Key": "one"}
        job = client.post("/datasets/mend", json={"ref": ref, "recipe": text.text}, headers=key)
        assert job.status_code == 201
        again = client.post("/datasets/mend", json={"ref": ref, "recipe": text.text}, headers=key)
        assert again.json()["id"] == job.json()["id"]
        done = finished(client, job.json()["id"])
        lineage = client.get("/datasets/lineage", params={"ref": f"artifact:{done['artifact']}"}).json()
        assert [one["ref"] for one in lineage][1] == ref
        refused = client.post("/datasets/mend", json={"ref": ref, "recipe": "- {step: drop, columns: [no]}"})
        assert refused.status_code == 422
        assert refused.json()["problems"][0]["field"] == "steps.1.columns"


def test_tools(served: Served, ref: str) -> None:
    assert "filter" in [step["name"] for step in told(call(served, "list_steps"))]
    shown = told(call(served, "preview_recipe", ref=ref, recipe=STEPS))
    assert len(shown["after"]) == 5
    text = call(served, "recipe_yaml", ref=ref, recipe=STEPS).content[0].text
    assert "number > 3" in text
    assert "from datasets" in call(served, "recipe_python", ref=ref, recipe=text).content[0].text
    job = told(call(served, "transform_dataset", ref=ref, recipe=text, title="By a tool"))
    assert job["title"] == "By a tool"
    done = served.studio.wait(LOCAL, job["id"], 120)
    assert told(call(served, "dataset_lineage", ref=f"artifact:{done.artifact}"))[1]["ref"] == ref
    wrong = call(served, "preview_recipe", ref=ref, recipe=[{"step": "mix"}])
    assert wrong.is_error
    assert "steps.1.step" in wrong.content[0].text


def test_terminal(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "home")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("- {step: filter, condition: length(text) > 200}\n- {step: shuffle}\n")
    assert "shuffle\t" in terminal.good("datasets", "steps")
    shown = terminal.run("datasets", "mend", "kit:debian-topics", str(recipe), "--preview", "--rows", "2")
    assert len(shown.stdout.splitlines()) == 3
    assert "Tried on the first 1,000 of 3,989 rows of train." in shown.stderr
    assert "format: 1" in terminal.good("datasets", "mend", "kit:debian-topics", str(recipe), "--yaml")
    done = terminal.good("datasets", "mend", "kit:debian-topics", str(recipe), "--wait").strip()
    lineage = json.loads(terminal.good("datasets", "lineage", f"artifact:{done}", "--json"))
    assert [one["ref"] for one in lineage] == [f"artifact:{done}", "kit:debian-topics"]
    assert "def shuffled" in terminal.good("datasets", "mend", f"artifact:{done}", "--python")
    for arguments in (("--preview",), (str(tmp_path / "no.yaml"),), (str(recipe), "--yaml", "--python")):
        assert terminal.run("datasets", "mend", "kit:debian-topics", *arguments).returncode == 2
