"""Opening what comes from elsewhere, in a browser: it shows how far it is, outlives a reload, and can be stopped."""

import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import RunningStudio
from tests.hubserver.server import HubServer
from tests.openweb import FILE, Site, held, serving

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

MINUTE = 60_000
URL = "http://open.example/data/rows.csv"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, hub: HubServer, site: Site) -> Iterator[RunningStudio]:
    home = tmp_path_factory.mktemp("studio") / "home"
    account = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.token, "HF_HOME": str(home.parent / "hf")}
    running = RunningStudio(home, account | site.environment)
    running.start()
    yield running
    running.stop()


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlparse(page.url).query)


def begin(page: Page, studio: RunningStudio, source: str) -> None:
    page.goto(f"{studio.url}/datasets")
    page.get_by_label("Open another").fill(source, timeout=MINUTE)
    page.get_by_role("button", name="Open", exact=True).click()


def test_a_web_address_opens_across_a_reload(studio: RunningStudio, site: Site, page: Page) -> None:
    gate = threading.Event()
    site.answers.append(held(gate))
    begin(page, studio, URL)
    job = page.locator(".live-job")
    expect(job).to_contain_text("Fetch rows.csv from open.example", timeout=MINUTE)
    expect(job.locator("[data-live=message]")).to_contain_text("Fetching: 0.4 of 0.8 MB", timeout=MINUTE)
    page.reload()
    expect(job.locator("[data-live=message]")).to_contain_text("Fetching: 0.4 of 0.8 MB", timeout=MINUTE)
    page.get_by_role("link", name="All data sets").click()
    expect(page.get_by_role("heading", name="On their way")).to_be_visible(timeout=MINUTE)
    page.get_by_role("link", name="Fetch rows.csv from open.example").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible(timeout=MINUTE)
    gate.set()
    expect(page.get_by_text("Rows 1 to 100 of 60,000").first).to_be_visible(timeout=2 * MINUTE)
    assert query(page)["ref"][0].startswith("upload:")
    page.go_back()
    expect(page.get_by_label("Open another")).to_be_visible(timeout=MINUTE)
    assert query(page) == {}
    page.goto(f"{studio.url}/jobs")
    page.locator("a[href*='id=fetch-']").first.click()
    page.get_by_role("link", name="Open it").click()
    expect(page.get_by_text("Rows 1 to 100 of 60,000").first).to_be_visible(timeout=MINUTE)


def test_a_download_is_stopped_and_tried_again(studio: RunningStudio, site: Site, page: Page) -> None:
    gate = threading.Event()
    site.answers.append(held(gate))
    begin(page, studio, "http://open.example/other.csv")
    expect(page.locator("[data-live=message]")).to_contain_text("Fetching", timeout=MINUTE)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("[data-live=state]")).to_contain_text("Cancelled", timeout=10_000)
    gate.set()
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden(timeout=MINUTE)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Rows 1 to 100 of 60,000").first).to_be_visible(timeout=2 * MINUTE)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("http://127.0.0.1:1/secret.csv", "Only addresses of the open web"),
        ("ftp://open.example/rows.csv", "There is no such file"),
        ("sql:shop#orders", "Unknown database"),
        ("", "Write the name of a data set"),
    ],
)
def test_what_is_wrong_stands_at_the_field(studio: RunningStudio, page: Page, source: str, said: str) -> None:
    begin(page, studio, source)
    expect(page.get_by_text(said)).to_be_visible(timeout=MINUTE)
    expect(page.get_by_role("heading", name="On their way")).to_have_count(0)


def test_a_large_file_here_is_converted_by_a_job(studio: RunningStudio, page: Page, tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    file.write_bytes(b"text,label\n" + b"a text that is not short at all,1\n" * 600_000)
    begin(page, studio, str(file))
    expect(page.locator(".live-job")).to_contain_text("Fetch large.csv", timeout=MINUTE)
    expect(page.get_by_text("Rows 1 to 100 of 600,000").first).to_be_visible(timeout=2 * MINUTE)


def test_all_of_what_is_seen_by_its_beginning(studio: RunningStudio, hub: HubServer, page: Page) -> None:
    rows = b"".join(
        b"%d,%s\n" % (number, FILE[number % 1000 :][:200].replace(b"\n", b" ").replace(b",", b""))
        for number in range(120_000)
    )
    hub.add_repo("alice/large", {"train.csv": b"n,text\n" + rows}, "dataset")
    begin(page, studio, "alice/large")
    expect(page.locator(".dataset-head")).to_contain_text("alice/large", timeout=MINUTE)
    page.get_by_role("button", name="Download all of it").click(timeout=MINUTE)
    expect(page.locator(".live-job")).to_contain_text("Fetch alice/large", timeout=MINUTE)
    expect(page.get_by_text("Rows 1 to 100 of 120,000").first).to_be_visible(timeout=2 * MINUTE)
    assert query(page) == {"ref": ["alice/large"]}
    expect(page.get_by_role("button", name="Download all of it")).to_be_hidden()
