"""The generated part of docs/kit.md."""

from pathlib import Path

from studio.starter import kit
from studio.starter.build import docs
from tests.unit.starter.test_kit import write_kit


def test_only_the_generated_part_of_the_page_changes(tmp_path: Path) -> None:
    entries = kit.entries(root=write_kit(tmp_path, splits={"train": 1200}))
    page = f"# Kit\n\n{docs.BEGIN}\nold\n{docs.END}\n\nafter\n"
    made = docs.with_tables(page, entries)
    assert made.startswith("# Kit\n\n")
    assert made.endswith(f"{docs.END}\n\nafter\n")
    assert "old" not in made
    assert "| `kit:greetings` | **Greetings.** One greeting. Rows: train 1,200. | text-classification |" in made
    assert docs.with_tables(made, entries) == made


def test_what_is_missing_stands_there_with_the_hubs_model(tmp_path: Path) -> None:
    lacking = (kit.Missing(task="text-to-video", reason="Too large | by far.", model="some/model"),)
    made = docs.with_tables(f"{docs.BEGIN}\n{docs.END}", kit.entries(root=write_kit(tmp_path)), lacking)
    assert "| text-to-video | Too large / by far. | `some/model` |" in made


def test_an_extra_says_what_is_to_be_fetched(tmp_path: Path) -> None:
    wheel = {"package": "some-words", "version": "1.0", "sha256": "0" * 64, "size": 2_000_000}
    extra = {"wheels": [wheel], "installed": 5_000_000}
    entries = kit.known(root=write_kit(tmp_path, tier="extra", files=[], extra=extra))
    assert "extra: 2 to fetch, 5 on the disk" in docs.contents_table(entries)
