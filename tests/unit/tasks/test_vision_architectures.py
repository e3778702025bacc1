"""Other kinds of models of pictures and videos, tiny: they load without torchvision, and answer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.tasks import TASKS
from studio.tasks.base import EXAMPLES
from tests.tiny import tokenizers, vision

PICTURE = (EXAMPLES / "scene-cat.png").read_bytes()
CLIP = (EXAMPLES / "grows.mp4").read_bytes()
LABELS = {"candidate_labels": ["a cat", "the film"], "threshold": 0.0}
STAGES = {"depths": [1, 1, 1, 1], "out_features": ["stage2", "stage3", "stage4"]}
POINTS: dict[str, Any] = {
    "encoder_hidden_sizes": [8, 8, 16, 16],
    "decoder_hidden_size": 16,
    "descriptor_decoder_dim": 16,
    "max_keypoints": 32,
}
DETECTION: dict[str, Any] = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "num_queries": 5,
}


def owlv2(folder: Path) -> None:
    from transformers import Owlv2Config, Owlv2ImageProcessorPil, Owlv2Processor

    tokenizer = vision.clip_tokenizer(16)
    texts = vision.texts(tokenizer) | {"max_position_embeddings": 16}
    config = Owlv2Config(text_config=texts, vision_config=vision.TRANSFORMER, projection_dim=32)
    processor = Owlv2Processor(Owlv2ImageProcessorPil(size=vision.SQUARE), tokenizer)
    vision.save(folder, "Owlv2ForObjectDetection", config, processor)


def grounding_dino(folder: Path) -> None:
    from transformers import (
        BertConfig,
        GroundingDinoConfig,
        GroundingDinoImageProcessorPil,
        GroundingDinoProcessor,
        SwinConfig,
    )

    tokenizer = tokenizers.wordpiece()
    shared = {name: vision.TRANSFORMER[name] for name in ("hidden_size", "num_attention_heads", "intermediate_size")}
    config = GroundingDinoConfig(
        backbone_config=SwinConfig(embed_dim=8, num_heads=[1, 1, 2, 2], window_size=4, **STAGES),
        text_config=BertConfig(vocab_size=len(tokenizer), num_hidden_layers=1, max_position_embeddings=128, **shared),
        max_text_len=64,
        **DETECTION,
    )
    images = GroundingDinoImageProcessorPil(size={"shortest_edge": 256, "longest_edge": 300})
    vision.save(folder, "GroundingDinoForObjectDetection", config, GroundingDinoProcessor(images, tokenizer))


def detr(folder: Path) -> None:
    from transformers import DetrConfig, DetrImageProcessorPil, ResNetConfig

    backbone = ResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 8, 16, 16],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage4"],
    )
    config = DetrConfig(use_timm_backbone=False, backbone=None, backbone_config=backbone, **DETECTION, **vision.NAMES)
    processor = DetrImageProcessorPil(size={"shortest_edge": 64, "longest_edge": 96})
    vision.save(folder, "DetrForObjectDetection", config, processor)


def depth_anything(folder: Path) -> None:
    from transformers import DepthAnythingConfig, Dinov2Config, DPTImageProcessorPil

    backbone = Dinov2Config(
        **vision.TRANSFORMER | {"image_size": 28, "patch_size": 14},
        out_features=["stage1", "stage2"],
        reshape_hidden_states=False,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        patch_size=14,
        reassemble_hidden_size=32,
        reassemble_factors=[4, 2],
        neck_hidden_sizes=[8, 8],
        fusion_hidden_size=8,
        head_hidden_size=8,
    )
    processor = DPTImageProcessorPil(size={"height": 56, "width": 56}, keep_aspect_ratio=True, ensure_multiple_of=14)
    vision.save(folder, "DepthAnythingForDepthEstimation", config, processor)


def dinov2(folder: Path) -> None:
    from transformers import BitImageProcessorPil, Dinov2Config

    vision.save(folder, "Dinov2Model", Dinov2Config(**vision.TRANSFORMER), BitImageProcessorPil(**vision.CROP))


def timesformer(folder: Path) -> None:
    from transformers import TimesformerConfig, VideoMAEImageProcessorPil

    config = TimesformerConfig(**vision.TRANSFORMER, num_frames=4, **vision.NAMES)
    vision.save(folder, "TimesformerForVideoClassification", config, VideoMAEImageProcessorPil(**vision.CROP))


def superglue(folder: Path) -> None:
    from transformers import SuperGlueConfig, SuperGlueImageProcessorPil, SuperPointConfig

    config = SuperGlueConfig(
        keypoint_detector_config=SuperPointConfig(**POINTS),
        hidden_size=16,
        keypoint_encoder_sizes=[8, 16],
        gnn_layers_types=["self", "cross"],
        num_attention_heads=2,
        sinkhorn_iterations=5,
    )
    processor = SuperGlueImageProcessorPil(size={"height": 64, "width": 64})
    vision.save(folder, "SuperGlueForKeypointMatching", config, processor)


def lightglue(folder: Path) -> None:
    from transformers import LightGlueConfig, LightGlueImageProcessorPil, SuperPointConfig

    config = LightGlueConfig(
        keypoint_detector_config=SuperPointConfig(**POINTS),
        descriptor_dim=16,
        num_hidden_layers=2,
        num_attention_heads=2,
    )
    processor = LightGlueImageProcessorPil(size={"height": 64, "width": 64})
    vision.save(folder, "LightGlueForKeypointMatching", config, processor)


@pytest.mark.parametrize(
    ("task", "build", "params"),
    [
        ("zero-shot-object-detection", owlv2, LABELS),
        ("zero-shot-object-detection", grounding_dino, LABELS),
        ("object-detection", detr, {"threshold": 0.0}),
        ("depth-estimation", depth_anything, {}),
        ("image-feature-extraction", dinov2, {}),
        ("video-classification", timesformer, {"num_frames": 6}),  # it takes any number
        ("keypoint-matching", superglue, {}),
        ("keypoint-matching", lightglue, {}),
    ],
)
def test_other_architectures_answer(
    tmp_path: Path, task: str, build: Callable[[Path], None], params: dict[str, Any]
) -> None:
    build(tmp_path)
    found = TASKS[task]
    inputs = {slot.name: CLIP if task.startswith("video") else PICTURE for slot in found.inputs}
    answer = found.predict(found.load(tmp_path, None, "cpu"), [inputs], found.params(**params))[0]
    assert answer or task == "keypoint-matching"  # random weights match nothing
