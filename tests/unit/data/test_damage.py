"""Files damaged at random are either taken or refused in a sentence; nothing stays behind."""

import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.core.errors import InvalidInput
from studio.core.settings import Settings
from studio.data import mapping, rows, sources, uploads, views

PIECES = (
    b'"',
    b",",
    b"\n",
    b"\r",
    b"{",
    b"}",
    b"[",
    b"]",
    b"null",
    b"\xff",
    b"\\",
    b"1e999",
    b"\t",
    b"9" * 30,
    b'{"a":{}}',
)


def good_file(name: str, folder: Path) -> bytes:
    records = [{"a": n, "b": f'té "x{n}', "c": [{"r": "u"}], "d": n % 2 == 0} for n in range(5)]
    if name.endswith("parquet"):
        pq.write_table(pa.Table.from_pylist(records), folder / name)
        return (folder / name).read_bytes()
    lines = {
        "a.csv": 'text,label\n"a ""b""\nc",1\nü,2\n,3\n',
        "a.json": json.dumps(records, ensure_ascii=False),
        "a.jsonl": "\n".join(map(json.dumps, records)),
    }
    return lines[name].encode()


def damage(content: bytes, chosen: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(chosen.randrange(1, 4)):
        place = chosen.randrange(len(data) + 1)
        kind = chosen.randrange(4)
        if kind == 0:
            data[place : place + 1] = bytes([chosen.randrange(256)])
        elif kind == 1:
            del data[place : place + chosen.randrange(1, 9)]
        elif kind == 2:
            data[place:place] = chosen.choice(PIECES)
        else:
            data[place:] = data[place : place + chosen.randrange(1, 50)] * chosen.randrange(3)
    return bytes(data)


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.jsonl", "a.parquet"])
def test_random_damage(settings: Settings, tmp_path: Path, name: str) -> None:
    chosen = random.Random(name)
    content, received = good_file(name, tmp_path), tmp_path / "received"
    refused: list[InvalidInput] = []
    for _ in range(25):
        received.write_bytes(damage(content, chosen))
        try:
            info = uploads.store(received, name, settings, "local")
        except InvalidInput as error:
            refused.append(error)
            continue
        dataset = sources.resolve(info.ref, settings, "local")
        json.dumps(views.page(dataset).rows, allow_nan=False)
        mapping.map_columns(dataset, "train")
        for column in info.columns:
            rows.label_counts(dataset, "train", column.name)
        uploads.delete(info.ref, settings, "local")
    assert len(refused) > 5
    assert {error.field for error in refused} == {"file"}
    assert not [error for error in refused if str(tmp_path) in str(error)]
    assert not [path for path in settings.uploads_dir.rglob("*") if path.is_file()]
