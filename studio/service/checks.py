"""Data checks: which there are, running them as a job or at once, and reading their reports."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from studio.core.errors import InvalidInput, InvalidInputs, NotFound, TimedOut
from studio.core.params import parse
from studio.core.types import Caller
from studio.data import reports
from studio.data.checks import CHECKS, asking
from studio.data.checks.base import AnyCheck, Finding
from studio.data.reports import Report
from studio.jobs.job import Job
from studio.recipes.check.params import CheckJobParams
from studio.service.jobs import Wishes
from studio.service.trying import Trying

KIND = "report"
PLAIN = Wishes()
FILES = {
    "json": ("report.json", "application/json"),
    "html": ("report.html", "text/html; charset=utf-8"),
    "md": ("report.md", "text/markdown; charset=utf-8"),
}
AT_ONCE_ROWS = 20_000
AT_ONCE_BYTES = 50_000_000
AT_ONCE_SECONDS = 20.0
FINDINGS = TypeAdapter(tuple[Finding, ...])


class Checks(Trying):
    """What may be wrong with a data set."""

    def checks(self) -> list[AnyCheck]:
        """Every check of the table."""
        return list(CHECKS.values())

    def check(
        self,
        caller: Caller,
        ref: str,
        checks: Sequence[str] = (),
        values: Mapping[str, Any] | None = None,
        wishes: Wishes = PLAIN,
    ) -> Job:
        """Run checks over a data set as a job that leaves a report; none named means all of the table.

        `values` are further fields of the recipe "check": splits, columns, label, options. Raises `InvalidInputs`.
        """
        return self.submit(caller, "check", {**(values or {}), "dataset": ref, "checks": list(checks)}, wishes)

    def check_now(
        self, caller: Caller, ref: str, checks: Sequence[str] = (), values: Mapping[str, Any] | None = None
    ) -> Report:
        """The same at once, for a small data set and checks that train no model; none named means all of these.

        Raises `InvalidInput` at "dataset" for one that is too large, at "checks" for one that runs as a job only, and
        `TimedOut` after 20 seconds.
        """
        params = parse(CheckJobParams, {**(values or {}), "dataset": ref, "checks": list(checks)})
        dataset = self.dataset(caller, ref)
        if dataset.info.partial:
            raise InvalidInput(
                "dataset", ref, "Of so large a one only the beginning is read at once; check it as a job."
            )
        common = params.model_dump(include=set(asking.COMMON))
        if problems := asking.validate(dataset, params.checks, common, params.options):
            raise InvalidInputs(problems)
        rows = sum(dataset.info.splits.values())
        if rows > AT_ONCE_ROWS or dataset.info.bytes > AT_ONCE_BYTES:
            raise InvalidInput("dataset", ref, f"It has {rows:,} rows; check it as a job.")
        if heavy := [name for name in params.checks if CHECKS[name].heavy]:
            raise InvalidInput("checks", heavy[0], "It runs as a job only.")
        began = time.monotonic()
        chosen = params.checks or [name for name in CHECKS if not CHECKS[name].heavy]
        wished = {name: (common, params.options.get(name, {})) for name in chosen}
        asked = {"checks": wished, "most": AT_ONCE_SECONDS}
        with self._attended(caller) as gone:
            try:
                found = self._aside.ask("check", dataset, asked, gone)
            except TimedOut:
                raise TimedOut(f"This takes longer than {AT_ONCE_SECONDS:.0f} seconds; check it as a job.") from None
        return Report(
            ref=ref,
            title=dataset.info.title,
            splits=dataset.info.splits,
            findings=FINDINGS.validate_python(found),
            revision=dataset.info.revision,
            created_at=time.time(),
            seconds=time.monotonic() - began,
        )

    def report(self, caller: Caller, artifact_id: str) -> Report:
        """The report that a check has left; raises `NotFound` for what is not there or is no report."""
        return reports.from_json(self.report_file(caller, artifact_id, "json")[1])

    def report_file(self, caller: Caller, artifact_id: str, format: str = "html") -> tuple[str, str, str]:
        """A report to download, as json, html or md: its file name, its text and its media type."""
        if format not in FILES:
            raise InvalidInput("format", format, f"Use one of {', '.join(FILES)}.")
        artifact = self.artifact(caller, artifact_id.removeprefix("artifact:"))
        name, media_type = FILES[format]
        if artifact.manifest.kind != KIND or not (artifact.path / name).is_file():
            raise NotFound(f"{artifact_id!r} is no report of a data check.")
        return f"{artifact.id}.{format}", (artifact.path / name).read_text(encoding="utf-8"), media_type
