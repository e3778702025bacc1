"""The run of a data check: check after check, each kept when it is done, then the report as an artifact."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from studio.core.settings import Settings
from studio.data import reports
from studio.data.checks import CHECKS, asking, label_errors
from studio.data.checks.base import CheckParams, Finding
from studio.data.records import Dataset
from studio.data.reports import Report
from studio.inference.border import border
from studio.inference.models import resolve_model
from studio.jobs.artifacts import DataReference, Manifest
from studio.jobs.context import JobContext
from studio.recipes import arrival
from studio.recipes.check import names, validate
from studio.recipes.check.encoders import encoders
from studio.recipes.check.kept import Kept
from studio.recipes.check.params import LABELS, NAMES, TASK, CheckJobParams
from studio.recipes.training.provenance import versions
from studio.tasks import TASKS

EVERY = 0.3  # seconds between two written reports of progress
JSON, PAGE, TEXT = "report.json", "report.html", "report.md"


def run(params: CheckJobParams, context: JobContext) -> None:
    """From the last finished check on, to the artifact."""
    settings = Settings(home=context.spec.home).reading_as(context.token)
    dataset = arrival.checked(params, "dataset", validate, settings, context)
    fingerprint = dataset.fingerprint()
    kept = Kept(context.workdir / "findings", {"params": params.model_dump_json(), "data": fingerprint})
    began = time.monotonic()
    findings: list[Finding] = []
    chosen = list(dict.fromkeys(params.checks)) or list(CHECKS)
    for place, name in enumerate(chosen):
        known = kept.get(name)
        if known is not None:
            context.log(f"{known.title}: done before")
        context.raise_if_cancelled()
        finding = known or _one(dataset, name, params, _Progress(context, place, len(chosen)), settings)
        if known is None:
            kept.put(name, finding)
            context.log(f"{finding.title}: {finding.severity}. {finding.summary}")
        findings.append(finding)
    report = Report(
        ref=params.dataset,
        title=dataset.info.title,
        splits=dataset.info.splits,
        findings=tuple(findings),
        revision=dataset.info.revision,
        fingerprint=fingerprint,
        created_at=time.time(),
        seconds=time.monotonic() - began,
        versions=versions(),
    )
    _leave(params, report, dataset, context)


def _one(dataset: Dataset, name: str, params: CheckJobParams, progress: "_Progress", settings: Settings) -> Finding:
    """One check; where a model looks for names of people, or helps to judge labels, it is loaded here."""
    common = params.model_dump(include=set(asking.COMMON))
    stop = progress.context.raise_if_cancelled
    if name != NAMES:
        wishes = asking.params_of(name, common, params.options.get(name, {}))
        spec = progress.context.spec
        helped = partial(label_errors.run, encoders=encoders(params, settings, spec.owner, spec.device.kind))
        return asking.run(dataset, name, wishes, progress, stop, helped if name == LABELS else None)
    task = TASKS[TASK]
    files = resolve_model(params.model, settings, progress.context.spec.owner, TASK)
    with border(files.ref, "the job's log"):
        pipe = task.load(files.path, files.base, progress.context.spec.device.kind)
    chosen = CheckParams(splits=params.splits, columns=params.columns)
    return names.run(dataset, chosen, params.names_rows, partial(_entities, task, pipe), progress, stop)


def _entities(task: Any, pipe: Any, texts: Sequence[str]) -> list[list[dict[str, Any]]]:
    with border("A row", "the job's log"):
        found: list[list[dict[str, Any]]] = task.predict(pipe, [{"inputs": text} for text in texts], task.params())
    return found


class _Progress:
    """The job's progress from that of one check among several, a few times a second."""

    def __init__(self, context: JobContext, place: int, total: int) -> None:
        self.context, self._place, self._total, self._at = context, place, total, 0.0

    def __call__(self, done: float, total: float, message: str) -> None:
        now = time.monotonic()
        if now >= self._at + EVERY:
            self._at = now
            part = min(1.0, done / total) if total else 0.0
            self.context.progress(self._place + part, self._total, message)


def _leave(params: CheckJobParams, report: Report, dataset: Dataset, context: JobContext) -> None:
    context.saving()
    staging = context.stage()
    (staging / JSON).write_text(reports.to_json(report), encoding="utf-8")
    (staging / PAGE).write_text(reports.page(report), encoding="utf-8")
    (staging / TEXT).write_text(reports.markdown(report), encoding="utf-8")
    counts = {word: sum(one.severity == word for one in report.findings) for word in reports.ORDER}
    data = DataReference(
        id=params.dataset,
        revision=report.revision,
        fingerprint=report.fingerprint,
        splits=dict(report.splits),
        license=dataset.info.license,
    )
    manifest = Manifest(
        id=context.spec.job,
        kind="report",
        title=params.title(),
        recipe="check",
        params=params.model_dump(mode="json"),
        owner=context.spec.owner,
        job=context.spec.job,
        created_at=report.created_at,
        data=data,
        versions=dict(report.versions),
        metrics={word.replace(" ", "_"): float(count) for word, count in counts.items()},
        seconds=report.seconds,
        device=context.spec.device.kind,
        predicted_memory_bytes=context.spec.predicted_memory_bytes,
    )
    context.commit(staging, manifest)
    context.log(report.summary())
