"""What a visitor does with the form of a task."""

import re

from playwright.sync_api import Page, expect

from studio.core.params import flatten
from studio.core.types import MEDIA, Modality
from studio.tasks.base import Example, Task


def press(page: Page, task: Task, example: Example) -> None:
    """Press an example, and wait until all that it fills in is there."""
    page.locator(".examples").get_by_role("button", name=example.title, exact=True).click()
    for slot in task.inputs:
        if slot.name in example.inputs:
            _holds(page, slot.name, slot.modality, example.inputs[slot.name])
    for name, value in flatten(example.params):
        if isinstance(value, list):
            expect(page.locator(f".at-{name.replace('.', '__')}")).to_contain_text(str(value[-1]))


def _holds(page: Page, name: str, modality: Modality, value: object) -> None:
    place = page.locator(f".at-{name}")
    if modality in (Modality.IMAGE, Modality.VIDEO):
        kind = "img" if modality is Modality.IMAGE else "video"
        expect(place.locator(kind).first).to_have_attribute("src", re.compile(re.escape(str(value))))
    elif modality in MEDIA:
        expect(place.locator(".timestamps")).to_be_visible()
        expect(place.locator("time, .timestamps").first).to_have_text(re.compile(r"\d:\d\d"))
    elif modality is Modality.TEXTS:
        expect(place.locator("textarea")).to_have_value("\n".join(str(one) for one in list(value)))  # type: ignore[call-overload]
    elif modality is Modality.TEXT:
        expect(place.locator("textarea")).to_have_value(str(value))
    else:  # a table or questions: the name of the first one
        first = next(iter(value))  # type: ignore[call-overload]
        if modality is Modality.QUESTIONS:
            expect(place.get_by_label("Name", exact=True).first).to_have_value(str(first))
        else:
            expect(place).to_contain_text(str(first))
