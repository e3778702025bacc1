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
    assert "| `kit:greetings` | **Greetings.** One greeting. Rows: train 1,200. |" in made
    assert docs.with_tables(made, entries) == made
