"""The playground with a Hub that answers: models are searched, looked at, taken and asked; pickled ones are refused."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import RunningStudio
from tests.hubserver.server import HubServer
from tests.unit.inference import tiny

CARD = "---\nlicense: {licence}\npipeline_tag: text-classification\nlibrary_name: transformers\n---\n# {name}\n"

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    """A Hub with two classifiers, and one whose weights are pickled."""
    folder = tmp_path_factory.mktemp("classifier")
    tiny.save_classifier(folder)
    files = {file.name: file.read_bytes() for file in Path(folder).iterdir()}
    pickled = {name: data for name, data in files.items() if not name.endswith(".safetensors")}
    with HubServer() as server:
        for name, licence, held in (
            ("moods", "mit", files),
            ("moods-too", "apache-2.0", files),
            ("moods-old", "mit", {**pickled, "pytorch_model.bin": b"\x80\x04K\x01."}),
        ):
            server.add_repo(f"acme/{name}", {**held, "README.md": CARD.format(licence=licence, name=name).encode()})
        yield server


@pytest.fixture
def playground(studio: RunningStudio, page: Page) -> Page:
    page.goto(f"{studio.url}/playground?task=text-classification")
    expect(page.get_by_role("button", name="Find a model on the Hub")).to_be_visible()
    return page


def search(page: Page, words: str, licence: str = "") -> None:
    page.get_by_role("button", name="Find a model on the Hub").click()
    page.get_by_label("Words").fill(words)
    page.get_by_label("Licence").fill(licence)
    page.get_by_role("button", name="Search", exact=True).click()


def ask(page: Page) -> None:
    page.locator(".task-form textarea").first.fill("i love this film")
    page.get_by_role("button", name="Run", exact=True).click()


def test_a_model_is_found_taken_and_asked(playground: Page) -> None:
    search(playground, "moods", "apache-2.0")
    found = playground.locator(".found-models li")
    expect(found).to_have_count(1)
    expect(found).to_contain_text(re.compile(r"acme/moods-too.*apache-2.0.*safetensors", re.DOTALL))
    playground.get_by_role("button", name="Use acme/moods-too").click()
    expect(playground.get_by_label("Model", exact=True)).to_have_value("acme/moods-too")
    expect(playground.locator(".fact-line").first).to_contain_text("safetensors")
    expect(playground).to_have_url(re.compile("model=acme"))
    ask(playground)
    expect(playground.locator("#result")).to_contain_text(tiny.LABELS[0], timeout=60_000)
    playground.reload()  # what was used is offered again, and the link restores it
    expect(playground.get_by_label("Model", exact=True)).to_have_value(re.compile("acme/moods-too"))


def test_pickled_weights_are_refused_before_and_at_the_run(playground: Page) -> None:
    model = playground.get_by_label("Model", exact=True)
    model.fill("acme/moods-old")
    model.press("Enter")
    expect(playground.get_by_text("only safetensors are loaded").first).to_be_visible()
    expect(playground).to_have_url(re.compile("model=acme"))
    ask(playground)
    expect(playground.locator("#result")).to_contain_text("pickle")
    model.fill("kit:sentiment")
    model.press("Enter")
    expect(playground.locator(".fact-line").first).to_contain_text("safetensors")
    expect(playground.get_by_text("only safetensors are loaded")).to_have_count(1)  # in the result still


def test_what_does_not_exist_says_so(playground: Page) -> None:
    search(playground, "no-such-model")
    expect(playground.get_by_text("No model fits")).to_be_visible()
    model = playground.get_by_label("Model", exact=True)
    model.fill("acme/gone")
    model.press("Enter")
    expect(playground.get_by_text(re.compile("acme/gone")).first).to_be_visible()
