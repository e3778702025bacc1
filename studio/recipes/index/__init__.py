"""Search index over a split: by words (BM25) or by meaning (an encoder's vectors). Importing this loads no torch."""

from contextlib import suppress
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from studio.core.errors import InvalidInput, StudioError, UserError
from studio.core.settings import Settings
from studio.data import sources
from studio.inference import memory
from studio.inference.models import memory_bytes, resolve_model
from studio.jobs.context import JobContext
from studio.jobs.job import Resources
from studio.recipes.base import Recipe

ENCODER = "kit:minilm-l6"
ENCODES = "sentence-similarity"
READS = ("tokenizer.json", "vocab.txt", "vocab.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model")
MOST_VECTORS = 1_000_000  # rows; a search compares with every one
MOST_COLUMNS = 20
WRITER = 320 * 2**20  # bytes: the index writer, segments that are merged, and a batch of rows
IMPORTS = 900 * 2**20  # bytes: torch and transformers


class IndexParams(BaseModel):
    """Which texts, and how they are to be found."""

    model_config = ConfigDict(extra="forbid")

    dataset: str = Field(
        min_length=1,
        max_length=500,
        title="Data set",
        description="What is to be searched.",
        json_schema_extra={"widget": "dataset"},
    )
    split: str = Field(
        "train",
        min_length=1,
        max_length=200,
        title="Split",
        description="Which part of it.",
        json_schema_extra={"widget": "split"},
    )
    columns: list[str] = Field(
        min_length=1, max_length=MOST_COLUMNS, title="Columns", description="Whose texts are looked through, together."
    )
    kind: Literal["words", "meaning"] = Field(
        "words", title="By", description="words: ranked full-text search (BM25). meaning: what says the same."
    )
    model: str = Field(
        ENCODER,
        min_length=1,
        max_length=500,
        title="Encoder",
        description="The model whose vectors stand for the texts.",
        json_schema_extra={"widget": "model", "depends_on": {"kind": "meaning"}},
    )

    def title(self) -> str:
        """The job's name."""
        return f"Search index of {self.dataset} by {self.kind}"


def validate(params: IndexParams, settings: Settings, owner: str) -> list[InvalidInput]:
    """Data set, split, columns of text, and the encoder."""
    problems = []
    try:
        dataset = sources.foreseen(params.dataset, settings, owner)
    except InvalidInput as problem:
        return [InvalidInput("dataset", params.dataset, problem.expected)]
    except StudioError as error:
        return [InvalidInput("dataset", params.dataset, str(error))]
    if params.split not in dataset.info.splits:
        problems.append(InvalidInput("split", params.split, f"Its splits: {', '.join(dataset.info.splits)}."))
    elif params.kind == "meaning" and dataset.info.splits[params.split] > MOST_VECTORS:
        rows = f"It has {dataset.info.splits[params.split]:,} rows; vectors are made for at most {MOST_VECTORS:,}."
        problems.append(InvalidInput("split", params.split, f"{rows} Take a sample first, or search by words."))
    texts = [column.name for column in dataset.info.columns if column.kind == "text"]
    wrong = [name for name in params.columns if name not in texts]
    if wrong:
        problems.append(InvalidInput("columns", wrong[0], f"Columns of text: {', '.join(texts) or 'none'}."))
    if params.kind == "meaning":
        try:
            files = resolve_model(params.model, settings, owner, ENCODES)
            if not any(
                (folder / name).is_file() for folder in (files.path, files.base or files.path) for name in READS
            ):
                problems.append(InvalidInput("model", params.model, "It reads no text: it has no tokenizer."))
        except UserError as error:
            problems.append(InvalidInput("model", params.model, str(error)))
    return problems


def resources(params: IndexParams, settings: Settings, owner: str) -> Resources:
    """The writer's memory, or the encoder's."""
    if params.kind == "words":
        return Resources(memory_bytes=WRITER, threads=1)
    need = 0
    with suppress(StudioError, OSError):
        need = memory_bytes(resolve_model(params.model, settings, owner), memory.device())
    return Resources(memory_bytes=IMPORTS + 2 * need, gpu=True)


def run(params: IndexParams, context: JobContext) -> None:
    """Build it, and put it where a search looks for it."""
    from studio.recipes.index import work

    work.run(params, context)


RECIPE: Recipe[IndexParams] = Recipe(
    name="index",
    title="Search index",
    kind="index",
    params=IndexParams,
    run=run,
    resources=resources,
    validate=validate,
    describe=IndexParams.title,
    reads_hub=True,
    stores=False,
)
