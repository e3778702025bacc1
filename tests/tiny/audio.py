"""Tiny models that hear and speak."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.tiny.tokenizers import letters, wordpiece

LABELS = ("yes", "no", "seven", "a dog", "rain", "a saxophone")
ENCODER: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 20,
    "conv_dim": (16, 16, 16),
    "conv_stride": (5, 4, 4),
    "conv_kernel": (10, 8, 8),
    "num_feat_extract_layers": 3,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
}
LETTERS = "abcdefghijklmnopqrstuvwxyz'"


def save_audio_classifier(folder: Path) -> None:
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForSequenceClassification

    torch.manual_seed(0)
    known = {"id2label": dict(enumerate(LABELS)), "label2id": {label: n for n, label in enumerate(LABELS)}}
    model = Wav2Vec2ForSequenceClassification(Wav2Vec2Config(**ENCODER, classifier_proj_size=8, **known))
    with torch.no_grad():
        model.classifier.weight.mul_(20)
    model.save_pretrained(folder)
    Wav2Vec2FeatureExtractor().save_pretrained(folder)


def save_ctc(folder: Path) -> None:
    """As wav2vec 2.0; hears random letters."""
    import torch
    from transformers import (
        Wav2Vec2Config,
        Wav2Vec2CTCTokenizer,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2ForCTC,
        Wav2Vec2Processor,
    )

    torch.manual_seed(0)
    pieces = _write_pieces(folder, ["<pad>", "<s>", "</s>", "<unk>", "|", *LETTERS])
    tokenizer = Wav2Vec2CTCTokenizer(str(folder / "vocab.json"))
    model = Wav2Vec2ForCTC(Wav2Vec2Config(**ENCODER, vocab_size=len(pieces), pad_token_id=0))
    with torch.no_grad():
        model.lm_head.weight.mul_(20)
    model.save_pretrained(folder)
    Wav2Vec2Processor(Wav2Vec2FeatureExtractor(), tokenizer).save_pretrained(folder)


def save_whisper(folder: Path) -> None:
    """Of one language; writes random words, and times between them."""
    import torch
    from transformers import (
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperProcessor,
        WhisperTokenizer,
    )

    special = ["<|startoftranscript|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    alphabet = json.loads(letters(chat=False).backend_tokenizer.to_str())["model"]["vocab"]
    plain = [piece for piece in alphabet if len(piece) == 1]
    vocabulary = {piece: number for number, piece in enumerate([*plain, "<|endoftext|>"])}
    tokenizer = WhisperTokenizer(vocab=vocabulary, merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": special})
    tokenizer.add_tokens([f"<|{place * 0.02:.2f}|>" for place in range(1501)])
    number = tokenizer.convert_tokens_to_ids
    end = number("<|endoftext|>")
    ends = {"bos_token_id": end, "eos_token_id": end, "pad_token_id": end, "decoder_start_token_id": number(special[0])}
    sides = {
        f"{side}_{name}": value
        for side in ("encoder", "decoder")
        for name, value in (("layers", 1), ("attention_heads", 2), ("ffn_dim", 16))
    }
    torch.manual_seed(0)
    config = WhisperConfig(
        vocab_size=len(tokenizer), d_model=16, max_target_positions=64, init_std=1.0, **sides, **ends
    )
    model = WhisperForConditionalGeneration(config)
    settings: Any = model.generation_config
    settings._from_model_config = False  # or what is set below would be dropped on loading
    settings.is_multilingual, settings.return_timestamps = False, False
    settings.no_timestamps_token_id, settings.prev_sot_token_id = number(special[3]), number(special[1])
    settings.max_length, settings.max_initial_timestamp_index = 30, 50
    settings.suppress_tokens, settings.begin_suppress_tokens = [], [end]
    model.save_pretrained(folder)
    WhisperProcessor(WhisperFeatureExtractor(), tokenizer).save_pretrained(folder)


def save_clap(folder: Path) -> None:
    import torch
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, ClapProcessor

    torch.manual_seed(0)
    tokenizer = letters(chat=False)
    small = {"hidden_size": 16, "projection_dim": 16}
    texts = {"vocab_size": len(tokenizer), "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    sounds = {
        "num_mel_bins": 64,
        "spec_size": 256,
        "window_size": 8,
        "patch_size": 4,
        "patch_stride": [4, 4],
        "patch_embeds_hidden_size": 16,
        "depths": [1, 1],
        "num_attention_heads": [2, 2],
        "num_hidden_layers": 2,
    }
    config = ClapConfig(
        text_config={**small, **texts, "max_position_embeddings": 514, "pad_token_id": 0},
        audio_config={**small, **sounds, "hidden_size": 32},
        projection_dim=16,
    )
    extractor = ClapFeatureExtractor(max_length_s=2, truncation="rand_trunc", padding="repeatpad")
    ClapModel(config).save_pretrained(folder)
    ClapProcessor(extractor, tokenizer).save_pretrained(folder)


def save_vits(folder: Path) -> None:
    import torch
    from transformers import VitsConfig, VitsModel, VitsTokenizer

    torch.manual_seed(0)
    pieces = _write_pieces(folder, ["<pad>", "<unk>", *LETTERS, " "])
    tokenizer = VitsTokenizer(str(folder / "vocab.json"), phonemize=False, is_uroman=False, language="en")
    config = VitsConfig(
        vocab_size=len(pieces),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        ffn_dim=16,
        flow_size=16,
        spectrogram_bins=33,
        duration_predictor_num_flows=1,
        duration_predictor_filter_channels=16,
        posterior_encoder_num_wavenet_layers=1,
        prior_encoder_num_flows=1,
        prior_encoder_num_wavenet_layers=1,
        upsample_initial_channel=16,
        upsample_rates=[8, 8, 2, 2],
        upsample_kernel_sizes=[16, 16, 4, 4],
        resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1, 3]],
        wavenet_dilation_rate=1,
        depth_separable_num_layers=1,
    )
    VitsModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def save_musicgen(folder: Path) -> None:
    import torch
    from transformers import (
        EncodecConfig,
        EncodecFeatureExtractor,
        MusicgenConfig,
        MusicgenDecoderConfig,
        MusicgenForConditionalGeneration,
        MusicgenProcessor,
        T5Config,
    )

    torch.manual_seed(0)
    tokenizer = letters(chat=False)
    reads = T5Config(vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    sounds = EncodecConfig(
        num_filters=4,
        hidden_size=16,
        codebook_size=64,
        codebook_dim=16,
        upsampling_ratios=[8, 5, 4],
        num_residual_layers=1,
        num_lstm_layers=1,
        sampling_rate=16_000,
        target_bandwidths=[2.4],
        use_causal_conv=False,
    )
    writes = MusicgenDecoderConfig(
        vocab_size=64,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        ffn_dim=16,
        num_codebooks=4,
        pad_token_id=64,
        bos_token_id=64,
        max_position_embeddings=256,
    )
    config = MusicgenConfig(text_encoder=reads.to_dict(), audio_encoder=sounds.to_dict(), decoder=writes.to_dict())
    model = MusicgenForConditionalGeneration(config)
    model.generation_config.max_new_tokens = 60
    model.save_pretrained(folder)
    MusicgenProcessor(EncodecFeatureExtractor(sampling_rate=16_000), tokenizer).save_pretrained(folder)


def save_bark(folder: Path) -> None:
    """As large as its fixed vocabularies make it: 15 MB."""
    import torch
    from transformers import BarkConfig, BarkModel, BarkProcessor, EncodecConfig, GenerationConfig
    from transformers.models.bark.generation_configuration_bark import BarkGenerationConfig

    torch.manual_seed(0)
    small = {"block_size": 1024, "num_layers": 1, "num_heads": 2, "hidden_size": 16}
    sounds = EncodecConfig(
        num_filters=4,
        hidden_size=16,
        codebook_dim=16,
        upsampling_ratios=[8, 5, 4],
        num_residual_layers=1,
        num_lstm_layers=1,
        target_bandwidths=[12.0],
        use_causal_conv=False,
    )
    config = BarkConfig(
        semantic_config={**small, "input_vocab_size": 129_600, "output_vocab_size": 10_048},
        coarse_acoustics_config={**small, "input_vocab_size": 12_096, "output_vocab_size": 12_096},
        fine_acoustics_config={**small, "input_vocab_size": 1_056, "output_vocab_size": 1_056},
        codec_config=sounds.to_dict(),
    )
    model = BarkModel(config)
    model.generation_config = GenerationConfig()  # its own cannot be saved by transformers 5.23
    model.save_pretrained(folder)
    parts = {"semantic_config": {"max_new_tokens": 20}, "coarse_acoustics_config": {}, "fine_acoustics_config": {}}
    settings = BarkGenerationConfig(**parts).to_dict()
    (folder / "generation_config.json").write_text(json.dumps(settings), encoding="utf-8")
    BarkProcessor(wordpiece(256)).save_pretrained(folder)


def _write_pieces(folder: Path, pieces: Sequence[str]) -> Sequence[str]:
    folder.mkdir(parents=True, exist_ok=True)
    numbers = {piece: number for number, piece in enumerate(pieces)}
    (folder / "vocab.json").write_text(json.dumps(numbers), encoding="utf-8")
    return pieces


TINY: dict[str, Callable[[Path], None]] = {
    "audio-classification": save_audio_classifier,
    "zero-shot-audio-classification": save_clap,
    "automatic-speech-recognition": save_whisper,
    "text-to-speech": save_vits,
    "text-to-audio": save_musicgen,
}
