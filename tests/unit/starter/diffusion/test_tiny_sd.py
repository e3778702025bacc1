"""How the model is measured, and what its folder says."""

import json
from pathlib import Path

import pytest
import torch

from studio.starter.build.diffusion import data, judge, parts, tiny_sd
from studio.starter.build.diffusion.tiny_sd import Wish


def test_the_prompts_are_the_same_every_time_and_a_sample_is_their_beginning() -> None:
    wanted = tiny_sd.wishes(tiny_sd.PROMPTS)
    assert wanted[:200] == tiny_sd.wishes(200)
    assert {one.group for one in wanted[:200]} == set(tiny_sd.SHARES)
    for one in wanted:
        assert data.is_held_out(one.subject, one.colour) == (one.group == "unseen")


def test_figures_count_subject_and_colour() -> None:
    wanted = [Wish("digits", 1, "red"), Wish("digits", 1, "blue"), Wish("unseen", 2, "red"), Wish("unseen", 3, "red")]
    seen = [(1, "red"), (1, "red"), (4, "red"), (3, "red")]
    found = tiny_sd.figures([(one, *answer) for one, answer in zip(wanted, seen, strict=True)])
    assert found == {
        "agreement": 0.5,
        "subject_agreement": 0.75,
        "colour_agreement": 0.75,
        "digits_agreement": 0.5,
        "unseen_agreement": 0.5,
    }


def test_the_baseline_is_a_picture_drawn_for_another_prompt() -> None:
    found = [(Wish("digits", number, "red"), number, "red") for number in range(4)]
    quality = tiny_sd._quality(found, 0.9)
    assert next(iter(quality)) == "agreement"
    assert (quality["agreement"].value, quality["agreement"].baseline) == (1.0, 0.0)
    assert (quality["colour_agreement"].value, quality["colour_agreement"].baseline) == (1.0, 1.0)
    assert quality["judge_accuracy"].value == 0.9


def test_a_saved_judge_judges_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    made = judge.new().half().float().eval()
    pictures = torch.rand(4, 3, 64, 64) * 2 - 1
    judge.save(made, tmp_path / "judge.safetensors")
    assert (tmp_path / "judge.safetensors").stat().st_size < 300_000
    assert judge.decide(judge.load(tmp_path / "judge.safetensors"), pictures) == judge.decide(made, pictures)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:diffusers")
def test_the_folder_loads_with_the_plain_library_and_computes_in_single_precision(tmp_path: Path) -> None:
    from diffusers import StableDiffusionPipeline

    known = parts.tokenizer(data.words())
    pipeline = StableDiffusionPipeline(
        vae=parts.autoencoder(),
        text_encoder=parts.text_encoder(known),
        tokenizer=known,
        unet=parts.unet(),
        scheduler=parts.scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    tiny_sd.write(pipeline, tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 9_000_000
    for path in tmp_path.rglob("*.json"):
        assert "_name_or_path" not in json.loads(path.read_text())
        assert "http" not in path.read_text()
    again = tiny_sd.load(tmp_path)
    assert {part.dtype for part in (again.vae, again.unet, again.text_encoder)} == {torch.float32}
    assert again("a red apple", num_inference_steps=2).images[0].size == (64, 64)
