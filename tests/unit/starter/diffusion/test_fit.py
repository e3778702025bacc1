"""Batches, and trainings that are interrupted."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.starter.build.diffusion import fit
from studio.starter.build.diffusion.data import SUBJECTS, Pool

FIRST = {family: [one.family for one in SUBJECTS].index(family) for family in fit.SHARES}


def pool() -> Pool:
    subjects = np.array([number for number in FIRST.values() for _ in range(3)])
    pixels = np.random.default_rng(0).integers(0, 256, (len(subjects), 64, 64, 3), dtype=np.uint8)
    return Pool(pixels, subjects)


def test_families_have_their_shares_whatever_their_sizes() -> None:
    subjects = [FIRST["digit"]] * 90 + [FIRST["emoji"], FIRST["clothes"], FIRST["shape"]]
    rows = fit.draw_rows(fit.rows_by_family(subjects), 4000, random.Random(0))
    counts = Counter(SUBJECTS[subjects[row]].family for row in rows)
    for family, share in fit.SHARES.items():
        assert counts[family] / 4000 == pytest.approx(share, abs=0.03)


def tiny() -> torch.nn.Module:
    from diffusers import AutoencoderKL

    torch.manual_seed(1)
    blocks = ("DownEncoderBlock2D", "DownEncoderBlock2D"), ("UpDecoderBlock2D", "UpDecoderBlock2D")
    made: torch.nn.Module = AutoencoderKL(
        down_block_types=blocks[0],
        up_block_types=blocks[1],
        block_out_channels=(8, 8),
        norm_num_groups=4,
        mid_block_add_attention=False,
    )
    return made


def test_an_interrupted_training_ends_where_an_unbroken_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unbroken = tiny()
    fit.fit_vae(unbroken, pool(), fit.Stage(3, tmp_path / "unbroken.pt", 5))

    monkeypatch.setattr(fit, "EVERY", 0.0)
    real = fit._learn
    made: list[float] = []

    def stop(loss: Any, optimizer: Any, weights: list[Any]) -> None:
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(loss.item())
        real(loss, optimizer, weights)

    monkeypatch.setattr(fit, "_learn", stop)
    with pytest.raises(KeyboardInterrupt):
        fit.fit_vae(tiny(), pool(), fit.Stage(3, tmp_path / "state.pt", 5))
    monkeypatch.setattr(fit, "_learn", real)
    resumed = tiny()
    fit.fit_vae(resumed, pool(), fit.Stage(3, tmp_path / "state.pt", 5))
    assert [path.name for path in tmp_path.glob("*.new")] == []
    for one, other in zip(unbroken.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_decoder_alone_leaves_the_encoder(tmp_path: Path) -> None:
    before, after = tiny(), tiny()
    fit.fit_vae(after, pool(), fit.Stage(2, tmp_path / "state.pt", 5), decoder_only=True)
    old, new = before.state_dict(), after.state_dict()
    changed = {name.split(".")[0] for name in old if not torch.equal(old[name], new[name])}
    assert changed == {"decoder", "post_quant_conv"}
    assert all(weight.requires_grad for weight in after.parameters())
