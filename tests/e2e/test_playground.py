"""The playground in a real browser: whatever a visitor does there besides running an example."""

import re
import time
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from studio.tasks import TASKS
from tests.e2e.conftest import RunningStudio, wait_until
from tests.e2e.playground import MINUTE, endless, example, made, opened, ready, result, run

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def writer(studio: RunningStudio) -> str:
    """A model that writes nonsense, and does not stop by itself."""
    return endless(studio, "text-generation")


@pytest.fixture(scope="module")
def talker(studio: RunningStudio) -> str:
    """The same for conversations."""
    return endless(studio, "conversational")


@pytest.fixture(scope="module")
def decider(studio: RunningStudio) -> str:
    """Answers questions by chance."""
    return made(studio, "decision")


@pytest.fixture(scope="module")
def seer(studio: RunningStudio) -> str:
    """Says by chance what a picture shows."""
    return made(studio, "image-text-to-text")


def test_any_task_is_found_by_keyboard(studio: RunningStudio, visitor: Page) -> None:
    opened(visitor, studio, "task=text-classification")
    visitor.get_by_role("button", name="Choose another task").press("Enter")
    dialog = visitor.get_by_role("dialog", name="Choose a task")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("heading", name="Audio")).to_be_visible()
    visitor.keyboard.type("no such thing")
    expect(dialog.get_by_text("No task is called so.")).to_be_visible()
    dialog.get_by_label("Search tasks").fill("fill-mask")
    expect(dialog.get_by_role("link")).to_have_count(1)
    started = time.monotonic()
    visitor.keyboard.press("Enter")
    ready(visitor, "fill-mask")
    assert time.monotonic() - started < 3
    expect(dialog).to_be_hidden()


def test_what_was_typed_waits_for_its_return(studio: RunningStudio, visitor: Page) -> None:
    opened(visitor, studio, "task=text-classification")
    visitor.locator(".at-inputs textarea").fill("half a sentence")
    choose(visitor, "translation")
    expect(visitor.locator(".at-inputs textarea")).to_have_value("")
    visitor.locator(".at-inputs textarea").fill("another one")
    choose(visitor, "text-classification")
    expect(visitor.locator(".at-inputs textarea")).to_have_value("half a sentence")
    visitor.reload()
    ready(visitor, "text-classification")
    expect(visitor.locator(".at-inputs textarea")).to_have_value("half a sentence")


def choose(page: Page, task: str) -> None:
    page.get_by_role("button", name="Choose another task").click()
    page.locator(f"dialog a[data-task='{task}']").click()
    ready(page, task)


def test_a_link_restores_task_model_and_settings(studio: RunningStudio, visitor: Page, browser: Browser) -> None:
    opened(visitor, studio, "task=zero-shot-classification")
    example(visitor, "zero-shot-classification", "A recipe")
    visitor.wait_for_url(re.compile("candidate_labels=.*cooking"))
    visitor.get_by_label("Sentence around a label").fill("It is about {}.")
    visitor.get_by_label("Sentence around a label").blur()
    visitor.wait_for_url(re.compile("hypothesis_template"))
    address = visitor.url
    assert "model=kit:zero-shot" in address
    fresh = browser.new_context().new_page()
    fresh.goto(address)
    ready(fresh, "zero-shot-classification")
    expect(fresh.locator(".at-candidate_labels")).to_contain_text("travel")
    expect(fresh.get_by_label("Sentence around a label")).to_have_value("It is about {}.")
    expect(fresh.locator(".at-inputs textarea")).to_have_value("")  # a link tells no inputs
    expect(fresh.locator(".model-facts").first).to_contain_text("in memory")
    assert fresh.url == address
    fresh.context.close()


def test_a_link_of_nonsense_opens_the_page_all_the_same(studio: RunningStudio, visitor: Page) -> None:
    visitor.goto(f"{studio.url}/playground?task=no-such&model=%3Cb%3E&p.top_k=abc&p.nothing=1")
    ready(visitor, next(iter(TASKS)))
    opened(visitor, studio, "task=text-classification&p.top_k=-3")
    example_text = visitor.locator(".at-inputs textarea")
    example_text.fill("something")
    visitor.get_by_role("button", name="Run", exact=True).click()
    expect(visitor.locator(".at-top_k")).to_contain_text("-3 is not usable")
    expect(example_text).to_have_value("something")


def test_code_is_there_in_four_languages(studio: RunningStudio, visitor: Page) -> None:
    opened(visitor, studio, "task=text-classification")
    example(visitor, "text-classification", "A game")
    run(visitor)
    visitor.get_by_role("tab", name="Code").click()
    block = visitor.locator("#code figure.code").filter(visible=True)
    for language, words in (
        ("Python", "transformers"), ("InferenceClient", "InferenceClient"), ("curl", "curl"), ("JavaScript", "fetch"),
    ):  # fmt: skip
        visitor.locator("#code .segments").get_by_text(language, exact=True).click()
        expect(block).to_have_count(1)
        expect(block).to_contain_text(words)


def test_questions_are_rows(studio: RunningStudio, visitor: Page, decider: str) -> None:
    opened(visitor, studio, f"task=decision&model={decider}")
    questions = visitor.get_by_role("group", name=re.compile(r"^Question \d$"))
    visitor.get_by_label("State").fill("The parcel has not come.")
    visitor.get_by_role("button", name="Run", exact=True).click()
    expect(visitor.locator(".block.at-questions")).to_contain_text("Give one question at least.")
    visitor.get_by_label("Name", exact=True).fill("mood")
    visitor.get_by_label("Type").select_option("Choice")
    visitor.get_by_role("button", name="Run", exact=True).click()
    expect(visitor.locator(".block.at-questions")).to_contain_text("Question 1 needs two options at least.")
    visitor.get_by_label("Option 1 of question 1", exact=True).fill("<b>calm</b>")
    visitor.get_by_label("Option 2 of question 1", exact=True).fill("angry")
    visitor.get_by_role("button", name="Add a question").click()
    expect(questions.nth(1).get_by_label("Name", exact=True)).to_be_focused()
    visitor.keyboard.type("late")
    questions.nth(1).get_by_label("Question", exact=True).fill("Is something late?")
    run(visitor)
    expect(result(visitor).get_by_role("region", name="mood")).to_contain_text("<b>calm</b>")
    expect(result(visitor).get_by_role("region", name="late")).to_contain_text("Yes")
    visitor.reload()
    ready(visitor, "decision")
    expect(questions).to_have_count(2)
    expect(visitor.get_by_label("Option 1 of question 1", exact=True)).to_have_value("<b>calm</b>")
    visitor.get_by_role("button", name="Remove question 1").click()
    expect(questions).to_have_count(1)
    expect(visitor.get_by_label("Name", exact=True)).to_have_value("late")
    example(visitor, "decision", "A complaint")
    expect(questions).to_have_count(3)
    visitor.get_by_role("button", name="Reset").click()
    expect(questions).to_have_count(1)
    expect(visitor.get_by_label("Name", exact=True)).to_have_value("")


def test_a_question_about_a_picture_is_asked_once(studio: RunningStudio, visitor: Page, seer: str) -> None:
    opened(visitor, studio, f"task=image-text-to-text&model={seer}")
    visitor.locator(".examples .example").first.click()
    message = visitor.get_by_label("Message", exact=True)
    expect(message).to_have_value("What is in this picture?")
    expect(visitor.locator(".at-image img").first).to_be_attached()
    visitor.locator(".settings .label-wrap").first.click()
    visitor.locator(".at-max_new_tokens input").fill("8")
    visitor.get_by_role("button", name="Send").click()
    expect(visitor.locator(".run-facts")).to_be_visible(timeout=2 * MINUTE)
    expect(visitor.locator(".chat .user")).to_have_count(1)
    message.fill("And what not?")
    message.press("Enter")
    expect(visitor.locator(".chat .bot")).to_have_count(2, timeout=MINUTE)
    visitor.get_by_role("tab", name="Code").click()
    code = visitor.locator("#code figure.code").filter(visible=True)
    expect(code).to_contain_text("And what not?", timeout=MINUTE)
    expect(code).to_contain_text("What is in this picture?")  # what was said before


def test_models_side_by_side(studio: RunningStudio, visitor: Page) -> None:
    opened(visitor, studio, "task=text-classification")
    example(visitor, "text-classification", "A game")
    visitor.get_by_role("tab", name="Compare").click()
    visitor.get_by_role("button", name="Compare", exact=True).click()
    expect(visitor.locator(".compared .run-facts")).to_have_count(2, timeout=MINUTE)
    expect(visitor.locator(".compared").first).to_contain_text("games")
    expect(visitor.locator(".compared").nth(1)).to_contain_text("positive")


def test_a_batch_of_an_uploaded_file(studio: RunningStudio, visitor: Page, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("number,text\n1,A chess engine\n2,An audio player\n")
    opened(visitor, studio, "task=text-classification")
    visitor.get_by_role("tab", name="Batch").click()
    visitor.locator("input[type=file]").last.set_input_files(file)
    expect(visitor.get_by_label("Data", exact=False).first).to_have_value("mine.csv")
    expect(visitor.get_by_label("Column for text")).to_have_value("text")
    visitor.get_by_role("button", name="Start the batch").click()
    link = visitor.get_by_role("link", name="The job and its log")
    expect(link).to_have_attribute("href", re.compile(r"/jobs\?id=predict-"))
    button = visitor.get_by_role("button", name="Download CSV")
    expect(button).to_be_visible(timeout=2 * MINUTE)
    with visitor.expect_download() as download:
        button.click()
    rows = download.value.path().read_text().splitlines()
    assert len(rows) == 3
    assert "games" in rows[1]


def test_a_text_is_shown_as_it_is_written_until_it_is_stopped(
    studio: RunningStudio, visitor: Page, writer: str
) -> None:
    opened(visitor, studio, f"task=text-generation&model={writer}&p.max_new_tokens=4000")
    visitor.locator(".at-inputs textarea").fill("Once upon a time")
    visitor.get_by_role("button", name="Run", exact=True).click()
    text = visitor.locator(".written [data-text]")
    expect(text).to_have_text(re.compile(r"[\s\S]{40}"), timeout=2 * MINUTE)
    before = len(text.inner_text())
    visitor.wait_for_function("before => document.querySelector('[data-text]').innerText.length > before", arg=before)
    visitor.get_by_role("button", name="Stop").filter(visible=True).click()
    expect(visitor.get_by_role("button", name="Run", exact=True)).to_be_visible()
    expect(visitor.locator(".written.stopped")).to_be_visible()
    wait_until(lambda: idle(studio), 20, "the worker to rest")
    stopped = text.inner_text()
    assert before < len(stopped) < 3_500  # it was told to write 4,000 tokens, most of them one sign
    visitor.get_by_label("Model", exact=True).fill("kit:no-such")
    visitor.keyboard.press("Enter")  # what was on its way has come when what another event brings is there
    expect(visitor.locator(".model-facts .notice").first).to_contain_text("kit:no-such")
    assert text.inner_text() == stopped


def test_whoever_leaves_stops_the_model(studio: RunningStudio, visitor: Page, writer: str) -> None:
    opened(visitor, studio, f"task=text-generation&model={writer}&p.max_new_tokens=4000")
    visitor.locator(".at-inputs textarea").fill("Once upon a time")
    visitor.keyboard.press("Control+Enter")
    expect(visitor.locator(".written [data-text]")).to_have_text(re.compile(r"[\s\S]{40}"), timeout=2 * MINUTE)
    assert not idle(studio)
    visitor.goto("about:blank")
    wait_until(lambda: idle(studio), 20, "the worker to rest")


def idle(studio: RunningStudio) -> bool:
    """Whether the inference worker computes nothing."""
    assert studio.process is not None
    children = psutil.Process(studio.process.pid).children(recursive=True)
    worker = next(one for one in children if "studio.inference.server" in " ".join(one.cmdline()))
    return float(worker.cpu_percent(interval=0.5)) < 20


def test_a_conversation(studio: RunningStudio, visitor: Page, talker: str) -> None:
    opened(visitor, studio, f"task=conversational&model={talker}&p.max_tokens=20")
    visitor.get_by_label("System message").fill("Be brief.")
    message = visitor.get_by_label("Message", exact=True)
    message.fill("Hello?")
    message.press("Enter")
    expect(visitor.locator(".chat .user")).to_have_count(1)
    expect(visitor.locator(".run-facts")).to_contain_text("Tokens", timeout=2 * MINUTE)
    expect(message).to_have_value("")
    visitor.get_by_role("button", name="Try again").click()
    expect(visitor.locator(".chat .user")).to_have_count(1)
    expect(visitor.get_by_role("button", name="Send")).to_be_visible(timeout=MINUTE)
    visitor.reload()
    ready(visitor, "conversational")
    expect(visitor.locator(".chat .user")).to_have_count(1)
    expect(visitor.get_by_label("System message")).to_have_value("Be brief.")
    visitor.locator(".actions-row").get_by_role("button", name="Clear", exact=True).click()
    expect(visitor.locator(".chat .user")).to_have_count(0)


def test_mistakes_are_said_at_their_field_and_nothing_is_lost(
    studio: RunningStudio, visitor: Page, tmp_path: Path
) -> None:
    opened(visitor, studio, "task=text-classification&model=kit:no-such")
    visitor.get_by_role("button", name="Run", exact=True).click()
    expect(visitor.locator(".at-inputs")).to_contain_text("Write a text.")
    text = visitor.locator(".at-inputs textarea")
    text.fill("<script>document.title = 'x'</script> a game")
    expect(visitor.locator(".model-facts .notice").first).to_contain_text("kit:no-such")
    visitor.get_by_role("button", name="Run", exact=True).click()
    expect(result(visitor).get_by_role("alert")).to_contain_text("kit:no-such")
    expect(visitor.locator(".at-model.wrong")).to_be_visible()
    opened(visitor, studio, "task=text-classification&model=kit:topic-classifier")
    expect(text).to_have_value("<script>document.title = 'x'</script> a game")
    run(visitor)
    expect(visitor).to_have_title(re.compile("Playground"))
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"\x89PNG\r\n\x1a\n" + b"nothing" * 40)
    opened(visitor, studio, "task=image-classification")
    visitor.locator(".at-inputs input[type=file]").set_input_files(damaged)
    expect(visitor.locator(".at-inputs img")).to_be_attached()
    visitor.get_by_role("button", name="Run", exact=True).click()
    expect(result(visitor).get_by_role("alert")).to_contain_text(re.compile("Image.*(no image|damaged)"))
    expect(visitor.locator(".at-inputs.wrong")).to_be_visible()
    example(visitor, "image-classification", "A cup of coffee")
    run(visitor)
