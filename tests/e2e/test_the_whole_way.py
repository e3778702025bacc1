"""The whole way once, as a person walks it: look at data, fine-tune, watch, try, describe, publish."""

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from studio.pages import PAGES
from tests.e2e.conftest import RunningStudio
from tests.hubserver.server import HubServer

MINUTES = 60_000

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def started(studio: RunningStudio, browser: Any) -> str:
    """Starts a training through the page; gives the job's id. It runs while the first tests look elsewhere."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    page = context.new_page()
    page.goto(f"{studio.url}/fine-tune")
    page.get_by_label("At most").first.fill("400")
    page.get_by_label("Epochs").first.fill("2")
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"/jobs\?id=train-"), timeout=MINUTES)
    context.close()
    return str(page.url.split("id=")[1])


@pytest.fixture(scope="module")
def trained(studio: RunningStudio, browser: Any, started: str) -> str:
    """The same job when it is done. The last tests look at what came out."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{studio.url}/jobs?id={started}")
    expect(page.locator("[data-live=state] .chip").first).to_contain_text("Done", timeout=5 * MINUTES)
    context.close()
    return started


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


def test_the_form_shows_the_data_before_anything_starts(studio: RunningStudio, page: Page) -> None:
    page.goto(f"{studio.url}/fine-tune")
    expect(page.get_by_role("heading", level=1)).to_have_text("Fine-tune")
    expect(page.get_by_text("First rows of train")).to_be_attached()
    expect(page.get_by_label("Text column").first).to_have_value("text")
    expect(page.get_by_label("Label column").first).to_have_value("label")


def test_a_bad_setting_is_an_error_at_its_field(studio: RunningStudio, page: Page) -> None:
    page.goto(f"{studio.url}/fine-tune")
    expect(page.get_by_text("First rows of train")).to_be_attached()
    page.get_by_label("Label column").first.fill("no-such-column")
    page.get_by_label("Label column").first.press("Enter")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_text(re.compile("no-such-column.*(text|label)", re.S)).first).to_be_visible()
    assert page.url.endswith("/fine-tune")


def test_the_kit_model_answers_while_another_is_trained(studio: RunningStudio, page: Page, started: str) -> None:
    page.goto(f"{studio.url}/playground")
    page.get_by_label(re.compile(r"^\s*Text\s")).first.fill("A library to read and write MP3 and Ogg audio files")
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".scores .best")).to_have_text(re.compile("sound|audio"), timeout=2 * MINUTES)


@pytest.mark.parametrize("path", [page.path for page in PAGES.values()])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_fits_and_is_quiet(browser: Any, studio: RunningStudio, path: str, width: int, theme: str) -> None:
    """No sideways scrolling, nothing in the console, nothing fetched from elsewhere."""
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=theme)
    page = context.new_page()
    said: list[str] = []
    foreign: list[str] = []
    # a choice that is called "label" makes Gradio look it up as one of its own phrases: harmless, and not ours
    page.on(
        "console",
        lambda message: (
            said.append(message.text)
            if message.type in ("error", "warning") and "svelte-i18n" not in message.text
            else None
        ),
    )
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: foreign.append(request.url) if not request.url.startswith(studio.url) else None)
    page.goto(f"{studio.url}/{path}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [url for url in foreign if not url.startswith(("data:", "blob:"))] == []
    assert said == []
    context.close()


def test_the_job_page_has_log_curve_and_result(studio: RunningStudio, page: Page, trained: str) -> None:
    page.goto(f"{studio.url}/jobs?id={trained}")
    expect(page.get_by_role("log")).to_contain_text("evaluation loss")
    expect(page.locator("figure.chart svg").first).to_be_visible()
    expect(page.get_by_text("The result is ready.")).to_be_visible()
    page.reload()
    expect(page.locator("figure.chart svg").first).to_be_visible()


def test_the_manifest_says_what_made_it(studio: RunningStudio, trained: str) -> None:
    job = get(f"{studio.url}/api/jobs/{trained}")
    manifest = get(f"{studio.url}/api/artifacts/{job['artifact']}")
    assert manifest["base_model"]["id"] == "kit:minilm-l6"
    assert manifest["metrics"]["accuracy"] > manifest["baselines"]["accuracy"] + 0.2
    assert re.fullmatch("[0-9a-f]{64}", manifest["data"]["fingerprint"])
    assert manifest["predicted_memory_bytes"] > 0
    assert {"python", "torch", "transformers", "peft"} <= set(manifest["versions"])


def test_metrics_page_draws_the_run(studio: RunningStudio, page: Page, trained: str) -> None:
    page.goto(f"{studio.url}/runs")
    expect(page.locator("figure.chart svg").first).to_be_visible()
    expect(page.get_by_role("table").filter(has_text=trained).first).to_be_visible()


def test_the_playground_answers_with_the_new_model(studio: RunningStudio, page: Page, trained: str) -> None:
    job = get(f"{studio.url}/api/jobs/{trained}")
    page.goto(f"{studio.url}/playground?task=text-classification&model=artifact:{job['artifact']}")
    page.get_by_label(re.compile(r"^\s*Text\s")).first.fill(
        "A fast chess engine with a graphical board for playing games"
    )
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".scores .best")).to_have_text("games", timeout=2 * MINUTES)


def test_rest_serves_the_hubs_own_client(studio: RunningStudio, trained: str) -> None:
    code = (
        "from huggingface_hub import InferenceClient\n"
        f"client = InferenceClient(model='{studio.url}/api/tasks/text-classification')\n"
        "print(client.text_classification('A chess program with a strong engine')[0].label)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "games", done.stderr


def test_card_is_filled_checked_and_published(
    studio: RunningStudio, page: Page, trained: str, hub: HubServer, tmp_path: Path
) -> None:
    job = get(f"{studio.url}/api/jobs/{trained}")
    page.goto(f"{studio.url}/cards?id={job['artifact']}")
    card = page.get_by_label(re.compile(r"^\s*Card")).first
    expect(card).to_have_value(re.compile("library_name: peft"))
    expect(page.get_by_text("Signed in as alice")).to_be_visible()
    page.get_by_label(re.compile(r"^\s*Repository")).fill("topics-lora")
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("[data-live=state] .chip").first).to_contain_text("Done", timeout=2 * MINUTES)
    files = hub.files("alice/topics-lora")
    assert {"README.md", "adapter_model.safetensors", "adapter_config.json", "manifest.json"} <= set(files)
    page.reload()
    expect(page.get_by_role("link", name="topics-lora").first).to_be_visible()
    load_back(hub, tmp_path)


def load_back(hub: HubServer, tmp_path: Path) -> None:
    """The code on the published card runs as it stands, in a fresh process with an empty cache."""
    card = hub.files("alice/topics-lora")["README.md"].decode()
    code = card.split("```python\n")[1].split("```")[0]
    assert "PeftModel.from_pretrained" in code
    environment = {
        "HF_ENDPOINT": hub.endpoint,
        "HF_TOKEN": hub.token,
        "HF_HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-2000:]
    labels = json.loads(hub.files("alice/topics-lora")["manifest.json"])["labels"]
    assert any(label in done.stdout for label in labels), done.stdout
