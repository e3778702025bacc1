"""Tables load lazily, list what they know, and take entries from outside."""

import sys

import pytest

from studio.core.errors import UnknownName
from studio.core.registry import Registry


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    sys.modules.pop("colorsys", None)
    table: Registry[object] = Registry("colour", {"hls": "colorsys:rgb_to_hls"}, group="nobody")
    assert "colorsys" not in sys.modules
    assert list(table) == ["hls"]
    assert callable(table["hls"])
    assert "colorsys" in sys.modules


def test_an_unknown_name_lists_the_known() -> None:
    table: Registry[object] = Registry("colour", {"hls": "colorsys:rgb_to_hls", "hsv": "colorsys:rgb_to_hsv"}, "nobody")
    with pytest.raises(UnknownName, match=r"Unknown colour 'cmyk'\. Known: hls, hsv\."):
        table["cmyk"]


def test_an_unknown_name_is_a_key_error_for_mapping_methods() -> None:
    table: Registry[object] = Registry("colour", {}, "nobody")
    assert table.get("cmyk") is None
