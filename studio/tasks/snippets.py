"""Python for "show code": what a task does, with plain libraries, as a script that runs and prints the output."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel


def quoted(value: Any) -> str:
    """A Python literal; texts in double quotes, JSON's are Python's too."""
    if isinstance(value, str):
        return json.dumps(value.encode("utf-8", "replace").decode(), ensure_ascii=False)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(quoted, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{quoted(key)}: {quoted(one)}' for key, one in value.items())}}}"
    return repr(value)


def options(params: BaseModel, renamed: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What differs from the defaults, by the library's name: all that a call needs to say."""
    changed = params.model_dump(exclude_defaults=True)
    return {(renamed or {}).get(name, name): value for name, value in changed.items()}


def arguments(*given: str, **named: Any) -> str:
    """The inside of a call: expressions, then literals by name."""
    return ", ".join([*given, *(f"{name}={quoted(value)}" for name, value in named.items())])


def with_pipeline(task: str, model: str, call: str, adapted: tuple[str, ...] | None = None) -> str:
    """`pipeline(task, model)` called with `call`, printed.

    Args:
        task: the pipeline's name.
        model: Hub id or folder.
        call: the inside of the call, see `arguments`.
        adapted: for an adapter: its base, the Auto class of the model, and the parts that the pipeline needs
            ("tokenizer", "image_processor" …); `model` is the adapter then.
    """
    if adapted is None:
        head = f"from transformers import pipeline\n\npipe = pipeline({quoted(task)}, model={quoted(model)})\n"
        return f"{head}print(pipe({call}))\n"
    base, auto, *parts = adapted
    named = ", ".join(f"{part}=adapter" for part in parts)
    return (
        "from peft import PeftModel\n"
        f"from transformers import AutoConfig, {auto}, pipeline\n\n"
        f"base, adapter = {quoted(base)}, {quoted(model)}\n"
        "config = AutoConfig.from_pretrained(adapter)\n"
        f'model = {auto}.from_pretrained(base, config=config, dtype="float32")\n'
        "model = PeftModel.from_pretrained(model, adapter).merge_and_unload()\n"
        f"pipe = pipeline({quoted(task)}, model=model, {named})\n"
        f"print(pipe({call}))\n"
    )


def load_lines(auto: str, model: str, base: str = "", part: str = "AutoTokenizer") -> str:
    """Lines that load `model` and `tokenizer`: of a whole model, or of an adapter on its base.

    `part` is the Auto class of what prepares the inputs; it is called `processor` where it is no tokenizer.
    """
    name = "tokenizer" if part == "AutoTokenizer" else "processor"
    if not base:
        return (
            f"from transformers import {auto}, {part}\n\n"
            f'model = {auto}.from_pretrained({quoted(model)}, dtype="float32")\n'
            f"{name} = {part}.from_pretrained({quoted(model)})"
        )
    return (
        "from peft import PeftModel\n"
        f"from transformers import AutoConfig, {auto}, {part}\n\n"
        f"base, adapter = {quoted(base)}, {quoted(model)}\n"
        "config = AutoConfig.from_pretrained(adapter)\n"
        f'model = {auto}.from_pretrained(base, config=config, dtype="float32")\n'
        "model = PeftModel.from_pretrained(model, adapter).merge_and_unload()\n"
        f"{name} = {part}.from_pretrained(adapter)"
    )


def picture(file: str, name: str = "picture") -> str:
    """A line that opens a picture upright, as `media.image` does; it wants `Image, ImageOps` of PIL."""
    return f'{name} = ImageOps.exif_transpose(Image.open({quoted(file)})).convert("RGB")'


def encoder(longest: int | str) -> str:
    """A function of a script that does as `studio.starter.sentences.encode` with `model` and `tokenizer`.

    `longest` is a number of word pieces, or an expression for it.
    """
    return f"""def encode(texts):
    batch = tokenizer(texts, padding=True, truncation=True, max_length={longest}, return_tensors="pt")
    with torch.inference_mode():
        states = model(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    return torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=-1)"""
