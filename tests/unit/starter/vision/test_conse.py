"""Zero-shot answers of the kit's pair of models."""

import pytest

from studio.starter import conse, kit
from studio.starter.build.vision import photos


def test_the_right_label_comes_first_and_the_sum_is_one() -> None:
    entry = kit.entry("kit:conse")
    model = conse.load(entry.path)
    stored = {photo.title: photo.image for photo in photos.read(kit.entry("kit:efficientnet-lite0").path)}
    scores = model.classify(stored["a cup of coffee"], ["a violin", "a hot drink", "a ship"])
    assert next(iter(scores)) == "a hot drink"
    assert sum(scores.values()) == pytest.approx(1)
    assert list(scores.values()) == sorted(scores.values(), reverse=True)
    with pytest.raises(ValueError, match="at least one"):
        model.classify(stored["a cat"], [])
