"""Questions on tables: what a model cannot read is cut or refused."""

import warnings

import pytest

from studio.core.errors import InvalidInput
from studio.starter import kit
from studio.tasks import table_question_answering
from studio.tasks.loading import Loaded
from studio.tasks.table_question_answering import TASK, TableQuestionAnsweringParams
from tests.tiny.text import save_tapas


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    folder = tmp_path_factory.mktemp("tapas")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # saving is not what is tested
        save_tapas(folder)
    return table_question_answering.load(folder, None, "cpu")


def numbers(rows: int, columns: int) -> dict[str, list[str]]:
    return {f"column {place}": [str(7 * row) for row in range(rows)] for place in range(columns)}


def test_rows_that_the_model_has_no_numbers_for_are_cut(pipe: Loaded) -> None:
    """The tiny model reads 128 pieces, and has numbers for 127 rows."""
    inputs = {"query": "How many are there?", "table": numbers(700, 1)}
    (found,) = TASK.predict(pipe, [inputs], TableQuestionAnsweringParams())
    short = {"query": "How many are there?", "table": numbers(127, 1)}
    assert TASK.predict(pipe, [short], TableQuestionAnsweringParams()) == [found]
    with pytest.raises(InvalidInput, match=r"700 rows.*127 at most"):
        TASK.predict(pipe, [inputs], TableQuestionAnsweringParams(truncation=False))


def test_too_many_columns_are_refused(pipe: Loaded) -> None:
    inputs = {"query": "How many are there?", "table": numbers(2, 200)}
    with pytest.raises(InvalidInput, match=r"200 columns.*127 at most"):
        TASK.predict(pipe, [inputs], TableQuestionAnsweringParams())


def test_the_kits_model_answers_the_examples() -> None:
    pipe = table_question_answering.load(kit.entry("kit:tables").path, None, "cpu")
    found = TASK.predict(pipe, [example.inputs for example in TASK.examples], TableQuestionAnsweringParams())
    assert [one["answer"] for one in found] == [
        "3.7",
        "SUM > 3, 4, 5",
        "COUNT > Paris, Berlin, Rome",
        "Everest",
        "COUNT > Everest, Kilimanjaro",
    ]
