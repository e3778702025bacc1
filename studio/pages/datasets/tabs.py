"""What a tab of a data set is. Each builds its own components, says what they show, and wires its own events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.core.types import Caller
from studio.data.records import Dataset
from studio.pages.datasets.address import Address
from studio.service import Studio


@dataclass(frozen=True)
class Kept:
    """What a field shall hold that visitors write into.

    It is set when the page opens another data set, or when this is something else than the page set there last: what
    somebody types while rows are on their way is not overwritten.
    """

    value: Any


Shown = Callable[[Caller, Address, Dataset], Sequence[Any]]


@dataclass(frozen=True)
class Tab:
    """One tab.

    Attributes:
        id: as the address has it.
        build: `(studio, query)` → the components that follow the address, and what they show at a place of it, each a
            value, an update or `Kept`. The query is the address; who changes it leads the page to another place.
    """

    id: str
    title: str
    build: Callable[[Studio, gr.Textbox], tuple[Sequence[Component], Shown]]
