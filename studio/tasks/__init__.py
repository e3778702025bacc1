"""Tasks: one file per pipeline task of the Hub, one line here."""

from studio.core.registry import Registry
from studio.tasks.base import Task

TASKS: Registry[Task] = Registry(
    "task",
    {
        "text-classification": "studio.tasks.text_classification:TASK",
        "image-classification": "studio.tasks.image_classification:TASK",
    },
    group="studio.tasks",
)
