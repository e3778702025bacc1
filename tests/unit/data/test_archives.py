"""ZIP archives: of every format of rows, of pictures and of sounds; and everything that one can be made to do."""

import io
import os
import stat
import struct
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from studio.core.errors import InvalidInput, JobCancelled
from studio.core.settings import ASSETS, Settings
from studio.data import archives, uploads, views
from studio.data.views import View
from studio.data.watching import Watch
from tests.unit.data.conftest import Upload, paths
from tests.unit.data.test_formats import TABLE, arrow
from tests.unit.data.test_uploads import COLUMNS, RECORDS, as_parquet, delimited


def packed(files: Mapping[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_splits_of_a_zip(upload: Upload, method: int) -> None:
    files: dict[str, bytes | str] = {
        "set/train.csv": delimited(","),
        "set/test.csv": "text,label\nx,a\n",
        "__MACOSX/set/._train.csv": b"\0\5\x16\7",
        "set/.DS_Store": b"\0",
        "set/README.md": "# About it",
    }
    dataset = upload("reviews.zip", packed(files, method))
    assert dataset.info.splits == {"train": len(RECORDS), "test": 1}
    assert views.page(dataset).rows == [[record[name] for name in COLUMNS] for record in RECORDS]
    assert views.page(dataset, View(split="test")).rows == [["x", "a"]]
    assert dataset.info.title == "reviews.zip"
    assert dataset.info.bytes == sum(paths(dataset, split)[0].stat().st_size for split in dataset.files)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", delimited(",")),
        ("a.tsv", delimited("\t")),
        ("a.jsonl", b'{"text": "x"}\n'),
        ("a.json", b'[{"text": "x"}]'),
        ("a.parquet", as_parquet(text=["x"])),
        ("a.arrow", arrow(TABLE, stream=False)),
        ("a.txt", b"x\n"),
    ],
)
def test_every_format_in_a_zip(upload: Upload, name: str, content: bytes) -> None:
    assert list(upload("a.zip", packed({f"folder/{name}": content})).info.splits) == ["train"]


def test_several_files_of_a_split_are_one_table(upload: Upload) -> None:
    files = {"train/a.csv": "text,n\nx,1\n", "train/b.csv": "text,more\ny,2\n", "test/c.csv": "text,n\nz,3\n"}
    dataset = upload("a.zip", packed(files))
    assert dataset.info.splits == {"train": 2, "test": 1}
    assert [row[:2] for row in views.page(dataset).rows] == [["x", 1], ["y", None]]


def test_a_readme_in_a_zip_says_the_splits(upload: Upload) -> None:
    readme = "---\nconfigs:\n- config_name: default\n  data_files:\n  - {split: held_out, path: b.csv}\n---\n"
    dataset = upload("a.zip", packed({"README.md": readme, "a.csv": "t\nx\n", "b.csv": "t\ny\n"}))
    assert dataset.info.splits == {"held_out": 1}


def test_pictures_in_a_zip(upload: Upload) -> None:
    cat, car = ((ASSETS / "examples" / name).read_bytes() for name in ("cat.jpg", "scene-car.png"))
    dataset = upload("a.zip", packed({"train/cat/1.jpg": cat, "train/car/2.png": car, "test/car/3.png": car}))
    assert dataset.info.splits == {"train": 2, "test": 1}
    shown = views.page(dataset).rows
    assert [row[1] for row in shown] == ["car", "cat"]
    assert all(row[0].startswith("image, ") for row in shown)


def entry(name: str, mode: int = 0, content: str = "t\nx\n") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        archive.writestr(info, content)
    return buffer.getvalue()


def raw_name(name: bytes) -> bytes:
    """An archive with a name that zipfile would not write."""
    stand_in = b"N" * len(name)
    return entry(stand_in.decode()).replace(stand_in, name)


def encrypted() -> bytes:
    data = bytearray(packed({"a.csv": "t\nx\n"}))
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = data.index(mark) + offset
        data[place] |= 1
    return bytes(data)


def overlapping(copies: int) -> bytes:
    """Many entries of the directory that share the packed bytes of one: small packed, large unpacked."""
    data = packed({"0000.csv": b"t\n" + b"x\n" * 500_000})
    start, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    record = data[start:end]
    directory = b"".join(record.replace(b"0000.csv", f"{n:04}.csv".encode()) for n in range(copies))
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, copies, copies, len(directory), start, 0)
    return data[:start] + directory + tail


LARGE = b"\0" * 150_000_000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (entry("../../etc/cron.d/x.csv"), "leads out"),
        (entry("a/../../x.csv"), "leads out"),
        (entry("/etc/x.csv"), "leads out"),
        (entry("C:/x.csv"), "leads out"),
        (raw_name(b"..\\..\\x.csv"), "leads out"),
        (raw_name(b"a.csv\0.png"), "leads out"),
        (raw_name(b"a\x1b[2J.csv"), "control characters"),
        (entry("link.csv", stat.S_IFLNK | 0o777, "/etc/passwd"), "link or a device"),
        (entry("pipe.csv", stat.S_IFIFO | 0o777), "link or a device"),
        (entry("x" * 250 + ".csv"), "more than 240 bytes"),
        (encrypted(), "encrypted"),
        (packed({"inner.zip": packed({"a.csv": "t\nx\n"})}), "archive itself"),
        (packed({"a.csv": "t\nx\n", "more.tar": b"x"}), "archive itself"),
        (packed({"a.csv": LARGE}), "200 times its size"),
        (overlapping(400), "200 times its size"),
        (packed({"A.csv": "t\nx\n", "a.csv": "t\ny\n"}), "more than once"),
        (packed({"README.md": "nothing"}), "no data files"),
        (packed({}), "no data files"),
        (packed({"a.csv": "t,u\n1\n"}), "Line 2 has 1 fields"),
        (packed({"a.csv": delimited(",")})[:-30], "damaged"),
        (packed({"a.csv": "t\n" + "xyz\n" * 99}, zipfile.ZIP_STORED).replace(b"xyz\nxyz", b"xyz\nabc", 1), "damaged"),
        (b"PK\3\4 and nothing", "damaged"),
    ],
)
def test_bad_archives(upload: Upload, settings: Settings, tmp_path: Path, content: bytes, said: str) -> None:
    started = time.perf_counter()
    with pytest.raises(InvalidInput, match=said) as caught:
        upload("a.zip", content)
    assert time.perf_counter() - started < 20
    assert caught.value.field == "file"
    assert str(settings.home) not in str(caught.value)
    assert not [path for path in settings.uploads_dir.rglob("*") if path.is_file()]
    assert {path.name for path in tmp_path.iterdir()} <= {"home", "received"}
    assert uploads.list_all(settings, "local") == []


def test_more_than_an_upload_may_unpack_to(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(packed({"a.csv": os.urandom(600_000).hex()}))
    small = settings.model_copy(update={"max_upload_mb": 1})
    with pytest.raises(InvalidInput, match="1,000 characters"):  # 1.2 MB are within 20 MB
        uploads.store(path, "a.zip", small, "local")
    with pytest.raises(InvalidInput, match=r"Unpacked it takes 1\.2 MB; at most 1 MB"):
        archives.unpack(path, "a.zip", tmp_path, 1_000_000)


def test_too_many_entries(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_ENTRIES", 5)
    with pytest.raises(InvalidInput, match="6 entries; at most 5"):
        upload("a.zip", packed({f"{n}.txt": "x\n" for n in range(6)}))


def test_unpacking_stops(settings: Settings, tmp_path: Path) -> None:
    path, told = tmp_path / "a.zip", list[str]()
    path.write_bytes(packed({f"{n}.csv": "t\nx\n" for n in range(10)}))
    watch = Watch(lambda done, total, message: told.append(message), lambda: len(told) > 4)
    with pytest.raises(JobCancelled):
        uploads.store(path, "a.zip", settings, "local", watch)
    assert uploads.list_all(settings, "local") == []
