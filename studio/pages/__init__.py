"""Pages: one file each, one line here, in the order of the sidebar."""

from studio.core.registry import Registry
from studio.ui.page import Page

PAGES: Registry[Page] = Registry(
    "page",
    {
        "overview": "studio.pages.overview:PAGE",
        "playground": "studio.pages.playground:PAGE",
        "datasets": "studio.pages.datasets:PAGE",
        "fine-tune": "studio.pages.finetune:PAGE",
        "metrics": "studio.pages.metrics:PAGE",
        "jobs": "studio.pages.jobs:PAGE",
        "cards": "studio.pages.cards:PAGE",
        "kit": "studio.pages.kit:PAGE",
    },
    group="studio.pages",
)
