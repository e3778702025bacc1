"""semantic-search: which texts of a corpus come nearest to a query in meaning."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.core.types import Modality, Slot
from studio.starter.sentences import encode
from studio.tasks import media, snippets
from studio.tasks.base import Params, Task, examples
from studio.tasks.loading import Loaded
from studio.tasks.sentence_similarity import AUTO, LONGEST, load

ID = "semantic-search"
FOUND = 5


class SemanticSearchParams(Params):
    """The name that sentence-transformers has for it."""

    top_k: int | None = Field(
        default=None, ge=1, title="Number of texts", description=f"How many of the nearest. Empty: {FOUND}."
    )


def predict(
    pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: SemanticSearchParams
) -> list[list[dict[str, Any]]]:
    """The nearest texts of each corpus, with the cosine as score and their place in it.

    Raises `InvalidInput` for an empty query, a corpus without texts, and a `top_k` above their number.
    """
    return [_search(pipe, inputs, params) for inputs in batch]


def _search(pipe: Loaded, inputs: Mapping[str, Any], params: SemanticSearchParams) -> list[dict[str, Any]]:
    model, tokenizer = pipe.pipe
    query = media.text(inputs, "query", "It is empty; write what to look for.")
    corpus = media.texts(inputs, "corpus")
    if params.top_k is not None and params.top_k > len(corpus):
        raise InvalidInput("top_k", params.top_k, f"There are {len(corpus)} texts: 1 to {len(corpus)}, or empty.")
    longest = min(LONGEST, int(getattr(model.config, "max_position_embeddings", None) or LONGEST))
    vectors = encode(model, tokenizer, [query, *corpus], longest)
    near = (vectors[1:] @ vectors[0]).topk(min(params.top_k or FOUND, len(corpus)))
    return [
        {"label": corpus[place], "score": score, "corpus_id": place}
        for score, place in zip(near.values.tolist(), near.indices.tolist(), strict=True)
    ]


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the nearest texts."""
    return f"""import torch
{snippets.load_lines(AUTO, model, base)}
corpus = {snippets.quoted(inputs["corpus"])}
longest = min({LONGEST}, model.config.max_position_embeddings)


{snippets.encoder("longest")}


near = encode(corpus) @ encode([{snippets.quoted(inputs["query"])}])[0]
best = near.topk(min({params.top_k or FOUND}, len(corpus)))
print([{{"label": corpus[place], "score": score, "corpus_id": place}}
       for score, place in zip(best.values.tolist(), best.indices.tolist())])
"""


TASK = Task(
    id=ID,
    title="Semantic search",
    description="Finds the texts that come nearest to a query in meaning, whatever words they use.",
    inputs=(
        Slot("query", Modality.TEXT, "Query", "What to look for, in your own words."),
        Slot("corpus", Modality.TEXTS, "Texts", "All of them are compared."),
    ),
    output=Slot("found", Modality.LABELS, "Found", "The nearest first; the cosine of their vectors, 1 means the same."),
    params=SemanticSearchParams,
    models=("kit:minilm-l6", "sentence-transformers/all-MiniLM-L6-v2"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
)
