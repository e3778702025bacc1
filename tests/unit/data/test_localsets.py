"""Large files and folders of one's own machine: a look reads their beginning, and all of it once a job has."""

import csv
import sqlite3
import zipfile
from io import StringIO
from pathlib import Path

import pytest

from studio.core.errors import InvalidInput, NotFound, Unopened
from studio.core.settings import Settings
from studio.data import beginnings, prepared, sources, views
from studio.data.blocks import BLOCK
from studio.data.records import Dataset
from studio.data.views import View
from studio.data.watching import UNWATCHED
from tests.unit.data.test_beginnings import NOTE, table

ROWS = 10_000
THEN = "; add it to see and use all of it, which runs as a job."


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large begins at 300 kB, and a beginning has 128 KiB."""
    monkeypatch.setattr(beginnings, "SMALL", 300_000)
    monkeypatch.setattr(beginnings, "LONGEST", 1)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.csv"
    path.write_bytes(table(ROWS))
    return path


def looked(path: Path | str, settings: Settings) -> Dataset:
    return sources.resolve(str(path), settings, "local", whole=False)


def test_a_look_reads_the_beginning(large: Path, settings: Settings) -> None:
    dataset = looked(large, settings)
    known = len(list(csv.reader(StringIO(table(ROWS)[:BLOCK].decode())))) - 2
    assert dataset.info.splits == {"train": known}
    assert dataset.info.cut == ("train",)
    assert dataset.info.share == pytest.approx(BLOCK / len(table(ROWS)))
    assert dataset.info.partial == f"The first 0.1 MB of {len(table(ROWS)) / 1e6:.1f} MB (large.csv){THEN}"
    page = views.page(dataset, View(split="train", offset=known - 1))
    assert page.rows == [[known - 1, f"{NOTE} {known - 1}", "ab"[(known - 1) % 2]]]
    assert sources.foreseen(str(large), settings, "local").info == dataset.info


def test_once_converted_all_of_it_is_looked_at_until_it_changes(large: Path, settings: Settings) -> None:
    assert looked(large, settings).info.partial
    whole = sources.resolve(str(large), settings, "local").info
    assert (whole.splits, whole.partial, whole.share) == ({"train": ROWS}, "", 1.0)
    assert looked(large, settings).info == whole
    large.write_bytes(table(ROWS + 1))
    assert looked(large, settings).info.partial


def test_what_is_small_opens_at_once(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "small.csv"
    path.write_bytes(table(1_000))
    assert (looked(path, settings).info.splits, looked(path, settings).info.partial) == ({"train": 1_000}, "")


def test_a_folder_is_as_large_as_its_files(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("train.csv", "test.csv"):
        (folder / name).write_bytes(table(4_000))
    info = looked(folder, settings).info
    assert set(info.splits) == {"train", "test"}
    assert max(info.splits.values()) < 4_000
    assert info.cut == ("train", "test")
    assert sources.configs(str(folder), settings, "local") == ("default",)
    whole = sources.resolve(str(folder), settings, "local").info
    assert whole.splits == {"train": 4_000, "test": 4_000}
    assert looked(folder, settings).info == whole


def test_what_has_no_beginning_says_what_opens_it(tmp_path: Path, settings: Settings) -> None:
    packed, base = tmp_path / "rows.zip", tmp_path / "rows.db"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("train.csv", table(ROWS))
    with sqlite3.connect(base) as connection:
        connection.execute("CREATE TABLE rows (n INTEGER, text TEXT)")
        connection.executemany("INSERT INTO rows VALUES (?, ?)", [(n, f"{NOTE} {n}") for n in range(ROWS)])
    for path in (packed, base):
        with pytest.raises(Unopened) as caught:
            looked(path, settings)
        assert caught.value.status == 409
        said = f"{path.name} takes {path.stat().st_size / 1e6:.1f} MB, and has to be read as a whole. Add it first"
        assert str(caught.value).startswith(said)
        assert sum(sources.resolve(str(path), settings, "local").info.splits.values()) == ROWS
        assert sum(looked(path, settings).info.splits.values()) == ROWS


def test_pictures_have_no_beginning(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (20, 20), (number, 0, 0)).save(folder / f"{number}.png")
    assert sum(looked(folder, settings).info.splits.values()) == 3
    other = folder.rename(tmp_path / "others")
    monkeypatch.setattr(beginnings, "SMALL", 10)
    with pytest.raises(Unopened, match="others takes"):
        looked(other, settings)
    sources.resolve(str(other), settings, "local")
    assert sum(looked(other, settings).info.splits.values()) == 3


def test_parquet_is_read_where_it_lies(large: Path, settings: Settings, tmp_path: Path) -> None:
    made = prepared.file(large, prepared.room("files", settings), UNWATCHED)["train"][0]
    path = tmp_path / "large.parquet"
    path.write_bytes(made.read_bytes())
    large.unlink()
    assert path.stat().st_size < 300_000
    path.write_bytes(made.read_bytes())
    assert looked(path, settings).info.splits == {"train": ROWS}


def test_whose_path_it_is(large: Path, settings: Settings) -> None:
    for ask in (
        lambda: sources.resolve(str(large), settings, "hf:ann", whole=False),
        lambda: sources.foreseen(str(large), settings, "hf:ann"),
        lambda: sources.configs(str(large), settings, "hf:ann"),
    ):
        with pytest.raises(InvalidInput, match="Paths are for one's own machine"):
            ask()
    with pytest.raises(NotFound):
        sources.configs(str(large.with_name("nothing.csv")), settings, "local")
