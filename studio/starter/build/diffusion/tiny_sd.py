"""`kit:tiny-sd`: a Stable Diffusion in small, trained from nothing on one core, that draws what the prompt says.

Emoji, digits, clothes and shapes at 64 x 64 pixels, in nine colours. One pair of subject and colour in eleven is kept
from the training, so that the figures tell recombination from memory.
"""

import json
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.starter.build import writing
from studio.starter.build.base import Builder
from studio.starter.build.diffusion import fit, judge, parts, pools
from studio.starter.build.diffusion.data import COLOURS, OWN, SUBJECTS, is_held_out, usual_phrase, words
from studio.starter.build.vision import emoji, fashion
from studio.starter.build.vision.fit import LICENSE
from studio.starter.kit import KitEntry, Quality, Source

SEED = 20
STEPS = {"autoencoder": 1500, "decoder": 2500, "unet": 6000}
DRAWN_IN, GUIDANCE = 15, 3.0  # steps and guidance scale of what is measured
PROMPTS, CHECKED = 500, 1500
JUDGE = "judge.safetensors"
FIRST = "a red apple"


@dataclass(frozen=True)
class Wish:
    """One prompt to measure with.

    Attributes:
        group: "emoji" (in its own colours), "tinted_emoji", "digits", "clothes", "shapes", or "unseen": a pair of
            subject and colour of any family that was never trained on.
        subject: its number in `SUBJECTS`.
    """

    group: str
    subject: int
    colour: str


SHARES = {"emoji": 0.25, "tinted_emoji": 0.25, "digits": 0.12, "clothes": 0.12, "shapes": 0.06, "unseen": 0.2}
FAMILIES = {"emoji": "emoji", "tinted_emoji": "emoji", "digits": "digit", "clothes": "clothes", "shapes": "shape"}


def build(out: Path) -> KitEntry:
    """Fetch, train, judge and write; about an hour on one core.

    What has been trained is kept beside the entry until it is written, and the next call goes on from there.
    """
    work = out / ".tiny-sd-training"
    work.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        material = pools.fetch(Path(temporary), SEED)
    pipeline = train(material["train"], work)
    critic = judge.fit(material["judge"], SEED)
    with writing.new_folder(out, "tiny-sd") as folder:
        write(pipeline, folder)
        judge.save(critic, folder / JUDGE)
        text = f"{LICENSE.read_text(encoding='utf-8')}\n\nThe emoji that it learned from:\n\n{emoji.LICENSE}"
        (folder / "LICENSE").write_text(text, encoding="utf-8")
        ceiling = judge.check(judge.load(folder / JUDGE), material["check"], CHECKED, SEED)
        found = judged(folder, wishes(PROMPTS))
    entry = writing.record(out, _entry(_quality(found, ceiling)))
    for file in work.iterdir():
        file.unlink()
    work.rmdir()
    return entry


def train(pool: Any, work: Path) -> Any:
    """The trained pipeline; `work` keeps the state of each stage, and finished stages are not trained again."""
    import torch
    from diffusers import StableDiffusionPipeline

    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    vae = parts.autoencoder()
    fit.fit_vae(vae, pool, fit.Stage(STEPS["autoencoder"], work / "autoencoder.pt", SEED))
    latents = fit.encode(vae.eval(), pool, SEED)
    fit.fit_vae(vae, pool, fit.Stage(STEPS["decoder"], work / "decoder.pt", SEED + 1), decoder_only=True)
    torch.manual_seed(SEED)
    known = parts.tokenizer(words())
    made = {
        "tokenizer": known,
        "text_encoder": parts.text_encoder(known),
        "unet": parts.unet(),
        "scheduler": parts.scheduler(),
    }
    fit.fit_unet(made, latents, fit.Stage(STEPS["unet"], work / "unet.pt", SEED))
    return StableDiffusionPipeline(
        **made, vae=vae, safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )


def write(pipeline: Any, folder: Path) -> None:
    """Save in half precision, so that a plain load computes in single: diffusers does so, transformers is told to."""
    for part in (pipeline.vae, pipeline.unet, pipeline.text_encoder):
        part.half()
    pipeline.save_pretrained(folder)
    for file in folder.rglob("*.json"):
        config = json.loads(file.read_text(encoding="utf-8"))
        config.pop("_name_or_path", None)
        if file.parent.name == "text_encoder":
            config["dtype"] = "float32"
        indent = None if file.name == "tokenizer.json" else 2
        file.write_text(json.dumps(config, indent=indent, ensure_ascii=False) + "\n", encoding="utf-8")
    for file in folder.rglob("*.safetensors"):
        file.chmod(0o644)  # safetensors writes for the owner only


def wishes(count: int) -> list[Wish]:
    """The first of the `PROMPTS` to measure with, the same every time; the groups are mixed."""
    choice = random.Random(SEED)  # noqa: S311  not a secret
    pairs = [(subject, colour) for subject in range(len(SUBJECTS)) for colour in COLOURS]
    choices: dict[str, list[tuple[int, str]]] = {"unseen": [pair for pair in pairs if is_held_out(*pair)]}
    for group, family in FAMILIES.items():
        known = [pair for pair in pairs if SUBJECTS[pair[0]].family == family and not is_held_out(*pair)]
        choices[group] = (
            [(subject, OWN) for subject in {pair[0]: None for pair in known}] if group == "emoji" else known
        )
    groups = choice.choices(list(SHARES), weights=list(SHARES.values()), k=PROMPTS)
    return [Wish(group, *choice.choice(choices[group])) for group in groups[:count]]


def load(folder: Path) -> Any:
    """The pipeline by the plain library, without its progress bars."""
    from diffusers import StableDiffusionPipeline
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    pipeline = StableDiffusionPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def draw(folder: Path, prompts: Sequence[str]) -> Any:
    """Pictures as float32, n x 3 x 64 x 64, from -1 to 1; the same prompt at the same place gives the same one."""
    import torch

    pipeline = load(folder)
    drawn = []
    for start in range(0, len(prompts), 50):
        batch = list(prompts[start : start + 50])
        seeds = [torch.Generator().manual_seed(start + number) for number in range(len(batch))]
        answer = pipeline(
            batch, num_inference_steps=DRAWN_IN, guidance_scale=GUIDANCE, generator=seeds, output_type="pt"
        )
        drawn.append(answer.images.float() * 2 - 1)
    return torch.cat(drawn)


def judged(folder: Path, wanted: Sequence[Wish]) -> list[tuple[Wish, int, str]]:
    """What the judge sees in the picture of each wish: its subject and colour."""
    pictures = draw(folder, [usual_phrase(one.subject, one.colour) for one in wanted])
    found = judge.decide(judge.load(folder / JUDGE), pictures)
    return [(one, *seen) for one, seen in zip(wanted, found, strict=True)]


def figures(found: Sequence[tuple[Wish, int, str]]) -> dict[str, float]:
    """Share of pictures in which the judge sees what was asked for, in all and by group (if it has any)."""
    right = {one: (one.subject, one.colour) for one, _, _ in found}
    agreed = [(one.group, (subject, colour) == right[one]) for one, subject, colour in found]
    shares = {"agreement": sum(hit for _, hit in agreed) / len(agreed)}
    shares["subject_agreement"] = sum(one.subject == subject for one, subject, _ in found) / len(found)
    shares["colour_agreement"] = sum(one.colour == colour for one, _, colour in found) / len(found)
    for group in SHARES:
        hits = [hit for name, hit in agreed if name == group]
        if hits:
            shares[f"{group}_agreement"] = sum(hits) / len(hits)
    return shares


def first(entry: KitEntry) -> Any:
    """One picture, as a PIL image."""
    import torch

    seed = torch.Generator().manual_seed(SEED)
    return load(entry.path)(FIRST, num_inference_steps=DRAWN_IN, guidance_scale=GUIDANCE, generator=seed).images[0]


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """The agreement figures on the first of the prompts."""
    return figures(judged(entry.path, wishes(min(rows, PROMPTS))))


def _quality(found: Sequence[tuple[Wish, int, str]], ceiling: float) -> dict[str, Quality]:
    """Every figure beside what pictures drawn for the next prompt in the list would get."""
    shifted = [
        (wish, subject, colour)
        for (wish, _, _), (_, subject, colour) in zip(found, [*found[1:], found[0]], strict=True)
    ]
    chance = figures(shifted)
    quality = {}
    for name, value in figures(found).items():
        group = name.removesuffix("_agreement")
        share = SHARES.get(group, 1.0)
        quality[name] = Quality(
            value=round(value, 4),
            split="prompts",
            n=round(sum(one.group == group for one, _, _ in found)) or len(found),
            note=NOTES.get(group, f"subject and colour, {group.replace('_', ' ')} only"),
            baseline=round(chance[name], 4),
            baseline_note="pictures that were drawn for another prompt",
            band=round(max(0.05, 3 * (max(value * (1 - value), 0.04) / (200 * share)) ** 0.5), 3),
        )
    note = "share of real pictures, none of them seen before, whose subject and colour the judge names: its limit"
    quality["judge_accuracy"] = Quality(value=round(ceiling, 4), split="held-out pictures", n=CHECKED, note=note)
    return quality


NOTES = {
    "agreement": f"a judge names the subject and the colour that were asked for; {DRAWN_IN} steps, guidance {GUIDANCE}",
    "subject": "the subject alone",
    "colour": "the colour alone",
    "unseen": "subject and colour, of pairs that were kept from the training",
}


def _entry(quality: dict[str, Quality]) -> KitEntry:
    count = sum(one.family == "emoji" for one in SUBJECTS)
    return KitEntry(
        id="kit:tiny-sd",
        kind="model",
        library="diffusers",
        title="Tiny Stable Diffusion",
        description=(
            f"A toy: draws {count} emoji, ten digits, ten kinds of clothes and nine shapes, in "
            f"{len(COLOURS)} "
            'colours or an emoji\'s own, at 64 × 64 pixels: "a red apple", "a blue digit seven", "a green dress". It '
            "knows nothing else. All parts of Stable Diffusion are there, 4 million parameters in all, trained from "
            "nothing on one core."
        ),
        tasks=("text-to-image", "image-to-image"),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution=(
            "Trained by the Studio project on Fluent Emoji (Microsoft), Fashion-MNIST (Zalando) and MNIST "
            "(Y. LeCun, C. Cortes, C. Burges; CC BY-SA 3.0)."
        ),
        sources=(
            Source(name=emoji.PACKAGE.requirement, sha256=emoji.PACKAGE.sha256, license="MIT", use="emoji"),
            Source(name=fashion.PACKAGE.requirement, sha256=fashion.PACKAGE.sha256, license="MIT", use="clothes"),
            Source(
                name=pools.MNIST.requirement,
                sha256=pools.MNIST.sha256,
                license="CC-BY-SA-3.0",
                use="digits (packaging: MIT)",
            ),
        ),
        toy=True,
        built_by="studio.starter.build.diffusion.tiny_sd",
        seed=SEED,
        versions=writing.versions("torch", "diffusers", "transformers", "resvg-py"),
        training={
            **{f"{name}_steps": steps for name, steps in STEPS.items()},
            "autoencoder_batch_size": fit.VAE_BATCH,
            "autoencoder_learning_rate": fit.VAE_RATE,
            "batch_size": fit.BATCH,
            "learning_rate": fit.RATE,
            "mean_decay": fit.DECAY,
            "without_prompt": fit.WITHOUT_PROMPT,
            "subjects": len(SUBJECTS),
        },
        quality=quality,
    )


BUILDER = Builder("kit:tiny-sd", 60, build, first, measure)
