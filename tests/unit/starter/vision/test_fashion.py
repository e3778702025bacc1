"""How Fashion-MNIST's files are read and sampled, and what training does to a picture."""

import gzip
import struct

import numpy as np
import pytest

from studio.starter.build.vision import fashion, fashion_classifier
from studio.starter.build.vision.fashion import Found, read_idx, sample


def part(rows: int, seed: int) -> Found:
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (rows, 28, 28), np.uint8), np.arange(rows) % 10


def test_packed_files_are_read() -> None:
    images, labels = part(3, 1)
    files = {
        "train-images-idx3-ubyte.gz": gzip.compress(struct.pack(">4i", 2051, 3, 28, 28) + images.tobytes()),
        "train-labels-idx1-ubyte.gz": gzip.compress(struct.pack(">2i", 2049, 3) + labels.astype(np.uint8).tobytes()),
    }
    found, numbers = read_idx(files, "train")
    assert np.array_equal(found, images)
    assert numbers.tolist() == [0, 1, 2]


def test_splits_are_even_and_without_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fashion, "SIZES", {"train": 20, "validation": 10, "test": 20})
    train, test = part(200, 1), part(60, 2)
    train[0][:60] = test[0] // 2  # darker copies of every test picture
    splits = sample(train, test)
    assert {name: len(found[1]) for name, found in splits.items()} == {"train": 20, "validation": 10, "test": 20}
    assert np.bincount(splits["train"][1]).tolist() == [2] * 10
    vectors = np.stack([fashion._standardized(image) for images, _ in splits.values() for image in images])
    assert (vectors @ vectors.T - 2 * np.eye(50)).max() < fashion.NEAR


def test_training_pictures_keep_their_size_and_range() -> None:
    import torch

    size = fashion_classifier.SIZE
    pixels = torch.rand(8, 1, size, size, generator=torch.Generator().manual_seed(1))
    changed = fashion_classifier.changed(pixels, np.random.default_rng(1))
    assert changed.shape == (8, 3, size, size)
    assert float(changed.min()) >= -1
    assert float(changed.max()) <= 1
    assert torch.equal(changed[:, 0], changed[:, 2])
    assert not torch.equal(changed[0, 0], pixels[0, 0] * 2 - 1)
    again = fashion_classifier.changed(pixels, np.random.default_rng(1))
    assert torch.equal(changed, again)
