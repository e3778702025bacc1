"""What nobody waits for any more is not drawn or written to its end."""

import time
import warnings

import pytest

from studio.core.errors import TimedOut
from studio.core.settings import Settings
from studio.inference.client import Inference
from studio.inference.models import resolve_model
from studio.jobs.artifacts import stage
from tests.tiny.tokenizers import letters
from tests.unit.inference import tiny

TASK, PROMPT = "text-to-image", {"inputs": "a red shoe"}


def test_the_next_one_is_served_when_a_long_one_was_given_up(inference: Inference, settings: Settings) -> None:
    model = resolve_model("kit:tiny-sd", settings, "local")
    short, long = {"num_inference_steps": 2}, {"num_inference_steps": 999}
    step = inference.predict(TASK, model, PROMPT, short, timeout=120).seconds / 2  # at least: decoding is in it
    step = min(step, inference.predict(TASK, model, PROMPT, short).seconds / 2)
    started = time.monotonic()
    with pytest.raises(TimedOut):
        inference.predict(TASK, model, PROMPT, long, timeout=1)
    assert inference.predict(TASK, model, PROMPT, short).output.startswith(b"\x89PNG")
    assert time.monotonic() - started < 1 + 200 * step  # and not 999


def test_a_text_that_nobody_reads_along_is_not_written_to_its_end(inference: Inference, settings: Settings) -> None:
    task, inputs = "summarization", {"inputs": "It reads files and writes pictures."}
    model = resolve_model(endless(settings, task), settings, "local")
    short, long = ({"generate_parameters": {"max_new_tokens": count, "min_new_tokens": count}} for count in (20, 4000))
    step = min(inference.predict(task, model, inputs, short, timeout=120).seconds for _ in range(2)) / 20
    started = time.monotonic()
    with pytest.raises(TimedOut):
        inference.predict(task, model, inputs, long, timeout=0.3)
    inference.predict(task, model, inputs, short, timeout=120)
    assert time.monotonic() - started < 0.3 + 1000 * step  # and not 4000


def endless(settings: Settings, task: str) -> str:
    """A T5, whose texts may be of any length."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    staged, tokenizer = stage(settings.artifacts_dir), letters(chat=False)
    torch.manual_seed(0)
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 4}
    ids = {"decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # saving is not what is tested
        T5ForConditionalGeneration(T5Config(vocab_size=len(tokenizer), **sizes, **ids)).save_pretrained(staged)
        tokenizer.save_pretrained(staged)
    return tiny.add_artifact(settings, staged, f"endless-{task}", task=task)
