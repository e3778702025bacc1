"""Mending by hand in a browser: rows are edited into a draft that stays, media are seen and heard, finds lead on."""

import datetime
import io
import json
import re
import zipfile
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import RunningStudio
from tests.e2e.test_datasets import MINUTE, TOPICS, at, open_set
from tests.mended import picture, sound

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

CSV = "text,number,share,sure\nfirst,1,0.5,true\nsecond,2,1.5,false\nthird,,,\n"


def uploaded(page: Page, studio: RunningStudio, file: Path) -> str:
    """The reference of what was put in."""
    page.goto(f"{studio.url}/datasets")
    page.locator("input[type=file]").first.set_input_files(file)
    expect(page.locator(".dataset-head h2")).to_be_visible(timeout=MINUTE)
    page.wait_for_function("new URLSearchParams(location.search).get('ref')")
    return at(page)["ref"]


@pytest.fixture
def table(page: Page, studio: RunningStudio, tmp_path: Path) -> str:
    file = tmp_path / "rows.csv"
    file.write_text(CSV)
    return uploaded(page, studio, file)


def box(page: Page, column: str) -> Locator:
    return page.get_by_role("textbox", name=column, exact=True)


def recipe(page: Page) -> Locator:
    return page.locator(".cm-content:visible")


def opened_row(page: Page, studio: RunningStudio, ref: str, row: int) -> None:
    open_set(page, studio, f"ref={ref}&row={row}")
    fold = page.get_by_role("button", name="Edit this row")
    expect(fold).to_be_visible(timeout=MINUTE)
    if not page.get_by_role("button", name="Save into the recipe").is_visible():
        fold.click()
    expect(page.get_by_role("button", name="Save into the recipe")).to_be_visible()


def saved(page: Page) -> Locator:
    page.get_by_role("button", name="Save into the recipe").click()
    return page.locator(".notice[role=status]")


def test_cells_are_set_and_the_draft_stays(studio: RunningStudio, page: Page, table: str) -> None:
    opened_row(page, studio, table, 1)
    box(page, "text").fill('new: "words"\n- in two lines')
    box(page, "number").fill("7")
    page.get_by_label("Yes", exact=True).check()
    expect(saved(page)).to_contain_text("3 cells set; not yet run", timeout=MINUTE)
    page.reload()
    expect(page.locator(".notice[role=status]")).to_contain_text(
        "Of this row it sets text, number, sure.", timeout=MINUTE
    )
    expect(box(page, "number")).to_have_value("7")
    box(page, "number").fill("2")  # as it was: no edit any more
    expect(saved(page)).to_contain_text("2 cells set", timeout=MINUTE)

    page.get_by_role("link", name="Next row").click()
    expect(page.get_by_text("Row 2 of 3")).to_be_visible(timeout=MINUTE)
    expect(page.get_by_role("button", name="Save into the recipe")).to_be_hidden(
        timeout=MINUTE
    )  # nothing is edited here
    expect(page.locator(".notice[role=status]")).to_contain_text("2 cells set")
    page.get_by_role("button", name="Edit this row").click()
    expect(box(page, "text")).to_have_value("third", timeout=MINUTE)
    page.get_by_role("button", name="Delete this row").click()
    expect(page.locator(".notice[role=status]")).to_contain_text("1 row deleted", timeout=MINUTE)
    expect(page.locator(".notice[role=status]")).to_contain_text("This row is deleted in it.")

    page.get_by_role("link", name="Open the recipe").click()
    expect(recipe(page)).to_contain_text("step: edit", timeout=MINUTE)
    expect(recipe(page)).to_contain_text("delete:")
    page.get_by_role("button", name="Add a row").click()
    box(page, "text").fill("fourth")
    box(page, "share").fill("0.25")
    page.get_by_role("button", name="Add this row to the recipe").click()
    expect(recipe(page)).to_contain_text("add:", timeout=MINUTE)
    page.get_by_label("Condition").fill("share < 9")
    page.get_by_role("button", name="Add to the recipe", exact=True).click()
    expect(recipe(page)).to_contain_text("step: filter", timeout=MINUTE)
    page.reload()
    expect(recipe(page)).to_contain_text("step: filter", timeout=MINUTE)
    page.get_by_role("tab", name="Rows").click()
    expect(page.locator(".rows")).to_contain_text("second", timeout=MINUTE)
    page.get_by_role("tab", name="Mend").click()
    expect(recipe(page)).to_contain_text("fourth", timeout=MINUTE)
    page.get_by_role("button", name="Preview", exact=True).click()
    after = page.get_by_role("region", name="After")
    expect(after.locator("tbody tr")).to_have_count(3, timeout=MINUTE)
    cells = [row.locator("td").all_inner_texts() for row in after.locator("tbody tr").all()]
    assert cells[1] == ["1", 'new: "words"\n- in two lines', "2", "1.5", "True"]
    assert cells[2] == ["new", "fourth", "null", "0.25", "null"]

    opened_row(page, studio, table, 2)
    expect(page.locator(".notice[role=status]")).to_contain_text(
        "2 cells set, 1 row deleted, 1 row added, 1 other step"
    )
    page.get_by_role("button", name="Undo its edits").click()
    expect(page.locator(".notice[role=status]")).not_to_contain_text("deleted", timeout=MINUTE)
    page.get_by_role("link", name="Open the recipe").click()
    expect(recipe(page)).not_to_contain_text("delete:", timeout=MINUTE)
    expect(recipe(page)).to_contain_text("step: filter")


def test_a_draft_is_of_one_data_set_and_may_be_written_by_hand(studio: RunningStudio, page: Page, table: str) -> None:
    open_set(page, studio, f"ref={table}&tab=mend")
    expect(page.get_by_role("button", name="Preview", exact=True)).to_be_visible(timeout=MINUTE)
    expect(page.get_by_role("button", name="Add to the recipe", exact=True)).to_be_visible(timeout=MINUTE)
    recipe(page).fill("steps: [{step: shuffle")
    page.get_by_role("tab", name="Rows").click()
    page.get_by_role("link", name="Row 0", exact=True).click()
    expect(page.locator(".notice.warn")).to_contain_text("Rows cannot be edited now", timeout=MINUTE)
    expect(page.get_by_role("button", name="Edit this row")).to_have_count(0)
    page.get_by_role("link", name="Open the recipe").click()
    expect(recipe(page)).to_contain_text("step: shuffle", timeout=MINUTE)
    page.get_by_role("link", name="All data sets").click()
    page.get_by_label("Find").fill("debian topics")
    page.get_by_role("link", name="Debian topics").click()
    expect(page.locator(".dataset-head")).to_contain_text(TOPICS, timeout=MINUTE)
    page.get_by_role("tab", name="Mend").click()
    expect(page.get_by_role("button", name="Preview", exact=True)).to_be_visible(timeout=MINUTE)
    expect(recipe(page)).not_to_contain_text("shuffle", timeout=MINUTE)
    open_set(page, studio, f"ref={table}&tab=mend")
    expect(recipe(page)).to_contain_text("step: shuffle", timeout=MINUTE)


def test_a_mistake_is_told_beside_the_box_and_changes_nothing(studio: RunningStudio, page: Page, table: str) -> None:
    opened_row(page, studio, table, 0)
    box(page, "number").fill("many")
    page.get_by_role("button", name="Save into the recipe").click()
    expect(page.locator(".notice.bad")).to_contain_text("number", timeout=MINUTE)
    expect(page.locator(".notice.bad")).to_contain_text("whole number")
    expect(page.locator(".notice[role=status]")).to_have_count(0)
    expect(box(page, "number")).to_have_value("many")
    box(page, "number").fill("")
    expect(saved(page)).to_contain_text("1 cell set", timeout=MINUTE)


def archived(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def previewed(page: Page, studio: RunningStudio, ref: str, text: str) -> Locator:
    open_set(page, studio, f"ref={ref}&tab=mend")
    expect(page.get_by_role("button", name="Preview", exact=True)).to_be_visible(timeout=MINUTE)
    expect(page.get_by_role("button", name="Add to the recipe", exact=True)).to_be_visible(timeout=MINUTE)
    recipe(page).fill(text)
    kept = "Object.values(JSON.parse(sessionStorage['studio-recipes'] || '{}'))"
    held = f"(text) => {kept}.some((one) => one.includes(text))"
    page.wait_for_function(held, arg=text.splitlines()[-1].strip())
    page.get_by_role("button", name="Preview", exact=True).click()
    after = page.get_by_role("region", name="After")
    expect(after).to_be_visible(timeout=MINUTE)
    return after


def test_pictures_are_seen_before_and_after(studio: RunningStudio, page: Page, tmp_path: Path) -> None:
    files = {f"{'ab'[number % 2]}/{number}.png": picture(number) for number in range(4)}
    ref = uploaded(page, studio, archived(tmp_path / "pictures.zip", files))
    after = previewed(page, studio, ref, "steps: [{step: augment-images, column: image, keep: true}]")
    shown = after.locator("img")
    expect(shown).to_have_count(8)
    assert all(shown.nth(place).evaluate("one => one.complete && one.naturalWidth > 0") for place in range(8))
    sources = [shown.nth(place).get_attribute("src") for place in range(8)]
    assert all(str(source).startswith("data:image/webp;base64,") for source in sources)
    assert len(set(sources)) == 8
    assert re.fullmatch(r"image, 16×12", str(shown.first.get_attribute("alt")))
    page.locator("summary").get_by_text("Before", exact=True).click()
    expect(page.get_by_role("region", name="Before").locator("img")).to_have_count(4)


def test_sounds_are_heard(studio: RunningStudio, page: Page, tmp_path: Path) -> None:
    long = io.BytesIO()
    soundfile.write(long, [0.1] * 16_000 * 12, 16_000, format="WAV")
    files = {"a/short.wav": sound(), "b/long.wav": long.getvalue()}
    ref = uploaded(page, studio, archived(tmp_path / "sounds.zip", files))
    after = previewed(page, studio, ref, "steps: [{step: augment-audio, column: audio}]")
    players = after.locator("audio")
    expect(players).to_have_count(2)
    lengths = [players.nth(place).evaluate(LENGTH) for place in range(2)]
    assert min(lengths) < 1
    assert max(lengths) == pytest.approx(10, abs=0.2)


LENGTH = """one => new Promise((done) => {
  one.addEventListener("loadedmetadata", () => done(one.duration));
  one.addEventListener("error", () => done(-1));
  one.preload = "metadata"; one.load();
})"""


def test_a_find_leads_to_its_step(studio: RunningStudio, page: Page, tmp_path: Path) -> None:
    files = {"train.csv": b"text\na\nb\nc\n", "test.csv": b"text\nb\nd\n"}
    ref = uploaded(page, studio, archived(tmp_path / "leaky.zip", files))
    page.get_by_role("tab", name="Checks").click()
    page.get_by_role("button", name="Check now").click()
    leakage = page.locator(".panel").filter(has=page.get_by_role("heading", name="Leakage"))
    expect(leakage.get_by_role("link", name="Mend it")).to_be_visible(timeout=2 * MINUTE)
    leakage.get_by_role("link", name="Mend it").click()
    expect(page.get_by_label("Compared with")).to_be_visible(timeout=MINUTE)
    told = at(page)
    assert told | {"fields": ""} == {"ref": ref, "tab": "mend", "step": "drop-leaked", "fields": ""}
    assert json.loads(told["fields"])["against"] == "train"
    page.get_by_role("button", name="Add to the recipe", exact=True).click()
    expect(recipe(page)).to_contain_text("step: drop-leaked", timeout=MINUTE)
    page.get_by_role("link", name="test 2").click()
    page.wait_for_function("new URLSearchParams(location.search).get('split') === 'test'")
    page.get_by_role("button", name="Preview", exact=True).click()
    after = page.get_by_role("region", name="After")
    expect(after.locator("tbody tr")).to_have_count(1, timeout=MINUTE)
    expect(after).to_contain_text("d")
    page.get_by_role("tab", name="Rows").click()
    page.wait_for_function("!new URLSearchParams(location.search).has('step')")
    assert "fields" not in at(page)


def test_the_form_opens_with_the_columns_of_a_find(studio: RunningStudio, page: Page, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("note,mail,other\nnone,ann@example.org,x\nnone,bob@example.org,y\n")
    ref = uploaded(page, studio, file)
    page.get_by_role("tab", name="Checks").click()
    page.get_by_role("button", name="Check now").click()
    found = page.locator(".panel").filter(has=page.get_by_role("heading", name="Personal data and secrets"))
    found.get_by_role("link", name="Mend it").click(timeout=2 * MINUTE)
    expect(page.get_by_role("button", name="Add to the recipe", exact=True)).to_be_visible(timeout=MINUTE)
    page.get_by_role("button", name="Add to the recipe", exact=True).click()
    expect(recipe(page)).to_contain_text("- mail", timeout=MINUTE)
    expect(recipe(page)).not_to_contain_text("- note")
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(page.get_by_role("region", name="After")).to_contain_text("[EMAIL]", timeout=MINUTE)
    page.reload()
    expect(page.get_by_label("Country")).to_have_value("US", timeout=MINUTE)
    assert at(page)["ref"] == ref


def test_decimals_and_times_are_written_as_text(studio: RunningStudio, page: Page, tmp_path: Path) -> None:
    file = tmp_path / "sales.parquet"
    price = pa.array([Decimal("1234567890123456789.05"), None], pa.decimal128(21, 2))
    days = pa.array([datetime.date(2024, 2, 29), None], pa.date32())
    when = pa.array([datetime.datetime(2024, 2, 29, 12, 30), None], pa.timestamp("us"))
    pq.write_table(pa.table({"price": price, "day": days, "when": when}), file)
    ref = uploaded(page, studio, file)
    opened_row(page, studio, ref, 0)
    expect(box(page, "price")).to_have_value("1234567890123456789.05")
    expect(box(page, "when")).to_have_value("2024-02-29 12:30:00")
    assert box(page, "day").get_attribute("placeholder") == "for example 2026-11-30"
    box(page, "day").fill("1.3.2024")
    page.get_by_role("button", name="Save into the recipe").click()
    expect(page.locator(".notice.bad")).to_contain_text("day: '1.3.2024' is not usable. It holds DATE", timeout=MINUTE)
    box(page, "price").fill("1234567890123456789.06")
    box(page, "day").fill("2024-03-01")
    box(page, "when").fill("")
    expect(saved(page)).to_contain_text("3 cells set", timeout=MINUTE)
    page.get_by_role("link", name="Open the recipe").click()
    expect(recipe(page)).to_contain_text("'1234567890123456789.06'", timeout=MINUTE)
    page.get_by_role("button", name="Preview", exact=True).click()
    first = page.get_by_role("region", name="After").locator("tbody tr").first
    expect(first).to_be_visible(timeout=MINUTE)
    assert first.locator("td").all_inner_texts() == ["0", "1234567890123456789.06", "2024-03-01", "null"]


def test_every_tab_of_a_data_set_without_rows(studio: RunningStudio, page: Page, tmp_path: Path) -> None:
    file = tmp_path / "none.csv"
    file.write_text("text,label\n")
    uploaded(page, studio, file)
    expect(page.locator(".facts-line")).to_contain_text("0 rows · 2 columns", timeout=MINUTE)
    expect(page.get_by_text("It has no rows.")).to_be_visible(timeout=MINUTE)
    page.get_by_role("tab", name="Columns").click()
    expect(page.locator(".column-cards .panel")).to_have_count(2, timeout=MINUTE)
    page.get_by_role("tab", name="SQL").click()
    page.get_by_role("button", name="Run").click()
    expect(page.locator("#sql-box")).to_be_visible(timeout=MINUTE)
    page.get_by_role("tab", name="Checks").click()
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_text("There are no rows.").first).to_be_visible(timeout=MINUTE)
    page.get_by_role("tab", name="Mend").click()
    expect(page.get_by_role("button", name="Add to the recipe", exact=True)).to_be_visible(timeout=MINUTE)
    page.get_by_role("button", name="Add a row").click()
    box(page, "text").fill("first")
    page.get_by_role("button", name="Add this row to the recipe").click()
    expect(recipe(page)).to_contain_text("add:", timeout=MINUTE)
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(page.get_by_role("region", name="After").locator("tbody tr")).to_have_count(1, timeout=MINUTE)
    page.get_by_role("tab", name="Annotate").click()
    expect(page.get_by_role("heading", name="Not annotated yet")).to_be_visible(timeout=MINUTE)
    page.get_by_role("tab", name="Publish").click()
    card = page.get_by_role("textbox", name=re.compile("^Card"))
    expect(card).to_have_value(re.compile("0 rows in 1 split"), timeout=MINUTE)
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text(re.compile("Published at .*/datasets/alice/none"))).to_be_visible(timeout=3 * MINUTE)
    expect(page.locator(".notice.bad")).to_have_count(0)
