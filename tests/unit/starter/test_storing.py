"""How weights are laid into the kit: what is kept of a number, and what a plain load gives."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, BertConfig, BertModel

from studio.starter.build import storing

SMALL = BertConfig(
    vocab_size=400, hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128, pad_token_id=0
)


def encoder() -> BertModel:
    torch.manual_seed(3)
    return BertModel(SMALL).eval()


@pytest.mark.parametrize(("bits", "stored"), [(8, torch.float8_e4m3fn), (16, torch.float16)])
def test_matrices_take_the_bits_that_were_asked_for_and_load_in_single(
    bits: storing.Bits, stored: torch.dtype, tmp_path: Path
) -> None:
    storing.write(encoder(), tmp_path, bits=bits)
    on_disk = load_file(tmp_path / "model.safetensors")
    assert {value.dtype for value in on_disk.values() if value.dim() > 1} == {stored}
    assert {value.dtype for value in on_disk.values() if value.dim() == 1} == {torch.float16}
    loaded = AutoModel.from_pretrained(tmp_path)
    assert {value.dtype for value in loaded.parameters()} == {torch.float32}
    assert "_name_or_path" not in json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert (tmp_path / "model.safetensors").stat().st_mode & 0o777 == 0o644


def test_in_eight_bits_a_number_is_a_sixteenth_off_at_most_and_the_meaning_hardly(tmp_path: Path) -> None:
    storing.write(encoder(), tmp_path, bits=8)
    loaded, exact = AutoModel.from_pretrained(tmp_path).eval(), encoder()
    for name, value in exact.named_parameters():
        given = loaded.get_parameter(name)
        smallest = 2.0**-9  # below a normal number of E4M3 the steps are even
        most = (value.abs() / 16).clamp(min=smallest / 2) + value.abs() / 2**11  # it was rounded to half before
        assert bool(((given - value).abs() <= most).all()), name
    rows = torch.randint(1, 400, (8, 16), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        near = torch.cosine_similarity(loaded(rows).last_hidden_state, exact(rows).last_hidden_state, dim=-1)
    assert float(near.mean()) > 0.995


def test_large_models_are_cut_into_files_that_load_as_one(tmp_path: Path) -> None:
    storing.write(encoder(), tmp_path, bits=8, largest="40KB")
    files = sorted(tmp_path.glob("*.safetensors"))
    assert len(files) > 2
    assert {file.stat().st_mode & 0o777 for file in files} == {0o644}
    assert torch.equal(
        AutoModel.from_pretrained(tmp_path).embeddings.word_embeddings.weight,
        encoder().embeddings.word_embeddings.weight.half().to(torch.float8_e4m3fn).float(),
    )
