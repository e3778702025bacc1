"""summarization: a long text in short.

Abstractive with an encoder and a decoder, which writes new sentences; extractive with an encoder of sentences, which
takes the text's own: those nearest to the centre of all (Radev et al., Centroid-based summarization, 2004).
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.core.types import Modality, Slot
from studio.starter.sentences import encode
from studio.tasks import generation, media, seq2seq, snippets
from studio.tasks.base import Listener, Task, examples
from studio.tasks.loading import Loaded, load_config, load_model, load_tokenizer, loaded
from studio.tasks.seq2seq import Seq2SeqParams

ID = "summarization"
SENTENCE = re.compile(r"(?<=[.!?…])\s+(?=[^\sa-z])|\n\s*\n")
SENTENCES, LONGEST = 2, 128


class SummarizationParams(Seq2SeqParams):
    """Names and defaults of the Hub's inference API (`huggingface_hub.SummarizationParameters`), and `sentences`."""

    sentences: int | None = Field(
        default=None,
        ge=1,
        le=50,
        title="Sentences",
        description=f"How many are taken from the text, for models that take and do not write. Empty: {SENTENCES}.",
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """A model that writes, or an encoder of sentences; raises what `load_model` raises."""
    if load_config(folder, base).is_encoder_decoder:
        return generation.load(generation.SEQ2SEQ, folder, base, device)
    model = load_model(["AutoModel"], folder, base, device)
    return loaded((model, load_tokenizer(folder, base)), model)


def predict(pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: SummarizationParams) -> list[dict[str, str]]:
    """The summary of each text."""
    if pipe.pipe[0].config.is_encoder_decoder:
        return [{"summary_text": text} for text in seq2seq.answer_all(pipe, batch, params, prefixed)]
    return [{"summary_text": extract(pipe, media.text(inputs), params.sentences or SENTENCES)} for inputs in batch]


def stream(pipe: Loaded, inputs: Mapping[str, Any], params: SummarizationParams, listener: Listener) -> dict[str, str]:
    """As `predict`, part by part."""
    if pipe.pipe[0].config.is_encoder_decoder:
        return {"summary_text": seq2seq.answer_one(pipe, inputs, params, listener, prefixed)}
    found = predict(pipe, [inputs], params)[0]
    listener.part(found["summary_text"])
    return found


def prefixed(model: Any, _tokenizer: Any, text: str, _params: Any) -> str:
    """T5 wants to be told what to do."""
    known = (getattr(model.config, "task_specific_params", None) or {}).get("summarization", {})
    return str(known.get("prefix", "")) + text


def extract(pipe: Loaded, text: str, count: int) -> str:
    """The sentences nearest to the mean of all, in the text's order."""
    parts = [part.strip() for part in SENTENCE.split(text) if part.strip()]
    if len(parts) <= count:
        return " ".join(parts)
    model, tokenizer = pipe.pipe
    vectors = encode(model, tokenizer, parts, LONGEST)
    near = (vectors @ vectors.mean(0)).tolist()
    chosen = sorted(sorted(range(len(parts)), key=lambda number: -near[number])[:count])
    return " ".join(parts[number] for number in chosen)


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the summary."""
    if params.sentences is not None or not _writes(model):
        return EXTRACT.format(
            load=snippets.load_lines("AutoModel", model, base),
            pattern=snippets.quoted(SENTENCE.pattern),
            text=snippets.quoted(inputs["inputs"]),
            longest=LONGEST,
            count=params.sentences or SENTENCES,
        )
    code = seq2seq.snippet(model, f"prefix + {snippets.quoted(inputs['inputs'])}", params, base, "summary_text")
    known = '(getattr(model.config, "task_specific_params", None) or {}).get("summarization", {}).get("prefix", "")'
    return code.replace("\ninputs = ", f"\nprefix = {known}\ninputs = ")


def _writes(model: str) -> bool:
    """Whether a folder holds a model that writes; a Hub id is taken for one."""
    folder = Path(model)
    return not (folder / "config.json").is_file() or bool(load_config(folder, None).is_encoder_decoder)


EXTRACT = """import re
import torch
{load}
sentences = [one.strip() for one in re.split({pattern}, {text}) if one.strip()]
batch = tokenizer(sentences, padding=True, truncation=True, max_length={longest}, return_tensors="pt")
with torch.inference_mode():
    states = model(**batch).last_hidden_state
mask = batch["attention_mask"][..., None]
vectors = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=-1)
near = (vectors @ vectors.mean(0)).tolist()
chosen = sorted(sorted(range(len(sentences)), key=lambda number: -near[number])[:{count}])
print({{"summary_text": " ".join(sentences[number] for number in chosen)}})
"""

TASK = Task(
    id=ID,
    title="Summarization",
    description="Says a long text in short: in new words, or by its own most telling sentences.",
    inputs=(Slot("inputs", Modality.TEXT, "Text", "What is longer than the model reads is cut."),),
    output=Slot("summary_text", Modality.TEXT, "Summary", "What the model writes, or takes from the text."),
    params=SummarizationParams,
    models=("kit:minilm-l6", "kit:summarizer", "sshleifer/distilbart-cnn-6-6"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("BartForConditionalGeneration", "PegasusForConditionalGeneration", "T5ForConditionalGeneration"),
    stream=stream,
    answer=lambda output: [output],
)
