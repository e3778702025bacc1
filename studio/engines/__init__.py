"""Engines: where jobs run. One file each, one line here; an entry is called with the settings."""

from collections.abc import Callable

from studio.core.registry import Registry
from studio.core.settings import Settings
from studio.jobs.engine import Engine

ENGINES: Registry[Callable[[Settings], Engine]] = Registry(
    "engine",
    {
        "local": "studio.engines.local:LocalEngine",
    },
    group="studio.engines",
)
