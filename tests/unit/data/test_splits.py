"""The Hub's rules for splits."""

from pathlib import Path

import pytest

from studio.core.errors import InvalidInput
from studio.data import splits


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["data.csv"], {"train": ["data.csv"]}),
        (["train.csv", "test.csv"], {"train": ["train.csv"], "test": ["test.csv"]}),
        (["my_train_file_1.csv", "my-dev.csv"], {"train": ["my_train_file_1.csv"], "validation": ["my-dev.csv"]}),
        (["val.csv", "eval.csv"], {"validation": ["val.csv"], "test": ["eval.csv"]}),
        (["trainer.csv", "contest.csv"], {"train": ["trainer.csv", "contest.csv"]}),
        (["data/train/a.csv", "data/test/train.csv"], {"train": ["data/train/a.csv"], "test": ["data/test/train.csv"]}),
        (["data/unsupervised-00000-of-00001.parquet"], {"unsupervised": ["data/unsupervised-00000-of-00001.parquet"]}),
        (
            ["d/train-00000-of-00002.parquet", "d/train-00001-of-00002.parquet"],
            {"train": ["d/train-00000-of-00002.parquet", "d/train-00001-of-00002.parquet"]},
        ),
        ([], {}),
    ],
)
def test_by_name(files: list[str], expected: dict[str, list[str]]) -> None:
    found = splits.by_split(files)
    assert {split: list(paths) for split, paths in found.items()} == expected


FILES = ["a/one.csv", "a/two.csv", "b/three.csv", "train.csv"]


@pytest.mark.parametrize(
    ("data_files", "expected"),
    [
        ("a/*.csv", {"train": ("a/one.csv", "a/two.csv")}),
        (["a/one.csv", "b/*"], {"train": ("a/one.csv", "b/three.csv")}),
        ([{"split": "test", "path": ["a/*", "**/three.csv"]}], {"test": ("a/one.csv", "a/two.csv", "b/three.csv")}),
        ([{"split": "../x", "path": "a/*"}], {"train": ("train.csv",)}),
        ([{"split": "test", "path": "../../etc/*"}, 7, None, {"split": 3}], {"train": ("train.csv",)}),
    ],
)
def test_by_configuration(data_files: object, expected: dict[str, tuple[str, ...]]) -> None:
    header = {
        "configs": [{"config_name": "x", "data_files": "nothing"}, {"config_name": "default", "data_files": data_files}]
    }
    assert splits.by_split(FILES, header) == expected


def test_files_of_the_commonest_format(tmp_path: Path) -> None:
    for name in ("train.csv", "test.csv", "x.parquet", ".hidden/a.csv", "dataset_infos.json", "script.py", "a.pkl"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert splits.data_files(tmp_path) == ["test.csv", "train.csv"]


def test_a_whole_disk_is_no_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splits, "MAX_ENTRIES", 3)
    for number in range(4):
        (tmp_path / f"{number}.csv").touch()
    with pytest.raises(InvalidInput, match="more than 3 files"):
        splits.data_files(tmp_path)
