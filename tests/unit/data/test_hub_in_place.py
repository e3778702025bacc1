"""Parquet on the Hub is read where it lies: footers, columns and rows that are asked for, and nothing else."""

import io
import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr

from studio.core.errors import HubError, HubUnreachable, InvalidInput, NotFound, UnknownName, UserError
from studio.core.settings import ASSETS, Settings
from studio.data import hubsets, reading, rows, sources, statistics, views
from studio.data.records import RemoteFile
from studio.data.views import View
from tests.hubserver.faults import FOREVER, Fault
from tests.hubserver.server import HubServer
from tests.unit.data.test_archives import packed

ROWS = 60_000
CONTENT = r"^/cdn/|/resolve/"


def shard(start: int, number: int, seed: int = 1) -> bytes:
    """Rows that do not pack well, so that a part is visibly less than the whole."""
    chosen, sink = random.Random(seed), io.BytesIO()
    numbers = list(range(start, start + number))
    texts = [chosen.randbytes(100).hex() for _ in numbers]
    pq.write_table(
        pa.table({"n": numbers, "text": texts, "half": [n / 2 for n in numbers]}), sink, row_group_size=20_000
    )
    return sink.getvalue()


BIG = shard(0, ROWS)
SMALL = shard(0, 10)


@pytest.fixture
def hub(hub: HubServer) -> HubServer:
    files = {"data/train-00000-of-00001.parquet": BIG, "data/test-00000-of-00001.parquet": SMALL}
    hub.add_repo("alice/big", files, "dataset")
    return hub


def test_the_first_page_brings_little_here(hub: HubServer, settings: Settings, tmp_path: Path) -> None:
    dataset = sources.resolve("alice/big", settings, "local")
    assert dataset.info.splits == {"train": ROWS, "test": 10}
    assert dataset.info.bytes == len(BIG) + len(SMALL)
    assert hub.served(CONTENT) < 0.1 * len(BIG)
    page = views.page(dataset)
    assert [row[0] for row in page.rows] == list(range(100))
    assert hub.served(CONTENT) < 0.25 * len(BIG)
    before = hub.served(CONTENT)
    assert views.page(dataset).rows == page.rows
    assert hub.served(CONTENT) == before
    assert not list((tmp_path / "cache").rglob("*.parquet"))


def test_one_column_is_less_than_all(hub: HubServer, settings: Settings) -> None:
    dataset = sources.resolve("alice/big", settings, "local")
    assert rows.summary(dataset, "train", "n").distinct == ROWS
    assert hub.served(CONTENT) < 0.2 * len(BIG)
    assert views.page(dataset, View(offset=ROWS - 3)).rows[0][0] == ROWS - 3


def rounded(found: Any) -> Any:
    """Sums of floats differ in their last digits by which thread was there first."""
    return json.loads(json.dumps(asdict(found), default=str), parse_float=lambda number: f"{float(number):.9g}")


def test_everything_works_as_on_a_local_file(hub: HubServer, settings: Settings, tmp_path: Path) -> None:
    remote = sources.resolve("alice/big", settings, "local")
    path = tmp_path / "local.parquet"
    path.write_bytes(BIG)
    local = sources.resolve(str(path), settings, "local")
    assert rows.table(remote, "train", ["text", "n"]) == rows.table(local, "train", ["text", "n"])
    assert list(reading.batches(remote, "train")) == list(reading.batches(local, "train"))
    assert rounded(statistics.figures(remote, "train", "half")) == rounded(statistics.figures(local, "train", "half"))
    files = [file for paths in remote.files.values() for file in paths]
    assert all(isinstance(file, RemoteFile) for file in files)
    (tmp_path / "both").mkdir()
    (tmp_path / "both" / "train.parquet").write_bytes(BIG)
    (tmp_path / "both" / "test.parquet").write_bytes(SMALL)
    assert sources.resolve(str(tmp_path / "both"), settings, "local").fingerprint() == remote.fingerprint()


def test_many_shards(hub: HubServer, settings: Settings) -> None:
    shards = {f"data/train-{n:05}-of-00012.parquet": shard(n * 100, 100, n) for n in range(12)}
    hub.add_repo("alice/shards", shards, "dataset")
    dataset = sources.resolve("alice/shards", settings, "local")
    assert dataset.info.splits == {"train": 1_200}
    assert [row[0] for row in views.page(dataset, View(offset=650)).rows] == list(range(650, 750))


def test_too_many_shards_say_what_to_choose(
    hub: HubServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubsets, "MAX_FILES", 1)
    with pytest.raises(InvalidInput, match="2 files; at most 1"):
        sources.resolve("alice/big", settings, "local")


CONFIGS = b"""---
license: mit
pretty_name: Two languages
configs:
- config_name: de
  data_files: [{split: train, path: de/*.parquet}]
- config_name: en
  default: true
  data_files:
  - {split: train, path: en/train.parquet}
  - {split: test, path: en/test.parquet}
dataset_info:
- config_name: en
  features:
  - {name: n, dtype: {class_label: {names: {"0": zero, "1": one}}}}
---
"""


def test_configurations(hub: HubServer, settings: Settings) -> None:
    files = {
        "README.md": CONFIGS,
        "de/a.parquet": shard(0, 3),
        "en/train.parquet": shard(0, 4),
        "en/test.parquet": SMALL,
    }
    hub.add_repo("alice/two", files, "dataset")
    assert sources.configs("alice/two", settings, "local") == ("en", "de")
    default = sources.resolve("alice/two", settings, "local").info
    assert (default.splits, default.config, default.configs) == ({"train": 4, "test": 10}, "en", ("en", "de"))
    assert (default.title, default.license, default.labels) == ("Two languages", "mit", {"n": ("zero", "one")})
    german = sources.resolve("alice/two#de", settings, "local")
    assert (german.info.ref, german.info.splits, german.info.config) == ("alice/two#de", {"train": 3}, "de")
    assert sources.resolve("alice/two", settings, "local", "de").info == german.info
    pinned = sources.resolve(f"alice/two@{german.info.revision}#de", settings, "local")
    assert pinned.fingerprint() == german.fingerprint()
    with pytest.raises(UnknownName, match="Known: en, de"):
        sources.resolve("alice/two#fr", settings, "local")
    with pytest.raises(UnknownName, match="Known: default"):
        sources.resolve("alice/big#fr", settings, "local")
    assert sources.configs("alice/big", settings, "local") == ("default",)


def test_revisions(hub: HubServer, settings: Settings) -> None:
    with pytest.raises(NotFound, match="no such revision"):
        sources.resolve("alice/big@nowhere", settings, "local")
    assert sources.resolve("alice/big@main", settings, "local").info.splits["test"] == 10


def test_what_the_hub_has_converted_is_read_in_place(
    hub: HubServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubsets, "SMALL", 1_000)
    repo = hub.add_repo("alice/lines", {"train.csv": b"n\n" + b"1\n" * 5_000}, "dataset")
    assert sources.resolve("alice/lines", settings, "local").info.splits == {"train": 5_000}  # nothing made: downloaded
    made = {
        "default/train/0000.parquet": shard(0, 50),
        "default/train/0001.parquet": shard(50, 50),
        "other/partial-train/0000.parquet": shard(0, 7),
    }
    hub.add_repo("alice/made", made, "dataset")
    repo.branches["refs/convert/parquet"] = hub.hub.repos[("dataset", "alice/made")].find("main").oid
    for oid, commit in hub.hub.repos[("dataset", "alice/made")].commits.items():
        repo.commits[oid] = commit
    hubsets._asked.cache_clear()
    dataset = sources.resolve("alice/lines", settings, "local")
    assert dataset.info.splits == {"train": 100}
    assert (dataset.info.config, dataset.info.configs) == ("default", ("default", "other"))
    assert dataset.info.revision == repo.find("main").oid


def test_the_network_goes_and_comes_back(hub: HubServer, settings: Settings) -> None:
    fast = settings.model_copy(update={"hub_deadline": 2.0})
    dataset = sources.resolve("alice/big", fast, "local")
    hub.faults.add(Fault("GET", "^/cdn/", "cut_response", after=1_000, times=2))
    assert [row[0] for row in views.page(dataset).rows] == list(range(100))  # a cut in the middle is tried again
    assert hub.faults.pending == 0
    hub.faults.add(Fault("GET", "^/cdn/", "cut_response", after=1_000, times=FOREVER))
    with pytest.raises(HubUnreachable, match="alice/big"):
        views.page(dataset, View(offset=30_000))
    hub.faults.clear()
    hub.faults.add(Fault("GET", "^/cdn/", "silent", times=FOREVER))
    with pytest.raises(HubUnreachable):
        views.page(dataset, View(offset=30_000))
    hub.faults.clear()
    hub.faults.add(Fault("GET", "^/cdn/", "status", status=503, times=FOREVER))
    with pytest.raises(HubError, match="fault of its own"):
        views.page(dataset, View(offset=30_000))
    hub.faults.clear()
    assert views.page(dataset, View(offset=30_000)).rows[0][0] == 30_000


def test_a_signed_address_that_no_longer_holds_is_asked_for_again(hub: HubServer, settings: Settings) -> None:
    dataset = sources.resolve("alice/big", settings, "local")
    hub.faults.add(Fault("GET", "^/cdn/", "status", status=403))
    assert views.page(dataset).rows[0][0] == 0


def test_a_server_that_knows_no_ranges_is_refused_unread(
    hub: HubServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.hubserver import downloads

    monkeypatch.setattr(downloads, "byte_range", lambda request, size: None)
    with pytest.raises(HubError, match="as a whole only"):
        sources.resolve("alice/big", settings, "local")


def test_offline_there_is_what_was_read(hub: HubServer, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = sources.resolve("alice/big", settings, "local")
    first = views.page(dataset).rows
    hubsets._asked.cache_clear()
    offline = settings.model_copy(update={"offline": True})
    again = sources.resolve("alice/big", offline, "local")
    assert again.info == dataset.info
    assert views.page(again).rows == first
    with pytest.raises(HubUnreachable):
        views.page(again, View(offset=40_000))
    with pytest.raises(HubUnreachable):
        sources.resolve("alice/big", offline.model_copy(update={"public": True}), "session:1")


def test_private_data_sets_are_for_their_owner(hub: HubServer, settings: Settings) -> None:
    hub.add_repo("alice/mine", {"train.parquet": SMALL}, "dataset", private=True)
    public = settings.model_copy(update={"public": True})
    alice, bob = (public.reading_as(SecretStr(token)) for token in (hub.token, hub.other_token))
    assert views.page(sources.resolve("alice/mine", alice, "hf:alice")).total == 10
    for stranger, owner in ((bob, "hf:bob"), (public, "session:1")):
        with pytest.raises(UserError, match="alice/mine"):
            sources.resolve("alice/mine", stranger, owner)
        with pytest.raises(UserError, match="alice/mine"):
            sources.configs("alice/mine", stranger, owner)
    token = hub.token.encode()
    assert not [path for path in settings.home.rglob("*") if path.is_file() and token in path.read_bytes()]
    assert hub.token not in repr(sources.resolve("alice/mine", alice, "hf:alice"))


def test_gated_files_are_for_those_who_were_let_in(hub: HubServer, settings: Settings) -> None:
    repo = hub.add_repo("alice/gated", {"train.parquet": SMALL}, "dataset")
    repo.gated = "manual"
    public = settings.model_copy(update={"public": True})
    alice, bob = (public.reading_as(SecretStr(token)) for token in (hub.token, hub.other_token))
    assert views.page(sources.resolve("alice/gated", alice, "hf:alice")).total == 10
    for stranger in (bob, public):
        with pytest.raises(UserError, match="gated"):
            sources.resolve("alice/gated", stranger, "hf:bob")


def test_a_damaged_file_is_named(hub: HubServer, settings: Settings) -> None:
    hub.add_repo("alice/damaged", {"train.parquet": BIG[:-2_000] + b"\xff" * 1_992 + BIG[-8:]}, "dataset")
    with pytest.raises(InvalidInput, match="damaged"):
        sources.resolve("alice/damaged", settings, "local")


def test_loading_scripts_stay_refused(hub: HubServer, settings: Settings) -> None:
    hub.add_repo("alice/script", {"script.py": b"raise SystemExit\n", "README.md": b"# x\n"}, "dataset")
    with pytest.raises(InvalidInput, match="no code from repositories"):
        sources.resolve("alice/script", settings, "local")
    assert hub.served(CONTENT) == 0


def test_pictures_that_are_no_parquet_are_downloaded(hub: HubServer, settings: Settings) -> None:
    cat, car = ((ASSETS / "examples" / name).read_bytes() for name in ("cat.jpg", "scene-car.png"))
    files = {"train/cat/1.jpg": cat, "train/car/2.png": car, "test/car/3.png": car, "train.py": b"raise SystemExit"}
    hub.add_repo("alice/pictures", files, "dataset")
    dataset = sources.resolve("alice/pictures", settings, "local")
    assert dataset.info.splits == {"train": 2, "test": 1}
    assert [row[1] for row in views.page(dataset).rows] == ["car", "cat"]
    assert hub.count("GET", "train.py") == 0


def test_a_zip_on_the_hub(hub: HubServer, settings: Settings) -> None:
    hub.add_repo("alice/zipped", {"data.zip": packed({"train.csv": "t\nx\n", "test.csv": "t\ny\n"})}, "dataset")
    assert sources.resolve("alice/zipped", settings, "local").info.splits == {"train": 1, "test": 1}
    hub.add_repo("alice/trick", {"data.zip": packed({"../x.csv": "t\nx\n"})}, "dataset")
    with pytest.raises(InvalidInput, match="leads out"):
        sources.resolve("alice/trick", settings, "local")
