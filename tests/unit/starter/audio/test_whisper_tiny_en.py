"""How CTranslate2's weights become transformers'."""

import numpy as np
import pytest

from studio.starter.build.audio import whisper_tiny_en
from studio.starter.build.sources import SourceError


def weights(key_bias: float = 0.0) -> dict[str, np.ndarray]:
    """The weights of a Whisper that is four wide; numbers tell the parts of a joined projection apart."""
    found: dict[str, np.ndarray] = {}

    def joined(name: str, parts: int, key: int) -> None:
        found[f"{name}/weight"] = np.repeat(np.arange(parts, dtype=np.float16), 4)[:, None] * np.ones((1, 4))
        bias = np.ones(4 * parts)
        bias[4 * key : 4 * key + 4] = key_bias
        found[f"{name}/bias"] = bias

    for side, parts in (
        ("encoder", whisper_tiny_en.PARTS),
        ("decoder", whisper_tiny_en.PARTS | whisper_tiny_en.CROSS_PARTS),
    ):
        for number in range(whisper_tiny_en.LAYERS):
            layer = f"{side}/layer_{number}"
            joined(f"{layer}/self_attention/linear_0", 3, 1)
            if side == "decoder":
                joined(f"{layer}/attention/linear_1", 2, 0)
            for name in parts:
                kinds = ("gamma", "beta") if "norm" in name else ("weight", "bias")
                found |= {f"{layer}/{name}/{kind}": np.ones(2) for kind in kinds}
        found |= {f"{side}/layer_norm/{kind}": np.ones(2) for kind in ("gamma", "beta")}
        found[f"{side}/position_encodings/encodings"] = np.ones((3, 2))
    found |= {f"encoder/conv{number}/{kind}": np.ones(2) for number in (1, 2) for kind in ("weight", "bias")}
    return found | {"decoder/embeddings/weight": np.ones((5, 2))}


def test_every_weight_of_whisper_is_there_under_its_name() -> None:
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    layers = dict.fromkeys(("encoder_layers", "decoder_layers"), whisper_tiny_en.LAYERS)
    heads = dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 1)
    ids = dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id"), 0)
    config = WhisperConfig(vocab_size=5, d_model=4, **ids, **layers, **heads)
    model = WhisperForConditionalGeneration(config)
    assert set(whisper_tiny_en.converted(weights())) == set(model.state_dict()) - {"proj_out.weight"}


def test_joined_projections_are_taken_apart() -> None:
    found = whisper_tiny_en.converted(weights())
    layer = "model.decoder.layers.2"
    values = [found[f"{layer}.self_attn.{name}_proj.weight"].unique().item() for name in "qkv"]
    assert values == [0, 1, 2]
    assert found[f"{layer}.encoder_attn.v_proj.weight"].unique().item() == 1
    assert f"{layer}.encoder_attn.k_proj.bias" not in found


def test_a_bias_that_whisper_cannot_hold_is_refused() -> None:
    with pytest.raises(SourceError, match="bias for the keys"):
        whisper_tiny_en.converted(weights(key_bias=0.5))
