"""The table of docs/checks.md, made from CHECKS: `python -m studio.data.checks.docs`."""

from studio.core.settings import ROOT
from studio.data.checks import CHECKS
from studio.data.checks.base import AnyCheck

PAGE = ROOT / "docs" / "checks.md"
BEGIN, END = "<!-- made from the table of checks -->", "<!-- end -->"
COMMON = frozenset({"splits", "columns", "shown"})


def with_table(page: str) -> str:
    """The page with its generated part made anew."""
    before, _, rest = page.partition(BEGIN)
    lines = ["| id | what it finds | needs | how | settings | mended by |", "|---|---|---|---|---|---|"]
    lines += map(row, CHECKS.values())
    return f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{rest.partition(END)[2]}"


def row(check: AnyCheck) -> str:
    """One check; of its settings those that not every check has."""
    own = {name: field.default for name, field in check.params.model_fields.items() if name not in COMMON}
    settings = ", ".join(
        f"`{name}`" + (f" {default}" if default not in ("", None) else "") for name, default in own.items()
    )
    step = f"`{check.step}`" if check.step else ""
    job = " Runs as a job only." if check.heavy else ""
    found = f"**{check.title}.** {check.description}{job}"
    return f"| `{check.id}` | {found} | {check.needs} | {check.source} | {settings} | {step} |".replace(
        "PydanticUndefined", ""
    )


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
