"""From a find to its mend in a browser: the form is filled from the check, and the preview changes what was found."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import RunningStudio
from tests.e2e.test_datasets import MINUTE, at
from tests.e2e.test_datasets_editing import archived, recipe, uploaded

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

SUBJECTS = ("roses and tulips need good soil", "boil the pasta with some salt", "the ship left the old harbour")


def csv(first: int) -> bytes:
    """Twelve rows of two labels; one size is far out, one text has two labels and one is empty."""
    lines = [f"{SUBJECTS[n % 3]} {first + n},{'ab'[n % 2]},{20 + n % 5}" for n in range(12)]
    lines[2] = f"{SUBJECTS[2]} {first + 2},a,9000"
    lines[7] = ",b,21"
    lines += [f"{SUBJECTS[1]} {first + 1},a,22", f"{SUBJECTS[1]} {first + 1},b,22"]
    return ("text,label,size\n" + "\n".join(lines) + "\n").encode()


def panel(page: Page, title: str) -> Locator:
    return page.locator(".panel").filter(has=page.get_by_role("heading", name=title, exact=True))


@pytest.fixture
def checked(page: Page, studio: RunningStudio, tmp_path: Path) -> str:
    ref = uploaded(page, studio, archived(tmp_path / "odd.zip", {"train.csv": csv(100), "test.csv": csv(500)}))
    page.get_by_role("tab", name="Checks").click()
    page.get_by_role("button", name="Check now").click()
    expect(panel(page, "Outliers")).to_be_visible(timeout=2 * MINUTE)
    return ref


def mended(page: Page, title: str, place: int = 0) -> None:
    panel(page, title).get_by_role("link", name="Mend it").nth(place).click()
    expect(page.get_by_role("button", name="Add to the recipe", exact=True)).to_be_visible(timeout=MINUTE)


def previewed(page: Page) -> Locator:
    page.get_by_role("button", name="Add to the recipe", exact=True).click()
    expect(recipe(page)).to_contain_text("step:", timeout=MINUTE)
    page.get_by_role("button", name="Preview", exact=True).click()
    after = page.get_by_role("region", name="After")
    expect(after).to_be_visible(timeout=MINUTE)
    return after


def test_an_outlier_is_filtered_out_of_its_split(checked: str, page: Page) -> None:
    expect(panel(page, "Outliers")).to_contain_text("rows of test")
    mended(page, "Outliers", 1)
    expect(page.get_by_label("Condition")).to_have_value(re.compile(r'coalesce\("size" BETWEEN \d+ AND \d+, true'))
    assert (at(page)["split"], at(page)["only"], at(page)["step"]) == ("test", "test", "filter")
    expect(page.get_by_label("In", exact=True)).to_have_value("test")
    after = previewed(page)
    expect(recipe(page)).to_contain_text("- test")
    expect(after.locator("tbody tr")).to_have_count(13)
    expect(after).not_to_contain_text("9000")
    expect(page.locator("details.counts s").first).to_be_attached()
    assert checked == at(page)["ref"]


def test_rows_of_conflicting_labels_are_in_the_form(checked: str, page: Page) -> None:
    mended(page, "Conflicting labels")
    cells = page.get_by_label("Cells")
    expect(cells).not_to_have_value("", timeout=MINUTE)
    assert json.loads(cells.input_value()) == [{"row": 12, "column": "label", "value": "b"}]
    after = previewed(page)
    row = after.locator("tbody tr").nth(12)
    expect(row.locator(".new-cell")).to_have_count(1)
    expect(row.locator(".new-cell")).to_have_text("b")
    expect(after.locator(".new-cell")).to_have_count(1)


def test_rows_with_an_empty_cell_are_left_out(checked: str, page: Page) -> None:
    mended(page, "Empty and constant")
    expect(page.get_by_label("Condition")).to_have_value(re.compile('regexp_matches\\("text"'))
    expect(page.get_by_label("In", exact=True)).to_have_value("every split")
    after = previewed(page)
    expect(after.locator("tbody tr")).to_have_count(13)
    expect(recipe(page)).not_to_contain_text("splits")
