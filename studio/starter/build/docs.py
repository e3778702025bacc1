"""The tables of docs/kit.md, made from the manifest: `python -m studio.starter.build.docs`."""

from collections.abc import Sequence

from studio.core.settings import ROOT
from studio.starter.kit import KitEntry, Missing, Quality, known, missing

PAGE = ROOT / "docs" / "kit.md"
BEGIN, END = "<!-- made from assets/kit/manifest.json -->", "<!-- end -->"


def with_tables(page: str, kit: Sequence[KitEntry], lacking: Sequence[Missing] = ()) -> str:
    """The page with its generated part made anew."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    tables = [contents_table(kit), quality_table(kit), *([missing_table(lacking)] if lacking else [])]
    made = "\n".join(tables)
    return f"{before}{BEGIN}\n{made}\n{END}{after}"


def contents_table(kit: Sequence[KitEntry]) -> str:
    """What is in the kit, one row an entry."""
    lines = ["| id | what | tasks | MB | made from | licence |", "|---|---|---|---|---|---|"]
    for entry in kit:
        what = f"**{entry.title}.** {entry.description}"
        if entry.splits:
            what += " Rows: " + ", ".join(f"{name} {count:,}" for name, count in entry.splits.items()) + "."
        sources = "; ".join(source.name for source in entry.sources)
        cells = (f"`{entry.id}`", what, ", ".join(entry.tasks), _megabytes(entry), sources, entry.license)
        lines.append(_row(cells))
    return "\n".join([*lines, ""])


def quality_table(kit: Sequence[KitEntry]) -> str:
    """What was measured, one row a figure."""
    lines = ["| id | figure | value | trivial answer | on | n | how |", "|---|---|---|---|---|---|---|"]
    for entry in kit:
        for name, figure in entry.quality.items():
            value = f"{figure.value:.4f}"
            lines.append(
                _row((f"`{entry.id}`", name, value, _baseline(figure), figure.split, str(figure.n), figure.note))
            )
    return "\n".join([*lines, ""])


def missing_table(lacking: Sequence[Missing]) -> str:
    """Tasks that nothing useful of a few megabytes serves."""
    lines = ["| task that the kit has nothing for | why | on the Hub |", "|---|---|---|"]
    return "\n".join([*lines, *(_row((one.task, one.reason, f"`{one.model}`")) for one in lacking), ""])


def _megabytes(entry: KitEntry) -> str:
    if entry.here or entry.extra is None:
        return f"{entry.bytes / 1e6:.1f}"
    return f"extra: {entry.extra.download / 1e6:.0f} to fetch, {entry.extra.installed / 1e6:.0f} on the disk"


def _baseline(figure: Quality) -> str:
    return "" if figure.baseline is None else f"{figure.baseline:.4f} ({figure.baseline_note})"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(' '.join(cell.replace('|', '/').split()) for cell in cells)} |"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), known(), missing()), encoding="utf-8")
