"""The Hub as a person meets it on the Fine-tune and Cards pages: data and models by id, and a Hub that fails."""

import http.client
import io
import json
import re
import shutil
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.conftest import ROOT, RunningStudio
from tests.hubserver.accounts import AccessToken
from tests.hubserver.faults import FOREVER, Fault
from tests.hubserver.server import HubServer

KIT = ROOT / "assets" / "kit"
MINUTES = 60_000
HUGE = 2_000_000_000  # bytes; the limit is 500 MB
WORDS = (("wonderful", "good"), ("dreadful", "bad"))
HEADER = "---\nlicense: cc0-1.0\npretty_name: Topics of packages\n---\n# Topics\n"
SCRIPT = b"import datasets\n\n\nclass Scripted(datasets.GeneratorBasedBuilder):\n    pass\n"
SETTLED = re.compile("Done|Failed")
UNDER_WAY = re.compile("Queued|Starting|Running|Saving")

pytestmark = pytest.mark.timeout(600)


def reviews() -> bytes:
    rows = [f"the food was {word} on visit {number},{stars}" for number in range(20) for word, stars in WORDS]
    return ("review,stars\n" + "\n".join(rows)).encode()


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    """A Hub with data and models of several kinds in it."""
    parquet = io.BytesIO()
    topics = pq.read_table(KIT / "debian-topics" / "train.parquet", filters=[("label", "in", ["games", "web"])])
    pq.write_table(topics.slice(0, 40), parquet)
    model = {file.name: file.read_bytes() for file in (KIT / "minilm-l6").iterdir()}
    small = {name: model[name] for name in ("config.json", "tokenizer.json")}
    with HubServer() as server:
        rows = {"data/train-00000-of-00001.parquet": parquet.getvalue(), "README.md": HEADER.encode()}
        server.add_repo("acme/topics", rows, "dataset")
        server.add_repo("acme/reviews", {"train.csv": reviews(), "test.csv": reviews()}, "dataset")
        server.add_repo("acme/scripted", {"scripted.py": SCRIPT, "README.md": b"# Made by a script\n"}, "dataset")
        server.add_repo("bob/secret", {"train.csv": reviews()}, "dataset", private=True)
        server.add_repo("acme/minilm", model)
        server.add_repo("acme/pickled", {**small, "pytorch_model.bin": b"\x80\x04K\x01."})
        yield server


@pytest.fixture(autouse=True)
def _whole_again(hub: HubServer) -> Iterator[None]:
    yield
    hub.faults.clear()


@pytest.fixture
def form(studio: RunningStudio, page: Page) -> Page:
    """The Fine-tune page, ready to be filled in."""
    page.goto(f"{studio.url}/fine-tune")
    expect(page.get_by_text("First rows of train")).to_be_attached(timeout=MINUTES)
    return page


@pytest.fixture(scope="module")
def trained(studio: RunningStudio, browser: Browser) -> str:
    """The id of a result that was made from data and a base model of the Hub."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    page = context.new_page()
    page.goto(f"{studio.url}/fine-tune")
    expect(page.get_by_text("First rows of train")).to_be_attached(timeout=MINUTES)
    choose(page, "Dataset", "acme/topics")
    expect(page.get_by_role("heading", name="Topics of packages")).to_be_visible()
    choose(page, "Base model", "acme/minilm")
    job = train(page)
    context.close()
    return str(get(f"{studio.url}/api/jobs/{job}")["artifact"])


def choose(page: Page, label: str, value: str) -> None:
    """Type something that is not in the menu, as one does."""
    field = page.get_by_label(label).first
    field.fill(value)
    field.press("Enter")


def train(page: Page) -> str:
    """Start a short run and wait until it has succeeded; gives the job's id."""
    page.get_by_label("Epochs").first.fill("1")
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"/jobs\?id=train-"), timeout=MINUTES)
    expect(page.locator("[data-live=state] .chip").first).to_contain_text(SETTLED, timeout=3 * MINUTES)
    expect(page.locator("[data-live=state] .chip").first).to_contain_text("Done")
    return page.url.split("id=")[1]


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


def message_at(page: Page, label: str) -> Locator:
    """What stands under a field."""
    return page.locator(".field", has=page.get_by_label(label)).locator("div.validation-error").first


# ---- data


def test_a_model_and_a_data_set_of_the_hub_are_trained_with(
    studio: RunningStudio, trained: str, hub: HubServer
) -> None:
    manifest = get(f"{studio.url}/api/artifacts/{trained}")
    assert manifest["data"]["id"] == "acme/topics"
    assert manifest["data"]["revision"] == hub.repo("acme/topics", "dataset").branches["main"]
    assert manifest["data"]["license"] == "cc0-1.0"
    assert manifest["base_model"]["id"] == "acme/minilm"
    assert manifest["base_model"]["revision"] == hub.repo("acme/minilm").branches["main"]


def test_csv_of_the_hub_fills_the_form_and_is_trained_with(form: Page, studio: RunningStudio) -> None:
    choose(form, "Dataset", "acme/reviews")
    expect(form.get_by_label("Text column").first).to_have_value("review")
    expect(form.get_by_label("Label column").first).to_have_value("stars")
    expect(form.get_by_label("Test on").first).to_have_value("test")
    expect(form.get_by_label("Evaluate on").first).to_have_value("none")
    expect(form.get_by_text("First rows of train")).to_be_attached()
    expect(form.get_by_text("the food was wonderful on visit 0")).to_be_visible()
    expect(form.get_by_text("train 40, test 40")).to_be_visible()
    job = get(f"{studio.url}/api/jobs/{train(form)}")
    assert get(f"{studio.url}/api/artifacts/{job['artifact']}")["labels"] == ["bad", "good"]


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ("acme/no-such-data", "acme/no-such-data is not on the Hub, or this account may not see it"),
        ("bob/secret", "bob/secret is not on the Hub, or this account may not see it"),
        ("acme/scripted", "Data sets made by a loading script are refused: no code from repositories is run"),
    ],
)
def test_data_that_cannot_be_had_is_refused_at_its_field(
    form: Page, studio: RunningStudio, ref: str, said: str
) -> None:
    before = [job["id"] for job in get(f"{studio.url}/api/jobs")]
    choose(form, "Dataset", ref)
    expect(form.locator("section.panel .notice")).to_contain_text(said)
    expect(message_at(form, "Dataset")).to_contain_text(said)
    form.get_by_role("button", name="Start training").click()
    expect(message_at(form, "Dataset")).to_contain_text(said)
    expect(message_at(form, "Dataset")).to_be_in_viewport()
    assert [job["id"] for job in get(f"{studio.url}/api/jobs")] == before
    choose(form, "Dataset", "acme/reviews")
    expect(form.get_by_label("Text column").first).to_have_value("review")
    expect(message_at(form, "Dataset")).to_have_count(0)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_message_at_a_field_is_shown_whole(browser: Browser, studio: RunningStudio, width: int, theme: Any) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=theme)
    page = context.new_page()
    page.goto(f"{studio.url}/fine-tune")
    expect(page.get_by_text("First rows of train")).to_be_attached(timeout=MINUTES)
    choose(page, "Base model", "acme/pickled")
    page.get_by_role("button", name="Start training").click()
    message = message_at(page, "Base model")
    expect(message).to_be_in_viewport(ratio=1)
    clipped = "e => [e, e.parentElement].some(box => box.scrollHeight > box.clientHeight + 1)"
    assert not message.evaluate(clipped)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


# ---- models


def test_a_model_with_pickled_weights_only_is_refused_at_its_field(
    form: Page, studio: RunningStudio, hub: HubServer
) -> None:
    before = [job["id"] for job in get(f"{studio.url}/api/jobs")]
    choose(form, "Base model", "acme/pickled")
    form.get_by_role("button", name="Start training").click()
    message = message_at(form, "Base model")
    expect(message).to_contain_text("only pickle weights (pytorch_model.bin); only safetensors are loaded")
    expect(message).to_be_in_viewport()
    assert [job["id"] for job in get(f"{studio.url}/api/jobs")] == before
    assert hub.count("GET", "acme/pickled/resolve") == 0  # refused by the list of files


# ---- publishing


@pytest.mark.parametrize(
    ("name", "fault", "said"),
    [
        ("hub-fault", Fault("POST", "/commit/", "status", FOREVER, 500), "The Hub has a fault of its own (500)"),
        ("upload-cut", Fault("*", "xet|lfs|cas", "cut_request", FOREVER), "The connection to the Hub failed"),
        ("commit-cut", Fault("POST", "/commit/", "cut_request", FOREVER), "The connection to the Hub failed"),
        ("forbidden", Fault("POST", "/commit/", "status", FOREVER, 403), "Sign in with a token that may write there"),
    ],
)
def test_a_push_that_failed_is_pushed_again(
    studio: RunningStudio, page: Page, trained: str, hub: HubServer, name: str, fault: Fault, said: str
) -> None:
    hub.faults.add(fault)
    publish(studio, page, trained, name)
    expect(page.locator("[data-live=error]")).to_contain_text(said)
    expect(page.locator("[data-live=state] .chip")).to_contain_text("Failed")
    assert "adapter_model.safetensors" not in hub.files(f"alice/{name}")
    assert get(f"{studio.url}/api/artifacts/{trained}")["id"] == trained
    hub.faults.clear()
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("[data-live=state] .chip")).to_contain_text("Done", timeout=2 * MINUTES)
    expect(page.locator("[data-live=error]")).to_be_empty()
    assert {"README.md", "adapter_model.safetensors", "manifest.json"} <= set(hub.files(f"alice/{name}"))
    page.reload()
    expect(page.get_by_role("link", name=f"alice/{name}")).to_be_visible()


def test_a_token_that_was_revoked_says_so_and_the_result_stays(
    studio: RunningStudio, page: Page, trained: str, hub: HubServer
) -> None:
    tokens: dict[str, AccessToken] = hub.hub.accounts.tokens
    page.goto(f"{studio.url}/cards?id={trained}")
    expect(page.get_by_text("Signed in as alice")).to_be_visible()
    kept = tokens.pop(hub.token)
    try:
        press_publish(page, "revoked")
        expect(page.locator("[data-live=error]")).to_contain_text("does not accept this token", timeout=MINUTES)
        expect(page.locator("[data-live=error]")).to_contain_text("hf auth login")
    finally:
        tokens[hub.token] = kept
    press_publish(page, "revoked")
    expect(page.locator("[data-live=state] .chip")).to_contain_text("Done", timeout=2 * MINUTES)
    assert "adapter_model.safetensors" in hub.files("alice/revoked")


def test_a_token_that_may_only_read_is_told_before_the_button_is_pressed(
    studio: RunningStudio, page: Page, trained: str, hub: HubServer, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(studio.home / "artifacts", home / "artifacts")
    environment = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.read_token, "HF_HOME": str(tmp_path / "hf")}
    reader = RunningStudio(home, environment)
    reader.start()
    try:
        page.goto(f"{reader.url}/cards?id={trained}")
        expect(page.get_by_text("Signed in as alice, with a token that may only read")).to_be_visible()
        expect(page.get_by_role("button", name="Publish")).to_be_disabled()
    finally:
        reader.stop()


def publish(studio: RunningStudio, page: Page, artifact: str, name: str) -> None:
    page.goto(f"{studio.url}/cards?id={artifact}")
    expect(page.get_by_text("Signed in as alice")).to_be_visible()
    press_publish(page, name)
    expect(page.locator("[data-live=state] .chip")).to_contain_text(SETTLED, timeout=2 * MINUTES)


def press_publish(page: Page, name: str) -> None:
    page.get_by_label(re.compile(r"^\s*Repository")).fill(name)
    with page.expect_response(re.compile("/gradio_api/queue/join")):
        page.get_by_role("button", name="Publish").click()
    expect(page.locator("[data-live=state] .chip")).to_contain_text(UNDER_WAY)


# ---- a file that is too large


def test_a_file_that_is_too_large_is_refused_at_once_and_the_page_lives(form: Page, tmp_path: Path) -> None:
    huge, small = tmp_path / "huge.csv", tmp_path / "small.csv"
    with huge.open("wb") as sparse:
        sparse.truncate(HUGE)
    small.write_bytes(reviews())
    began = time.monotonic()
    form.locator("input[type=file]").set_input_files(huge)
    toast = form.locator(".toast-body").first
    expect(toast).to_contain_text(re.compile("maximum allowed size of 500"))
    assert time.monotonic() - began < 10
    expect(form.get_by_label("Dataset").first).to_have_value("Debian topics")
    form.locator("input[type=file]").set_input_files(small)
    expect(form.get_by_label("Text column").first).to_have_value("review")


def test_the_server_refuses_it_too_before_it_is_sent(studio: RunningStudio) -> None:
    """A client that does not look at the size itself: the answer comes to the headers alone."""
    connection = http.client.HTTPConnection(urlsplit(studio.url).netloc, timeout=20)
    connection.putrequest("POST", "/gradio_api/upload")
    connection.putheader("Content-Type", "multipart/form-data; boundary=x")
    connection.putheader("Content-Length", str(HUGE))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert "larger than 500 MB" in json.loads(answer.read())["error"]
    connection.close()
