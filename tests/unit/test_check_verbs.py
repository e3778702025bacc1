"""The verbs of data checks: through the service, the terminal, REST and as tools, with a real job."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from studio.core.errors import InvalidInput, InvalidInputs, NotFound, TimedOut
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.data.checks import CHECKS
from studio.jobs.job import Job
from studio.service import Studio
from studio.service import checks as verbs
from tests.unit.plugged import plugged
from tests.unit.test_cli import Terminal
from tests.unit.web.serving import Served, serve
from tests.unit.web.test_mcp import call

LOCAL = Caller("local", "You", admin=True)
VISITOR = Caller("session:ann", "Guest")
WINE = "kit:wine"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with plugged():
        yield from serve(Settings(home=tmp_path_factory.mktemp("checks") / "home", offline=True, zygote=False))


@pytest.fixture(scope="module")
def checked(served: Served) -> Job:
    """A check that has been run to its end."""
    job = served.studio.check(LOCAL, WINE, ["duplicates", "outliers"])
    done = served.studio.wait(LOCAL, job.id, 120)
    assert done.state.value == "succeeded", done.error
    return done


def posted(served: Served, path: str, **body: Any) -> httpx.Response:
    with served.client() as client:
        return client.post(path, json=body)


def test_every_check_is_listed(served: Served) -> None:
    assert [check.id for check in served.studio.checks()] == list(CHECKS)
    with served.client() as client:
        listed = client.get("/checks").json()
    assert [one["id"] for one in listed] == list(CHECKS)
    assert listed[0]["parameters"]["properties"]["threshold"]["default"] == 0.8


def test_a_report_is_read_by_its_owner_only(served: Served, checked: Job) -> None:
    report = served.studio.report(LOCAL, checked.artifact)
    assert [finding.check for finding in report.findings] == ["duplicates", "outliers"]
    assert served.studio.report(LOCAL, f"artifact:{checked.artifact}") == report
    for who, name in ((VISITOR, checked.artifact), (LOCAL, "nothing"), (LOCAL, "../secrets")):
        with pytest.raises(NotFound):
            served.studio.report(who, name)
    with pytest.raises(InvalidInput) as caught:
        served.studio.report_file(LOCAL, checked.artifact, "pdf")
    assert caught.value.field == "format"


def test_small_data_are_checked_at_once(served: Served) -> None:
    report = served.studio.check_now(LOCAL, WINE)
    assert [finding.check for finding in report.findings] == [name for name in CHECKS if not CHECKS[name].heavy]
    assert (report.ref, report.splits) == (WINE, {"train": 118, "test": 60})
    named = served.studio.check_now(LOCAL, WINE, ["imbalance"], {"label": "label", "splits": ["train"]})
    assert list(named.findings[0].counts) == ["label of train"]


def test_what_is_not_for_at_once_is_refused(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match="job only") as caught:
        served.studio.check_now(LOCAL, WINE, ["label-errors"])
    assert caught.value.field == "checks"
    with pytest.raises(InvalidInputs) as several:
        served.studio.check_now(LOCAL, WINE, ["spelling"], {"columns": ["nothing"], "options": {"pii": {"shown": 0}}})
    assert [problem.field for problem in several.value.problems] == ["checks", "columns", "options.pii.shown"]
    with pytest.raises(InvalidInputs):
        served.studio.check_now(LOCAL, WINE, [], {"nothing_like_it": 1})
    monkeypatch.setattr(verbs, "AT_ONCE_ROWS", 100)
    with pytest.raises(InvalidInput, match="as a job"):
        served.studio.check_now(LOCAL, WINE)
    monkeypatch.setattr(verbs, "AT_ONCE_ROWS", 1_000)
    monkeypatch.setattr(verbs, "AT_ONCE_SECONDS", -1.0)
    with pytest.raises(TimedOut):
        served.studio.check_now(LOCAL, WINE)


def test_over_rest(served: Served, checked: Job) -> None:
    now = posted(served, "/datasets/check-now", ref=WINE, checks=["empty"])
    assert now.status_code == 200, now.text
    assert now.json()["findings"][0]["severity"] == "ok"
    assert now.json()["markdown"].startswith("## Data checks")
    wrong = posted(served, "/datasets/check", ref=WINE, checks=["spelling"], params={"label": "nothing"})
    assert (wrong.status_code, [one["field"] for one in wrong.json()["problems"]]) == (422, ["checks", "label"])
    key = {"Idempotency-Key": f"key-{time.time()}"}
    with served.client() as client:
        body = {"ref": WINE, "checks": ["empty"]}
        twice = [client.post("/datasets/check", json=body, headers=key) for _ in range(2)]
        assert [one.status_code for one in twice] == [201, 201]
        assert twice[0].json()["id"] == twice[1].json()["id"]
        assert client.get(f"/reports/{checked.artifact}").json()["splits"] == {"train": 118, "test": 60}
        assert client.get("/reports/nothing").status_code == 404
        page = client.get(f"/reports/{checked.artifact}/file", params={"format": "html"})
        assert page.headers["content-disposition"] == f'attachment; filename="{checked.artifact}.html"'
        assert "sandbox" in page.headers["content-security-policy"]
        assert page.text.startswith("<!doctype html>")
        assert client.get(f"/reports/{checked.artifact}/file", params={"format": "md"}).text.startswith(
            "## Data checks"
        )
        assert client.get(f"/reports/{checked.artifact}/file", params={"format": "json"}).json()["ref"] == WINE
        assert client.get(f"/reports/{checked.artifact}/file", params={"format": "exe"}).status_code == 422


def test_as_tools(served: Served, checked: Job) -> None:
    assert [one["id"] for one in json.loads(call(served, "list_checks").content[0].text)] == list(CHECKS)
    told = call(served, "check_dataset_now", ref=WINE, checks=["duplicates"]).content[0].text
    assert "Exact duplicates" in told
    assert "Outliers" in call(served, "get_report", id=checked.artifact).content[0].text
    started = json.loads(call(served, "check_dataset", ref=WINE, checks=["empty"]).content[0].text)
    assert served.studio.wait(LOCAL, started["id"], 120).artifact
    assert call(served, "check_dataset", ref=WINE, checks=["spelling"]).is_error


def test_from_a_terminal(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "home")
    assert terminal.good("datasets", "checks").count("\n") == len(CHECKS)
    assert [one["id"] for one in terminal.json("datasets", "checks", "--json")] == list(CHECKS)
    now = terminal.good("datasets", "check", WINE, "--now", "-c", "duplicates")
    assert now.startswith("## Data checks")
    assert terminal.json("datasets", "check", WINE, "--now", "-c", "empty", "--json")["splits"]["test"] == 60
    artifact = terminal.good(
        "datasets", "check", WINE, "-c", "outliers", "--set", 'options={"outliers": {"z": 4}}', "--wait"
    ).strip()
    assert "4.0 robust deviations" in terminal.good("datasets", "report", artifact)
    target = tmp_path / "report.html"
    terminal.good("datasets", "report", artifact, "--format", "html", "--output", str(target))
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")
    wrong = terminal.run("datasets", "check", WINE, "-c", "spelling")
    assert (wrong.returncode, "Known: leakage" in wrong.stderr) == (2, True)
    assert terminal.run("datasets", "report", "nothing").returncode == 1
    assert terminal.run("datasets", "report", artifact, "-o", str(tmp_path / "no" / "file")).returncode == 2


def test_the_verbs_load_neither_models_nor_scikit_learn(tmp_path: Path) -> None:
    from tests.contract.test_light_processes import loaded

    heavy = ("torch", "transformers", "datasets", "sklearn", "py3langid", "phonenumbers", "ftfy")
    code = f"""
import sys
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.service import Studio
studio = Studio(Settings())
caller = Caller("local", admin=True)
[check.described() for check in studio.checks()]
problems = studio.validate(caller, "check", {{"dataset": "kit:wine"}})
studio.check_now(caller, "kit:wine", ["leakage", "duplicates", "outliers", "empty", "imbalance"])
print(problems, [name for name in {heavy} if name in sys.modules])
studio.close()
"""
    assert loaded(code, tmp_path) == "[] []"


def test_the_studio_has_them() -> None:
    assert {"checks", "check", "check_now", "report", "report_file"} <= set(dir(Studio))
