"""Whoever uses a keyboard, a screen reader or other colours gets the same studio: axe-core's rules, then the keyboard.

axe looks at every page with all of it unfolded, on a desktop and a phone, in light and dark. It sees perhaps half of
what can be wrong, so the second part of this file does by keyboard what the first cannot know.
"""

import json
import re
import urllib.request
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from studio.pages import PAGES
from studio.tasks import TASKS
from tests.e2e.conftest import RunningStudio, wait_until
from tests.e2e.forms import press

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

MINUTE = 60_000
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
TINY = {"dataset": "kit:debian-topics", "max_train_samples": 100, "epochs": 1}
# what stands on a page once its data has arrived; of a page that is not named here, its heading
READY = {
    **{page.path: "h1" for page in PAGES.values()},
    "": "figure.chart svg",
    "playground": ".empty-state",
    "datasets": ".dataset-list",
    "datasets?ref=kit:emoji-scenes": ".rows img",
    "datasets?ref=kit:wine&tab=columns": ".column-cards",
    "datasets?ref=kit:wine&tab=mend": ".studio-form",
    "datasets?ref=kit:wine&tab=checks": ".empty-state",
    "datasets?ref=kit:wine&tab=annotate": ".empty-state",
    "datasets?ref=kit:wine&tab=publish": ".exports",
    "fine-tune": ".panel .shares",
    "runs": "figure.chart svg",
    "jobs": ".table a",
    "jobs?id={}": "figure.chart svg",
    "cards?id={}": ".notice",
}


def ask(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, {"content-type": "application/json"})) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def artifact(studio: RunningStudio) -> str:
    """One tiny training for all; its result bears the job's id."""
    job = ask(f"{studio.url}/api/jobs", {"recipe": "text-classification", "params": TINY})["id"]
    wait_until(lambda: bool(ask(f"{studio.url}/api/jobs/{job}")["finished_at"]), 240, "the training to end")
    found = ask(f"{studio.url}/api/jobs/{job}")
    assert found["state"] == "succeeded", found
    return str(found["artifact"])


@pytest.fixture
def still(browser: Browser) -> Iterator[Page]:
    """A page without transitions: a colour half-way between two is nobody's contrast."""
    context = browser.new_context(viewport={"width": 1280, "height": 860}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(MINUTE)
    yield page
    context.close()


def wrong(page: Page) -> list[str]:
    """What axe objects to: rule, element, reason."""
    found = page.evaluate("options => axe.run(options)", {"resultTypes": ["violations"], "runOnly": RULES})
    return [
        f"{violation['id']} ({violation['impact']}) {node['target']} {node['html'][:160]} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def wrong_everywhere(page: Page) -> list[str]:
    """`wrong` in light and dark, wide and narrow, without loading the page again."""
    page.evaluate(AXE)
    found = []
    for dark in (False, True):
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.wait_for_function("dark => document.body.classList.contains('dark') === dark", arg=dark)
        for size in (DESKTOP, PHONE):
            page.set_viewport_size({"width": size["width"], "height": size["height"]})
            found += [f"{size['width']} {'dark' if dark else 'light'}: {one}" for one in wrong(page)]
    return found


def unfold(page: Page) -> None:
    closed = page.locator("button.label-wrap:not(.open)").filter(visible=True)
    while closed.count():
        closed.first.click()
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")


def opened(page: Page, studio: RunningStudio, path: str) -> None:
    page.goto(f"{studio.url}/{path}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("p.loading")).to_have_count(0, timeout=MINUTE)  # Gradio's own, until all of the page is there


@pytest.mark.parametrize("path", READY)
def test_axe_finds_nothing_wrong(studio: RunningStudio, still: Page, artifact: str, path: str) -> None:
    opened(still, studio, path.format(artifact))
    expect(still.locator(READY[path]).filter(visible=True).first).to_be_visible(timeout=MINUTE)
    unfold(still)
    assert wrong_everywhere(still) == []


def test_a_desk_for_annotations(studio: RunningStudio, still: Page) -> None:
    plan = {"ref": "kit:debian-topics", "name": "parts", "kind": "span", "column": "text", "classes": ["a", "b"]}
    work = ask(f"{studio.url}/api/annotations", plan)["id"]
    answer = {"value": [{"start": 0, "end": 4, "label": "a"}, {"start": 6, "end": 9, "label": "b"}]}
    url = f"{studio.url}/api/annotations/{work}/rows/0"
    body = json.dumps(answer).encode()
    with urllib.request.urlopen(
        urllib.request.Request(url, body, {"content-type": "application/json"}, method="PUT")
    ) as told:
        assert json.load(told)["done"] == 1
    opened(still, studio, "datasets?ref=kit:debian-topics&tab=annotate&row=0")
    expect(still.locator(".desk mark").first).to_be_visible(timeout=MINUTE)
    unfold(still)
    assert wrong_everywhere(still) == []


def test_an_answer_and_its_code(studio: RunningStudio, still: Page) -> None:
    opened(still, studio, "playground")
    still.get_by_label(re.compile(r"^\s*Text\s")).first.fill("A library to read and write MP3 and Ogg audio files")
    still.get_by_role("button", name="Run").click()
    expect(still.locator(".scores .best")).to_be_visible(timeout=2 * MINUTE)
    unfold(still)
    assert wrong_everywhere(still) == []


@pytest.mark.parametrize(
    "task", ["token-classification", "image-segmentation", "object-detection", "audio-classification", "text-to-speech"]
)
def test_an_example_and_its_result(studio: RunningStudio, still: Page, task: str) -> None:
    opened(still, studio, f"playground?task={task}")
    press(still, TASKS[task], TASKS[task].examples[0])
    still.get_by_role("button", name="Run", exact=True).click()
    expect(still.locator(".run-facts").first).to_be_visible(timeout=2 * MINUTE)
    unfold(still)
    assert wrong_everywhere(still) == []


def test_the_choice_of_a_task_and_the_other_tabs(studio: RunningStudio, still: Page) -> None:
    opened(still, studio, "playground?task=conversational")
    expect(still.get_by_label("Message", exact=True)).to_be_visible(timeout=MINUTE)
    assert wrong_everywhere(still) == []
    for name in ("Code", "Compare", "Batch"):
        still.set_viewport_size({"width": 1280, "height": 860})
        still.get_by_role("tab", name=name).click()
        assert wrong_everywhere(still) == []
    still.set_viewport_size({"width": 1280, "height": 860})
    still.get_by_role("button", name="Choose another task").click()
    expect(still.get_by_role("dialog", name="Choose a task")).to_be_visible()
    assert wrong_everywhere(still) == []


def test_an_error_at_its_field(studio: RunningStudio, still: Page) -> None:
    opened(still, studio, "fine-tune")
    expect(still.locator(".panel .shares")).to_be_visible(timeout=MINUTE)
    still.get_by_label("Label column").first.fill("no-such-column")
    still.get_by_label("Label column").first.press("Enter")
    still.get_by_role("button", name="Start training").click()
    expect(still.get_by_text(re.compile("no-such-column.*(text|label)", re.S)).first).to_be_visible(timeout=MINUTE)
    assert wrong_everywhere(still) == []


def test_a_newcomers_pages(studio: RunningStudio, still: Page) -> None:
    opened(still, studio, "jobs")
    still.get_by_label("Search").fill("there is no such job")
    expect(still.locator(".empty-state")).to_be_visible()
    assert wrong_everywhere(still) == []


def test_the_preview_of_a_card(studio: RunningStudio, still: Page, artifact: str) -> None:
    opened(still, studio, f"cards?id={artifact}")
    expect(still.locator(".notice").first).to_be_visible(timeout=MINUTE)
    still.get_by_role("tab", name="Preview").filter(visible=True).click()
    expect(still.locator(".prose table, .prose pre").filter(visible=True).first).to_be_visible(timeout=MINUTE)
    assert wrong_everywhere(still) == []


def test_the_menu_of_a_phone(studio: RunningStudio, still: Page) -> None:
    still.set_viewport_size({"width": 390, "height": 844})
    opened(still, studio, "")
    menu = still.get_by_role("button", name="Menu")
    menu.press("Enter")
    expect(menu).to_have_attribute("aria-expanded", "true")
    expect(still.get_by_role("navigation", name="Main").get_by_role("link", name="Overview")).to_be_focused()
    still.evaluate(AXE)
    assert wrong(still) == []
    still.keyboard.press("Escape")
    expect(menu).to_have_attribute("aria-expanded", "false")
    expect(menu).to_be_focused()
    expect(still.get_by_role("navigation", name="Main")).to_be_hidden()


def test_whoever_tabs_out_of_the_menu_closes_it(studio: RunningStudio, still: Page) -> None:
    still.set_viewport_size({"width": 390, "height": 844})
    opened(still, studio, "jobs")
    still.get_by_role("button", name="Menu").click()
    still.get_by_role("button", name="Keyboard").focus()
    still.keyboard.press("Tab")
    expect(still.get_by_role("button", name="Menu")).to_have_attribute("aria-expanded", "false")


def test_the_skip_link_comes_first_and_skips(studio: RunningStudio, still: Page) -> None:
    opened(still, studio, "jobs")
    still.keyboard.press("Tab")
    skip = still.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    still.keyboard.press("Enter")
    still.keyboard.press("Tab")
    assert still.evaluate("!document.activeElement.closest('.sidebar')")


def test_focus_can_be_seen_wherever_it_goes(studio: RunningStudio, still: Page) -> None:
    opened(still, studio, "jobs")
    for _ in range(18):
        still.keyboard.press("Tab")
        unseen = still.evaluate(
            """() => {
              const at = document.activeElement, style = getComputedStyle(at);
              const marked = style.outlineStyle !== 'none' || style.boxShadow !== 'none';
              return at === document.body || marked ? null : at.outerHTML.slice(0, 200);
            }"""
        )
        assert unseen is None


def test_keys_open_pages_until_they_are_switched_off(studio: RunningStudio, still: Page) -> None:
    opened(still, studio, "")
    still.keyboard.press("?")
    dialog = still.get_by_role("dialog", name="Keyboard")
    expect(dialog).to_be_visible()
    still.evaluate(AXE)
    assert wrong(still) == []
    still.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    still.keyboard.press("g")
    still.keyboard.press("j")
    still.wait_for_url(re.compile("/jobs$"))
    still.get_by_role("button", name="Keyboard").click()
    still.get_by_role("checkbox", name="Use these keys").uncheck()
    still.get_by_role("button", name="Close").click()
    still.reload()
    expect(still.get_by_role("heading", level=1)).to_have_text("Jobs")
    still.keyboard.press("?")
    still.get_by_role("button", name="Keyboard").click()  # opens it, and would fail under an open dialog
    expect(still.get_by_role("checkbox", name="Use these keys")).not_to_be_checked()


def test_a_wide_table_scrolls_by_keyboard(studio: RunningStudio, still: Page, artifact: str) -> None:
    still.set_viewport_size({"width": 390, "height": 844})
    opened(still, studio, "runs")
    table = still.get_by_role("region", name="Latest values")
    table.focus()
    still.keyboard.press("ArrowRight")
    still.wait_for_function("table => table.scrollLeft > 0", arg=table.element_handle())


@pytest.mark.parametrize("path", READY)
def test_pages_reflow_at_320_pixels(studio: RunningStudio, still: Page, artifact: str, path: str) -> None:
    """WCAG 1.4.10: what 1280 pixels are at 400 %."""
    still.set_viewport_size({"width": 320, "height": 640})
    opened(still, studio, path.format(artifact))
    expect(still.locator(READY[path]).filter(visible=True).first).to_be_visible(timeout=MINUTE)
    assert still.evaluate("document.documentElement.scrollWidth") <= 320
