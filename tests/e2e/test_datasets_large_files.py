"""An address that names a large file of one's own machine, in a browser: it answers at once, and a job opens all."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlparse

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import RunningStudio

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

MINUTE = 60_000
ROWS = 600_000
CONTENT = b"text,label\n" + b"a text that is not short at all,1\n" * ROWS


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    running = RunningStudio(tmp_path_factory.mktemp("studio") / "home", {"STUDIO_OFFLINE": "true"})
    running.start()
    yield running
    running.stop()


def test_the_beginning_is_shown_and_a_button_opens_the_rest(studio: RunningStudio, page: Page, tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    file.write_bytes(CONTENT)
    page.goto(f"{studio.url}/datasets?ref={quote(str(file))}")
    expect(page.locator(".dataset-head")).to_contain_text("large.csv", timeout=MINUTE)
    expect(page.get_by_text("The first 8.4 MB of 20.4 MB (large.csv); add it")).to_be_visible(timeout=MINUTE)
    page.get_by_role("button", name="Open all of it").click()
    expect(page.locator(".live-job")).to_contain_text("Fetch large.csv", timeout=MINUTE)
    expect(page.get_by_text("Rows 1 to 100 of 600,000").first).to_be_visible(timeout=2 * MINUTE)
    assert parse_qs(urlparse(page.url).query)["ref"][0].startswith("upload:")


def test_what_has_no_beginning_is_opened_by_a_button(studio: RunningStudio, page: Page, tmp_path: Path) -> None:
    file = tmp_path / "large.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("train.csv", CONTENT)
    page.goto(f"{studio.url}/datasets?ref={quote(str(file))}")
    expect(page.get_by_text("large.zip takes 20.4 MB, and has to be read as a whole")).to_be_visible(timeout=MINUTE)
    page.get_by_role("button", name="Open all of it").click()
    expect(page.locator(".live-job")).to_contain_text("Fetch large.zip", timeout=MINUTE)
    expect(page.get_by_text("Rows 1 to 100 of 600,000").first).to_be_visible(timeout=2 * MINUTE)
    page.get_by_role("link", name="All data sets").click()
    expect(page.get_by_label("Open another")).to_be_visible(timeout=MINUTE)
    expect(page.get_by_role("button", name="Open all of it")).to_be_hidden()
    expect(page.get_by_text("has to be read as a whole")).to_be_hidden()
