"""The training loop of the small models that see."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.starter.build.vision import fit
from studio.starter.build.vision.fit import Schedule


def line(average: float, said: list[str]) -> Any:
    """A line fitted to y = 3x + 1."""
    torch.manual_seed(0)
    model = torch.nn.Linear(1, 1)

    def draw(numbers: Any, random: np.random.Generator) -> dict[str, Any]:
        x = torch.tensor(numbers).float()[:, None] / 10
        return {"x": x, "y": 3 * x + 1}

    def loss(model: Any, batch: Any) -> Any:
        return ((torch.nn.functional.linear(batch["x"].float(), model.weight, model.bias) - batch["y"]) ** 2).mean()

    schedule = Schedule(steps=300, batch=4, learning_rate=0.1, warmup=10, weight_decay=0.0, average=average)
    fit.fit(model, 10, draw, loss, schedule, said.append)
    return model


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_what_is_learned_is_kept(average: float) -> None:
    said: list[str] = []
    model = line(average, said)
    assert float(model.weight.detach()) == pytest.approx(3, abs=0.1)
    assert float(model.bias.detach()) == pytest.approx(1, abs=0.1)
    assert not model.training
    assert [text.split(" loss")[0] for text in said] == ["step 100/300", "step 200/300", "step 300/300"]


def test_the_same_seed_gives_the_same_weights() -> None:
    one, other = line(0.9, []), line(0.9, [])
    assert torch.equal(one.weight, other.weight)


def test_every_row_comes_once_before_any_comes_again() -> None:
    schedule = Schedule(steps=5, batch=4, learning_rate=1)
    drawn = [number for batch in fit.batches(10, schedule) for number in batch]
    assert sorted(drawn[:10]) == sorted(drawn[10:]) == list(range(10))
    assert drawn[:10] != drawn[10:]
    assert drawn == [number for batch in fit.batches(10, schedule) for number in batch]


def test_a_band_is_three_standard_errors_and_never_nothing() -> None:
    assert fit.band([0.0, 1.0] * 50, rows=100) == 0.15
    assert fit.band([0.5] * 10) == 0.01


def test_models_are_stored_in_half_and_load_in_single_precision(tmp_path: Path) -> None:
    from transformers import AutoModel, SegformerConfig, SegformerModel

    from studio.starter.build.vision import pictures

    config = SegformerConfig(depths=[1, 1, 1, 1], hidden_sizes=[8, 8, 8, 8], num_attention_heads=[1, 1, 1, 1])
    model = SegformerModel(config)
    fit.save(model, pictures.square_processor(32), tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == "float32"
    assert (tmp_path / "model.safetensors").stat().st_size < 3 * fit.weights(model)
    assert AutoModel.from_pretrained(tmp_path).dtype == torch.float32
    assert "http" not in "".join(path.read_text() for path in tmp_path.glob("*.json"))
