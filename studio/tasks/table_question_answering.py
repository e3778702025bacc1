"""table-question-answering: which cells of a table answer a question (Herzig et al., TAPAS, 2020)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.core.types import Modality, Slot
from studio.tasks import media, snippets
from studio.tasks.base import Params, Task, examples
from studio.tasks.loading import Loaded, load_pipeline

ID = "table-question-answering"
AUTO = "AutoModelForTableQuestionAnswering"
MOST_CELLS = 2_000


class TableQuestionAnsweringParams(Params):
    """Names and defaults of the Hub's inference API (`huggingface_hub.TableQuestionAnsweringParameters`)."""

    padding: Literal["do_not_pad", "longest", "max_length"] | None = Field(
        default=None, title="Padding", description="Up to which length tables are filled up. Empty: not at all."
    )
    sequential: bool | None = Field(
        default=None,
        title="Row by row",
        description="Whether questions build on each other, as in a conversation. Empty: they do not.",
    )
    truncation: bool | None = Field(
        default=None,
        title="Cut long tables",
        description="Whether rows that the model cannot read are cut. Empty: yes.",
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """TAPAS; raises what `load_model` raises."""
    return load_pipeline(ID, [AUTO], folder, base, device, "tokenizer")


def predict(
    pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: TableQuestionAnsweringParams
) -> list[dict[str, Any]]:
    """The answer to each question with its cells: `coordinates` are row and column, both from 0."""
    found = []
    for inputs in batch:
        query = media.text(inputs, "query", "The question is empty; ask one.")
        table = _readable(pipe, _table(inputs.get("table")), params)
        answer = pipe.pipe(table=table, query=query, **_options(params))
        answer["coordinates"] = [list(map(int, place)) for place in answer["coordinates"]]
        answer["cells"] = [str(cell) for cell in answer["cells"]]
        found.append(answer)
    return found


def _options(params: TableQuestionAnsweringParams) -> dict[str, Any]:
    given = snippets.options(params)
    cut = given.pop("truncation", True)
    return given | {"truncation": "drop_rows_to_fit" if cut else "do_not_truncate"}


def _table(given: Any) -> dict[str, list[str]]:
    if (
        not isinstance(given, dict)
        or not given
        or not all(isinstance(cells, list) and cells for cells in given.values())
    ):
        shown = "nothing" if given is None else given
        raise InvalidInput("table", shown, "Give columns by name, each a list of cells, one row at least.")
    lengths = {len(cells) for cells in given.values()}
    if len(lengths) > 1:
        raise InvalidInput("table", f"columns of {sorted(lengths)} cells", "All columns have to be equally long.")
    if len(given) * max(lengths) > MOST_CELLS:
        raise InvalidInput("table", f"{len(given) * max(lengths):,} cells", f"At most {MOST_CELLS:,} are read.")
    return {str(name): ["" if cell is None else str(cell) for cell in cells] for name, cells in given.items()}


def _readable(pipe: Loaded, table: dict[str, list[str]], params: TableQuestionAnsweringParams) -> dict[str, list[str]]:
    """The rows that the model has numbers for: long tables fail in its tokenizer, which ranks also what it cuts."""
    reader, sizes = pipe.pipe.tokenizer, pipe.pipe.model.config.type_vocab_sizes
    columns = min(reader.max_column_id, sizes[1]) - 1
    rows = min(reader.max_row_id, sizes[2], *sizes[4:6]) - 1
    given = len(next(iter(table.values())))
    if len(table) > columns:
        raise InvalidInput("table", f"{len(table)} columns", f"This model reads {columns} at most.")
    if given > rows and params.truncation is False:
        raise InvalidInput("table", f"{given:,} rows", f"This model reads {rows} at most; let long tables be cut.")
    return {name: cells[:rows] for name, cells in table.items()}


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the answer."""
    named = {"table": _table(inputs["table"]), "query": inputs["query"]} | _options(params)
    call = snippets.arguments(**named)
    code = snippets.with_pipeline(ID, model, call, (base, AUTO, "tokenizer") if base else None)
    shown = 'found["coordinates"] = [list(map(int, place)) for place in found["coordinates"]]'
    return code.replace(f"print(pipe({call}))", f"found = pipe({call})\n{shown}\nprint(found)")


TASK = Task(
    id=ID,
    title="Table question answering",
    description="Answers questions about a table by choosing cells, and adds or counts them.",
    inputs=(
        Slot("query", Modality.TEXT, "Question", "About what stands in the table."),
        Slot("table", Modality.TABLE, "Table", "Columns with names; cells are read as text."),
    ),
    output=Slot("answer", Modality.CELLS, "Answer", "The chosen cells, and what is done with them."),
    params=TableQuestionAnsweringParams,
    models=("kit:tables", "google/tapas-tiny-finetuned-wtq", "google/tapas-base-finetuned-wtq"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("TapasForQuestionAnswering",),
)
