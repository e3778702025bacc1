"""Making data sets: new ones from rows, annotations, exports, and what a card says of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from studio.core.errors import Conflict
from studio.core.params import parse
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.data import composing, exporting, marks, numbering, reading, uploads, views
from studio.data.annotations import Annotations, Work
from studio.data.exporting import Export, Format
from studio.data.marks import Plan
from studio.data.parquet import quote
from studio.data.records import Dataset, DatasetInfo
from studio.data.uploads import About
from studio.data.views import View
from studio.inference import visit
from studio.jobs.job import Job
from studio.recipes.publishing import facts
from studio.service.exploring import Exploring
from studio.service.jobs import Wishes
from studio.service.turns import Streams

PLAIN = Wishes()
LONGEST = 1_000_000  # characters of a cell that is annotated


@dataclass(frozen=True)
class Turn:
    """A row to answer, and what was answered.

    Attributes:
        row: its number; None when every row has an answer.
        cells: column → what stands in it, of those that matter for the answer.
        answered: whether it has an answer, or was passed over.
        value: the answer; None for none, and for a row that was passed over.
    """

    work: Work
    row: int | None
    cells: Mapping[str, Any]
    answered: bool = False
    value: Any = None


class Making(Exploring):
    """What is made of data, and where it goes."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._streams = Streams(settings.public)

    def export(self, caller: Caller, ref: str, format: Format, split: str = "", view: View | None = None) -> Export:
        """A split, or what of it a view shows, as a file that is made while it is read.

        All splits as a zip, when none is named and there are several. Raises as `exporting.export`.
        """
        with self._attended(caller) as gone:
            among = partial(self._sandbox.among, stop=gone)
            made = exporting.export(self.dataset(caller, ref, whole=True), format, split, view, visit.waiting, among)
        return replace(made, parts=self._streams.of(caller.owner, made.parts))

    def create_dataset(
        self,
        caller: Caller,
        title: str,
        rows: str | Sequence[Mapping[str, Any]],
        about: Mapping[str, Any] | None = None,
    ) -> DatasetInfo:
        """Keep rows as a data set of the caller's own, an upload.

        `rows` are records, or pasted text of CSV, TSV, JSON or JSON Lines; `about` may have description, license and
        languages. Raises `InvalidInput` at "rows" and `InvalidInputs`.
        """
        with self._intakes.one(caller.owner):
            return composing.compose(rows, parse(About, {**(about or {}), "title": title}), self.settings, caller.owner)

    def describe_dataset(self, caller: Caller, ref: str, about: Mapping[str, Any]) -> DatasetInfo:
        """Say what an upload of the caller's is: title, description, license, languages."""
        return uploads.describe(ref, parse(About, about), self.settings, caller.owner)

    def dataset_card(self, caller: Caller, ref: str, license: str = "") -> str:
        """The card that a data set would be published with; a placeholder stands for the repository."""
        return facts.card_text(self.dataset(caller, ref, whole=True), self.settings, caller.owner, license=license)

    # ---- annotations

    def annotations(self, caller: Caller, ref: str = "") -> list[Work]:
        """The caller's annotations, or those of one data set; what was changed last comes first."""
        return Annotations(self.settings, caller.owner).list_all(ref)

    def annotation(self, caller: Caller, work_id: str) -> Work:
        """One of the caller's annotations, and how far it is; raises `NotFound`."""
        return Annotations(self.settings, caller.owner).get(work_id)

    def start_annotation(self, caller: Caller, ref: str, plan: Mapping[str, Any]) -> Work:
        """Begin to annotate a split, or go on with what is there under the same name.

        Raises `InvalidInputs`, and `Conflict` for another question under a name that has answers.
        """
        dataset, asked = self.dataset(caller, ref, whole=True), parse(Plan, plan)
        marks.check_plan(dataset, asked)
        return Annotations(self.settings, caller.owner).start(dataset, asked)

    def annotate(self, caller: Caller, work_id: str, row: int, value: Any) -> Work:
        """Answer a row; None passes it over.

        Raises:
            InvalidInput: at "value": no such class, a span out of the text; at "row".
            Conflict: the data set is not what it was when the work began.
        """
        kept, dataset, work = self._open(caller, work_id)
        views.check_number([row], work.rows, "row")
        text = None
        if work.plan.kind == "span" and value:
            text = self._cells(dataset, work, row)[work.plan.column]
        kept.put(work_id, row, marks.checked(work.plan, value, text))
        return kept.get(work_id)

    def undo_annotation(self, caller: Caller, work_id: str) -> Turn:
        """Take the last answer back; the row that it was about."""
        kept, dataset, _ = self._open(caller, work_id)
        return self._turn(kept, dataset, work_id, kept.undo(work_id))

    def next_row(self, caller: Caller, work_id: str, after: int = -1) -> Turn:
        """The next row without an answer: after another, or the least sure one where the plan names a column for it."""
        with self._attended(caller):
            kept, dataset, work = self._open(caller, work_id)
            if work.plan.confidence:
                row = _least_sure(dataset, work, kept.marked(work_id))
            else:
                row = kept.first_open(work_id, work.rows, after + 1)
            return self._turn(kept, dataset, work_id, row)

    def annotated_row(self, caller: Caller, work_id: str, row: int) -> Turn:
        """One row and its answer; raises `InvalidInput` at "row"."""
        kept, dataset, work = self._open(caller, work_id)
        views.check_number([row], work.rows, "row")
        return self._turn(kept, dataset, work_id, row)

    def export_annotations(
        self, caller: Caller, work_id: str, values: Mapping[str, Any] | None = None, wishes: Wishes = PLAIN
    ) -> Job:
        """Make a new data set of the rows and their answers, as a job.

        `values` are further fields of the recipe "annotate": form, unmarked, title.
        """
        return self.submit(caller, "annotate", {**(values or {}), "work": work_id}, wishes)

    def delete_annotation(self, caller: Caller, work_id: str) -> None:
        """Forget an annotation with its answers; refused while a job needs it."""
        with self._submitting:
            self._check_unused({work_id})
            Annotations(self.settings, caller.owner).delete(work_id)

    # ---- inside

    def _open(self, caller: Caller, work_id: str) -> tuple[Annotations, Dataset, Work]:
        kept = Annotations(self.settings, caller.owner)
        work = kept.get(work_id)
        dataset = self.dataset(caller, work.ref, whole=True)
        if dataset.fingerprint() != work.fingerprint:
            raise Conflict(f"{work.ref} is not what it was when this was begun; its row numbers may mean other rows.")
        return kept, dataset, work

    def _turn(self, kept: Annotations, dataset: Dataset, work_id: str, row: int | None) -> Turn:
        work = kept.get(work_id)
        if row is None:
            return Turn(work, None, {})
        known = kept.between(work_id, row, row + 1)
        return Turn(work, row, self._cells(dataset, work, row), row in known, known.get(row))

    def _cells(self, dataset: Dataset, work: Work, row: int) -> dict[str, Any]:
        shown = marks.shown_in(work.plan, dataset)
        page = views.by_numbers(dataset, work.plan.split, [row], shown, LONGEST)
        return dict(zip(page.columns, page.rows[0], strict=True))


def _least_sure(dataset: Dataset, work: Work, marked: Sequence[int]) -> int | None:
    """The row without an answer that has the smallest number in the column of confidence; without a number last."""
    with reading.opened(dataset, work.plan.split) as source:
        rows = numbering.numbered(source.connection, dataset.files[work.plan.split], source.columns)
        column = quote(source.column(work.plan.confidence).name)
        query = (
            f"SELECT {rows.number} AS place FROM {rows.source} WHERE NOT list_contains(?, {rows.number}) "  # noqa: S608
            f"ORDER BY {column} ASC NULLS LAST, place LIMIT 1"
        )
        found = source.connection.execute(query, [rows.parameter, list(marked)]).fetchall()
    return int(found[0][0]) if found else None
