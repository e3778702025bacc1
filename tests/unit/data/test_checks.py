"""What checks find, against what was planted."""

import json
import math
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from studio.core.errors import InvalidInput, UnknownName
from studio.data import near
from studio.data.checks import CHECKS, asking, sampling
from studio.data.checks.base import RowNumber, excerpt, percent
from studio.data.checks.imbalance import by_chance, variation
from tests.mended import dataset as mended_from
from tests.mended import mended
from tests.unit.data.checking import documents, found, table
from tests.unit.data.test_rows import dataset_of


def test_near_leakage_is_a_share_of_the_held_out_rows(tmp_path: Path) -> None:
    test = documents(200)
    train = documents(1_000, seed=1)
    train[10], train[20], train[30] = test[0] + " x", test[1].upper(), test[2]
    train[40] = test[2]
    dataset = dataset_of(
        tmp_path,
        train=[pa.table({"text": train, "n": list(range(1_000))})],
        test=[pa.table({"text": test, "n": list(range(200))})],
    )
    finding = found(dataset, "leakage")
    assert finding.figures["test_exact_rows"] == 0, "the numbers differ"
    assert finding.figures["test_near_rows"] == 3
    assert finding.figures["test_near_share"] == 3 / 200
    pairs = {one.rows[0].row: one for one in finding.evidence}
    assert set(pairs) == {0, 1, 2}
    assert pairs[0].rows[1] == RowNumber("train", 10)
    assert pairs[0].score == pytest.approx(near.jaccard(test[0], train[10]), abs=1e-4)
    assert pairs[1].score == 1
    assert (pairs[2].count, pairs[2].score) == (3, 1)
    only = found(dataset, "leakage", columns=["text"], near=False)
    assert only.figures == {"test_exact_rows": 1, "test_exact_share": 1 / 200}
    assert only.severity == "warning"


def test_a_sample_of_the_held_out_rows_is_said_to_be_one(tmp_path: Path) -> None:
    test = documents(300)
    dataset = dataset_of(tmp_path, train=[pa.table({"text": test[:30]})], test=[pa.table({"text": test})])
    finding = found(dataset, "leakage", rows=100, seed=3)
    assert (finding.basis["test"].rows_seen, finding.basis["test"].rows_total) == (100, 300)
    assert finding.basis["train"].whole
    numbers, _ = sampling.chosen(dataset, "test", 100, 3)
    assert numbers is not None
    inside = int((numbers < 30).sum())
    assert finding.figures["test_exact_rows"] == 30, "the exact are looked up all"
    assert finding.figures["test_near_rows"] == finding.figures["test_any_rows"] == inside
    assert finding == found(dataset, "leakage", rows=100, seed=3)
    assert finding != found(dataset, "leakage", rows=100, seed=4)


def test_types_that_differ_between_splits_are_compared(tmp_path: Path) -> None:
    dataset = dataset_of(
        tmp_path,
        train=[pa.table({"n": pa.array([1, 2, 3], pa.int64()), "m": ["1", "2", "3"]})],
        test=[pa.table({"n": pa.array([2.0, 9.0], pa.float64()), "m": pa.array([2, 9], pa.int8())})],
    )
    assert found(dataset, "leakage").figures["test_exact_rows"] == 1


def test_pictures_are_compared_by_their_bytes(tmp_path: Path) -> None:
    cells = [{"bytes": bytes([n % 3]) * 5, "path": None} for n in range(6)]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    dataset = dataset_of(tmp_path, train=[pa.table({"image": pa.array(cells, kind)})])
    assert found(dataset, "duplicates").figures["repeated_rows"] == 3


def test_near_duplicates_within_a_split(tmp_path: Path) -> None:
    texts = documents(300)
    texts[7], texts[9] = texts[3] + " y", texts[3].title()
    dataset = dataset_of(tmp_path, train=[pa.table({"text": texts})])
    finding = found(dataset, "near-duplicates")
    assert [[place.row for place in one.rows] for one in finding.evidence] == [[3, 7, 9]]
    assert finding.figures["near_rows"] == 2
    assert finding.figures["same_once_normalised"] == 1
    assert {mend.step for mend in finding.mends} <= {"deduplicate", "deduplicate-near"}
    assert "18 bands of 7" in finding.method


def test_columns_of_labels_are_no_free_text(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, train=[pa.table({"label": ["good", "bad"] * 40, "kind": ["a", "b"] * 40})])
    assert found(dataset, "near-duplicates").severity == "not run"
    assert found(dataset, "near-duplicates", columns=["kind"]).figures["near_rows"] == 78


def test_outliers_of_numbers_and_lengths(tmp_path: Path) -> None:
    chosen = random.Random(0)
    numbers: list[float | None] = [chosen.gauss(100, 5) for _ in range(400)]
    numbers[17], numbers[18], numbers[19], numbers[20] = 500.0, float("nan"), float("inf"), None
    texts = [f"a text of about this length {n % 10}" for n in range(400)]
    texts[33] = "long " * 5_000
    dataset = dataset_of(tmp_path, train=[pa.table({"n": numbers, "text": texts, "same": [7] * 400})])
    finding = found(dataset, "outliers", z=6)
    rows = {one.rows[0].row for one in finding.evidence}
    assert {17, 18, 19} <= rows
    assert finding.figures["not_finite"] == 2
    assert finding.severity == "warning"
    values = np.array([one for place, one in enumerate(numbers) if place not in {18, 19, 20}], dtype=float)
    middle = np.median(values)
    deviation = 1.4826 * np.median(np.abs(values - middle))
    expected = {
        place
        for place, one in enumerate(numbers)
        if one is not None and abs(one - middle) > 6 * deviation and math.isfinite(one)
    }
    assert finding.figures["outliers"] == len(expected), "texts have no spread, so that their length says nothing"
    varied = [f"a text {'x' * chosen.randrange(10, 40)}" for _ in range(400)]
    varied[33] = "long " * 5_000
    lengths = found(dataset_of(tmp_path, train=[pa.table({"text": varied})]), "outliers")
    assert lengths.evidence[0].rows == (RowNumber("train", 33),)
    assert "25,000 characters" in lengths.evidence[0].text


def test_a_text_is_no_outlier_for_being_a_little_longer_than_others_that_are_alike(tmp_path: Path) -> None:
    """Numbers in a text make it longer by a character or two: three of four have 23 here."""
    texts = [f"row {n} tells something" for n in range(400)]
    assert found(dataset_of(tmp_path, train=[pa.table({"text": texts})]), "outliers").found == 0
    texts[133] = f"{texts[133]}, and half as much again"
    texts[134] = "short"
    finding = found(dataset_of(tmp_path, train=[pa.table({"text": texts})]), "outliers")
    assert sorted(one.rows[0].row for one in finding.evidence) == [133, 134]


def test_personal_data_is_counted_and_never_repeated(tmp_path: Path) -> None:
    texts = [f"row {n}" for n in range(50)]
    texts[3] = "mail jane@mail.example and joe@mail.example"
    texts[4] = "key AKIAIOSFODNN7EXAMPLE"
    finding = found(dataset_of(tmp_path, train=[pa.table({"text": texts})]), "pii")
    assert dict(finding.counts["finds by kind"]) == {"email": 2, "aws_key": 1}
    assert (finding.figures["rows"], finding.found, finding.severity) == (2, 3, "serious")
    assert [one.rows[0].row for one in finding.evidence] == [4, 3, 3], "the rarest kind first"
    assert not any("jane" in one.text or "EXAMPLE" in one.text for one in finding.evidence)


def test_languages_and_the_rows_of_the_few(tmp_path: Path) -> None:
    english = [f"The committee will meet again on day number {n} to discuss the budget." for n in range(40)]
    german = "Der Ausschuss trifft sich am nächsten Dienstag wieder, um über den Haushalt zu sprechen."
    texts = [*english[:20], german, "ok", None, "12345 67890 12345 67890", *english[20:]]
    finding = found(dataset_of(tmp_path, train=[pa.table({"text": texts})]), "language")
    counts = finding.counts["texts by language"]
    assert (counts["en"], counts["de"]) == (40, 1)
    assert [one.rows for one in finding.evidence] == [(RowNumber("train", 20),)]
    assert finding.figures["too_short"] == 1
    assert finding.figures["minority_texts"] == 1


def test_mojibake_with_its_repair(tmp_path: Path) -> None:
    good = ["schön und grün", "naïve café", "SÃO PAULO", "Привет", "plain", "日本語"]
    bad = {6: "schön und grün", 7: "“quoted”", 8: "привет"}
    texts = good + [text.encode().decode("cp1252", errors="replace") for text in ["schön und grün"]]
    texts += ["â€œquotedâ€\x9d", "Ð¿Ñ€Ð¸Ð²ÐµÑ‚", "caf\ufffd"]
    finding = found(dataset_of(tmp_path, train=[pa.table({"text": texts})]), "mojibake")
    assert (finding.figures["repairable"], finding.figures["lost"]) == (3, 1)
    told = {one.rows[0].row: one.text for one in finding.evidence}
    assert set(told) == {6, 7, 8, 9}
    for row, repaired in bad.items():
        assert repr(repaired) in told[row]


def test_planted_label_errors_are_found(tmp_path: Path) -> None:
    chosen = random.Random(5)
    subjects = {
        "animals": ["cat", "dog", "horse", "bird", "fish", "fur", "paw", "tail"],
        "machines": ["engine", "pump", "gear", "valve", "motor", "bolt", "shaft", "belt"],
        "food": ["bread", "soup", "cheese", "apple", "salt", "oven", "spoon", "plate"],
    }
    names = list(subjects)
    common = ["the", "a", "with", "and", "of", "near", "old", "new"]
    truth = [chosen.choice(names) for _ in range(600)]
    texts = [" ".join(chosen.choices(subjects[name], k=5) + chosen.choices(common, k=4)) for name in truth]
    flipped = set(chosen.sample(range(600), 30))
    labels = [chosen.choice([n for n in names if n != one]) if at in flipped else one for at, one in enumerate(truth)]
    dataset = dataset_of(tmp_path, train=[pa.table({"text": texts, "label": labels})])
    finding = found(dataset, "label-errors", shown=1000)
    suspects = [one.rows[0].row for one in finding.evidence]
    assert len(flipped & set(suspects)) >= 0.75 * len(flipped), "recall"
    assert len(flipped & set(suspects)) >= 0.9 * len(suspects), "precision"
    assert finding.figures["accuracy"] > 0.9
    scores = [one.score or 0 for one in finding.evidence]
    assert scores == sorted(scores, reverse=True)
    assert finding == found(dataset, "label-errors", shown=1000), "the same seed, the same suspects"


def test_planted_label_errors_of_numbers(tmp_path: Path) -> None:
    chosen = random.Random(5)
    truth = [n % 2 for n in range(400)]
    first: list[float | None] = [chosen.gauss(6 * one, 1) for one in truth]
    second = [1000 * chosen.gauss(3 * one, 1) for one in truth]
    first[0] = None
    flipped = set(chosen.sample(range(400), 20))
    labels = [1 - one if at in flipped else one for at, one in enumerate(truth)]
    dataset = dataset_of(tmp_path, train=[pa.table({"a": first, "b": second, "label": labels})])
    finding = found(dataset, "label-errors", label="label", columns=["a", "b"], shown=1000)
    suspects = {one.rows[0].row for one in finding.evidence}
    assert len(flipped & suspects) >= 0.75 * len(flipped)
    assert len(flipped & suspects) >= 0.9 * len(suspects)


def test_labels_without_a_pattern_are_not_blamed(tmp_path: Path) -> None:
    chosen = random.Random(1)
    labels = [chosen.choice("aab") for _ in range(300)]
    finding = found(dataset_of(tmp_path, train=[pa.table({"text": documents(300), "label": labels})]), "label-errors")
    assert finding.severity in {"ok", "note"}
    if finding.found:
        assert (
            "do not rely on this" in finding.summary or finding.figures["accuracy"] > finding.figures["majority_share"]
        )


def test_splits_with_other_labels_are_told_only_beyond_chance(tmp_path: Path) -> None:
    train = ["a"] * 500 + ["b"] * 500
    apart = dataset_of(
        tmp_path, train=[pa.table({"label": train})], test=[pa.table({"label": ["a"] * 90 + ["b"] * 10})]
    )
    assert any("spread otherwise" in one.text for one in found(apart, "imbalance", label="label").evidence)
    chance = dataset_of(tmp_path, train=[pa.table({"label": train})], test=[pa.table({"label": ["a"] * 5 + ["b"] * 2})])
    assert not any("spread" in one.text for one in found(chance, "imbalance", label="label").evidence)
    assert variation({"a": 1}, {"b": 1}) == 1
    assert variation({"a": 1}, {}) == 0
    assert by_chance({"a": 50, "b": 50}, {"a": 55, "b": 45})
    assert not by_chance({"a": 500, "b": 500}, {"a": 900, "b": 100})


def test_a_sample_is_the_same_again_and_in_order(tmp_path: Path) -> None:
    dataset = dataset_of(
        tmp_path, train=[pa.table({"n": list(range(9_000))}), pa.table({"n": list(range(9_000, 12_000))})]
    )
    numbers, basis = sampling.chosen(dataset, "train", 500, 1)
    assert numbers is not None
    assert (basis.rows_seen, basis.rows_total) == (500, 12_000)
    read = [
        (row, cell)
        for rows, batch in sampling.batches(dataset, "train", ["n"], numbers)
        for row, cell in zip(rows.tolist(), batch.column(0).to_pylist(), strict=True)
    ]
    assert [row for row, _ in read] == numbers.tolist() == sorted(set(numbers.tolist()))
    assert all(row == cell for row, cell in read)


def test_unusable_wishes_name_their_field(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, train=[pa.table({"text": ["a"], "n": [1]})])
    with pytest.raises(InvalidInput) as caught:
        found(dataset, "pii", columns=["n"])
    assert caught.value.field == "columns"
    with pytest.raises(UnknownName):
        found(dataset, "pii", columns=["nothing"])
    with pytest.raises(UnknownName):
        found(dataset, "imbalance", label="nothing")
    two = dataset_of(tmp_path, train=[pa.table({"t": ["a"]})], test=[pa.table({"t": ["a"]})])
    with pytest.raises(InvalidInput, match="train, test") as caught:
        found(two, "leakage", train="nothing")
    assert caught.value.field == "train"
    with pytest.raises(InvalidInput) as caught:
        found(two, "leakage", splits=["train"])
    assert caught.value.field == "splits"


def test_shares_never_round_something_to_nothing() -> None:
    assert percent(1, 1_000_000) == "less than 0.01 %"
    assert percent(999_999, 1_000_000) == "more than 99.99 %"
    assert (percent(0, 10), percent(10, 10), percent(1, 0)) == ("0.00 %", "100 %", "0.00 %")
    assert excerpt("a\n b " * 100, 10) == "a b a b a…"


def test_the_step_that_is_named_takes_away_what_was_found(tmp_path: Path) -> None:
    texts = [f"the {word} sentence number {number} says something of its own" for number, word in enumerate("abcdefgh")]
    mail = ["write to jane@example.org", None, *[""] * 6]
    train = pa.table({"free text": [*texts, texts[0], f"{texts[1]}!"], "mail": [*mail, *mail[:2]]})
    test = pa.table({"free text": [texts[2].upper(), texts[3], "no other is like this one at all"], "mail": [""] * 3})
    given = mended_from(tmp_path / "data", train=train, test=test)
    for name, values in (
        ("duplicates", {"columns": ["mail", "free text"]}),
        ("near-duplicates", {"threshold": 0.7}),
        ("leakage", {"normal": True}),
        ("pii", {}),
    ):
        before = found(given, name, **values)
        assert before.severity in ("warning", "serious"), name
        steps = [mend.plain() for mend in before.mends]
        assert json.loads(json.dumps(steps)) == steps
        made = mended(given, steps, tmp_path / name)
        after = found(mended_from(tmp_path / f"{name}-again", **made), name, **values)
        assert (after.severity, after.mends) == ("ok", ()), name
    assert found(given, "pii").mends[0].fields["columns"] == ["mail"]


def test_nothing_is_said_of_no_rows(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, train=[table([])], test=[table([("a", 1)])])
    for name, check in CHECKS.items():
        finding = asking.run(dataset, name, check.params(splits=["train"]), lambda *_: None, lambda: None)
        assert (finding.severity, finding.summary) == ("not run", "There are no rows."), name
        assert asking.run(dataset, name, check.params(), lambda *_: None, lambda: None).summary != finding.summary
