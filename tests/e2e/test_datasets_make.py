"""Making data sets in a browser: rows pasted, annotated by the keyboard, published on the Hub and downloaded."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import RunningStudio, wait_until
from tests.e2e.test_datasets import MINUTE, at
from tests.hubserver.server import HubServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

ROWS = "text,other,score\n" + "\n".join(
    f"Ann 👍 met Bob in Rome on day {n}.,<b>nobody</b> {n},{n % 3}" for n in range(6)
)
SELECT = """([words]) => {
  const walker = document.createTreeWalker(document.querySelector(".desk-text"), NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const start = node.data.indexOf(words);
    if (start < 0) continue;
    const range = document.createRange();
    range.setStart(node, start);
    range.setEnd(node, start + words.length);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  }
}"""


def made(page: Page, studio: RunningStudio, title: str) -> str:
    """A new data set of pasted rows, opened; its reference."""
    page.goto(f"{studio.url}/datasets")
    page.get_by_role("button", name="Or make a new one").click()
    page.get_by_label("Title").fill(title)
    page.get_by_label("Rows", exact=False).filter(visible=True).last.fill(ROWS)
    page.get_by_role("button", name="Make it").click()
    expect(page.locator(".dataset-head h2")).to_have_text(title, timeout=MINUTE)
    return at(page)["ref"]


def begin(page: Page, classes: str) -> None:
    if classes:
        page.get_by_label("Classes").fill(classes)
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_text("0 of 6 rows answered")).to_be_visible(timeout=MINUTE)
    page.locator(".desk").click(position={"x": 4, "y": 4})  # keys are for the desk, not for a field


def answered(page: Page, words: str) -> None:
    expect(page.locator(".desk [role=status]")).to_contain_text(words, timeout=MINUTE)


def test_rows_are_annotated_by_the_keyboard(studio: RunningStudio, page: Page) -> None:
    ref = made(page, studio, "To annotate")
    assert ref.startswith("upload:")
    page.get_by_role("tab", name="Annotate").click()
    expect(page.get_by_role("heading", name="Not annotated yet")).to_be_visible(timeout=MINUTE)
    page.get_by_role("button", name="A new annotation").click()
    page.get_by_label("Name").fill("mood")
    begin(page, "bad, good")
    page.keyboard.press("2")
    answered(page, "1 of 6")
    page.keyboard.press("s")
    answered(page, "1 passed over")
    assert at(page)["row"] == "2"
    page.keyboard.press("u")
    expect(page.get_by_text("Row 1", exact=True)).to_be_visible(timeout=MINUTE)
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("Row 0, answered")).to_be_visible(timeout=MINUTE)
    expect(page.locator(".desk-answers [aria-pressed=true]")).to_contain_text("good")
    page.reload()
    expect(page.get_by_text("Row 0, answered")).to_be_visible(timeout=MINUTE)
    page.get_by_role("button", name="Make a data set of the answers").click()
    page.get_by_role("button", name="Make the data set").click()
    expect(page.locator(".live-job .chip.good")).to_be_visible(timeout=2 * MINUTE)
    page.goto(f"{studio.url}/datasets")
    expect(page.get_by_role("link", name="To annotate, annotated: mood")).to_be_visible(timeout=MINUTE)


def test_parts_of_a_text_are_marked_by_selecting_them(studio: RunningStudio, page: Page) -> None:
    made(page, studio, "To mark")
    page.get_by_role("tab", name="Annotate").click()
    page.get_by_role("button", name="A new annotation").click()
    page.get_by_text("Parts of a text").click()
    expect(page.get_by_label("Name")).to_have_value("spans", timeout=MINUTE)
    begin(page, "who, where")
    page.evaluate(SELECT, ["Bob"])
    page.locator(".desk").dispatch_event("mouseup")
    expect(page.locator(".desk-spans li").first).to_contain_text("who Bob")
    page.keyboard.press("2")
    page.evaluate(SELECT, ["Rome "])
    page.locator(".desk").dispatch_event("mouseup")
    expect(page.locator(".desk-spans li").last).to_contain_text("where Rome")
    page.keyboard.press("Enter")
    answered(page, "1 of 6")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".desk-text mark")).to_have_text(["Bob", "Rome"], timeout=MINUTE)
    told = page.evaluate(
        """async () => {
          const id = document.querySelector("[data-annotate]").dataset.annotate;
          return (await (await fetch(`/api/annotations/${id}/rows/0`)).json()).value;
        }"""
    )
    assert told == [{"start": 10, "end": 13, "label": "who"}, {"start": 17, "end": 21, "label": "where"}]


def test_which_is_better_and_cells_are_never_markup(studio: RunningStudio, page: Page) -> None:
    made(page, studio, "To compare")
    page.get_by_role("tab", name="Annotate").click()
    page.get_by_role("button", name="A new annotation").click()
    page.get_by_text("Which is better").click()
    expect(page.get_by_label("Compared with")).to_be_visible(timeout=MINUTE)
    begin(page, "")
    expect(page.locator(".desk")).to_contain_text("<b>nobody</b> 0")
    page.get_by_role("button", name="second is better").click()
    answered(page, "1 of 6")


def test_published_with_its_card_and_downloaded(studio: RunningStudio, hub: HubServer, page: Page) -> None:
    made(page, studio, "To publish")
    page.get_by_role("tab", name="Publish").click()
    expect(page.get_by_text("Signed in as alice")).to_be_visible(timeout=MINUTE)
    card = page.get_by_label(re.compile(r"^\s*Card")).first
    expect(card).to_have_value(re.compile("pretty_name: To publish"), timeout=MINUTE)
    expect(page.get_by_label("Private")).to_be_checked()
    card.fill(card.input_value().replace("## Limitations", "## Limitations\n\n- A line of mine."))
    page.get_by_role("button", name="Publish", exact=True).click()
    link = f"{hub.endpoint}/datasets/alice/to-publish"
    expect(page.get_by_text(f"Published at {link}")).to_be_visible(timeout=2 * MINUTE)
    held = hub.files("alice/to-publish", "dataset")
    assert "data/train-00000-of-00001.parquet" in held
    assert b"A line of mine." in held["README.md"]
    assert hub.repo("alice/to-publish", "dataset").private
    with page.expect_download() as waiting:
        page.get_by_role("link", name="JSON Lines").click()
    file = waiting.value
    assert file.suggested_filename == "To-publish.jsonl"
    wait_until(lambda: file.path().stat().st_size > 0, 30, "the download")
    assert file.path().read_text().count("\n") == 6
