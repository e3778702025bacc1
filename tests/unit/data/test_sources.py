"""References: kit, uploads, paths and a real test Hub; what is no reference is refused before anything is touched."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr

from studio.core.errors import InvalidInput, NotFound, UnknownName, UserError
from studio.core.settings import Settings
from studio.data import rows, sources, views
from tests.hubserver.server import HubServer
from tests.unit.data.conftest import paths


@pytest.fixture
def small_kit(tmp_path: Path) -> Settings:
    """A kit with one data set and one model."""
    common = {
        "description": "Three rows",
        "tasks": ["text-classification"],
        "license": "CC0-1.0",
        "license_file": "LICENSE",
        "attribution": "us",
        "sources": [],
        "built_by": "nothing",
        "seed": 0,
        "versions": {},
        "files": [],
    }
    entries = [
        {"id": "kit:topics", "kind": "dataset", "title": "Topics", **common},
        {"id": "kit:encoder", "kind": "model", "title": "Encoder", **common},
        {"id": "kit:lost", "kind": "dataset", "title": "Lost", **common},
    ]
    root = tmp_path / "kit"
    (root / "topics").mkdir(parents=True)
    (root / "manifest.json").write_text(json.dumps({"entries": entries}))
    for split, texts in {"test": ["z"], "validation": ["y"], "train": ["x", "w", "v"]}.items():
        pq.write_table(pa.table({"text": texts, "label": ["a"] * len(texts)}), root / "topics" / f"{split}.parquet")
    return Settings(home=tmp_path / "home", kit=root)


def test_the_kit(small_kit: Settings) -> None:
    dataset = sources.resolve("kit:topics", small_kit, "session:1")
    assert dataset.info.splits == {"train": 3, "validation": 1, "test": 1}
    assert list(dataset.info.splits) == ["train", "validation", "test"]
    assert (dataset.info.title, dataset.info.license, dataset.info.source) == ("Topics", "CC0-1.0", "kit")
    assert views.page(dataset).rows[0] == ["x", "a"]


def test_unknown_kit_ids_list_the_known(small_kit: Settings) -> None:
    with pytest.raises(UnknownName, match="kit:topics"):
        sources.resolve("kit:topic", small_kit, "local")
    with pytest.raises(UnknownName, match="kit:topics"):
        sources.resolve("kit:encoder", small_kit, "local")
    with pytest.raises(UnknownName):
        sources.resolve("kit:../../etc", small_kit, "local")
    with pytest.raises(NotFound, match="git checkout"):
        sources.resolve("kit:lost", small_kit, "local")


@pytest.mark.parametrize(
    "ref",
    [
        "",
        " ",
        "name-alone",
        "'; DROP TABLE x; --",
        "a/b/c",
        "a/b@",
        "a/../b",
        "a/b@../x",
        "hf://datasets/a/b",
        "http://127.0.0.1/a",
        "a/b\n",
        "ä/b",
        "owner/na me",
    ],
)
def test_no_reference(settings: Settings, ref: str) -> None:
    if ref == "a/b\n":
        ref = "a\n/b"
    with pytest.raises(InvalidInput) as caught:
        sources.resolve(ref, settings, "local")
    assert caught.value.field == "dataset"
    assert "kit:ID" in str(caught.value)


@pytest.mark.parametrize(
    "ref", ["/etc/passwd", "../x", "..", "./a.csv", "~/a.csv", "data/train.csv", "\\\\host\\share"]
)
def test_paths_are_for_the_local_owner(settings: Settings, ref: str) -> None:
    for owner in ("hf:ann", "session:1", ""):
        with pytest.raises(InvalidInput, match="one's own machine"):
            sources.resolve(ref, settings, owner)


@pytest.mark.parametrize("ref", ["upload:", "upload:../x", "upload:0123456789abcdef", "upload:' OR 1=1", "upload:/etc"])
def test_unknown_uploads(settings: Settings, ref: str) -> None:
    with pytest.raises(NotFound):
        sources.resolve(ref, settings, "local")


def test_a_local_file_is_converted_once_per_state(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "my [data]*.csv"
    path.write_text("text,label\nx,a\n")
    first = sources.resolve(str(path), settings, "local")
    second = sources.resolve(str(path), settings, "local")
    assert first == second
    assert first.fingerprint() == second.fingerprint()
    assert first.info.source == "file"
    assert paths(first)[0].is_relative_to(settings.home)
    path.write_text("text,label\nx,a\ny,b\n")
    changed = sources.resolve(str(path), settings, "local")
    assert changed.info.splits == {"train": 2}
    assert changed.fingerprint() != first.fingerprint()


def test_a_local_folder(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "train.jsonl").write_text('{"text": "x"}\n')
    (folder / "dev.jsonl").write_text('{"text": "y"}\n{"text": "z"}\n')
    dataset = sources.resolve(str(folder), settings, "local")
    assert dataset.info.splits == {"train": 1, "validation": 2}
    with pytest.raises(NotFound):
        sources.resolve(str(tmp_path / "nothing"), settings, "local")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="no data files"):
        sources.resolve(str(tmp_path / "empty"), settings, "local")
    (folder / "train.jsonl").write_text("nonsense")
    with pytest.raises(InvalidInput, match="Line 1"):
        sources.resolve(str(folder), settings, "local")


def test_a_damaged_parquet_file_is_named(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 and nothing")
    with pytest.raises(InvalidInput, match="damaged") as caught:
        sources.resolve(str(path), settings, "local")
    assert caught.value.field == "dataset"


def test_fingerprints_are_about_contents(settings: Settings, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        for split in ("train", "test"):
            pq.write_table(pa.table({"t": [split]}), folder / f"{split}.parquet")
    first, second = (sources.resolve(str(folder), settings, "local") for folder in (one, two))
    assert first.fingerprint() == second.fingerprint()
    (two / "test.parquet").unlink()
    assert sources.resolve(str(two), settings, "local").fingerprint() != first.fingerprint()


README = b"""---
license: cc-by-4.0
pretty_name: Small reviews
configs:
- config_name: default
  data_files:
  - split: train
    path: rows/*.csv
  - split: test
    path: held_out.csv
---
# Small reviews
"""


def test_the_hub(hub: HubServer, settings: Settings) -> None:
    files = {
        "README.md": README,
        "rows/a.csv": b"text,label\nx,0\n",
        "rows/b.csv": b"text,label\ny,1\nz,1\n",
        "held_out.csv": b"text,label\nw,0\n",
        "loader.py": b"raise SystemExit\n",
    }
    hub.add_repo("alice/reviews", files, "dataset")
    dataset = sources.resolve("alice/reviews", settings, "local")
    assert dataset.info.splits == {"train": 3, "test": 1}
    assert (dataset.info.title, dataset.info.license, dataset.info.source) == ("Small reviews", "cc-by-4.0", "hub")
    assert len(dataset.info.revision) == 40
    assert rows.label_counts(dataset, "train", "label") == {"1": 2, "0": 1}
    pinned = sources.resolve(f"alice/reviews@{dataset.info.revision}", settings, "local")
    assert pinned.fingerprint() == dataset.fingerprint()
    assert not list((settings.home.parent / "cache").rglob("*.py"))
    asked = hub.count("GET", "/api/datasets/alice/reviews")
    sources.resolve("alice/reviews", settings, "local")
    assert hub.count("GET", "/api/datasets/alice/reviews") == asked


def test_loading_scripts_are_refused(hub: HubServer, settings: Settings) -> None:
    hub.add_repo("alice/script", {"script.py": b"raise SystemExit\n", "README.md": b"# x\n"}, "dataset")
    with pytest.raises(InvalidInput, match="no code from repositories"):
        sources.resolve("alice/script", settings, "local")


def test_unknown_repositories(hub: HubServer, settings: Settings) -> None:
    with pytest.raises(UserError, match="alice/nothing does not exist"):
        sources.resolve("alice/nothing", settings, "local")


def test_a_hub_data_set_that_is_too_large_is_named_with_both_sizes(hub: HubServer, settings: Settings) -> None:
    hub.add_repo("alice/huge", {"train.csv": b"text\n" * 240_000}, "dataset")
    with pytest.raises(InvalidInput, match=r"1\.2 MB; at most 1 MB") as caught:
        sources.resolve("alice/huge", settings.model_copy(update={"max_dataset_mb": 1}), "local")
    assert caught.value.field == "dataset"
    assert hub.count("GET", "/resolve/") == 0


def test_what_one_visitor_may_see_is_remembered_for_nobody_else(hub: HubServer, settings: Settings) -> None:
    hub.add_repo("alice/mine", {"train.csv": b"text,label\nx,a\n"}, "dataset", private=True)
    public = settings.model_copy(update={"public": True})
    alice, bob = (public.reading_as(SecretStr(token)) for token in (hub.token, hub.other_token))
    assert sources.resolve("alice/mine", alice, "hf:alice").info.splits == {"train": 1}
    for stranger, owner in ((bob, "hf:bob"), (public, "session:1")):
        with pytest.raises(UserError, match="alice/mine"):
            sources.resolve("alice/mine", stranger, owner)
    assert sources.resolve("alice/mine", alice, "hf:alice").info.splits == {"train": 1}
