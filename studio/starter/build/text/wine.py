"""`kit:wine`: chemical analyses of wines from three growers, as a table. Data only, from scikit-learn."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.starter.build import tables, writing
from studio.starter.build.base import Builder
from studio.starter.build.text import heads
from studio.starter.kit import KitEntry, Quality, Source

SEED = 20
LABELS = ("grower 1", "grower 2", "grower 3")
TEST = 60  # of 178
TERMS = """\
The data set "Wine" of M. Forina et al., PARVUS (Institute of Pharmaceutical and Food Analysis and Technologies,
Genoa), was donated to the UCI Machine Learning Repository in 1991, which offers it under the Creative Commons
Attribution 4.0 International licence (CC BY 4.0). Cite: Aeberhard, S. and Forina, M. (1992), Wine, UCI Machine
Learning Repository, DOI 10.24432/C5PC7J. This copy was taken from scikit-learn (BSD 3-Clause licence, Copyright (c)
2007-2026 The scikit-learn developers). CHANGED here: columns were renamed, rows were put into splits.
"""


def build(out: Path) -> KitEntry:
    """Split and write; a second."""
    from sklearn.datasets import load_wine

    data = load_wine()
    names = [str(name).replace("/", "_or_") for name in data.feature_names]
    splits = split(names, data.data.tolist(), data.target.tolist())
    with writing.new_folder(out, "wine") as folder:
        for name, columns in splits.items():
            tables.write_split(columns, folder / f"{name}.parquet")
        (folder / "LICENSE").write_text(TERMS, encoding="utf-8")
    return writing.record(out, _entry(splits))


def split(names: Sequence[str], rows: Sequence[Sequence[float]], target: Sequence[int]) -> dict[str, dict[str, Any]]:
    """Columns of each split; every measurement is a column, the last is the label."""
    order = random.Random(SEED).sample(range(len(rows)), len(rows))  # noqa: S311  not a secret
    parts = {"train": order[TEST:], "test": order[:TEST]}
    return {
        part: {
            **{name: [rows[row][column] for row in places] for column, name in enumerate(names)},
            "label": [LABELS[target[row]] for row in places],
        }
        for part, places in parts.items()
    }


def measure(entry: KitEntry, rows: int) -> dict[str, float]:
    """Accuracy of a plain model on the first rows of the test split."""
    splits = {name: tables.read_split(entry.path, name) for name in entry.splits}
    splits["test"] = {name: values[:rows] for name, values in splits["test"].items()}
    return {"accuracy": round(plain_accuracy(splits), 4)}


def plain_accuracy(splits: Mapping[str, Mapping[str, Sequence[Any]]]) -> float:
    """Logistic regression on standardised columns: what any better model has to reach."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def table(columns: Mapping[str, Sequence[Any]]) -> list[list[float]]:
        return [list(row) for row in zip(*(values for name, values in columns.items() if name != "label"), strict=True)]

    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(table(splits["train"]), splits["train"]["label"])
    return float(model.score(table(splits["test"]), splits["test"]["label"]))


def _entry(splits: Mapping[str, Mapping[str, Sequence[Any]]]) -> KitEntry:
    truth = list(splits["test"]["label"])
    largest = max(truth.count(label) for label in LABELS) / len(truth)
    quality: dict[str, Quality] = {
        "accuracy": heads.quality(
            plain_accuracy(splits), "test", len(truth), (largest, "largest class"), "logistic regression"
        )
    }
    return KitEntry(
        id="kit:wine",
        kind="dataset",
        library="datasets",
        title="Wine",
        description="Thirteen chemical measurements of 178 Italian wines, and which of three growers each is from.",
        tasks=("tabular-classification",),
        license="CC-BY-4.0",
        license_file="LICENSE",
        attribution="M. Forina et al., UCI Machine Learning Repository; packaged by scikit-learn.",
        sources=(
            Source(
                name=f"scikit-learn=={writing.versions('scikit-learn')['scikit-learn']}",
                license="BSD-3-Clause",
                use="the table",
            ),
        ),
        built_by="studio.starter.build.text.wine",
        seed=SEED,
        versions=writing.versions("pyarrow", "scikit-learn"),
        labels=LABELS,
        splits={name: len(columns["label"]) for name, columns in splits.items()},
        quality=quality,
    )


BUILDER = Builder("kit:wine", 0.1, build, tables.first_row, measure)
