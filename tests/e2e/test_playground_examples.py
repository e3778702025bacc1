"""The playground's examples in a real browser: tasks of every modality with the kit's models."""

import json
import re
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import RunningStudio
from tests.e2e.playground import example, opened, result, run

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def says(text: str) -> Any:
    return lambda page: expect(page.locator(".scores .best").first).to_have_text(re.compile(text))


def finds_people_and_places(page: Page) -> None:
    expect(page.locator("mark.span", has_text="Satya Nadella")).to_contain_text("PER")
    expect(page.locator("mark.span", has_text="Milan")).to_contain_text("LOC")


def answers_in_the_text(page: Page) -> None:
    best = page.locator(".scores .best").inner_text()
    expect(page.locator(".marked mark").first).to_have_text(best)
    assert "internet radio stations" in best.lower()


def fills_the_gap(page: Page) -> None:
    expect(page.locator(".sentences li").first).to_contain_text("cup of")
    expect(page.locator(".sentences mark").first).not_to_be_empty()


def writes(page: Page) -> None:
    expect(page.locator(".written [data-text]")).to_have_text(re.compile(r"\w{3}"))
    expect(page.locator(".written .writing")).to_have_count(0)


def ranks_the_sentences(page: Page) -> None:
    expect(page.locator(".shares li").first).to_contain_text("Somebody has a meal.")


def draws_a_vector(page: Page) -> None:
    expect(page.locator("svg.vector rect").first).to_be_attached()
    expect(result(page).locator("dd").first).to_have_text("384")
    expect(result(page).get_by_role("link", name="Download JSON")).to_be_visible()


def covers_the_picture(page: Page) -> None:
    masks = page.locator(".stage .mask")
    assert masks.count() >= 2
    cat = page.get_by_role("checkbox", name="cat")
    layer = page.locator(f".stage [data-layer='{cat.get_attribute('data-switch')}']").first
    expect(layer).to_be_visible()
    cat.uncheck()
    expect(layer).to_be_hidden()


def draws_boxes(page: Page) -> None:
    expect(page.locator(".stage .box", has_text="car")).to_be_visible()
    picture, box = page.locator(".stage").bounding_box(), page.locator(".box", has_text="car").bounding_box()
    assert picture is not None
    assert box is not None
    assert 0 < box["width"] < picture["width"]
    expect(page.get_by_role("table")).to_contain_text("car")


def shows_depth(page: Page) -> None:
    expect(page.get_by_alt_text("How near its parts are")).to_be_visible()
    expect(page.get_by_text("near", exact=True)).to_be_visible()


def speaks(page: Page) -> None:
    page.wait_for_function("document.querySelector('#result audio')?.duration > 1")
    expect(page.locator("#result svg.wave")).to_be_visible()


def draws_a_picture(page: Page) -> None:
    page.wait_for_function("document.querySelector('#result .picture img')?.naturalWidth === 64")


EXAMPLES = {
    "text-classification": ("A game", says("^games$")),
    "token-classification": ("News about a company", finds_people_and_places),
    "zero-shot-classification": ("A record", says("^music$")),
    "question-answering": ("A program", answers_in_the_text),
    "fill-mask": ("A drink", fills_the_gap),
    "sentence-similarity": ("Which says the same?", ranks_the_sentences),
    "feature-extraction": ("A sentence", draws_a_vector),
    "summarization": ("A program", writes),
    "translation": ("A program", writes),
    "image-classification": ("A running cheetah", says("cheetah")),
    "zero-shot-image-classification": ("A cat", says("^a pet$")),
    "image-segmentation": ("A cat, a clock and a house", covers_the_picture),
    "object-detection": ("A car, a face and fruit", draws_boxes),
    "depth-estimation": ("A rendered room", shows_depth),
    "audio-classification": ("A voice says yes", says("^yes$")),
    "text-to-speech": ("A greeting", speaks),
    "text-to-image": ("A red shoe", draws_a_picture),
}


@pytest.mark.parametrize("task", EXAMPLES)
def test_an_example_shows_what_it_should(studio: RunningStudio, visitor: Page, task: str) -> None:
    title, look = EXAMPLES[task]
    opened(visitor, studio, f"task={task}")
    example(visitor, task, title)
    if task == "audio-classification":  # no style of ours takes the player's own buttons out of their place
        expect(visitor.get_by_role("button", name="Skip forward").first).to_be_in_viewport(ratio=1)
    run(visitor)
    look(visitor)
    visitor.get_by_role("tab", name="JSON").click()
    expect(visitor.locator("figure.code").filter(visible=True)).to_be_visible()


def test_the_pages_own_endpoint_serves_every_task(studio: RunningStudio) -> None:
    labels = endpoint(studio, "text-classification", "A chess program", {}, "kit:topic-classifier")
    assert labels[0][0][0]["label"] == "games"
    given = {"question": "Who wrote it?", "context": "It was written by Anna."}
    assert "Anna" in json.dumps(endpoint(studio, "question-answering", given, {"top_k": 1}, ""))


def endpoint(studio: RunningStudio, *data: Any) -> Any:
    """Gradio's protocol by hand: a call gives an id, whose events bring the answer."""
    address = f"{studio.url}/gradio_api/call/predict"
    body = json.dumps({"data": list(data)}).encode()
    request = urllib.request.Request(address, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        event = json.load(answer)["event_id"]
    with urllib.request.urlopen(f"{address}/{event}", timeout=120) as events:
        kind, _, data_line = events.read().decode().partition("\ndata: ")
    assert kind == "event: complete", data_line
    return json.loads(data_line)


def test_a_phone_shows_it_without_scrolling_sideways(studio: RunningStudio, visitor: Page) -> None:
    visitor.set_viewport_size({"width": 390, "height": 844})
    opened(visitor, studio, "task=object-detection")
    example(visitor, "object-detection", "A car, a face and fruit")
    run(visitor)
    expect(visitor.locator(".stage")).to_be_in_viewport()
    assert visitor.evaluate("document.documentElement.scrollWidth") <= 390
    assert visitor.evaluate("document.querySelector('.stage').getBoundingClientRect().right") <= 390 - 16
