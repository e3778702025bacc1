"""How the table is split."""

from studio.starter.build.text.wine import LABELS, TEST, plain_accuracy, split


def test_rows_are_shared_out_without_loss() -> None:
    rows = [[float(number), float(number % 3) * 10] for number in range(178)]
    splits = split(["alcohol", "ash"], rows, [number % 3 for number in range(178)])
    assert list(splits["train"]) == ["alcohol", "ash", "label"]
    assert len(splits["test"]["label"]) == TEST
    assert sorted([*splits["train"]["alcohol"], *splits["test"]["alcohol"]]) == [row[0] for row in rows]
    assert set(splits["test"]["label"]) == set(LABELS)
    assert plain_accuracy(splits) == 1.0
