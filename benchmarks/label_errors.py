"""How many of the labels that were turned on purpose the check of label errors finds, and what else it suspects.

`python -m benchmarks.label_errors [--rows 4000] [--seeds 3] [NAME …]`: labelled sets of the kit, 5 % of whose labels
are turned to another class at random. Three ways to judge: `before` is confident learning with pruning by noise rate
over TF-IDF alone, as the check did at first; `words` and `check` are the check without and with the kit's encoders.
Precision counts only what was turned: what was wrong in the data before counts against it. Prints JSON.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from studio.core.settings import Settings
from studio.data.checks import judging, label_errors
from studio.data.checks.judging import Floats, Ints
from studio.data.checks.labelled import ALONE, Encoder, Encoders, Reader, Rows, rows_of, what_of
from studio.data.sources import resolve
from studio.recipes.check.encoders import encoders
from studio.recipes.check.params import CheckJobParams
from studio.starter.kit import KIT

SETS = {  # set → its columns of inputs and of labels
    "debian-topics": (["text"], "label"),
    "emoji": (["caption"], "label"),
    "fashion": (["image"], "label"),
    "emoji pictures": (["image"], "label"),
    "wine": ([], "label"),
}
TURNED = 0.05
SILENT: Any = (lambda *_: None, lambda: None)


def table(name: str, rows: int) -> pa.Table:
    """The training rows of a set, at most so many of them."""
    found = pq.read_table(KIT / name.split(" ")[0] / "train.parquet")
    return found.take(pa.array(np.sort(np.random.default_rng(0).permutation(len(found))[:rows])))


def turned(labels: list[str], seed: int) -> tuple[list[str], npt.NDArray[np.bool_]]:
    """The labels with 5 % of them turned to another class, and which these are."""
    drawn = np.random.default_rng(seed)
    classes = sorted(set(labels))
    at = drawn.choice(len(labels), round(TURNED * len(labels)), replace=False)
    found, planted = list(labels), np.zeros(len(labels), dtype=bool)
    planted[at] = True
    for place in at.tolist():
        found[place] = str(drawn.choice([one for one in classes if one != labels[place]]))
    return found, planted


def before(rows: Rows) -> tuple[Floats, Ints]:
    """What speaks against each label, and the suspects, as the check did it at first.

    Logistic regression over TF-IDF with C = 10, or over standardised numbers; counts of label and confident class say
    how many labels of each kind are wrong, and so many are taken that are farthest ahead of their label ("prune by
    noise rate"; Northcutt, Jiang and Chuang 2021).
    """
    judges = judging.of_words(rows.inputs, 0) if isinstance(rows.inputs, list) else judging.of_numbers(rows.inputs, 0)
    if isinstance(rows.inputs, list):
        (words,) = judges
        judges = [judging.Judge(words.inputs, lambda: words.model().set_params(logisticregression__C=10))]
    chances, labels = judging.chances(judges, rows.labels, (5, 0), *SILENT), rows.labels
    places, classes = np.arange(len(labels)), chances.shape[1]
    own, size = chances[places, labels], np.bincount(labels, minlength=classes)
    thresholds = np.bincount(labels, weights=own, minlength=classes) / np.maximum(size, 1)
    sure = np.where(chances >= thresholds, chances, -1.0)
    known = sure.max(axis=1) > 0
    joint = np.zeros((classes, classes))
    np.add.at(joint, (labels[known], sure[known].argmax(axis=1)), 1)
    wrong = np.rint(joint * (size / np.maximum(joint.sum(axis=1), 1))[:, None]).astype(int)
    taken: set[int] = set()
    for label, guess in np.argwhere((wrong > 0) & ~np.eye(classes, dtype=bool)):
        there = np.flatnonzero((labels == label) & (chances.argmax(axis=1) != label))
        margin = chances[there, guess] - own[there]
        taken |= set(there[np.argsort(-margin, kind="stable")[: wrong[label, guess]]].tolist())
    others = chances.copy()
    others[places, labels] = -1
    return others.max(axis=1) - own, np.array(sorted(taken), dtype=np.int64)


def figures(planted: npt.NDArray[np.bool_], scores: Floats, suspects: Ints) -> dict[str, float]:
    """Precision, recall, and the average precision of the whole ranking."""
    from sklearn.metrics import average_precision_score

    hits = int(planted[suspects].sum())
    return {
        "suspects": float(len(suspects)),
        "precision": hits / max(len(suspects), 1),
        "recall": hits / int(planted.sum()),
        "average_precision": float(average_precision_score(planted, scores)),
    }


def remembering(encoder: Encoder | None) -> Encoder | None:
    """The same, which makes the vector of an input once only."""
    if encoder is None:
        return None
    known: dict[object, Any] = {}

    def encode(given: Sequence[Any]) -> Any:
        keys = [one if isinstance(one, str) else one.tobytes() for one in given]
        missing = [place for place, key in enumerate(keys) if key not in known]
        made = encoder.encode([given[place] for place in missing]) if missing else []
        for place, vector in zip(missing, made, strict=True):
            known[keys[place]] = vector
        return np.array([known[key] for key in keys])

    return Encoder(encoder.name, encode)


def measure(name: str, rows: int, seeds: int, folder: Path) -> dict[str, Any]:
    """One set, every way; the mean over the seeds."""
    inputs, label = SETS[name]
    whole, settings = table(name, rows), Settings(home=folder / "home", offline=True)
    helpers = encoders(CheckJobParams(dataset=name), settings, "local", "cpu")
    ways = {"words": ALONE, "check": Encoders(remembering(helpers.texts), remembering(helpers.pictures))}
    found: dict[str, list[dict[str, float]]] = {}
    began = time.monotonic()
    for seed in range(seeds):
        labels, planted = turned(whole.column(label).to_pylist(), seed)
        spoiled = whole.set_column(whole.column_names.index(label), label, pa.array(labels))
        place = folder / f"{name}-{seed}"
        place.mkdir()
        pq.write_table(spoiled, place / "train.parquet")
        dataset = resolve(str(place), settings, "local")
        params = label_errors.LabelErrorsParams(columns=[*inputs, label] if inputs else [], label=label)
        what = what_of(dataset, params, label, inputs)
        if what is None:
            raise SystemExit(f"{name} has nothing to judge by")
        for way, helped in ways.items():
            if what.kind == "pictures" and helped.pictures is None:
                continue
            judged = rows_of(dataset, params, what, Reader(what, helped, *SILENT))
            here = planted[[one.row for one in judged.places]]
            if way == "words":
                found.setdefault("before", []).append(figures(here, *before(judged)))
            chances = label_errors.chances_of(judged, params, helped, *SILENT)
            order, _, ahead = judging.suspected(chances, judged.labels, judging.LEAST**2)
            scores = np.empty(len(order))
            scores[order] = ahead
            suspects, *_ = judging.suspected(chances, judged.labels, params.ratio)
            found.setdefault(way, []).append(figures(here, scores, suspects))
    means = {
        way: {figure: round(float(np.mean([one[figure] for one in every])), 3) for figure in every[0]}
        for way, every in found.items()
    }
    return {"set": name, "rows": len(whole), "seconds": round(time.monotonic() - began), "ways": means}


def main() -> None:
    """Every set in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--rows", type=int, default=4_000)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    found = []
    with TemporaryDirectory() as folder:
        for name in given.names or SETS:
            found.append(measure(name, given.rows, given.seeds, Path(folder)))
            print(json.dumps(found[-1]), file=sys.stderr, flush=True)
    print(json.dumps({"turned": TURNED, "seeds": given.seeds, "sets": found}, indent=1))


if __name__ == "__main__":
    main()
