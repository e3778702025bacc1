"""Folders of pictures and sounds, as `datasets` reads them: labels from folders, or a table beside the files."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from studio.core.errors import InvalidInput
from studio.core.settings import ASSETS, Settings
from studio.data import media, rows, sources, views
from tests.unit.data.test_media import picture, tone

CAT = (ASSETS / "examples" / "cat.jpg").read_bytes()
CAR = (ASSETS / "examples" / "scene-car.png").read_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "pictures"
    path.mkdir()
    return path


def put(folder: Path, files: dict[str, bytes | str]) -> str:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(folder)


def test_folders_are_labels(folder: Path, settings: Settings) -> None:
    ref = put(folder, {"train/cat/b.jpg": CAT, "train/car/a.png": CAR, "test/cat/c.jpg": CAT})
    dataset = sources.resolve(ref, settings, "local")
    assert dataset.info.splits == {"train": 2, "test": 1}
    assert [(column.name, column.type) for column in dataset.info.columns] == [
        ("image", media.COLUMN),
        ("label", "VARCHAR"),
    ]
    table = rows.table(dataset, "train")
    assert table["label"].to_pylist() == ["car", "cat"]
    assert [cell["path"] for cell in table["image"].to_pylist()] == ["a.png", "b.jpg"]
    assert table["image"].to_pylist()[1]["bytes"] == CAT
    again = sources.resolve(ref, settings, "local")
    assert again.files == dataset.files
    put(folder, {"test/car/d.png": CAR})
    assert sources.resolve(ref, settings, "local").info.splits == {"train": 2, "test": 2}


def test_the_same_as_datasets_makes_of_it(folder: Path, settings: Settings, tmp_path: Path) -> None:
    from datasets import Image, load_dataset

    ref = put(folder, {"cat/1.jpg": CAT, "car/2.png": CAR, "cat/3.jpg": CAT})
    theirs = load_dataset("imagefolder", data_dir=ref, split="train", cache_dir=str(tmp_path / "cache"))
    theirs = theirs.cast_column("image", Image(decode=False))
    ours = rows.table(sources.resolve(ref, settings, "local"), "train").to_pylist()
    names = theirs.features["label"].names
    found = [(names[row["label"]], Path(row["image"]["path"]).name) for row in theirs]
    assert sorted(found) == sorted((row["label"], row["image"]["path"]) for row in ours)


def test_no_label_where_there_is_one_folder_or_several_depths(folder: Path, settings: Settings) -> None:
    ref = put(folder, {"a/1.jpg": CAT, "a/b/2.jpg": CAT})
    assert [column.name for column in sources.resolve(ref, settings, "local").info.columns] == ["image"]


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_metadata(folder: Path, settings: Settings, form: str) -> None:
    records = [{"file_name": "sub/b.jpg", "text": "a cat", "n": 1}, {"file_name": "a.png", "text": "a car", "n": 2}]
    ref = put(folder, {"train/sub/b.jpg": CAT, "train/a.png": CAR, "train/unnamed.png": CAR})
    if form == "parquet":
        import pyarrow as pa

        pq.write_table(pa.Table.from_pylist(records), folder / "train" / "metadata.parquet")
    elif form == "csv":
        put(folder, {"train/metadata.csv": "file_name,text,n\nsub/b.jpg,a cat,1\na.png,a car,2\n"})
    else:
        put(folder, {"train/metadata.jsonl": "\n".join(map(json.dumps, records))})
    dataset = sources.resolve(ref, settings, "local")
    assert [column.name for column in dataset.info.columns] == ["image", "text", "n"]
    found = rows.table(dataset, "train").to_pylist()
    assert [(row["image"]["path"], row["text"], row["n"]) for row in found] == [
        ("b.jpg", "a cat", 1),
        ("a.png", "a car", 2),
    ]
    assert found[0]["image"]["bytes"] == CAT


def test_two_files_in_a_row(folder: Path, settings: Settings) -> None:
    table = "before_file_name,after_file_name\na.png,b.jpg\n,b.jpg\n"
    ref = put(folder, {"a.png": CAR, "b.jpg": CAT, "metadata.csv": table})
    found = rows.table(sources.resolve(ref, settings, "local"), "train").to_pylist()
    assert found[0]["before"]["bytes"] == CAR
    assert found[0]["after"]["bytes"] == CAT
    assert found[1]["before"] is None


def test_sounds(folder: Path, settings: Settings) -> None:
    ref = put(
        folder,
        {
            "yes/1.wav": tone(0.5, 16_000),
            "no/2.wav": tone(0.25, 8_000),
            "no/3.mp3": (ASSETS / "examples" / "beeps.mp3").read_bytes(),
        },
    )
    dataset = sources.resolve(ref, settings, "local")
    assert [column.name for column in dataset.info.columns] == ["audio", "label"]
    shown = views.page(dataset).rows
    assert shown[2] == ["sound, 0.5 s, 16 kHz", "yes"]


@pytest.mark.parametrize("form", ["PNG", "GIF", "BMP", "JPEG", "WEBP", "TIFF"])
def test_every_form_of_picture(folder: Path, settings: Settings, form: str) -> None:
    suffix = {"JPEG": "jpg", "TIFF": "tif"}.get(form, form.lower())
    ref = put(folder, {f"a.{suffix}": picture(form)})
    dataset = sources.resolve(ref, settings, "local")
    assert rows.table(dataset, "train")["image"].to_pylist()[0]["bytes"] == picture(form)


def test_broken_files_are_left_out_and_named(folder: Path, settings: Settings) -> None:
    files: dict[str, bytes | str] = {f"cat/{n}.jpg": b"" for n in range(7)}
    ref = put(folder, files | {"cat/good.jpg": CAT, "car/page.png": "<html>not found</html>", "car/x.png": CAR})
    info = sources.resolve(ref, settings, "local").info
    assert info.splits == {"train": 2}
    assert "car/page.png" in info.description
    assert "and 3 more" in info.description


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.jpg": b""}, "Not one of its files is usable"),
        ({"metadata.csv": "file_name,t\nb.jpg,x\n", "a.jpg": CAT}, "no such file"),
        ({"metadata.csv": "file_name,t\n../../x,x\n", "a.jpg": CAT}, "no such file"),
        ({"metadata.csv": "file_name,t\n/etc/passwd,x\n", "a.jpg": CAT}, "no such file"),
        ({"metadata.csv": "file_name,t\nfile:///etc/passwd,x\n", "a.jpg": CAT}, "no such file"),
        ({"metadata.csv": "name,t\na.jpg,x\n", "a.jpg": CAT}, "no column 'file_name'"),
        ({"metadata.csv": "file_name,image\na.jpg,x\n", "a.jpg": CAT}, "'image'"),
        ({"metadata.csv": "file_name,t\na.jpg\n", "a.jpg": CAT}, "Line 2 has 1 fields"),
        (
            {"metadata.csv": "file_name,t\na.jpg,1\n", "b/metadata.csv": "file_name,u\na.jpg,1\n", "a.jpg": CAT,
             "b/a.jpg": CAT},
            "different columns",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(folder: Path, settings: Settings, files: dict[str, bytes | str], said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as caught:
        sources.resolve(put(folder, files), settings, "local")
    assert caught.value.field == "file"
    assert not list((settings.home / "datasets").rglob("*.parquet"))


def test_a_link_in_the_folder_does_not_lead_out(folder: Path, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(CAT)
    ref = put(folder, {"a.jpg": CAT, "metadata.csv": "file_name,t\nlink.jpg,x\n"})
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    with pytest.raises(InvalidInput, match="no such file"):
        sources.resolve(ref, settings, "local")


def test_a_few_pictures_beside_a_table_are_no_folder_of_pictures(folder: Path, settings: Settings) -> None:
    ref = put(folder, {"train.csv": "text\nx\n", "images/figure1.png": CAR, "images/figure2.png": CAR})
    assert [column.name for column in sources.resolve(ref, settings, "local").info.columns] == ["text"]
