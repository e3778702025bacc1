"""The table of docs/tasks.md, made from TASKS and the kit's manifest: `python -m studio.tasks.docs`."""

from typing import get_args

from studio.core.settings import ROOT
from studio.starter import kit
from studio.tasks import TASKS
from studio.tasks.base import Group, Task

PAGE = ROOT / "docs" / "tasks.md"
GROUPS = get_args(Group)
BEGIN, END = "<!-- made from the table of tasks -->", "<!-- end -->"


def with_table(page: str) -> str:
    """The page with its generated part made anew."""
    before, _, rest = page.partition(BEGIN)
    here = {entry.id for entry in kit.known()}
    lines = ["| id | what it does | takes | gives | models |", "|---|---|---|---|---|"]
    lines += [row(task, here) for task in sorted(TASKS.values(), key=lambda task: GROUPS.index(task.group))]
    return f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{rest.partition(END)[2]}"


def row(task: Task, here: set[str]) -> str:
    """One task; of the kit's models those that the kit has."""
    takes = ", ".join(f"`{slot.name}` ({slot.modality})" for slot in task.inputs)
    models = ", ".join(f"`{ref}`" for ref in task.models if ref in here or not ref.startswith("kit:"))
    return f"| `{task.id}` | **{task.title}.** {task.description} | {takes} | {task.output.modality} | {models} |"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
