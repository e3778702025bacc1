"""The choice of a task: a button that names the present one, and a dialog with all of them, grouped and searchable."""

from typing import get_args
from urllib.parse import quote

from studio.tasks import TASKS
from studio.tasks.base import Group, Task
from studio.ui.icons import icon
from studio.ui.parts import Html, join, text

ICONS = {"Text": "text", "Vision": "picture", "Audio": "sound", "Several at once": "layers"}


def button(task: Task) -> Html:
    """What is chosen; a press opens the dialog."""
    return Html(
        '<p class="over-field" id="task-label">Task</p>'
        '<button type="button" class="task-button" data-pick aria-haspopup="dialog">'
        f'<span class="picture">{icon(ICONS[task.group], size=20)}</span>'
        f"<span class='words'><b>{text(task.title)}</b><span>{text(task.description)}</span></span>"
        f"<span class='hidden'>Choose another task</span>{icon('chevron', size=18)}</button>"
    )


def dialog() -> Html:
    """Every task as a link, under the heading of its group."""
    groups = join(_group(name) for name in get_args(Group))
    return Html(
        '<dialog class="tasks" aria-labelledby="tasks-title"><div class="tasks-head">'
        '<h2 id="tasks-title">Choose a task</h2>'
        f'<button type="button" class="icon-button small" data-pick-close aria-label="Close">{icon("close")}</button>'
        f'<input type="search" placeholder="Search {len(TASKS)} tasks" aria-label="Search tasks" autocomplete="off">'
        f'</div><div class="tasks-body">{groups}<p class="no-task" role="status" hidden>No task is called so.</p></div>'
        "</dialog>"
    )


def _group(name: str) -> Html:
    members = [task for task in TASKS.values() if task.group == name]
    if not members:
        return Html("")
    items = join(_entry(task) for task in members)
    return Html(f"<section><h3>{icon(ICONS[name], size=16)}{text(name)}</h3><ul>{items}</ul></section>")


def _entry(task: Task) -> Html:
    return Html(
        f'<li><a href="/playground?task={quote(task.id)}" data-task="{text(task.id)}"><b>{text(task.title)}</b>'
        f"<span>{text(task.description)}</span></a></li>"
    )
