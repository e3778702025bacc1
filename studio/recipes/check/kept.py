"""Findings that are done, as files in the job's folder, so that a killed run goes on at the next check."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from studio.data.checks.base import Finding
from studio.jobs.files import read_json, write_json

PLAN = "plan.json"
FINDING = TypeAdapter(Finding)


class Kept:
    """What is finished of a run that follows `plan`; findings of another plan are thrown away."""

    def __init__(self, folder: Path, plan: Mapping[str, str]) -> None:
        self._folder = folder
        if folder.is_dir() and read_json(folder / PLAN) != dict(plan):
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / PLAN, plan)

    def get(self, name: str) -> Finding | None:
        """The finding of a check, if it is done."""
        value = read_json(self._folder / f"{name}.json")
        try:
            return FINDING.validate_python(value) if value is not None else None
        except ValidationError:
            return None

    def put(self, name: str, finding: Finding) -> None:
        """Keep it: on disk as a whole, or not at all."""
        write_json(self._folder / f"{name}.json", asdict(finding))
