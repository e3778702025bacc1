"""How a segmentation is judged."""

import numpy as np
import pytest

from studio.starter.build.vision import fit, segmenter
from studio.starter.build.vision.segmenter import LABELS, confusion, mean_iou


def test_counts_are_by_true_and_found_class() -> None:
    counts = confusion(np.array([[0, 0], [1, 2]], np.uint8), np.array([[0, 1], [1, 0]], np.uint8))
    assert counts.shape == (len(LABELS), len(LABELS))
    assert counts[0].tolist()[:3] == [1, 1, 0]
    assert counts[1, 1] == 1
    assert counts[2, 0] == 1
    assert counts.sum() == 4


def test_iou_is_averaged_over_the_classes_that_are_there() -> None:
    counts = confusion(np.array([0, 0, 1, 1], np.uint8), np.array([0, 1, 1, 1], np.uint8))
    assert mean_iou(counts) == pytest.approx((1 / 2 + 2 / 3) / 2)
    missed = confusion(np.array([0, 0, 1, 2], np.uint8), np.array([0, 0, 0, 0], np.uint8))
    assert mean_iou(missed) == pytest.approx((2 / 4) / 3)


def test_the_models_map_has_a_value_for_each_square_of_the_loss() -> None:
    from studio.starter.build.vision.scenes import SIZE

    model = segmenter._model()
    assert model.config.num_labels == len(LABELS)
    assert model.config.strides[0] == segmenter.STRIDE
    assert SIZE % segmenter.STRIDE == 0
    assert fit.weights(model) * 2 < 2.5e6
