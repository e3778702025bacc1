"""The design itself: a recipe, task, metric, engine and page from outside, one file and one table entry each.

`tests/plugins` is an installed package as far as Python is concerned; nothing of the studio names its contents.
"""

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from studio.core.registry import Registry
from tests.e2e.conftest import PLUGINS, ROOT, RunningStudio

FOLDERS = {"recipes": "RECIPE", "tasks": "TASK", "metrics": "METRIC", "engines": "ENGINE", "pages": "PAGE"}


def table(folder: str) -> Registry[Any]:
    found: Registry[Any] = getattr(__import__(f"studio.{folder}", fromlist=["x"]), f"{FOLDERS[folder]}S")
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_entry_of_a_folder_is_in_its_table(folder: str) -> None:
    source = ROOT / "studio" / folder
    made = re.compile(rf"^{FOLDERS[folder]}\b.* = |^class \w+{FOLDERS[folder].title()}:", re.MULTILINE)
    files = [path for path in source.rglob("*.py") if made.search(path.read_text(encoding="utf-8"))]
    entries = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in files}
    assert entries
    assert entries == {target.partition(":")[0] for target in table(folder).targets.values()}


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_table_entry_stands_in_the_docs(folder: str) -> None:
    documents = " ".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))
    assert [name for name in table(folder) if f"`{name}`" not in documents] == []


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Any:
    home = tmp_path_factory.mktemp("extended") / "home"
    running = RunningStudio(home, {"PYTHONPATH": str(PLUGINS), "STUDIO_OFFLINE": "true"})
    running.start()
    yield running
    running.stop()


def terminal(extended: RunningStudio, *arguments: str) -> str:
    environment = {**os.environ, **extended.environment, "STUDIO_HOME": str(extended.home)}
    done = subprocess.run(
        [sys.executable, "-m", "studio.cli", *arguments], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def rest(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def test_terminal_lists_and_runs_them(extended: RunningStudio) -> None:
    assert "toy-recipe" in terminal(extended, "recipes")
    job = json.loads(
        terminal(extended, "train", "toy-recipe", "--set", "count=4", "--engine", "toy-engine", "--wait", "--json")
    )
    assert (job["state"], job["engine"]) == ("succeeded", "toy-engine")
    assert (extended.home / "artifacts" / job["artifact"] / "count.txt").read_text() == "4"
    labels = json.loads(terminal(extended, "predict", "toy-task", "HELLO"))
    assert labels == [{"label": "LOUD", "score": 1.0}]


def test_rest_lists_and_runs_them(extended: RunningStudio) -> None:
    assert "toy-recipe" in [recipe["name"] for recipe in rest(f"{extended.url}/api/recipes")]
    answer = rest(f"{extended.url}/api/tasks/toy-task", {"inputs": "hello", "parameters": {"threshold": 0.1}})
    assert answer == [[{"label": "quiet", "score": 0.0}]]
    job = rest(f"{extended.url}/api/jobs", {"recipe": "toy-recipe", "params": {"count": 2}})
    assert job["title"] == "Count to 2"


def test_pages_show_them(extended: RunningStudio, page: Page) -> None:
    page.goto(f"{extended.url}/toy-page")
    expect(page.get_by_role("heading", level=1)).to_have_text("Toy page")
    expect(page.get_by_text("This toy page was added from outside.")).to_be_visible()
    expect(page.get_by_role("link", name="Toy page")).to_be_visible()
    page.goto(f"{extended.url}/fine-tune?recipe=toy-recipe")
    expect(page.get_by_label("Toy count").first).to_be_visible()
    page.goto(f"{extended.url}/playground?task=toy-task")
    expect(page.get_by_label("Toy text").first).to_be_visible()


def test_a_metric_from_outside_can_choose_the_best_model() -> None:
    code = "from studio.metrics import METRICS; from studio.recipes import RECIPES; import json; \
schema = json.dumps(RECIPES['text-classification'].params.model_json_schema()); \
assert 'toy-metric' in METRICS and METRICS['toy-metric'].compute([0, 1], [0, 0]) == 0.5; print('toy-metric' in schema)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PLUGINS), str(Path.cwd())])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "True", done.stderr
