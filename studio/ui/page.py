"""What a page is. A page builds itself when it is asked to; nothing happens at import."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from studio.service import Studio

Group = Literal["", "Build", "Measure", "Ship", "Learn"]


@dataclass(frozen=True)
class Page:
    """One area of the studio.

    Attributes:
        path: route, one segment; "" is the start page.
        title: h1, and the name in the sidebar.
        purpose: one line under the h1.
        group: heading in the sidebar.
        icon: name of an icon in `studio.ui.icons`.
        build: creates the components and events inside an open Blocks context.
    """

    path: str
    title: str
    purpose: str
    group: Group
    icon: str
    build: Callable[[Studio], None]
