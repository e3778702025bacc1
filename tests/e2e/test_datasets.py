"""The datasets page in a browser: open, look, sort, filter, search, question, know, check and mend, on the real kit."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import Page, expect

from studio.data.steps import STEPS
from tests.e2e.conftest import RunningStudio
from tests.hubserver.server import HubServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

MINUTE = 60_000
TOPICS = "kit:debian-topics"


def at(page: Page) -> dict[str, str]:
    """What the address says."""
    return {name: values[0] for name, values in parse_qs(urlparse(page.url).query).items()}


def open_set(page: Page, studio: RunningStudio, query: str) -> None:
    page.goto(f"{studio.url}/datasets?{query}")
    expect(page.locator(".dataset-head h2")).to_be_visible(timeout=MINUTE)


def test_from_the_list_to_a_row_and_back(studio: RunningStudio, page: Page) -> None:
    page.goto(f"{studio.url}/datasets")
    page.get_by_label("Find").fill("debian topics")
    expect(page.get_by_role("link", name="Debian topics")).to_be_visible(timeout=MINUTE)
    expect(page.get_by_role("link", name="Fashion")).to_have_count(0)
    page.get_by_role("link", name="Debian topics").click()
    expect(page.get_by_text("Rows 1 to 100 of 3,989").first).to_be_visible(timeout=MINUTE)
    assert at(page) == {"ref": TOPICS}
    page.get_by_role("link", name="Last").first.click()
    expect(page.get_by_text("Rows 3,901 to 3,989 of 3,989").first).to_be_visible(timeout=MINUTE)
    page.get_by_role("link", name="Row 3,950").click()
    expect(page.get_by_text("Row 3,950 of 3,989")).to_be_visible(timeout=MINUTE)
    page.get_by_role("link", name="Next row").click()
    expect(page.get_by_text("Row 3,951 of 3,989")).to_be_visible(timeout=MINUTE)
    page.reload()
    expect(page.get_by_text("Row 3,951 of 3,989")).to_be_visible(timeout=MINUTE)
    page.go_back()
    expect(page.get_by_text("Row 3,950 of 3,989")).to_be_visible(timeout=MINUTE)
    page.get_by_role("link", name="test 995").click()
    expect(page.get_by_text("Rows 1 to 100 of 995").first).to_be_visible(timeout=MINUTE)
    assert at(page) == {"ref": TOPICS, "split": "test"}


def test_sorted_filtered_searched(studio: RunningStudio, page: Page) -> None:
    open_set(page, studio, f"ref={TOPICS}&split=test")
    page.get_by_role("link", name="package").click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("package", timeout=MINUTE)
    first = page.locator(".rows tbody tr").first
    lowest = first.locator("td").last.inner_text()
    page.locator("th[aria-sort=ascending] a").click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("package", timeout=MINUTE)
    expect(first.locator("td").last).not_to_have_text(lowest, timeout=MINUTE)
    assert first.locator("td").last.inner_text() > lowest

    page.get_by_role("button", name="Filter").click()
    page.get_by_label("Or a condition in SQL").fill("label = 'games'")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("ul.filters")).to_contain_text("label = 'games'", timeout=MINUTE)
    cells = page.locator(".rows tbody tr td:nth-child(3)")
    expect(cells.first).to_have_text("games")
    assert set(cells.all_inner_texts()) == {"games"}
    page.get_by_role("link", name="Take away: label = 'games'").click()
    expect(page.locator("ul.filters")).to_have_count(0, timeout=MINUTE)

    page.get_by_role("textbox", name="Search").fill("WEB server")
    page.get_by_role("textbox", name="Search").press("Enter")
    expect(page.locator("mark").first).to_have_text(re.compile("web server", re.I), timeout=MINUTE)
    page.get_by_label("Words", exact=True).check()
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("ranked by BM25")).to_be_visible(timeout=MINUTE)
    assert at(page)["by"] == "words"
    scores = [float(cell) for cell in page.locator(".rows tbody tr td:nth-child(2)").all_inner_texts()]
    assert scores == sorted(scores, reverse=True)

    page.get_by_label("Meaning").check()
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("There is no index by meaning")).to_be_visible(timeout=MINUTE)
    expect(page.get_by_role("button", name="Build the index")).to_be_visible()


def test_a_mistake_in_sql_is_told_where_the_rows_stand(studio: RunningStudio, page: Page) -> None:
    open_set(page, studio, f"ref={TOPICS}&where=nonsense+%3D+1")
    expect(page.locator(".notice.bad")).to_contain_text("nonsense", timeout=MINUTE)


def test_columns_and_questions(studio: RunningStudio, page: Page) -> None:
    open_set(page, studio, "ref=kit:wine&tab=columns")
    cards = page.locator(".column-cards .panel")
    expect(cards).to_have_count(14, timeout=MINUTE)
    expect(cards.filter(has=page.get_by_role("heading", name="label", exact=True))).to_contain_text("grower 2")
    page.get_by_role("button", name="Two columns against each other").click()
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("figure.plane")).to_contain_text("malic_acid", timeout=MINUTE)

    page.get_by_role("tab", name="SQL").click()
    expect(page.locator("#sql-box .cm-content")).to_contain_text("GROUP BY", timeout=MINUTE)
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("region", name="Answer")).to_contain_text("grower 2", timeout=MINUTE)
    assert at(page)["tab"] == "sql"
    page.locator("#sql-box .cm-content").fill("SELECT * FROM read_text('/etc/passwd')")
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".notice.bad")).to_be_visible(timeout=MINUTE)
    expect(page.get_by_text("root:")).to_have_count(0)


def test_checks_lead_to_rows(studio: RunningStudio, page: Page) -> None:
    open_set(page, studio, f"ref={TOPICS}&tab=checks")
    expect(page.get_by_role("heading", name="Not checked yet")).to_be_visible(timeout=MINUTE)
    page.get_by_role("button", name="Check now").click()
    leakage = page.locator(".panel").filter(has=page.get_by_role("heading", name="Leakage"))
    expect(leakage).to_be_visible(timeout=2 * MINUTE)
    expect(leakage.locator(".chip")).to_contain_text("ok")
    page.locator(".finds a").first.click()
    expect(page.locator(".whole-row")).to_be_visible(timeout=MINUTE)
    assert int(at(page)["row"]) >= 0


def test_mended_step_by_step(studio: RunningStudio, page: Page) -> None:
    open_set(page, studio, f"ref={TOPICS}&tab=mend")
    recipe = page.locator(".cm-content").last
    page.get_by_label("Condition").fill("length(text) > 200", timeout=MINUTE)
    page.get_by_role("button", name="Add to the recipe").click()
    expect(recipe).to_contain_text("step: filter", timeout=MINUTE)
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("region", name="After")).to_be_visible(timeout=MINUTE)
    expect(page.get_by_text("keep rows where length(text) > 200")).to_be_visible()
    page.get_by_role("button", name="Show as Python").click()
    expect(page.locator("figure.code")).to_contain_text("datasets", timeout=MINUTE)
    page.get_by_role("button", name="Run as a job").click()
    result = page.locator(".live-job")
    expect(result.locator("[data-live=state]")).to_contain_text("Done", timeout=3 * MINUTE)
    page.goto(f"{studio.url}/datasets")
    made = page.locator("tr").filter(has_text="Made by a job").first
    made.get_by_role("link").click()
    expect(page.locator(".dataset-head")).to_contain_text("artifact:", timeout=MINUTE)
    page.get_by_role("tab", name="Mend").click()
    expect(page.get_by_role("heading", name="Where it is from")).to_be_visible(timeout=MINUTE)


def test_an_upload_opens_and_its_cells_stay_text(studio: RunningStudio, page: Page, tmp_path: Path) -> None:
    file = tmp_path / "evil.csv"
    file.write_text('text,label\n"<img src=x onerror=document.title=1><script>document.title=2</script>",a\nfine,b\n')
    told: list[str] = []
    page.on("dialog", lambda dialog: told.append(dialog.message))
    page.goto(f"{studio.url}/datasets")
    page.locator("input[type=file]").first.set_input_files(file)
    expect(page.locator(".rows")).to_contain_text("<script>", timeout=MINUTE)
    expect(page.locator(".rows img")).to_have_count(0)
    assert page.title() not in ("1", "2")
    assert told == []


def test_what_cannot_be_opened_is_told(studio: RunningStudio, page: Page) -> None:
    page.goto(f"{studio.url}/datasets?ref=kit:nothing")
    expect(page.locator(".notice.bad")).to_contain_text("kit:debian-topics", timeout=MINUTE)
    expect(page.get_by_role("link", name="Debian topics")).to_be_visible()
    page.get_by_label("Open another").fill("http://127.0.0.1:1/secret.csv")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_text("Only addresses of the open web")).to_be_visible(timeout=MINUTE)


def test_the_whole_way_to_the_hub_and_back(studio: RunningStudio, hub: HubServer, page: Page, tmp_path: Path) -> None:
    """A file with doubles: opened, searched, checked as a job, mended, published, and opened again from the Hub."""
    file = tmp_path / "shop.csv"
    rows = [f"The parcel number {n} came late and broken,complaint" for n in range(20)]
    file.write_text("\n".join(["text,label", *rows, rows[3], rows[3], "Thank you for the quick help,praise"]) + "\n")
    page.goto(f"{studio.url}/datasets")
    page.locator("input[type=file]").first.set_input_files(file)
    expect(page.get_by_text("Rows 1 to 23 of 23").first).to_be_visible(timeout=MINUTE)
    page.get_by_role("textbox", name="Search").fill("quick")
    page.get_by_label("Words", exact=True).check()
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".rows tbody tr")).to_have_count(1, timeout=MINUTE)

    page.get_by_role("tab", name="Checks").click()
    page.get_by_role("button", name="Check as a job").click()
    expect(page.locator(".live-job [data-live=state]")).to_contain_text("Done", timeout=3 * MINUTE)
    page.reload()
    doubles = page.locator(".panel").filter(has=page.get_by_role("heading", name="Exact duplicates"))
    expect(doubles).to_contain_text("2 rows", timeout=MINUTE)
    expect(page.get_by_role("link", name="Report as a page")).to_be_visible()

    page.get_by_role("tab", name="Mend").click()
    page.get_by_label("Add a step").click()
    page.get_by_role("option", name="Rows: Deduplicate", exact=True).click()
    page.get_by_role("button", name="Add to the recipe").click()
    expect(page.locator(".cm-content").last).to_contain_text("step: deduplicate", timeout=MINUTE)
    page.get_by_label("Title of the result").fill("Shop, mended")
    page.get_by_role("button", name="Run as a job").click()
    expect(page.locator(".live-job [data-live=state]")).to_contain_text("Done", timeout=3 * MINUTE)
    page.goto(f"{studio.url}/datasets")
    page.get_by_role("link", name="Shop, mended").click()
    expect(page.get_by_text("Rows 1 to 21 of 21").first).to_be_visible(timeout=MINUTE)

    page.get_by_role("tab", name="Publish").click()
    expect(page.get_by_text("Signed in as alice")).to_be_visible(timeout=MINUTE)
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text(f"Published at {hub.endpoint}/datasets/alice/shop-mended")).to_be_visible(
        timeout=3 * MINUTE
    )
    card = hub.files("alice/shop-mended", "dataset")["README.md"].decode()
    entry = STEPS["deduplicate"]
    assert entry.describe(entry.params()) in card, "the card says what was done"
    open_set(page, studio, "ref=alice/shop-mended")
    expect(page.get_by_text("Rows 1 to 21 of 21").first).to_be_visible(timeout=MINUTE)
