"""The training loop of models that write: batches, learning rate, vocabulary, and that it learns."""

from pathlib import Path

import pytest

from studio.starter.build.text import pieces, seq2seq, summarizer, writer
from studio.starter.build.text.seq2seq import Schedule

SCHEDULE = Schedule(epochs=1, pieces=64, learning_rate=1e-3, warmup=4)
TEXTS = ["a small red chess game", "a large green chess game", "a small green card game 123"] * 4


def test_every_row_is_in_one_batch_and_batches_keep_their_size() -> None:
    rows = [{"input_ids": [2] * (1 + place % 9), "labels": [2] * (1 + place % 5)} for place in range(57)]
    found = seq2seq.batches(rows, SCHEDULE, epoch=0)
    assert sorted(place for batch in found for place in batch) == list(range(57))
    assert all(max(sum(map(len, rows[place].values())) for place in batch) * len(batch) <= 64 for batch in found)
    assert found == seq2seq.batches(rows, SCHEDULE, epoch=0) != seq2seq.batches(rows, SCHEDULE, epoch=1)


def test_the_learning_rate_rises_and_falls() -> None:
    shares = [seq2seq.shape(step, 100, 10) for step in range(100)]
    assert shares[:3] == [0.1, 0.2, pytest.approx(0.3)]
    assert max(shares) == 1
    assert shares[10:] == sorted(shares[10:], reverse=True)
    assert shares[-1] < 0.001


def test_the_tokenizer_gives_every_text_back() -> None:
    tokenizer = pieces.train_tokenizer(TEXTS, 300, 32)
    for text in ("a small game", "città ½ 2024 ☂"):
        found = tokenizer(text)["input_ids"]
        assert found[-1] == tokenizer.eos_token_id == 1
        assert tokenizer.decode(found, skip_special_tokens=True).strip() == text
    before = pieces.train_tokenizer(TEXTS, 300, 32, f"{pieces.END} $A")
    assert before("a small game")["input_ids"][0] == 1


def test_pieces_of_the_same_texts_start_alike() -> None:
    groups = [[5, 6, 9], [5, 6, 8], [7, 8, 9], [7, 9], [5, 6]] * 5
    found = pieces.vectors(groups, 12, 3, seed=1)
    assert tuple(found.shape) == (12, 3)
    assert float(found[5] @ found[6]) > float(found[5] @ found[7])


def test_a_model_learns_to_copy_and_reads_back_as_it_was(tmp_path: Path) -> None:
    tokenizer = pieces.train_tokenizer(TEXTS, 300, 32)
    rows = [{"input_ids": row, "labels": row} for row in tokenizer(TEXTS)["input_ids"]]
    model = summarizer.untrained(vocabulary=300)
    said: list[str] = []
    seq2seq.fit(model, rows, Schedule(epochs=90, pieces=1000, learning_rate=2e-3, warmup=10), said.append)
    assert float(said[-1].split()[3]) < 0.3
    pieces.save(model, tokenizer, tmp_path)
    assert seq2seq.answer(tmp_path, TEXTS[:3], 16) == TEXTS[:3]
    assert (tmp_path / "model.safetensors").stat().st_mode & 0o777 == 0o644
    assert str(tmp_path) not in (tmp_path / "config.json").read_text(encoding="utf-8")


def test_bits_per_byte_are_of_the_text_alone(tmp_path: Path) -> None:
    tokenizer = pieces.train_tokenizer(TEXTS, 300, 32, f"{pieces.END} $A")
    tokenizer.bos_token = pieces.END
    model = writer.untrained(vocabulary=300)
    for weights in model.parameters():
        weights.data.zero_()  # every piece as likely as any other
    pieces.save(model, tokenizer, tmp_path)
    rows = [writer.read(tokenizer, text) for text in TEXTS]
    counted = sum(writer.length(tokenizer, row) for row in rows)
    expected = sum(len(row) - 1 for row in rows) * 8.2288186904958804 / counted  # log2(300)
    assert writer.bits_per_byte(tmp_path, TEXTS) == pytest.approx(expected, rel=1e-4)
