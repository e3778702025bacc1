"""How models are told to write: the fields of a form, and what `generate` makes of them. Shared by all that write."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, field_validator

from studio.core.errors import InvalidInput
from studio.tasks.base import Params
from studio.tasks.loading import Loaded, load_model, load_tokenizer, loaded

SEED = 0  # where none is given: the same question gets the same answer
MOST_TOKENS = 4096
# whoever sets one of these wants to sample
SAMPLING = {"temperature", "top_p", "top_k", "typical_p", "epsilon_cutoff", "eta_cutoff"}
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


class AllGenerationParams(GenerationParams):
    """The Hub's, but for two whose code transformers 5 would fetch: `num_beam_groups` and `penalty_alpha`."""

    model_config = ConfigDict(json_schema_extra={"folded": True})

    max_length: int | None = Field(
        default=None,
        ge=1,
        le=MOST_TOKENS,
        title="Longest, in all",
        description="In tokens, what is given to the writer included; the longest answer goes before it.",
    )
    min_length: int | None = Field(
        default=None,
        ge=0,
        le=MOST_TOKENS,
        title="Shortest, in all",
        description="In tokens, what is given to the writer included.",
    )
    early_stopping: Literal[True, False, "never"] | None = Field(
        default=None,
        title="Stop beams early",
        description="True: as soon as there are as many candidates as beams. Never: when no better one can come.",
    )
    typical_p: float | None = Field(
        default=None, gt=0, le=1, title="Typical p", description="Draw from the most typical tokens of this share."
    )
    epsilon_cutoff: float | None = Field(
        default=None, ge=0, lt=1, title="Epsilon cutoff", description="Draw no token less likely than this."
    )
    eta_cutoff: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        title="Eta cutoff",
        description="As the epsilon cutoff, lower where the model is at a loss.",
    )
    use_cache: bool | None = Field(
        default=None, title="Use the cache", description="Keep what was computed for earlier tokens. Empty: yes."
    )

    @field_validator("early_stopping", mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        """Terminals and forms write true and false as text."""
        return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value


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


@contextmanager
def refusing(field: str, given: Mapping[str, Any]) -> Iterator[None]:
    """What `generate` says about options that do not go together, as an `InvalidInput` of the field."""
    try:
        yield
    except ValueError as error:
        if not given:
            raise
        raise InvalidInput(field, dict(given), str(error).splitlines()[0]) from None


def usual_length(model: Any, least: int) -> int:
    """How many tokens a model writes by itself: what its own configuration says, or `least`."""
    config = model.generation_config
    return int(config.max_new_tokens or (config.max_length if (config.max_length or 0) > 20 else 0) or least)


def usual_lines(least: int) -> str:
    """Lines of a script that put `usual_length` of `model` into `long`; transformers' own default is 20 tokens."""
    return (
        "config = model.generation_config\n"
        "usual = config.max_length if (config.max_length or 0) > 20 else 0\n"
        f"long = config.max_new_tokens or usual or {least}\n"
    )
