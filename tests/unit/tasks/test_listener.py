"""The kit's model of sounds and words by way of its task."""

import pytest

from studio.starter import kit
from studio.tasks import zero_shot_audio_classification as task
from studio.tasks.base import Example, with_media

RIGHT = {"Beeps": "fast high beeps", "A siren": "a siren", "A word": "three"}


@pytest.mark.parametrize("example", task.TASK.examples, ids=lambda one: one.title)
def test_the_kit_hears_what_the_examples_are(example: Example) -> None:
    pipe = task.load(kit.entry(task.TASK.models[0]).path, None, "cpu")
    params = task.ZeroShotAudioClassificationParams(**example.params)
    found = task.predict(pipe, [with_media(task.TASK, example.inputs)], params)[0]
    assert found[0]["label"] == RIGHT[example.title]
    assert found[0]["score"] > 0.5
