"""text-generation: how a text goes on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.core.types import Modality, Slot
from studio.tasks import generation, media, snippets, writing
from studio.tasks.base import Listener, Params, Task, examples
from studio.tasks.generation import MOST_TOKENS, SEED
from studio.tasks.loading import Loaded
from studio.tasks.writing import Wish

ID = "text-generation"
TOKENS = 100  # the Hub's own default


class TextGenerationParams(Params):
    """Names and defaults of the Hub's inference API (`huggingface_hub.TextGenerationInputGenerateParameters`)."""

    max_new_tokens: int | None = Field(
        default=None, ge=1, le=MOST_TOKENS, title="Longest text", description=f"In tokens. Empty: {TOKENS}."
    )
    do_sample: bool | None = Field(
        default=None,
        title="Sample",
        description="Draw each token by its probability instead of taking the likeliest. Empty: as the model says.",
    )
    temperature: float | None = Field(
        default=None, gt=0, le=5, title="Temperature", description="Above 1 bolder, below 1 safer; for sampling."
    )
    top_k: int | None = Field(
        default=None, ge=1, le=1000, title="Top k", description="Draw from this many likeliest tokens only."
    )
    top_p: float | None = Field(
        default=None, gt=0, le=1, title="Top p", description="Draw from the likeliest tokens that add up to this share."
    )
    typical_p: float | None = Field(
        default=None, gt=0, le=1, title="Typical p", description="Draw from the most typical tokens of this share."
    )
    repetition_penalty: float | None = Field(
        default=None, gt=0, le=5, title="Repetition penalty", description="Above 1: what was said is said less again."
    )
    frequency_penalty: float | None = Field(
        default=None, ge=-2, le=2, title="Frequency penalty", description="Taken off a token for each time it was used."
    )
    stop: list[str] | None = Field(
        default=None, title="Stop at", description="Texts that end the writing; they are left out."
    )
    return_full_text: bool | None = Field(
        default=None, title="With the prompt", description="Whether the prompt stands before the answer. Empty: no."
    )
    truncate: int | None = Field(
        default=None, ge=1, title="Read at most", description="Tokens of the prompt's end. Empty: what the model can."
    )
    seed: int | None = Field(
        default=None, ge=0, le=2**31, title="Seed", description="The same seed draws the same text. Empty: 0."
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Whole models and adapters; raises what `load_model` raises."""
    return generation.load(generation.CAUSAL, folder, base, device)


def predict(pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: TextGenerationParams) -> list[dict[str, Any]]:
    """How each text goes on."""
    return [go_on(pipe, media.text(inputs), wish_of(params), params) for inputs in batch]


def stream(pipe: Loaded, inputs: Mapping[str, Any], params: TextGenerationParams, listener: Listener) -> dict[str, Any]:
    """As `predict`, part by part."""
    return go_on(pipe, media.text(inputs), wish_of(params), params, listener)


def go_on(
    pipe: Loaded, prompt: str, wish: Wish, params: TextGenerationParams, listener: Listener | None = None
) -> dict[str, Any]:
    """{"generated_text": …}: how a prompt goes on, by a wish that these parameters made."""
    model, tokenizer = pipe.pipe
    positions = int(getattr(model.config, "max_position_embeddings", None) or MOST_TOKENS)
    room = positions - int(wish.options["max_new_tokens"])
    if room < 1:
        raise InvalidInput("max_new_tokens", params.max_new_tokens, f"The model holds {positions} tokens in all.")
    ids = tokenizer(prompt)["input_ids"][-min(room, params.truncate or room) :]
    if params.return_full_text and listener is not None:
        listener.part(prompt)
    written = writing.write(pipe, ids, wish, listener)
    return {"generated_text": prompt + written.text if params.return_full_text else written.text}


def wish_of(params: TextGenerationParams, *stops: str) -> Wish:
    """How to write, by these parameters; the writing ends at `stops` too."""
    given = generation.options(params, TOKENS)
    penalty = given.pop("frequency_penalty", 0.0)
    for name in ("stop", "return_full_text", "truncate"):
        given.pop(name, None)
    ends = (*(stop for stop in params.stop or () if stop), *stops)
    return Wish(given, SEED if params.seed is None else params.seed, ends, (penalty, 0.0))


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the text."""
    return script(model, base, inputs["inputs"], wish_of(params), params)


def script(model: str, base: str, prompt: str, wish: Wish, params: TextGenerationParams) -> str:
    """A script that prints what `go_on` gives."""
    quoted = snippets.quoted(prompt)
    code = writing.script(generation.CAUSAL, model, base, quoted, wish)
    full = f"{quoted} + text" if params.return_full_text else "text"
    return f'{code}print({{"generated_text": {full}}})\n'


TASK = Task(
    id=ID,
    title="Text generation",
    description="Writes how a text goes on.",
    inputs=(Slot("inputs", Modality.TEXT, "Text", "The model goes on from its end."),),
    output=Slot("generated_text", Modality.TEXT, "Text", "What the model writes."),
    params=TextGenerationParams,
    models=("kit:writer", "kit:chat", "HuggingFaceTB/SmolLM2-135M"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("ForCausalLM", "LMHeadModel"),
    stream=stream,
)
