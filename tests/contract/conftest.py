"""The browser of the end-to-end tests."""

from tests.e2e.conftest import browser, page

__all__ = ["browser", "page"]
