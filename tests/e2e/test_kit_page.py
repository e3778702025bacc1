"""The starter kit's page: what is there, fetching an extra with live progress, damage with its repair."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from studio.core.settings import Settings
from studio.starter import kit
from tests.e2e.conftest import PLUGINS, RunningStudio
from tests.unit.plugged import plugged
from tests.unit.starter.index import Index, serving
from tests.unit.starter.test_install import listed
from tests.unit.starter.test_kit import write_kit

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningStudio, Index]]:
    """A studio whose kit has one data set and one extra, and an index that offers what the extra is made from."""
    folder = tmp_path_factory.mktemp("kit")
    with plugged(), serving(Index()) as index:
        import toy_builder  # type: ignore[import-not-found]

        index.add("toy-words", "1.0", toy_builder.CONTENT)
        settings = listed(Settings(home=folder / "home", kit=write_kit(folder / "kit")), folder)
        path = os.pathsep.join(filter(None, [str(PLUGINS), os.environ.get("PYTHONPATH", "")]))
        environment = {
            "STUDIO_KIT": str(settings.kit),
            "STUDIO_OFFLINE": "true",
            "PYTHONPATH": path,
            "PIP_CONFIG_FILE": "/dev/null",
            "PIP_INDEX_URL": index.url,
            "PIP_FIND_LINKS": "",
        }
        running = RunningStudio(settings.home, environment)
        running.start()
        yield running, index
        running.stop()


def test_an_extra_is_fetched_checked_and_removed(served: tuple[RunningStudio, Index], page: Page) -> None:
    studio, index = served
    page.goto(f"{studio.url}/kit")
    expect(page.get_by_role("heading", name="Data sets (1)")).to_be_visible()
    expect(page.get_by_text("Can be fetched")).to_be_visible()
    index.cuts, index.cut_after = 1, 500_000
    page.get_by_role("link", name="Fetch it").click()
    page.get_by_role("button", name="Fetch it").click()
    expect(page.get_by_role("link", name="Its log")).to_be_visible()
    expect(page.get_by_role("button", name="Remove")).to_be_visible(timeout=60_000)  # by itself, without a reload
    expect(page.get_by_text("Installed")).to_be_visible()
    assert index.asked[-1] == "bytes=500000-"
    page.get_by_role("button", name="Check its files").click()
    expect(page.get_by_text("byte by byte")).to_be_visible()
    page.get_by_role("link", name="Fine-tune on it").click()
    expect(page.get_by_role("heading", name="Toy words")).to_be_visible(timeout=30_000)
    page.goto(f"{studio.url}/kit?id=toy-extra")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("button", name="Fetch it")).to_be_visible()
    assert not (studio.home / "kit" / "toy-extra").exists()


def test_damage_is_shown_with_its_repair(served: tuple[RunningStudio, Index], page: Page) -> None:
    studio, _ = served
    file = Path(studio.environment["STUDIO_KIT"]) / "greetings" / "train.csv"
    content = file.read_bytes()
    file.write_bytes(b"short")
    try:
        page.goto(f"{studio.url}/kit")
        expect(page.get_by_role("alert")).to_contain_text("has 5 bytes instead of 26. Restore it with")
        expect(page.locator(".chip.bad")).to_contain_text("Damaged")
    finally:
        file.write_bytes(content)


def test_a_task_that_nothing_serves_says_so(served: tuple[RunningStudio, Index], page: Page) -> None:
    studio, _ = served
    page.goto(f"{studio.url}/kit?task=text-classification")
    expect(page.get_by_label("Task")).to_have_value("text-classification")
    assert kit.missing(Path(studio.environment["STUDIO_KIT"])) == ()
    page.goto(f"{studio.url}/kit?id=nope")
    expect(page.get_by_text("has no entry 'nope'")).to_be_visible()


def test_on_a_phone_nothing_is_wider_than_the_screen(served: tuple[RunningStudio, Index], page: Page) -> None:
    studio, _ = served
    page.set_viewport_size({"width": 390, "height": 844})
    for address in ("/kit", "/kit?id=greetings"):
        page.goto(studio.url + address)
        expect(page.get_by_text("Greetings").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
