"""Tasks that turn one text into another with an encoder and a decoder; each adds its name and what is put before."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from studio.tasks import generation, media, snippets, writing
from studio.tasks.base import Listener, Params
from studio.tasks.generation import SEED, GenerationParams
from studio.tasks.loading import Loaded
from studio.tasks.writing import Wish

LONGEST = 128  # tokens, where neither visitor nor model say
READ = 1024  # tokens, for models that state no limit
Cut = Literal["do_not_truncate", "longest_first", "only_first", "only_second"]
Prepare = Callable[[Any, Any, str, Any], str]  # model, tokenizer, text, params → what the model reads


class Seq2SeqParams(Params):
    """What the Hub's inference API takes for all of them."""

    clean_up_tokenization_spaces: bool | None = Field(
        default=None, title="Clean up spaces", description="Before full stops, for example. Empty: as the model says."
    )
    truncation: Cut | None = Field(
        default=None, title="Cut long texts", description="How what the model cannot read is cut. Empty: at the end."
    )
    generate_parameters: GenerationParams = Field(
        default_factory=GenerationParams, title="Writing", description="How the answer is written."
    )


def plain(_model: Any, _tokenizer: Any, text: str, _params: Any) -> str:
    """The text itself."""
    return text


def wish_of(model: Any, params: Seq2SeqParams, **more: Any) -> Wish:
    """How to write, by a task's parameters."""
    chosen = params.generate_parameters
    least = None if chosen.max_new_tokens else generation.usual_length(model, LONGEST)
    given = generation.options(chosen, least)
    seed = SEED if chosen.seed is None else chosen.seed
    return Wish({**given, **more}, seed, clean=params.clean_up_tokenization_spaces)


def read(pipe: Loaded, inputs: Mapping[str, Any], params: Seq2SeqParams, prepare: Prepare = plain) -> list[int]:
    """The tokens of an input, cut at what the model can read."""
    model, tokenizer = pipe.pipe
    text = prepare(model, tokenizer, media.text(inputs), params)
    positions = getattr(model.config, "max_position_embeddings", None) or READ
    limit = min(int(tokenizer.model_max_length), int(positions))
    ids: list[int] = tokenizer(text, truncation=params.truncation != "do_not_truncate", max_length=limit)["input_ids"]
    return ids


def answer_all(
    pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: Seq2SeqParams, prepare: Prepare = plain, **more: Any
) -> list[str]:
    """One text per input."""
    rows = [read(pipe, inputs, params, prepare) for inputs in batch]
    found = writing.write_all(pipe, rows, wish_of(pipe.pipe[0], params, **more))
    return [one.text.strip() for one in found]


def answer_one(
    pipe: Loaded, inputs: Mapping[str, Any], params: Seq2SeqParams, listener: Listener, prepare: Prepare = plain
) -> str:
    """As `answer_all`, telling the listener part by part."""
    ids = read(pipe, inputs, params, prepare)
    return writing.write(pipe, ids, wish_of(pipe.pipe[0], params), listener).text.strip()


def snippet(model: str, text: str, params: Seq2SeqParams, base: str, name: str) -> str:
    """A script that prints {name: text}; `text` is a Python expression."""
    chosen = params.generate_parameters
    given = generation.options(chosen)
    lines = writing.script(generation.SEQ2SEQ, model, base, text, Wish(given, chosen.seed or SEED))
    if chosen.max_new_tokens is None:
        lines = lines.replace("\ninputs = ", f"\n{generation.usual_lines(LONGEST)}inputs = ").replace(
            'inputs["attention_mask"]', 'inputs["attention_mask"], max_new_tokens=long'
        )
    return f"{lines}print({{{snippets.quoted(name)}: text.strip()}})\n"
