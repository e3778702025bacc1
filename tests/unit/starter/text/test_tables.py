"""Made-up tables and questions: what stands in them is true, what measures is new, and TAPAS reads them."""

import random
from pathlib import Path
from typing import Any

import pytest

from studio.starter import kit
from studio.starter.build.text import (
    table_columns,
    table_held,
    table_model,
    table_questions,
    table_reader,
    table_rows,
    table_words,
)
from studio.starter.build.text.table_columns import Column
from studio.starter.build.text.table_held import Held
from studio.starter.build.text.table_questions import Asked
from studio.starter.build.text.table_words import Words
from studio.starter.build.vision.fit import Schedule

FRUIT = Held(("Fruit", "Price", "Colour"), (("apple", "3", "red"), ("lime", "2", "green")), "", "NONE", (), "later")


@pytest.fixture(scope="module")
def seen() -> Words:
    return table_words.load(kit.KIT, unseen=False)


@pytest.fixture(scope="module")
def unseen() -> Words:
    return table_words.load(kit.KIT, unseen=True)


@pytest.fixture(scope="module")
def asked(seen: Words) -> list[Asked]:
    return list(table_questions.generate(seen, 3, 240))


@pytest.fixture(scope="module")
def reader() -> Any:
    return table_model.tokenizer(kit.KIT)


@pytest.fixture(scope="module")
def model(reader: Any) -> Any:
    return table_model.begin(kit.KIT, reader)


def test_blocks_are_parted_by_empty_lines() -> None:
    assert table_words.blocks(
        ["# a comment", "subject: city cities | town towns", "of: place", "", "", "forms: all"]
    ) == [
        {"subject": ("city cities", "town towns"), "of": ("place",)},
        {"forms": ("all",)},
    ]


def test_nothing_that_measures_was_trained_on(seen: Words, unseen: Words) -> None:
    assert set(seen.forms) == set(unseen.forms)
    assert [name for name in seen.forms if set(seen.forms[name]) & set(unseen.forms[name])] == []
    assert [kind for kind in seen.names if set(seen.names[kind]) & set(unseen.names[kind])] == []
    for kind in ("subject", "measure", "category"):
        one, other = (
            {head for block in blocks for head in block[kind]} for blocks in (of(seen, kind), of(unseen, kind))
        )
        assert one
        assert other
        assert not one & other
    ways = [
        {form for block in [*words.measures, *words.categories] for form in block.get("ask", ())}
        for words in (seen, unseen)
    ]
    every = [{form for forms in words.forms.values() for form in forms} for words in (seen, unseen)]
    assert not (ways[0] | every[0]) & (ways[1] | every[1])


def of(words: Words, kind: str) -> tuple[table_words.Block, ...]:
    return {"subject": words.subjects, "measure": words.measures, "category": words.categories}[kind]


def test_names_of_persons_and_places_are_whole(seen: Words) -> None:
    assert "Aaron Burr" in {*seen.names["person"], *table_words.names(kit.KIT, unseen=True)["person"]}
    assert all(len(name) < table_words.LONGEST for some in seen.names.values() for name in some)


def test_the_same_seed_asks_the_same(seen: Words, asked: list[Asked]) -> None:
    assert list(table_questions.generate(seen, 3, 240)) == asked
    assert len(asked) == 240
    assert {one.kind for one in asked} == set(table_questions.MAKERS)


def test_every_question_is_filled_in_and_its_answer_is_of_one_column(asked: list[Asked]) -> None:
    for one in asked:
        assert "{" not in one.question
        assert len({column for _, column in one.cells}) == 1
        assert all(len(row) == len(one.header) for row in one.rows)
        assert 0 <= min(one.cells)[0] <= max(one.cells)[0] < len(one.rows)
        assert (one.operation == "NONE") == (one.kind in {"look-up", "condition", "end", "all"})


def test_a_look_up_names_the_row_that_answers_it(asked: list[Asked]) -> None:
    for one in (one for one in asked if one.kind == "look-up"):
        ((row, _),) = one.cells
        assert any(word in one.question for cell in one.rows[row] for word in (cell, *cell.split()))


@pytest.mark.parametrize(
    ("words", "holds"),
    [
        (("more than", "over", "above"), lambda number, limit: number > limit),
        (("less than", "under", "below"), lambda number, limit: number < limit),
        (("at least", "no less than"), lambda number, limit: number >= limit),
        (("at most", "up to"), lambda number, limit: number <= limit),
    ],
)
def test_a_comparison_holds_for_the_rows_that_it_gives(words: tuple[str, ...], holds: Any) -> None:
    column = Column("price", ("3", "12", "40", "41"), numbers=(3, 12, 40, 41))
    tried = 0
    for seed in range(300):
        found = table_columns.condition(column, random.Random(seed))
        _, _, limit = found.plural.rpartition(" ")
        if any(f" {word} {limit}" in found.plural for word in words) and "no less" not in found.plural:
            tried += 1
            assert found.rows == tuple(row for row, number in enumerate(column.numbers) if holds(number, float(limit)))
    assert tried > 5


def test_a_condition_on_words_takes_every_row_with_that_word() -> None:
    block = {"before": ("yes",), "are": ("painted {v}",)}
    column = Column("colour", ("red", "blue", "red"), block)
    for seed in range(20):
        found = table_columns.condition(column, random.Random(seed))
        assert found.rows == ((0, 2) if found.before == "red" else (1,))
        assert found.before in found.plural


def test_rows_are_what_the_librarys_tokenizer_gives(reader: Any, asked: list[Asked]) -> None:
    import pandas  # type: ignore[import-untyped]

    encoder = table_rows.Encoder(reader)
    for one in asked[:60]:
        found = encoder.encode(one)
        table = pandas.DataFrame(list(one.rows), columns=list(one.header))
        wanted = reader(table=table, queries=[one.question], truncation="drop_rows_to_fit")
        assert found.pieces.tolist() == wanted["input_ids"][0]
        assert found.types.tolist() == [list(types) for types in wanted["token_type_ids"][0]]
        chosen = {(int(types[2]) - 1, int(types[1]) - 1) for types in found.types[found.labels == 1]}
        assert chosen == set(one.cells)


def test_places_are_those_that_the_model_finds_itself(reader: Any, model: Any, asked: list[Asked]) -> None:
    import torch

    encoder = table_rows.Encoder(reader)
    batch = table_rows.batch([encoder.encode(one) for one in asked[:6]])
    with torch.inference_mode():
        given = model.eval()(**batch).loss
        del batch["position_ids"]
        assert float(model(**batch).loss) == pytest.approx(float(given), abs=1e-5)


def test_numbers_of_rows_get_gaps_but_keep_their_order(reader: Any, asked: list[Asked]) -> None:
    import numpy as np

    row = table_rows.Encoder(reader).encode(asked[0])
    found = {
        tuple(table_rows.batch([row], np.random.default_rng(seed))["token_type_ids"][0, :, 2].tolist())
        for seed in range(9)
    }
    assert tuple(row.types[:, 2].tolist()) in found
    assert len(found) > 2
    for numbers in found:
        assert [numbers.index(one) for one in sorted(set(numbers))] == [
            row.types[:, 2].tolist().index(one) for one in sorted(set(row.types[:, 2].tolist()))
        ]
        assert max(numbers) < table_rows.ROWS


def test_letters_and_the_forms_words_are_kept() -> None:
    vocabulary = {
        piece: number for number, piece in enumerate(["[PAD]", "the", "of", "price", "cheapest", "##s", "é", "あ"])
    }
    assert table_model.kept(vocabulary, {"cheapest"}, 5) == ["[PAD]", "the", "cheapest", "##s", "é"]


def test_words_that_mean_the_same_are_near_and_heads_look_for_what_is_alike(reader: Any, model: Any) -> None:
    import torch

    vectors = model.tapas.embeddings.word_embeddings.weight[:, : table_model.OF_WORD]
    places = reader.get_vocab()
    price, cost, river = (vectors[places[word]] for word in ("price", "cost", "river"))
    assert float(price @ cost) > float(price @ river) + 0.2
    first = model.tapas.encoder.layer[0].attention.self
    assert torch.equal(first.query.weight, first.key.weight)


def test_training_learns_and_ranks_beyond_the_tables_are_alike(seen: Words, reader: Any) -> None:
    import torch

    model = table_model.begin(kit.KIT, reader)
    words = model.tapas.embeddings.word_embeddings.weight.clone()
    lines: list[str] = []
    schedule = Schedule(steps=30, batch=8, learning_rate=1e-3, warmup=5)
    table_reader.train(model, reader, seen, schedule, 90, lines.append)
    assert len(lines) == 1
    assert torch.equal(model.tapas.embeddings.word_embeddings.weight, words)
    ranks = model.tapas.embeddings.token_type_embeddings_4.weight
    assert torch.equal(ranks[200], ranks[table_reader.LEARNED_RANKS])
    assert not torch.equal(ranks[1], ranks[2])


def test_the_written_files_are_whole() -> None:
    found = table_held.written()
    assert [len([one for one in found if one.kind == kind]) for kind in table_held.FILES] == [56, 132]
    for one in found:
        assert one.operation in table_questions.OPERATIONS
        assert all(len(row) == len(one.header) for row in one.rows)
        cells = {cell for row in one.rows for cell in row}
        assert one.answer[0].isdigit() if one.operation == "COUNT" else set(one.answer) <= cells, one.question


def test_what_is_held_comes_back_as_it_was(tmp_path: Path, asked: list[Asked]) -> None:
    found = [table_held.held(one) for one in asked[:20]]
    table_held.write(found, tmp_path)
    assert table_held.read(tmp_path) == found


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is the price of the lime?", ("NONE", ("2",))),
        ("Which colour has the apple?", ("NONE", ("red",))),
        ("What is the total of all prices?", ("SUM", ("2", "3"))),
        ("What is the average price?", ("AVERAGE", ("2", "3"))),
        ("How many are there?", ("COUNT", ("2",))),
    ],
)
def test_the_trivial_answer_is_a_search_for_words(question: str, answer: table_held.Answer) -> None:
    assert table_held.by_overlap(Held(FRUIT.header, FRUIT.rows, question, "NONE", (), "later")) == answer
