"""Gradio Blocks that compute their configuration once, when all pages are built, instead of after each page."""

import logging
from types import TracebackType
from typing import Any

import gradio as gr
from gradio import blocks
from gradio.context import Context, set_render_context

log = logging.getLogger(__name__)


class PagedBlocks(gr.Blocks):
    """`gr.Blocks` whose `route` does not pay for all earlier pages again; call `finish` after the last page.

    It repeats what `gr.Blocks.__exit__` of the pinned Gradio does around the configuration. A test holds the
    result against plain Blocks, and `fits` tells whether the private names are still there.
    """

    _deferred = True

    @staticmethod
    def fits() -> bool:
        """Whether this Gradio has everything that the deferral touches."""
        parts = (
            (blocks.BlockContext, "fill_expected_parents"),
            (Context, "root_block"),
            (gr.Blocks, "validate_navbar_settings"),
        )
        return all(hasattr(owner, name) for owner, name in parts)

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        if not self._deferred or exc_type is not None or self.parent is not None:
            super().__exit__(exc_type, exc, traceback)
            return
        blocks.BlockContext.fill_expected_parents(self)  # type: ignore[no-untyped-call]
        set_render_context(self.parent)
        self.default_config.attach_load_events()
        Context.root_block = None
        self.exited = True

    def finish(self) -> None:
        """Compute the configuration and the app of all pages."""
        self._deferred = False
        with self:
            pass


def new_blocks(**options: Any) -> gr.Blocks:
    """Paged Blocks where this Gradio allows it, plain (and slower to build) ones where it does not."""
    if PagedBlocks.fits():
        return PagedBlocks(**options)
    log.warning("this version of Gradio is not the pinned one: building every page's configuration separately")
    return gr.Blocks(**options)
