"""How models write: the fields of a form, one call of `generate`, and the text as it comes. Shared by five tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.tasks import snippets
from studio.tasks.base import Listener, Params
from studio.tasks.loading import Loaded, load_model, load_tokenizer, loaded

SEED = 0  # where none is given: the same question gets the same answer
MOST_TOKENS = 4096
SAMPLING = {"temperature", "top_p", "top_k", "typical_p"}  # whoever sets one wants to sample
CAUSAL, SEQ2SEQ = "AutoModelForCausalLM", "AutoModelForSeq2SeqLM"


class GenerationParams(Params):
    """transformers' `GenerationConfig`, as far as a form needs it; what is left empty is the model's own choice."""

    max_new_tokens: int | None = Field(
        default=None, ge=1, le=MOST_TOKENS, title="Longest answer", description="In tokens. Empty: the model's default."
    )
    min_new_tokens: int | None = Field(
        default=None, ge=0, le=MOST_TOKENS, title="Shortest answer", description="In tokens. Empty: as it comes."
    )
    num_beams: int | None = Field(
        default=None,
        ge=1,
        le=16,
        title="Beams",
        description="How many continuations are compared. Empty: the model's default, mostly one.",
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
    repetition_penalty: float | None = Field(
        default=None, gt=0, le=5, title="Repetition penalty", description="Above 1: what was said is said less again."
    )
    no_repeat_ngram_size: int | None = Field(
        default=None, ge=0, le=20, title="No repeated phrases", description="Of this many tokens. Empty: they may be."
    )
    seed: int | None = Field(
        default=None, ge=0, le=2**31, title="Seed", description="The same seed draws the same text. Empty: 0."
    )


@dataclass(frozen=True)
class Written:
    """A text that a model wrote.

    Attributes:
        reason: "eos_token", "stop_sequence", or "length" when it was cut off.
        tokens: how many were written.
        prompt_tokens: how many were read.
    """

    text: str
    reason: str
    tokens: int
    prompt_tokens: int


@dataclass(frozen=True)
class Wish:
    """How to write.

    Attributes:
        options: arguments of `generate`.
        stops: texts that end it; they are cut off.
        penalties: by how much a token's logit falls for each time, and once, that it was written (as OpenAI has it).
    """

    options: Mapping[str, Any]
    seed: int = SEED
    stops: Sequence[str] = ()
    penalties: tuple[float, float] = (0.0, 0.0)
    clean: bool | None = None


def load(auto: str, folder: Path, base: Path | None, device: str) -> Loaded:
    """Model and tokenizer; raises what `load_model` raises."""
    model = load_model([auto], folder, base, device)
    return loaded((model, load_tokenizer(folder, base)), model)


def options(params: Params, least: int | None = None) -> dict[str, Any]:
    """Arguments of `generate`; `least` tokens may be written when nobody says otherwise."""
    given = {name: value for name, value in params.model_dump().items() if value is not None and name != "seed"}
    if SAMPLING & set(given):
        given.setdefault("do_sample", True)
    if least is not None:
        given.setdefault("max_new_tokens", least)
    return given


def usual_length(model: Any, least: int) -> int:
    """How many tokens a model writes by itself: what its own configuration says, or `least`."""
    config = model.generation_config
    return int(config.max_new_tokens or (config.max_length if (config.max_length or 0) > 20 else 0) or least)


def write(pipe: Loaded, ids: Sequence[int], wish: Wish, listener: Listener | None = None) -> Written:
    """What the model writes after (or, with an encoder, about) the tokens; the listener is told part by part.

    A beam search is told when it is over. Raises `InvalidInput` for options that contradict each other.
    """
    import torch
    from transformers import StoppingCriteriaList

    model, tokenizer = pipe.pipe
    encodes = model.config.is_encoder_decoder
    reader = _Reader(tokenizer, wish, 1 if encodes else len(ids), listener)
    beams = int(wish.options.get("num_beams") or model.generation_config.num_beams or 1)
    streams = listener is not None and beams == 1
    torch.manual_seed(wish.seed)
    tensor = torch.tensor([list(ids)], device=model.device)
    try:
        with torch.inference_mode():
            found = model.generate(
                input_ids=tensor,
                attention_mask=torch.ones_like(tensor),
                streamer=reader if streams else None,
                stopping_criteria=StoppingCriteriaList([reader.over]),
                logits_processor=_penalties(wish, 0 if encodes else len(ids)),
                **wish.options,
            )
    except ValueError as error:  # generate names the options that do not go together
        raise InvalidInput("parameters", dict(wish.options), str(error).splitlines()[0]) from None
    new = found[0, 1 if encodes else len(ids) :].tolist()
    text, stopped = reader.text(new)
    if listener is not None:
        listener.part(text[len(reader.told) :])
    ends = model.generation_config.eos_token_id
    ends = set(ends) if isinstance(ends, list) else {ends}
    reason = "stop_sequence" if stopped else "eos_token" if new and new[-1] in ends else "length"
    return Written(text, reason, len(new), len(ids))


def write_all(pipe: Loaded, rows: Sequence[Sequence[int]], wish: Wish) -> list[Written]:
    """One text per row of tokens; models with an encoder read all rows together, unless they draw by chance."""
    import torch

    model, tokenizer = pipe.pipe
    draws = wish.options.get("do_sample", model.generation_config.do_sample)
    if len(rows) == 1 or draws or not model.config.is_encoder_decoder:
        return [write(pipe, ids, wish) for ids in rows]
    batch = tokenizer.pad({"input_ids": [list(ids) for ids in rows]}, return_tensors="pt").to(model.device)
    with torch.inference_mode():
        found = model.generate(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], **wish.options)
    reader = _Reader(tokenizer, wish, 1, None)
    texts = [reader.text(new)[0] for new in found[:, 1:].tolist()]
    return [Written(text, "eos_token", found.shape[1] - 1, len(ids)) for text, ids in zip(texts, rows, strict=True)]


class _Reader:
    """transformers' streamer: reads along, holds back what may still change, and says when it is over."""

    def __init__(self, tokenizer: Any, wish: Wish, skip: int, listener: Listener | None) -> None:
        self._tokenizer, self._wish, self._skip, self._listener = tokenizer, wish, skip, listener
        self._ids: list[int] = []
        self.told = ""

    def put(self, values: Any) -> None:
        """Called by `generate` with the prompt, then with each token."""
        ids = values.flatten().tolist()
        ids, self._skip = ids[self._skip :], max(0, self._skip - len(ids))
        self._ids += ids
        text, stopped = self.text(self._ids)
        if not stopped:  # the start of a stop text, half a character, or a space that cleaning may take
            held = max((len(stop) - 1 for stop in self._wish.stops), default=0)
            text = text[: len(text) - held] if held else text
            text = text.rstrip("\ufffd")
            text = text[: text.rfind(" ") + 1] if self._cleans() else text
        if self._listener is not None and text.startswith(self.told):
            self._listener.part(text[len(self.told) :])
            self.told = text

    def end(self) -> None:
        """Called by `generate`; `write` tells the rest."""

    def over(self, ids: Any, _scores: Any, **_: Any) -> Any:
        """A stopping criterion: the reader has left, or a stop text stands there."""
        import torch

        gone = self._listener is not None and self._listener.gone
        stopped = bool(self._wish.stops) and self.text(self._ids)[1]
        return torch.full((ids.shape[0],), gone or stopped, device=ids.device, dtype=torch.bool)

    def text(self, ids: Sequence[int]) -> tuple[str, bool]:
        """The text of tokens up to the first stop text, and whether there was one."""
        text = str(self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=self._wish.clean))
        places = [place for stop in self._wish.stops if (place := text.find(stop)) >= 0]
        return (text[: min(places)], True) if places else (text, False)

    def _cleans(self) -> bool:
        clean = self._wish.clean
        return bool(self._tokenizer.clean_up_tokenization_spaces if clean is None else clean)


def _penalties(wish: Wish, prompt: int) -> Any:
    from transformers import LogitsProcessorList

    frequency, presence = wish.penalties
    if not frequency and not presence:
        return None

    def penalize(ids: Any, scores: Any) -> Any:
        import torch

        counts = torch.zeros_like(scores)
        written = ids[:, prompt:]
        counts.scatter_add_(1, written, torch.ones_like(written, dtype=scores.dtype))
        return scores - frequency * counts - presence * (counts > 0)

    return LogitsProcessorList([penalize])


SCRIPT = """import torch
{load}

inputs = tokenizer({text}, return_tensors="pt", truncation={cut}, add_special_tokens={special})
torch.manual_seed({seed})
ids = model.generate(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]{options})
text = tokenizer.decode(ids[0, {start}:], skip_special_tokens=True)
"""


def script(auto: str, model: str, base: str, text: str, wish: Wish) -> str:
    """Lines that leave the written text in `text`; the caller prints it. `text` is a Python expression."""
    named = snippets.arguments(**wish.options)
    code = SCRIPT.format(
        load=snippets.load_lines(auto, model, base),
        text=text,
        cut=auto == SEQ2SEQ,
        special=auto == SEQ2SEQ or not text.startswith("prompt"),
        seed=wish.seed,
        options=f", {named}" if named else "",
        start=1 if auto == SEQ2SEQ else 'inputs["input_ids"].shape[1]',
    )
    for stop in wish.stops:
        code += f"text = text.partition({snippets.quoted(stop)})[0]\n"
    return code
