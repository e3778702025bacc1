"""What `kit:tiny-sd` is made of before it is trained: tokenizer, text encoder, UNet, autoencoder, scheduler."""

import json
from typing import Any

LONGEST = 16  # tokens of a prompt, begin and end among them
WIDTH = 128  # of the text encoder
BEGIN, END = "<|startoftext|>", "<|endoftext|>"


def byte_letters() -> list[str]:
    """The 256 characters by which CLIP's tokenizer writes bytes, in the order of the bytes."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    return [letter for _, letter in sorted(bytes_to_unicode().items())]


def vocabulary(words: list[str]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Pieces and merges after which each of the words is one token and any other text is spelled, none unknown.

    The merges are learned until nothing is left to merge; in any other order one word's merges would break another's.
    A hyphen ends a token, as CLIP has it.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    letters = byte_letters()
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(
        vocab_size=100_000, min_frequency=1, show_progress=False, end_of_word_suffix="</w>", initial_alphabet=letters
    )
    learner.train_from_iterator([word.replace("-", " ") for word in words], trainer)
    merges = [(left, right) for left, right in json.loads(learner.to_str())["model"]["merges"]]
    pieces = [*letters, *(f"{letter}</w>" for letter in letters), *(left + right for left, right in merges), BEGIN, END]
    return {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}, merges


def tokenizer(words: list[str]) -> Any:
    """A CLIPTokenizer that knows the words."""
    from transformers import CLIPTokenizer

    vocab, merges = vocabulary(words)
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=LONGEST)


def text_encoder(known: Any) -> Any:
    """CLIP's text transformer, two layers, for the tokenizer's vocabulary."""
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(known),
            hidden_size=WIDTH,
            intermediate_size=2 * WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=LONGEST,
            bos_token_id=known.bos_token_id,
            eos_token_id=known.eos_token_id,
            pad_token_id=known.pad_token_id,
            projection_dim=WIDTH,
        )
    )


def unet() -> Any:
    """Works on 8 x 8 latents; attends to the prompt at 4 x 4, where attention costs least."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=8,
        in_channels=8,
        out_channels=8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(64, 96),
        layers_per_block=1,
        cross_attention_dim=WIDTH,
        attention_head_dim=4,
        norm_num_groups=16,
    )


def autoencoder() -> Any:
    """64 x 64 pixels to 8 x 8 x 8 and back; few channels where the picture is large, as they cost most there."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(16, 16, 48, 64),
        layers_per_block=1,
        latent_channels=8,
        norm_num_groups=8,
        sample_size=64,
        mid_block_add_attention=False,
    )


def scheduler() -> Any:
    """DDIM on velocities, with a last step of pure noise."""
    from diffusers import DDIMScheduler

    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type="v_prediction",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        timestep_spacing="trailing",
        rescale_betas_zero_snr=True,
    )
