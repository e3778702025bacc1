"""Tiny models of text."""

from collections.abc import Callable
from pathlib import Path

from tests.unit.inference import tiny

TINY: dict[str, Callable[[Path], None]] = {"text-classification": tiny.save_classifier}
