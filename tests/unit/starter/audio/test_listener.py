"""What is said of sounds in training, and the answer that needs no model."""

import numpy as np
import pytest

from studio.starter.build.audio import listener, noises
from studio.starter.build.audio.noises import Noise
from studio.starter.build.vision import fit, words


def noise(kind: str, *traits: str) -> Noise:
    return Noise(np.zeros(noises.LENGTH, np.float32), kind, traits)


def test_a_text_fits_every_sound_that_it_is_true_of() -> None:
    rows = [noise("beeps", "fast", "low"), noise("beeps", "fast", "high"), noise("siren", "fast", "low")]
    said = {
        listener.told("beeps", ("fast",)),
        listener.told("sound", ("fast", "low")),
        listener.told("voice", ("one",)),
    }
    assert said == {"fast beeps", "a fast low sound", "a voice saying one"}
    heard = np.zeros((3, 1, 50, listener.BANDS), np.float32)
    tokenizer = words.tokenizer([*said, *listener.candidates(), "This is a sound of . the I hear"], 24, cut_marks=True)
    for seed in range(10):
        batch = listener._batch(rows, heard, tokenizer, np.random.default_rng(seed))
        assert (batch["fits"].diagonal() == 1).all()
        assert batch["input_features"].shape == heard.shape


def test_some_of_what_is_true_is_said() -> None:
    chance = np.random.default_rng(0)
    seen = {listener.partly(noise("siren", "fast", "low"), chance) for _ in range(200)}
    assert {"siren", listener.ANY} == {kind for kind, _ in seen}
    assert ("siren", ("fast", "low")) in seen
    assert {listener.partly(noise(listener.SPEECH, "one"), chance)[0] for _ in range(50)} == {listener.SPEECH}


def test_every_noise_has_a_label_of_its_own() -> None:
    labels = listener.candidates()
    assert len(set(labels)) == len(labels)
    assert len(labels) == len(noises.combinations(new=False)) + len(noises.NEW)


def test_the_nearest_spectrum_tells_high_from_low() -> None:
    rows = [one for one in noises.generate(1, 2, new=False) if one.kind == "noise"]
    other = [one for one in noises.generate(2, 1, new=False) if one.kind == "noise"]
    assert listener.by_spectrum(rows, other) == [one.caption for one in other]


def test_the_model_is_small_and_takes_what_the_extractor_gives() -> None:
    import torch

    model = listener._model(60)
    assert fit.weights(model) * 2 < 3e6
    heard = listener._extractor()(np.zeros(20_000), sampling_rate=noises.RATE, return_tensors="pt")
    with torch.inference_mode():
        found = model.eval()(
            input_ids=torch.ones(3, 5, dtype=torch.long), input_features=heard["input_features"].float()
        )
    assert found.logits_per_audio.shape == (1, 3)


@pytest.mark.parametrize("labels", [["one"], ["two", "one"]])
def test_shares_are_of_all(labels: list[str]) -> None:
    assert listener._share(listener._hits(["one"] * len(labels), labels)) == 1 / len(labels)
