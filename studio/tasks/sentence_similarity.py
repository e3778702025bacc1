"""sentence-similarity: how close other sentences come to one in meaning."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.core.types import Modality, Slot
from studio.starter.sentences import encode
from studio.tasks import media, snippets
from studio.tasks.base import NoParams, Task, examples
from studio.tasks.loading import Loaded, load_model, load_tokenizer, loaded

ID = "sentence-similarity"
AUTO = "AutoModel"
LONGEST = 256  # word pieces


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Encoders of sentences; raises what `load_model` raises."""
    model = load_model([AUTO], folder, base, device)
    return loaded((model, load_tokenizer(folder, base)), model)


def predict(pipe: Loaded, batch: Sequence[Mapping[str, Any]], _params: NoParams) -> list[list[float]]:
    """The cosine between the source and each of the sentences, from -1 to 1, in the order that they were given."""
    model, tokenizer = pipe.pipe
    longest = min(LONGEST, int(getattr(model.config, "max_position_embeddings", None) or LONGEST))
    found = []
    for inputs in batch:
        source = media.text(inputs, "source_sentence", "It is empty; write the sentence to compare with.")
        others = media.texts(inputs, "sentences")
        vectors = encode(model, tokenizer, [source, *others], longest)
        found.append((vectors[1:] @ vectors[0]).tolist())
    return found


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:  # noqa: ARG001  it has none
    """A script that prints the similarities."""
    return f"""import torch
{snippets.load_lines(AUTO, model, base)}
texts = {snippets.quoted([inputs["source_sentence"], *inputs["sentences"]])}
longest = min({LONGEST}, model.config.max_position_embeddings)
batch = tokenizer(texts, padding=True, truncation=True, max_length=longest, return_tensors="pt")
with torch.inference_mode():
    states = model(**batch).last_hidden_state
mask = batch["attention_mask"][..., None]
vectors = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=-1)
print((vectors[1:] @ vectors[0]).tolist())
"""


TASK = Task(
    id=ID,
    title="Sentence similarity",
    description="How close sentences come to each other in meaning.",
    inputs=(
        Slot("source_sentence", Modality.TEXT, "Sentence", "What to compare with, or to look for."),
        Slot("sentences", Modality.TEXTS, "Sentences", "The nearest is shown first."),
    ),
    output=Slot("scores", Modality.SCORES, "Similarity", "The cosine of their vectors: 1 means the same."),
    params=NoParams,
    models=("kit:minilm-l6", "sentence-transformers/all-MiniLM-L6-v2"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
)
