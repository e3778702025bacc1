"""What a person does with jobs and with own data, in the browser."""

import json
import re
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from studio.jobs.artifacts import Manifest, commit, stage
from tests.e2e.conftest import RunningStudio

pytestmark = pytest.mark.timeout(400)

SLOW = {"dataset": "kit:debian-topics", "max_train_samples": 100, "epochs": 100, "early_stopping": False}


def post(url: str, body: Any) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_a_running_job_is_watched_cancelled_retried_and_deleted(studio: RunningStudio, page: Page) -> None:
    job = post(f"{studio.url}/api/jobs", {"recipe": "text-classification", "params": SLOW})["id"]
    page.goto(f"{studio.url}/jobs?id={job}")
    expect(page.get_by_role("log")).to_contain_text("Step 1 of", timeout=60_000)
    expect(page.locator("[data-live=state] .chip").first).to_contain_text("Running")
    page.reload()
    expect(page.get_by_role("log")).to_contain_text("Step 1 of")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("[data-live=state] .chip").first).to_contain_text("Cancelled", timeout=60_000)
    page.reload()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("[data-live=state] .chip").first).to_contain_text("Cancelled", timeout=60_000)
    page.reload()
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url(re.compile("/jobs$"))
    expect(page.get_by_role("link", name=job)).to_have_count(0)
    assert not (studio.home / "jobs" / job).exists()


def test_a_result_is_deleted_in_two_steps(studio: RunningStudio, page: Page) -> None:
    for name in ("first", "second"):
        add_result(studio, name)
    page.goto(f"{studio.url}/cards?id=first")
    page.get_by_role("button", name="Delete this result").click()
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("button", name="Delete for good")).to_have_count(0)
    assert (studio.home / "artifacts" / "first").exists()
    page.get_by_role("button", name="Delete this result").click()
    page.get_by_role("button", name="Delete for good").click()
    page.wait_for_url(re.compile("/cards$"))
    expect(page.get_by_label("Result")).to_have_value(re.compile("second"))
    assert not (studio.home / "artifacts" / "first").exists()
    assert (studio.home / "artifacts" / "second").exists()


def add_result(studio: RunningStudio, name: str) -> None:
    folder = stage(studio.home / "artifacts")
    made = {"recipe": "toy", "params": {}, "owner": "local", "job": f"of-{name}", "created_at": time.time()}
    commit(folder, Manifest(id=name, kind="model", title=f"The {name}", **made))


def test_the_page_takes_the_job_up_again_after_a_crash_of_the_studio(studio: RunningStudio, page: Page) -> None:
    job = post(f"{studio.url}/api/jobs", {"recipe": "text-classification", "params": SLOW})["id"]
    page.goto(f"{studio.url}/jobs?id={job}")
    expect(page.get_by_role("log")).to_contain_text("Step 1 of", timeout=60_000)
    studio.kill()
    studio.start()
    seen = len(page.get_by_role("log").inner_text())
    page.wait_for_function(f"document.querySelector('[role=log]').innerText.length > {seen}", timeout=60_000)
    post(f"{studio.url}/api/jobs/{job}/cancel", {})
    expect(page.locator("[data-live=state] .chip").first).to_contain_text("Cancelled", timeout=60_000)


def test_own_data_fills_the_form(studio: RunningStudio, page: Page, tmp_path: Path) -> None:
    file = tmp_path / "reviews.csv"
    rows = [f"the food was {word} on visit number {number},{stars}" for number in range(30) for word, stars in WORDS]
    file.write_text("review,stars\n" + "\n".join(rows))
    page.goto(f"{studio.url}/fine-tune")
    expect(page.get_by_text("First rows of train")).to_be_attached()
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_label("Text column").first).to_have_value("review")
    expect(page.get_by_label("Label column").first).to_have_value("stars")
    expect(page.get_by_role("heading", name="reviews")).to_be_visible()


WORDS = [("wonderful", "good"), ("dreadful", "bad")]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "empty|0 bytes"),
        ("ragged.csv", b"text,label\na,b\nc,d,e\n", "line 3"),
        ("twice.csv", b"text,text\na,b\n", "text"),
        ("latin.csv", "text,label\nna\xefve,a\n".encode("latin-1"), "UTF-8"),
        ("picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(64), "PNG|image|CSV"),
    ],
)
def test_a_bad_file_is_refused_with_its_reason(
    studio: RunningStudio, page: Page, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    page.goto(f"{studio.url}/fine-tune")
    expect(page.get_by_text("First rows of train")).to_be_attached()
    page.locator("input[type=file]").set_input_files(file)
    toast = page.locator(".toast-body").first
    expect(toast).to_contain_text(re.compile(said, re.I))
    expect(toast).not_to_contain_text("Traceback")
    expect(page.get_by_label("Dataset").first).to_have_value("Debian topics")
