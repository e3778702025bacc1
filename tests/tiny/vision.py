"""Tiny models of pictures and videos."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.tiny import tokenizers

LABELS = ("cat", "dog", "bird", "fish", "car", "tree")
NAMES = {"id2label": dict(enumerate(LABELS)), "label2id": {label: number for number, label in enumerate(LABELS)}}
TRANSFORMER: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 32,
    "image_size": 32,
    "patch_size": 8,
}
SQUARE = {"height": 32, "width": 32}
CROP = {"size": {"shortest_edge": 32}, "crop_size": SQUARE}


def save(folder: Path, kind: str, config: Any, processor: Any, bold: str = "") -> None:
    """A model with random weights, the same every time, and what prepares its inputs.

    `bold` is the name of a bias whose first value is raised: then the model is sure of something.
    """
    import torch
    import transformers

    torch.manual_seed(0)
    model = getattr(transformers, kind)(config)
    if bold:
        model.get_parameter(bold).data[0] += 4
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def save_image_classifier(folder: Path) -> None:
    from transformers import ViTConfig, ViTImageProcessorPil

    config = ViTConfig(**TRANSFORMER, **NAMES)
    save(folder, "ViTForImageClassification", config, ViTImageProcessorPil(size=SQUARE))


def save_segmenter(folder: Path) -> None:
    """One class per pixel."""
    from transformers import SegformerConfig, SegformerImageProcessorPil

    config = SegformerConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 8, 16, 16],
        num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=16,
        **NAMES,
    )
    save(folder, "SegformerForSemanticSegmentation", config, SegformerImageProcessorPil(size=SQUARE))


def save_panoptic_segmenter(folder: Path) -> None:
    """Masks of things, as many as it likes."""
    from transformers import Mask2FormerConfig, Mask2FormerImageProcessorPil, SwinConfig

    backbone = SwinConfig(
        image_size=64,
        patch_size=4,
        embed_dim=8,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 2, 2],
        window_size=4,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = Mask2FormerConfig(
        backbone_config=backbone,
        feature_size=32,
        mask_feature_size=32,
        hidden_dim=32,
        encoder_feedforward_dim=16,
        encoder_layers=1,
        decoder_layers=2,
        num_attention_heads=2,
        dim_feedforward=16,
        num_queries=5,
        **NAMES,
    )
    processor = Mask2FormerImageProcessorPil(size={"height": 64, "width": 64})
    save(folder, "Mask2FormerForUniversalSegmentation", config, processor, "class_predictor.bias")


def save_detector(folder: Path) -> None:
    from transformers import YolosConfig, YolosImageProcessorPil

    config = YolosConfig(**TRANSFORMER | {"image_size": [32, 32]}, num_detection_tokens=5, **NAMES)
    bold = "class_labels_classifier.layers.2.bias"
    save(folder, "YolosForObjectDetection", config, YolosImageProcessorPil(size=SQUARE), bold)


def save_open_detector(folder: Path) -> None:
    from transformers import OwlViTConfig, OwlViTImageProcessorPil, OwlViTProcessor

    tokenizer = clip_tokenizer(16)
    config = OwlViTConfig(
        text_config=texts(tokenizer) | {"max_position_embeddings": 16},
        vision_config=TRANSFORMER,
        projection_dim=32,
    )
    processor = OwlViTProcessor(OwlViTImageProcessorPil(size=SQUARE, crop_size=SQUARE), tokenizer)
    save(folder, "OwlViTForObjectDetection", config, processor)


def save_clip(folder: Path) -> None:
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPProcessor

    tokenizer = clip_tokenizer(64)
    config = CLIPConfig(
        text_config=texts(tokenizer) | {"max_position_embeddings": 64, "projection_dim": 16},
        vision_config=TRANSFORMER | {"projection_dim": 16},
        projection_dim=16,
    )
    save(folder, "CLIPModel", config, CLIPProcessor(CLIPImageProcessorPil(**CROP), tokenizer))


def save_siglip(folder: Path) -> None:
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipProcessor

    tokenizer = clip_tokenizer(64)
    config = SiglipConfig(text_config=texts(tokenizer) | {"max_position_embeddings": 64}, vision_config=TRANSFORMER)
    save(folder, "SiglipModel", config, SiglipProcessor(SiglipImageProcessorPil(size=SQUARE), tokenizer))


def save_depth_estimator(folder: Path) -> None:
    """Inverse distances, as DPT gives them."""
    from transformers import DPTConfig, DPTImageProcessorPil

    config = DPTConfig(
        **TRANSFORMER | {"num_hidden_layers": 4},
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[8, 8, 16, 16],
        fusion_hidden_size=16,
        is_hybrid=False,
    )
    save(folder, "DPTForDepthEstimation", config, DPTImageProcessorPil(size=SQUARE))


def save_distance_estimator(folder: Path) -> None:
    """Distances, as GLPN gives them."""
    from transformers import DPTImageProcessorPil, GLPNConfig

    config = GLPNConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 8, 16, 16],
        num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=8,
        max_depth=10,
    )
    save(folder, "GLPNForDepthEstimation", config, DPTImageProcessorPil(size=SQUARE))


def save_image_encoder(folder: Path) -> None:
    from transformers import ViTConfig, ViTImageProcessorPil

    save(folder, "ViTModel", ViTConfig(**TRANSFORMER), ViTImageProcessorPil(size=SQUARE))


def save_map_encoder(folder: Path) -> None:
    """Its states are maps of channels × height × width."""
    from transformers import ResNetConfig, ViTImageProcessorPil

    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], layer_type="basic")
    save(folder, "ResNetModel", config, ViTImageProcessorPil(size=SQUARE))


def save_sam(folder: Path, kind: str = "Sam") -> None:
    """SAM, or SAM-HQ with `kind` "SamHQ"."""
    import transformers
    from transformers import SamImageProcessorPil

    vision: dict[str, Any] = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "image_size": 64,
        "patch_size": 8,
        "output_channels": 32,
        "mlp_dim": 32,
        "window_size": 4,
        "global_attn_indexes": [1],
        "num_pos_feats": 16,
    }
    prompts = {"hidden_size": 32, "image_size": 64, "patch_size": 8, "mask_input_channels": 4}
    decoder: dict[str, Any] = {
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "mlp_dim": 32,
        "iou_head_hidden_dim": 32,
    }
    if kind == "SamHQ":
        decoder["vit_dim"] = 32
    config = getattr(transformers, f"{kind}Config")(
        vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder
    )
    processor = SamImageProcessorPil(
        size={"longest_edge": 64},
        pad_size={"height": 64, "width": 64},
        mask_size={"longest_edge": 16},
        mask_pad_size={"height": 16, "width": 16},
    )
    save(folder, f"{kind}Model", config, getattr(transformers, f"{kind}Processor")(processor))


def save_matcher(folder: Path) -> None:
    from transformers import EfficientLoFTRConfig, EfficientLoFTRImageProcessorPil

    config = EfficientLoFTRConfig(
        stage_num_blocks=[1, 1, 1],
        out_features=[32, 32, 128],
        stage_stride=[2, 1, 2],
        hidden_size=128,
        num_attention_layers=1,
        num_attention_heads=8,
        coarse_matching_threshold=0.0,
        coarse_matching_border_removal=0,
        fine_kernel_size=2,
        q_aggregation_kernel_size=1,
        kv_aggregation_kernel_size=1,
        q_aggregation_stride=1,
        kv_aggregation_stride=1,
    )
    processor = EfficientLoFTRImageProcessorPil(size={"height": 64, "width": 64})
    save(folder, "EfficientLoFTRForKeypointMatching", config, processor)


def save_enlarger(folder: Path) -> None:
    from transformers import Swin2SRConfig, Swin2SRImageProcessorPil

    config = Swin2SRConfig(image_size=32, embed_dim=16, depths=[1], num_heads=[2], window_size=8, upscale=2)
    save(folder, "Swin2SRForImageSuperResolution", config, Swin2SRImageProcessorPil())


def save_video_classifier(folder: Path) -> None:
    from transformers import VideoMAEConfig, VideoMAEImageProcessorPil

    config = VideoMAEConfig(**TRANSFORMER, num_frames=4, tubelet_size=2, **NAMES)
    save(folder, "VideoMAEForVideoClassification", config, VideoMAEImageProcessorPil(**CROP))


def clip_tokenizer(length: int) -> Any:
    """Letters between a start and an end."""
    from tokenizers import processors

    tokenizer = tokenizers.letters(chat=False, length=length)
    end = tokenizer.eos_token_id
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="</s> $A </s>", special_tokens=[("</s>", end)]
    )
    return tokenizer


def texts(tokenizer: Any) -> dict[str, Any]:
    """Settings of an encoder of texts."""
    shared = {name: TRANSFORMER[name] for name in TRANSFORMER if name not in ("image_size", "patch_size")}
    ids = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    return {"vocab_size": len(tokenizer), **shared, **ids}


TINY: dict[str, Callable[[Path], None]] = {
    "image-classification": save_image_classifier,
    "image-segmentation": save_segmenter,
    "object-detection": save_detector,
    "zero-shot-object-detection": save_open_detector,
    "zero-shot-image-classification": save_clip,
    "depth-estimation": save_depth_estimator,
    "image-feature-extraction": save_image_encoder,
    "mask-generation": save_sam,
    "keypoint-matching": save_matcher,
    "video-classification": save_video_classifier,
}
