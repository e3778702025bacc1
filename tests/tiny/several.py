"""Tiny models that join several modalities, and those of the tasks that no pipeline tag names."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.tiny import text, writing
from tests.tiny.tokenizers import letters, wordpiece

SIDE, PATCH = 32, 8
SEES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 37,
    "image_size": SIDE,
    "patch_size": PATCH,
}
PARTS = (
    "{% for message in messages %}<|{{ message['role'] }}|>"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}"
    "{% elif part['type'] == 'image' %}<image>{% else %}<|AUDIO|>{% endif %}{% endfor %}{% endif %}<|end|>"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
WHOLE = {"height": SIDE, "width": SIDE}


def save_captioner(folder: Path) -> None:
    """ViT and GPT-2."""
    import torch
    from transformers import GPT2Config, VisionEncoderDecoderConfig, ViTConfig, ViTImageProcessorPil
    from transformers import VisionEncoderDecoderModel as Model

    tokenizer = letters(chat=False)
    torch.manual_seed(0)
    reads = GPT2Config(
        vocab_size=len(tokenizer), n_embd=32, n_layer=1, n_head=4, n_positions=64, add_cross_attention=True,
        is_decoder=True, initializer_range=0.5,
    )  # fmt: skip
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(ViTConfig(**SEES), reads)
    config.decoder_start_token_id, config.pad_token_id = 1, 0
    model = Model(config)
    _set(model, decoder_start_token_id=1, pad_token_id=0, eos_token_id=1, max_new_tokens=20, min_new_tokens=12)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    ViTImageProcessorPil(size=WHOLE).save_pretrained(folder)


def save_blip(folder: Path, head: str = "BlipForConditionalGeneration") -> None:
    import torch
    import transformers

    tokenizer = wordpiece()
    torch.manual_seed(0)
    reads = {
        **text.SIZE,
        "vocab_size": len(tokenizer),
        "encoder_hidden_size": 32,
        "bos_token_id": tokenizer.cls_token_id,
        "eos_token_id": tokenizer.sep_token_id,
        "sep_token_id": tokenizer.sep_token_id,
        "pad_token_id": 0,
        "projection_dim": 16,
        "initializer_range": 0.5,
    }
    config = transformers.BlipConfig(
        text_config=reads, vision_config=SEES, projection_dim=16, image_text_hidden_size=16
    )
    getattr(transformers, head)(config).save_pretrained(folder)
    transformers.BlipProcessor(transformers.BlipImageProcessorPil(size=WHOLE), tokenizer).save_pretrained(folder)


def save_vilt(folder: Path) -> None:
    import torch
    from transformers import ViltConfig, ViltForQuestionAnswering, ViltImageProcessorPil, ViltProcessor

    tokenizer = wordpiece(length=40)
    torch.manual_seed(0)
    labels = dict(enumerate(["yes", "no", "red", "blue", "1", "2", "3"]))
    config = ViltConfig(
        **SEES,
        vocab_size=len(tokenizer),
        max_position_embeddings=40,
        max_image_length=-1,
        initializer_range=0.5,
        id2label=labels,
        label2id={label: number for number, label in labels.items()},
    )
    ViltForQuestionAnswering(config).save_pretrained(folder)
    ViltProcessor(ViltImageProcessorPil(size={"shortest_edge": SIDE}, size_divisor=PATCH), tokenizer).save_pretrained(
        folder
    )


def save_layoutlm(folder: Path) -> None:
    import torch
    from transformers import LayoutLMConfig, LayoutLMForQuestionAnswering

    tokenizer = wordpiece()
    torch.manual_seed(0)
    config = LayoutLMConfig(vocab_size=len(tokenizer), **text.SIZE, max_2d_position_embeddings=1024)
    LayoutLMForQuestionAnswering(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def save_donut(folder: Path) -> None:
    import torch
    from transformers import (
        DonutImageProcessorPil,
        DonutProcessor,
        DonutSwinConfig,
        MBartConfig,
        VisionEncoderDecoderConfig,
        VisionEncoderDecoderModel,
    )

    tokenizer = letters(chat=False)
    marks = ["<s_docvqa>", "<s_question>", "</s_question>", "<s_answer>", "</s_answer>"]
    tokenizer.add_special_tokens({"additional_special_tokens": marks})
    torch.manual_seed(0)
    sees = DonutSwinConfig(
        image_size=[64, 64], patch_size=4, embed_dim=16, depths=[1, 1], num_heads=[2, 4], window_size=4
    )
    writes = MBartConfig(
        vocab_size=len(tokenizer), d_model=32, decoder_layers=1, decoder_attention_heads=4, decoder_ffn_dim=32,
        max_position_embeddings=128, is_decoder=True, add_cross_attention=True, add_final_layer_norm=True,
        pad_token_id=0, bos_token_id=1, eos_token_id=1, init_std=0.5,
    )  # fmt: skip
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(sees, writes)
    config.decoder_start_token_id, config.pad_token_id = tokenizer.convert_tokens_to_ids("<s_docvqa>"), 0
    model = VisionEncoderDecoderModel(config)
    _set(model, decoder_start_token_id=config.decoder_start_token_id, pad_token_id=0, eos_token_id=1)
    model.save_pretrained(folder)
    DonutProcessor(DonutImageProcessorPil(size={"height": 64, "width": 64}), tokenizer).save_pretrained(folder)


def save_llava(folder: Path) -> None:
    import torch
    from transformers import (
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    tokenizer = letters()
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    torch.manual_seed(0)
    config = LlavaConfig(
        text_config=_reads(len(tokenizer)),
        vision_config=CLIPVisionConfig(**SEES, projection_dim=16),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=(SIDE // PATCH) ** 2,
        vision_feature_select_strategy="default",
        vision_feature_layer=-1,
    )
    model = LlavaForConditionalGeneration(config)
    model.generation_config.min_new_tokens = 12
    model.save_pretrained(folder)
    images = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=WHOLE)
    LlavaProcessor(
        images,
        tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=PARTS,
    ).save_pretrained(folder)


def save_qwen2_audio(folder: Path) -> None:
    import torch
    from transformers import (
        Qwen2AudioConfig,
        Qwen2AudioForConditionalGeneration,
        Qwen2AudioProcessor,
        Qwen2Config,
        WhisperFeatureExtractor,
    )

    tokenizer = letters(length=2048)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>"]})
    torch.manual_seed(0)
    hears = {
        "d_model": 16,
        "encoder_layers": 1,
        "encoder_attention_heads": 2,
        "encoder_ffn_dim": 16,
        "num_mel_bins": 80,
        "max_source_positions": 1500,
    }
    config = Qwen2AudioConfig(
        audio_config={"model_type": "qwen2_audio_encoder", **hears},
        text_config=Qwen2Config(**_size(len(tokenizer), 2048)).to_dict(),
        audio_token_index=tokenizer.convert_tokens_to_ids("<|AUDIO|>"),
    )
    model = Qwen2AudioForConditionalGeneration(config)
    _set(model, eos_token_id=1, pad_token_id=0, min_new_tokens=12)
    model.save_pretrained(folder)
    Qwen2AudioProcessor(WhisperFeatureExtractor(feature_size=80), tokenizer, chat_template=PARTS).save_pretrained(
        folder
    )


def save_decider(folder: Path) -> None:
    """A chat model for which yes, no and the letters of options are one token each."""
    writing.save_llama(folder, words=("Yes", "No"))


def save_stable_diffusion(folder: Path) -> None:
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    from studio.starter.build.diffusion.parts import tokenizer

    known = tokenizer(["red", "shoe", "cat"])
    torch.manual_seed(0)
    reads = CLIPTextConfig(
        vocab_size=len(known), hidden_size=32, intermediate_size=37, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=16, bos_token_id=known.bos_token_id, eos_token_id=known.eos_token_id,
    )  # fmt: skip
    unet = UNet2DConditionModel(
        block_out_channels=(32, 64), layers_per_block=1, sample_size=8, in_channels=4, out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=(32,) * 4, down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4, latent_channels=4, sample_size=64,
    )  # fmt: skip
    StableDiffusionPipeline(
        vae=vae,
        text_encoder=CLIPTextModel(reads),
        tokenizer=known,
        unet=unet,
        scheduler=DDIMScheduler(clip_sample=False, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)


def _set(model: Any, **settings: int) -> None:
    """What `generate` goes by; settings that a model's configuration made would not be saved."""
    model.generation_config = type(model.generation_config)(**settings)


def _size(vocabulary: int, positions: int = 512) -> dict[str, Any]:
    return {
        "vocab_size": vocabulary,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": positions,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 1,
        "initializer_range": 0.5,
    }


def _reads(vocabulary: int) -> Any:
    from transformers import LlamaConfig

    return LlamaConfig(**_size(vocabulary))


TINY: dict[str, Callable[[Path], None]] = {
    "image-to-text": save_captioner,
    "visual-question-answering": save_vilt,
    "document-question-answering": save_layoutlm,
    "image-text-to-text": save_llava,
    "any-to-any": save_qwen2_audio,
    "decision": save_decider,
    "text-to-image": save_stable_diffusion,
    "image-to-image": save_stable_diffusion,
    "few-shot-text-generation": writing.save_llama,
    "semantic-search": partial(text.save_bert, head="BertModel"),
    "cross-lingual-zero-shot": text.TINY["zero-shot-classification"],
}
