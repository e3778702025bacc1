"""Models that write without telling part by part stop at their next step once nobody waits."""

import math
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.core.errors import VisitorLeft
from studio.tasks import TASKS, attention
from studio.tasks.base import with_media
from tests.tiny import TINY
from tests.tiny.several import save_blip

STEPS = 3
WRITE = (
    "automatic-speech-recognition", "conversational", "few-shot-text-generation", "image-text-to-text",
    "image-to-text", "summarization", "text-generation", "text-to-audio", "text2text-generation", "translation",
)  # fmt: skip
MODELS: dict[str, tuple[str, Callable[[Path], None]]] = {
    **{task: (task, TINY[task]) for task in WRITE},
    "BLIP": ("image-to-text", save_blip),  # writes with a part of its own
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_stops_at_its_next_step_when_nobody_waits(name: str, tmp_path: Path) -> None:
    task, save = TASKS[MODELS[name][0]], MODELS[name][1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # saving is not what is tested
        save(tmp_path)
    pipe, inputs, params = task.load(tmp_path, None, "cpu"), with_media(task, task.examples[0].inputs), task.params()
    looks: list[int] = []
    steps = math.inf

    def gone() -> bool:
        looks.append(1)
        return len(looks) > steps

    with attention.attended(gone):
        task.predict(pipe, [inputs], params)
    assert len(looks) > STEPS + 2, "it ends before it could be stopped"
    looks.clear()
    steps = STEPS
    with attention.attended(gone), pytest.raises(VisitorLeft):
        task.predict(pipe, [inputs], params)
    assert len(looks) == STEPS + 1
    task.predict(pipe, [inputs], params)  # nobody is asked any more
    assert len(looks) == STEPS + 1
