"""The kit's readers of pages by way of their task. They are an extra: two tiny models stand in their place."""

import ast
import json
from pathlib import Path

import pytest
from PIL import Image

from studio.core.errors import InvalidInput
from studio.starter import documents, kit
from studio.starter.documents import Documents
from studio.starter.reading import Reading
from studio.tasks import document_question_answering as task
from studio.tasks.base import EXAMPLES
from studio.tasks.document_question_answering import DocumentQuestionAnsweringParams
from studio.tasks.loading import Loaded
from tests.contract.test_tasks import run, same
from tests.tiny.readers import save_readers

PAGE = EXAMPLES / "receipt.png"
GIVEN = {"image": PAGE.read_bytes(), "question": "What is the total?"}


def test_the_task_offers_it_first() -> None:
    assert task.TASK.models[0] == "kit:documents"
    assert "document-question-answering" in kit.any_entry("kit:documents").tasks


def test_words_cannot_be_given_to_what_reads_the_page_itself() -> None:
    pipe = Loaded(Documents(Reading(None, None, ()), None, None, None, 1.0), 0)
    params = DocumentQuestionAnsweringParams(word_boxes=["0 0 10 10 Total"])
    with pytest.raises(InvalidInput, match="reads the page itself") as caught:
        task.predict(pipe, [GIVEN], params)
    assert caught.value.field == "word_boxes"


def test_the_script_needs_no_studio(tmp_path: Path) -> None:
    (tmp_path / documents.SETTINGS).write_text(json.dumps({"answers": "kit:qa", "nearness": 1}), encoding="utf-8")
    given = {"image": "page.png", "question": 'What is "it"?'}
    code = task.snippet(str(tmp_path), given, DocumentQuestionAnsweringParams(top_k=2))
    imported = [one for one in ast.walk(ast.parse(code)) if isinstance(one, ast.ImportFrom) and one.col_offset == 0]
    assert imported
    assert not [one.module for one in imported if str(one.module).startswith("studio")]
    assert "count=2" in code


def test_what_is_written_on_the_page_answers(tmp_path: Path) -> None:
    save_readers(tmp_path)
    page = tmp_path / "page.png"
    paper = Image.new("RGB", (900, 800), "white")
    for top in (100, 300, 500):
        paper.paste("black", (80, top, 380, top + 40))
    paper.save(page)
    pipe = task.load(tmp_path, None, "cpu")
    assert pipe.bytes > 15_000_000  # what answers is the kit's own
    given, params = GIVEN | {"image": page.read_bytes()}, DocumentQuestionAnsweringParams(top_k=3)
    found = task.predict(pipe, [given], params)[0]
    assert len(found) == 3
    assert set(found[0]) == {"answer", "score", "start", "end"}
    assert found[0]["answer"] == "10.50"
    code = task.snippet(str(tmp_path), given | {"image": str(page)}, params)
    assert same(run(code, tmp_path), found)
