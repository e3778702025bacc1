"""The table of steps of docs/mending.md, made from STEPS: `python -m studio.data.steps.docs`."""

from studio.core.settings import ROOT
from studio.data.steps import STEPS
from studio.data.steps.base import AnyStep

PAGE = ROOT / "docs" / "mending.md"
BEGIN, END = "<!-- made from the table of steps -->", "<!-- end -->"


def with_table(page: str) -> str:
    """The page with its generated part made anew."""
    before, _, rest = page.partition(BEGIN)
    lines = ["| step | what it does | fields |", "|---|---|---|", *map(row, STEPS.values())]
    return f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{rest.partition(END)[2]}"


def row(step: AnyStep) -> str:
    """One step, with the fields that a recipe may give; those that it must give are bold."""
    fields = step.params.model_fields.items()
    names = [f"**`{name}`**" if field.is_required() else f"`{name}`" for name, field in fields]
    return f"| `{step.name}` | {step.description} | {', '.join(names)} |"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
