"""`kit:pointer`: a small SAM that gives the mask of the thing under a point, in scenes of emoji.

Trained from scratch. Beside the masks it learns where each square's thing has its middle, which tells neighbours apart
early; that part is dropped afterwards. Judged on scenes of emoji that it has never seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.starter import kit
from studio.starter.build import writing
from studio.starter.build.base import Builder
from studio.starter.build.vision import augment, fit, scenes
from studio.starter.build.vision.emoji import Pixels
from studio.starter.build.vision.fit import Batch, Schedule
from studio.starter.build.vision.scenes import SIZE, Scene, Split
from studio.starter.kit import KitEntry, Quality, Source

DATA = "kit:emoji"
SEED = 31
SCENES = 6000
HELD_OUT, HELD_OUT_SEED = 200, 1_000_033  # scenes to measure on, far from the seed of those to train on
PATCH, WIDTH, LAYERS, CHANNELS = 8, 96, 3, 64
FINE = PATCH // 4  # pixels of the picture per value of a mask
POINTS = 3  # in each training scene
ON_GROUND = 0.1  # share of training points whose mask is the ground
TOLERANCES = (10, 20, 30, 45, 60, 80)  # of the baseline: difference of colours, in values from 0 to 255
TUNED_ON = 100  # training scenes that choose one of them
AT_ONCE = 20
SCHEDULE = Schedule(steps=2400, batch=16, learning_rate=1.5e-3, average=0.995, seed=SEED)

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Prompt:
    """A point (x, y, in pixels) in a picture, and the mask of the thing that lies there."""

    image: Pixels
    point: tuple[int, int]
    mask: Mask


def build(out: Path) -> KitEntry:
    """Draw, train, measure and write; about 12 minutes on one core."""
    data = kit.entry(DATA, out)
    drawn = list(scenes.generate(SEED, SCENES, "train", data.path))
    with writing.new_folder(out, "pointer") as folder:
        model = train(drawn, SCHEDULE)
        fit.save(model, processor(), folder)
        writing.copy_license(fit.LICENSE, folder)
        quality = _quality(folder, data.path)
    return writing.record(out, _entry(quality, fit.weights(model)))


def first(entry: KitEntry) -> float:
    """Which part of the first held-out scene the first thing takes, by its mask."""
    prompt = held_out("test", 1, kit.entry(DATA, entry.root).path)[0]
    return float(point(entry.path, [prompt])[0].mean())


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Mean IoU of one mask per thing, over the first held-out scenes of emoji that were and were not trained on."""
    folder = kit.entry(DATA, entry.root).path
    return {name: float(np.mean(values)) for name, (values, _) in _figures(entry.path, folder, rows).items()}


def point(folder: Path, prompts: Sequence[Prompt]) -> list[Mask]:
    """The mask for each point, in its picture's own size, by the model as it lies on disk."""
    import torch
    from transformers import SamModel, SamProcessor

    model = SamModel.from_pretrained(folder).eval()
    prepare = SamProcessor.from_pretrained(folder)
    found: list[Mask] = []
    for start in range(0, len(prompts), AT_ONCE):
        part = prompts[start : start + AT_ONCE]
        inputs = prepare(
            images=[one.image for one in part],
            input_points=[[[list(map(float, one.point))]] for one in part],
            return_tensors="pt",
        )
        sizes, seen = inputs.pop("original_sizes"), inputs.pop("reshaped_input_sizes")
        with torch.inference_mode():
            masks = model(**inputs).pred_masks
        found += [one[0, 0].numpy() for one in prepare.post_process_masks(masks, sizes, seen)]
    return found


def held_out(split: Split, count: int, folder: Path) -> list[Prompt]:
    """One point on each thing of `count` scenes, the same every time; `folder` is that of `kit:emoji`."""
    random = np.random.default_rng(HELD_OUT_SEED)
    drawn = scenes.generate(HELD_OUT_SEED, count, split, folder)
    return [
        Prompt(scene.image, anywhere(mask, random), mask)
        for scene in drawn
        for mask in (scene.instances == number for number in range(1, len(scene.things) + 1))
    ]


def anywhere(mask: Mask, random: np.random.Generator) -> tuple[int, int]:
    """X and y of a pixel of the mask; of its inside, two pixels from the edge, where it has one."""
    from scipy.ndimage import binary_erosion

    inside = binary_erosion(mask, iterations=2)
    rows, columns = np.nonzero(inside if inside.any() else mask)
    chosen = random.integers(len(rows))
    return int(columns[chosen]), int(rows[chosen])


def iou(one: Mask, other: Mask) -> float:
    """Pixels of both masks as a share of the pixels of either."""
    return float((one & other).sum() / max((one | other).sum(), 1))


def flood(prompt: Prompt, tolerance: float) -> Mask:
    """The baseline: what joins the point without crossing the ground, whose colour is the border's median."""
    from scipy.ndimage import label

    image = prompt.image.astype(np.float32)
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    differs = np.abs(image - np.median(border, axis=0)).max(-1) > tolerance
    x, y = prompt.point
    regions, _ = label(differs if differs[y, x] else ~differs)
    found: Mask = regions == regions[y, x]
    return found


def train(drawn: Sequence[Scene], schedule: Schedule) -> Any:
    """A model trained on these scenes."""
    import torch

    torch.manual_seed(SEED)
    model = _model()
    model.middles = torch.nn.Conv2d(CHANNELS, 3, 1)
    fit.fit(model, len(drawn), lambda numbers, random: _batch([drawn[n] for n in numbers], random), _loss, schedule)
    del model.middles
    return model


def processor() -> Any:
    """Scales any picture to the size that the model was trained with; needs no torchvision."""
    from transformers import SamProcessor
    from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil

    images = SamImageProcessorPil(
        size={"longest_edge": SIZE},
        pad_size={"height": SIZE, "width": SIZE},
        mask_size={"longest_edge": SIZE // FINE},
        mask_pad_size={"height": SIZE // FINE, "width": SIZE // FINE},
        image_mean=[augment.MEAN] * 3,
        image_std=[augment.STD] * 3,
    )
    return SamProcessor(images)


def middles(instances: Pixels) -> NDArray[np.float32]:
    """3 × rows × columns of squares: the share that things cover, and the way (x, y) to the middle of the one there.

    Ways are in pictures' sides; where several things share a square, the way is the mean of theirs.
    """
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE
    found = np.zeros((3, SIZE, SIZE), np.float32)
    for number in range(1, int(instances.max()) + 1):
        there = instances == number
        if there.any():
            found[0][there] = 1
            found[1][there] = x[there].mean() - x[there]
            found[2][there] = y[there].mean() - y[there]
    side = SIZE // PATCH
    means: NDArray[np.float32] = found.reshape(3, side, PATCH, side, PATCH).mean((2, 4))
    return means


def _batch(rows: Sequence[Scene], random: np.random.Generator) -> Batch:
    import torch

    points, masks = [], []
    for row in rows:
        for _ in range(POINTS):
            ground = random.random() < ON_GROUND
            mask = row.instances == (0 if ground else random.integers(1, len(row.things) + 1))
            points.append(anywhere(mask, random))
            masks.append(mask)
    wanted = torch.from_numpy(np.stack(masks)).float().reshape(len(rows), POINTS, SIZE, SIZE)
    images = augment.recoloured(augment.stack([row.image for row in rows]), random, hue=0.15, light=0.08)
    ways = torch.from_numpy(np.stack([middles(row.instances) for row in rows]))
    at = torch.tensor(points, dtype=torch.float32).reshape(len(rows), POINTS, 2)
    if random.random() < 0.5:
        images, wanted, ways = images.flip(-1), wanted.flip(-1), ways.flip(-1) * torch.tensor([1, -1, 1])[:, None, None]
        at = torch.stack([SIZE - 1 - at[..., 0], at[..., 1]], -1)
    return {
        "pixel_values": augment.normalized(images),
        "input_points": at[:, :, None],
        "masks": torch.nn.functional.avg_pool2d(wanted, FINE),
        "ways": ways,
        "several": bool(random.random() < 0.5),  # which of the decoder's two masks is asked for
    }


def _loss(model: Any, batch: Batch) -> Any:
    """Cross entropy and Dice of the masks, the error of the stated IoU, and that of the ways to the middles."""
    import torch
    from torch.nn import functional

    seen = model.vision_encoder(batch["pixel_values"]).last_hidden_state
    found = model(image_embeddings=seen, input_points=batch["input_points"], multimask_output=batch["several"])
    logits, wanted = found.pred_masks[:, :, 0].float(), batch["masks"]
    crossed = functional.binary_cross_entropy_with_logits(logits, wanted)
    made = logits.sigmoid()
    both, all_of_it = (made * wanted).sum((2, 3)), (made + wanted).sum((2, 3))
    dice = (1 - (2 * both + 1) / (all_of_it + 1)).mean()
    with torch.no_grad():
        hard, truth = logits > 0, wanted > 0.5
        share = (hard & truth).sum((2, 3)) / (hard | truth).sum((2, 3)).clamp_min(1)
    stated = functional.mse_loss(found.iou_scores[..., 0].float(), share)
    given = model.middles(seen).float()
    there = functional.binary_cross_entropy_with_logits(given[:, 0], batch["ways"][:, 0])
    ways = (batch["ways"][:, :1] * (given[:, 1:] - batch["ways"][:, 1:]).abs()).mean()
    return 2 * crossed + dice + stated + 0.5 * there + 5 * ways


def _model() -> Any:
    import torch
    from transformers import SamConfig, SamMaskDecoderConfig, SamModel, SamPromptEncoderConfig, SamVisionConfig

    config = SamConfig(
        vision_config=SamVisionConfig(
            hidden_size=WIDTH,
            output_channels=CHANNELS,
            num_hidden_layers=LAYERS,
            num_attention_heads=4,
            image_size=SIZE,
            patch_size=PATCH,
            initializer_range=0.02,
            mlp_ratio=3.0,
            use_rel_pos=False,  # costs a third of the time, and the picture's side is always the same
            window_size=SIZE // PATCH // 2,
            global_attn_indexes=list(range(1, LAYERS)),
            num_pos_feats=CHANNELS // 2,
        ),
        prompt_encoder_config=SamPromptEncoderConfig(hidden_size=CHANNELS, image_size=SIZE, patch_size=PATCH),
        mask_decoder_config=SamMaskDecoderConfig(
            hidden_size=CHANNELS,
            mlp_dim=2 * CHANNELS,
            num_attention_heads=4,
            num_multimask_outputs=1,  # a scene has no parts of parts to be in doubt about
            iou_head_hidden_dim=CHANNELS,
        ),
    )
    model = SamModel._from_config(config, attn_implementation="eager")  # for maps this small, faster to train
    # transformers draws frequencies of half the width, with which neighbouring points have nothing in common
    torch.nn.init.normal_(model.shared_image_embedding.positional_embedding)
    with torch.no_grad():  # it draws none for the picture's squares, which is slow to learn from
        model.vision_encoder.pos_embed.copy_(_waves(SIZE // PATCH, WIDTH))
    return model


def _waves(side: int, width: int) -> Any:
    """A first vector for each square of a picture, 1 × side × side × width: waves across it in random directions."""
    import torch

    place = torch.linspace(-1, 1, side)
    turns = torch.stack(torch.meshgrid(place, place, indexing="ij"), -1) @ torch.randn(2, width // 2) * torch.pi
    return torch.cat([turns.sin(), turns.cos()], -1)[None] * 0.5


def _figures(folder: Path, data: Path, rows: int) -> dict[str, tuple[list[float], list[Prompt]]]:
    """Each figure's values for single points, and the points."""
    found: dict[str, tuple[list[float], list[Prompt]]] = {}
    splits: tuple[tuple[str, Split], ...] = (("iou", "test"), ("iou_known_emoji", "train"))
    for name, split in splits:
        prompts = held_out(split, min(rows, HELD_OUT), data)
        found[name] = (
            [iou(made, one.mask) for made, one in zip(point(folder, prompts), prompts, strict=True)],
            prompts,
        )
    return found


def tolerance(data: Path) -> float:
    """The baseline's best tolerance on scenes of emoji that are trained on."""
    prompts = held_out("train", TUNED_ON, data)
    worth = {one: np.mean([iou(flood(prompt, one), prompt.mask) for prompt in prompts]) for one in TOLERANCES}
    return max(worth, key=worth.__getitem__)


def _quality(folder: Path, data: Path) -> dict[str, Quality]:
    chosen = tolerance(data)
    made = _figures(folder, data, HELD_OUT)
    return {
        name: Quality(
            value=round(float(np.mean(values)), 4),
            split="train" if name.endswith("known_emoji") else "test",
            n=len(values),
            note=(
                "new scenes of emoji that were trained on"
                if name.endswith("known_emoji")
                else "one point on each thing; emoji that were never trained on"
            ),
            baseline=round(float(np.mean([iou(flood(one, chosen), one.mask) for one in prompts])), 4),
            baseline_note=f"flood fill up to the ground's colour ± {chosen:.0f}, the best on training scenes",
            band=fit.band(values),
        )
        for name, (values, prompts) in made.items()
    }


def _entry(quality: Mapping[str, Quality], weights: int) -> KitEntry:
    return KitEntry(
        id="kit:pointer",
        kind="model",
        title="Mask of what you point at",
        description=(
            "Gives the mask of the thing under a point of a drawn scene of emoji, as SAM does for photos. It learned "
            "from artificial pictures and knows nothing of photos: it is a toy that shows how the task works."
        ),
        tasks=("mask-generation",),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="Trained by the Studio project on scenes of Fluent Emoji, copyright Microsoft Corporation (MIT).",
        sources=(Source(name=DATA, license="MIT", use="the things in the scenes"),),
        toy=True,
        built_by="studio.starter.build.vision.pointer",
        seed=SEED,
        versions=writing.versions("torch", "transformers", "numpy", "scipy", "pillow"),
        training={**SCHEDULE.for_manifest(), "scenes": SCENES, "points_per_scene": POINTS, "weights": weights},
        quality=dict(quality),
    )


BUILDER = Builder("kit:pointer", 12, build, first, measure)
