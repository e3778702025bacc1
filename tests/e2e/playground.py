"""What the tests of the playground share: opening it, its examples, a run, and models made for it."""

import json
import re

from playwright.sync_api import Locator, Page, expect

from studio.core.settings import Settings
from studio.jobs.artifacts import stage
from studio.tasks import TASKS
from tests.e2e.conftest import RunningStudio
from tests.e2e.forms import press
from tests.tiny import TINY
from tests.tiny.writing import save_llama
from tests.unit.inference import tiny

MINUTE = 60_000


def made(studio: RunningStudio, task: str) -> str:
    settings = Settings(home=studio.home)
    staged = stage(settings.artifacts_dir)
    TINY[task](staged)
    return tiny.add_artifact(settings, staged, f"tiny-{task}", task=task)


def endless(studio: RunningStudio, task: str) -> str:
    settings = Settings(home=studio.home)
    staged = stage(settings.artifacts_dir)
    save_llama(staged)
    for name, change in (
        ("config", {"max_position_embeddings": 20_000}),
        ("generation_config", {"min_new_tokens": 4_000}),
    ):
        file = staged / f"{name}.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | change))
    return tiny.add_artifact(settings, staged, f"endless-{task}", task=task)


def opened(page: Page, studio: RunningStudio, query: str) -> None:
    page.goto(f"{studio.url}/playground?{query}")
    task = query.partition("task=")[2].partition("&")[0]
    ready(page, task)


def ready(page: Page, task: str) -> None:
    """The form of a task is there, and the address tells it."""
    page.locator(f"[data-form*='\"{task}\"']").wait_for(state="attached")
    expect(page.locator(".task-button b")).to_have_text(TASKS[task].title)
    page.wait_for_url(re.compile(f"task={task}(&|$)"))


def example(page: Page, task: str, title: str) -> None:
    press(page, TASKS[task], next(one for one in TASKS[task].examples if one.title == title))


def run(page: Page) -> None:
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".run-facts").first).to_be_visible(timeout=2 * MINUTE)


def result(page: Page) -> Locator:
    return page.locator("#result")
