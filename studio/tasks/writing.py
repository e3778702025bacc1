"""How models write: one call of `generate`, the text as it comes, and the same as a script. Shared by many tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studio.tasks import snippets
from studio.tasks.base import Listener
from studio.tasks.generation import SEED, SEQ2SEQ, refusing
from studio.tasks.loading import Loaded


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


def write(pipe: Loaded, ids: Sequence[int], wish: Wish, listener: Listener | None = None) -> Written:
    """What the model writes after (or, with an encoder, about) the tokens; the listener is told part by part.

    A beam search is told when it is over. Raises `InvalidInput` for options that contradict each other.
    """
    import torch

    tensor = torch.tensor([list(ids)], device=pipe.pipe[0].device)
    return write_about(pipe, {"input_ids": tensor, "attention_mask": torch.ones_like(tensor)}, wish, listener)


def write_about(
    pipe: Loaded, given: Mapping[str, Any], wish: Wish, listener: Listener | None = None, *, whole: bool = False
) -> Written:
    """As `write`, about whatever tensors a processor makes of texts, pictures and sounds.

    Args:
        pipe: holds the model, then its tokenizer.
        given: a batch of one.
        wish: see `Wish`.
        listener: see `Listener`.
        whole: the text begins with the words that the model was given to begin with.
    """
    import torch
    from transformers import StoppingCriteriaList

    model, tokenizer = pipe.pipe[:2]
    reader = _Reader(tokenizer, wish, listener, whole=whole)
    beams = int(wish.options.get("num_beams") or model.generation_config.num_beams or 1)
    streams = listener is not None and beams == 1
    torch.manual_seed(wish.seed)
    with refusing("parameters", wish.options), torch.inference_mode():
        found = model.generate(
            **given,
            streamer=reader if streams else None,
            stopping_criteria=StoppingCriteriaList([reader.over]),
            logits_processor=_penalties(wish, reader),
            **wish.options,
        )
    new = found[0, reader.begin :].tolist()
    text, stopped = reader.text(new)
    if listener is not None:
        listener.part(text[len(reader.told) :])
    ends = model.generation_config.eos_token_id
    ends = set(ends) if isinstance(ends, list) else {ends}
    reason = "stop_sequence" if stopped else "eos_token" if new and new[-1] in ends else "length"
    read = given["input_ids"].shape[-1] if "input_ids" in given else 0
    return Written(text, reason, len(new), read)


def write_all(pipe: Loaded, rows: Sequence[Sequence[int]], wish: Wish) -> list[Written]:
    """One text per row of tokens; models with an encoder read all rows together, unless they draw by chance."""
    import torch

    model, tokenizer = pipe.pipe[:2]
    draws = wish.options.get("do_sample", model.generation_config.do_sample)
    if len(rows) == 1 or draws or not model.config.is_encoder_decoder:
        return [write(pipe, ids, wish) for ids in rows]
    batch = tokenizer.pad({"input_ids": [list(ids) for ids in rows]}, return_tensors="pt").to(model.device)
    with torch.inference_mode():
        found = model.generate(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], **wish.options)
    reader = _Reader(tokenizer, wish, None)
    texts = [reader.text(new)[0] for new in found[:, 1:].tolist()]
    return [Written(text, "eos_token", found.shape[1] - 1, len(ids)) for text, ids in zip(texts, rows, strict=True)]


class _Reader:
    """transformers' streamer: reads along, holds back what may still change, and says when it is over.

    Attributes:
        begin: tokens before the first that counts; known once the model has begun.
    """

    def __init__(self, tokenizer: Any, wish: Wish, listener: Listener | None, *, whole: bool = False) -> None:
        self._tokenizer, self._wish, self._listener = tokenizer, wish, listener
        self._ids: list[int] = []
        self._begun, self._whole = False, whole
        self.begin = 0
        self.told = ""

    def begins(self, count: int) -> None:
        """So many tokens stand before those that are written; the first word counts."""
        if not self._begun and not self._whole:
            self.begin = count
        self._begun = True

    def put(self, values: Any) -> None:
        """Called by `generate` with the prompt, then with each token."""
        ids = values.flatten().tolist()
        if not self._begun:
            self.begins(len(ids))
            ids = ids[self.begin :]
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

        self.begins(ids.shape[1] - 1)
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


def _penalties(wish: Wish, reader: _Reader) -> Any:
    from transformers import LogitsProcessorList

    frequency, presence = wish.penalties
    if not frequency and not presence:
        return None

    def penalize(ids: Any, scores: Any) -> Any:
        import torch

        reader.begins(ids.shape[1])
        counts = torch.zeros_like(scores)
        written = ids[:, reader.begin :]
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
