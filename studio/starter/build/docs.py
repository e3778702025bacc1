"""The tables of docs/kit.md, made from the manifest: `python -m studio.starter.build.docs`."""

from collections.abc import Sequence

from studio.core.settings import ROOT
from studio.starter.kit import KitEntry, entries

PAGE = ROOT / "docs" / "kit.md"
BEGIN, END = "<!-- made from assets/kit/manifest.json -->", "<!-- end -->"


def with_tables(page: str, kit: Sequence[KitEntry]) -> str:
    """The page with its generated part made anew."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{contents_table(kit)}\n{quality_table(kit)}\n{END}{after}"


def contents_table(kit: Sequence[KitEntry]) -> str:
    """What is in the kit, one row an entry."""
    lines = ["| id | what | MB | made from | licence |", "|---|---|---|---|---|"]
    for entry in kit:
        what = f"**{entry.title}.** {entry.description}"
        if entry.splits:
            what += " Rows: " + ", ".join(f"{name} {count:,}" for name, count in entry.splits.items()) + "."
        sources = "; ".join(source.name for source in entry.sources)
        lines.append(f"| `{entry.id}` | {what} | {entry.bytes / 1e6:.1f} | {sources} | {entry.license} |")
    return "\n".join([*lines, ""])


def quality_table(kit: Sequence[KitEntry]) -> str:
    """What was measured, one row a figure."""
    lines = ["| id | figure | value | on | n | how |", "|---|---|---|---|---|---|"]
    for entry in kit:
        for name, figure in entry.quality.items():
            lines.append(
                f"| `{entry.id}` | {name} | {figure.value:.4f} | {figure.split} | {figure.n} | {figure.note} |"
            )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), entries()), encoding="utf-8")
