"""conversational: a chat with a language model, by the template that it was trained with."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.core.types import Modality, Slot
from studio.tasks import generation, snippets, writing
from studio.tasks.base import Listener, Params, Task, examples
from studio.tasks.generation import MOST_TOKENS, SEED
from studio.tasks.loading import Loaded
from studio.tasks.writing import Wish

ID = "conversational"
TOKENS = 256
ROLES = ("system", "user", "assistant")
MOST_MESSAGES = 1_000
PLAIN = (  # for models without a template of their own
    "{% for message in messages %}{{ message['role'].capitalize() }}: {{ message['content'] }}\n{% endfor %}Assistant:"
)
REASONS = {"length": "length", "eos_token": "stop", "stop_sequence": "stop"}


class ConversationalParams(Params):
    """Names of OpenAI's chat completions, as `huggingface_hub.ChatCompletionInput` has them."""

    max_tokens: int | None = Field(
        default=None, ge=1, le=MOST_TOKENS, title="Longest answer", description=f"In tokens. Empty: {TOKENS}."
    )
    temperature: float | None = Field(
        default=None, ge=0, le=2, title="Temperature", description="0: the likeliest answer. Empty: as the model says."
    )
    top_p: float | None = Field(
        default=None, gt=0, le=1, title="Top p", description="Draw from the likeliest tokens that add up to this share."
    )
    frequency_penalty: float | None = Field(
        default=None, ge=-2, le=2, title="Frequency penalty", description="Taken off a token for each time it was used."
    )
    presence_penalty: float | None = Field(
        default=None, ge=-2, le=2, title="Presence penalty", description="Taken off a token once it was used."
    )
    stop: list[str] | None = Field(
        default=None, title="Stop at", description="Texts that end the answer; they are left out."
    )
    seed: int | None = Field(
        default=None, ge=0, le=2**31, title="Seed", description="The same seed draws the same answer. Empty: 0."
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Whole models and adapters; raises what `load_model` raises."""
    return generation.load(generation.CAUSAL, folder, base, device)


def predict(pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: ConversationalParams) -> list[dict[str, Any]]:
    """The answer to each conversation, why it ended, and how many tokens it took."""
    return [_answer(pipe, inputs, params, None) for inputs in batch]


def stream(pipe: Loaded, inputs: Mapping[str, Any], params: ConversationalParams, listener: Listener) -> dict[str, Any]:
    """As `predict`, part by part."""
    return _answer(pipe, inputs, params, listener)


def _answer(
    pipe: Loaded, inputs: Mapping[str, Any], params: ConversationalParams, listener: Listener | None
) -> dict[str, Any]:
    model, tokenizer = pipe.pipe
    messages = check(inputs.get("messages"))
    ids = _read(tokenizer, messages)
    wish = _wish(params, templated=tokenizer.chat_template is not None)
    positions = int(getattr(model.config, "max_position_embeddings", None) or MOST_TOKENS)
    if len(ids) + int(wish.options["max_new_tokens"]) > positions:
        expected = f"The model holds {positions} in all, {wish.options['max_new_tokens']} of them for the answer."
        raise InvalidInput("messages", f"{len(ids)} tokens", f"{expected} Start anew, or ask for a shorter answer.")
    written = writing.write(pipe, ids, wish, listener)
    return {
        "role": "assistant",
        "content": written.text,
        "finish_reason": REASONS[written.reason],
        "usage": {
            "prompt_tokens": written.prompt_tokens,
            "completion_tokens": written.tokens,
            "total_tokens": written.prompt_tokens + written.tokens,
        },
    }


def check(messages: Any) -> list[dict[str, str]]:
    """The conversation; raises `InvalidInput("messages", …)` unless it is one that waits for an answer."""
    if not isinstance(messages, list) or not messages:
        shown = "nothing" if messages is None else messages
        raise InvalidInput("messages", shown, 'Give a list of {"role", "content"}, the oldest first.')
    if len(messages) > MOST_MESSAGES:
        raise InvalidInput("messages", f"{len(messages):,} messages", f"At most {MOST_MESSAGES:,} are read.")
    found = []
    for message in messages:
        role, content = (message.get("role"), message.get("content")) if isinstance(message, dict) else (None, None)
        if role not in ROLES or not isinstance(content, str):
            raise InvalidInput("messages", message, f"A message has a role ({', '.join(ROLES)}) and a content, a text.")
        found.append({"role": str(role), "content": content.encode("utf-8", "replace").decode()})
    if found[-1]["role"] != "user" or not found[-1]["content"].strip():
        raise InvalidInput("messages", found[-1], "The last message has to be the user's, and not empty.")
    return found


def _read(tokenizer: Any, messages: list[dict[str, str]]) -> list[int]:
    from jinja2 import TemplateError

    try:
        text = tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True, chat_template=tokenizer.chat_template or PLAIN
        )
    except TemplateError as error:  # roles that a model does not know, or not in this order
        raise InvalidInput("messages", [one["role"] for one in messages], f"The model's template: {error}.") from None
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def _wish(params: ConversationalParams, templated: bool) -> Wish:
    given: dict[str, Any] = {"max_new_tokens": params.max_tokens or TOKENS}
    if params.temperature == 0:
        given["do_sample"] = False
    elif params.temperature is not None or params.top_p is not None:
        chosen = {"temperature": params.temperature, "top_p": params.top_p}
        given |= {"do_sample": True} | {name: value for name, value in chosen.items() if value is not None}
    stops = tuple(stop for stop in params.stop or () if stop) + (() if templated else ("\nUser:", "\nSystem:"))
    penalties = (params.frequency_penalty or 0.0, params.presence_penalty or 0.0)
    return Wish(given, SEED if params.seed is None else params.seed, stops, penalties)


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the answer."""
    code = writing.script(generation.CAUSAL, model, base, "prompt", _wish(params, templated=True))
    template = (
        f"messages = {snippets.quoted(inputs['messages'])}\n"
        "prompt = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)\n"
    )
    code = code.replace("\ninputs = ", f"\n{template}inputs = ")
    return f'{code}print({{"role": "assistant", "content": text}})\n'


TASK = Task(
    id=ID,
    title="Chat",
    description="Talks with a language model; the system message says how it is to behave.",
    inputs=(Slot("messages", Modality.CHAT, "Conversation", "The last message is answered."),),
    output=Slot("answer", Modality.CHAT, "Answer", "What the model says next."),
    params=ConversationalParams,
    models=("kit:chat", "HuggingFaceTB/SmolLM2-135M-Instruct", "Qwen/Qwen2.5-0.5B-Instruct"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("ForCausalLM", "LMHeadModel"),
    stream=stream,
)
