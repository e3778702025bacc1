"""Large files of the Hub come piece by piece: what was here already is not asked for again, and nothing is believed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from studio.core.errors import HubError, InvalidInput, JobCancelled
from studio.core.settings import Settings
from studio.data import hubfiles, sources
from studio.hub import datasets, following
from studio.hub.datasets import HubFile, Listing
from tests.hubserver.faults import FOREVER, Fault
from tests.hubserver.server import HubServer
from tests.unit.data.test_beginnings import CONTENT, add, table

DATA = table(20_000)
PIECE = 200_000


@pytest.fixture
def listing(hub: HubServer, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Listing:
    monkeypatch.setattr("studio.data.hubsets.SMALL", 1_000)
    monkeypatch.setattr(hubfiles, "PIECE", PIECE)
    add(hub, "alice/big", {"train.csv": DATA, "data/test.csv": table(10)})
    return datasets.listing("alice/big", "", settings)


def chosen(listing: Listing) -> list[HubFile]:
    return [file for file in listing.files if file.path.endswith(".csv")]


@contextmanager
def stopping(after: int, said: list[str]) -> Iterator[None]:
    """Followed, until so many reports came."""
    with following.followed(lambda _, message: said.append(message), lambda: len(said) > after):
        yield


def test_all_files_come_as_they_are(hub: HubServer, settings: Settings, listing: Listing) -> None:
    assert not hubfiles.here(listing, chosen(listing), settings)
    said: list[str] = []
    with stopping(1_000, said):
        folder = hubfiles.bring(listing, chosen(listing), settings)
    assert (folder / "train.csv").read_bytes() == DATA
    assert (folder / "data" / "test.csv").read_bytes() == table(10)
    assert said[-1] == "Downloading: 0.9 of 0.9 MB"
    assert hubfiles.here(listing, chosen(listing), settings)
    before = hub.served(CONTENT)
    assert hubfiles.bring(listing, chosen(listing), settings) == folder
    assert hub.served(CONTENT) == before
    found = sources.resolve("alice/big", settings, "local", whole=False).info
    assert (found.splits, found.partial) == ({"train": 20_000, "test": 10}, "")
    assert hub.served(CONTENT) == before


def test_what_was_stopped_goes_on(hub: HubServer, settings: Settings, listing: Listing) -> None:
    with stopping(3, []), pytest.raises(JobCancelled):
        hubfiles.bring(listing, chosen(listing), settings)
    parts = list((settings.home / "datasets" / "whole").rglob("*.part"))
    assert 0 < sum(part.stat().st_size for part in parts) < len(DATA)
    first = hub.served(CONTENT)
    folder = hubfiles.bring(listing, chosen(listing), settings)
    assert (folder / "train.csv").read_bytes() == DATA
    assert hub.served(CONTENT) - first < len(DATA)
    assert not list(folder.rglob("*.part"))


@pytest.mark.parametrize("left", [b"x" * 1_000, DATA + b"more"])
def test_a_part_that_is_not_of_this_file_is_not_believed(settings: Settings, listing: Listing, left: bytes) -> None:
    part = hubfiles._folder(listing, settings) / "train.csv.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(left)
    with pytest.raises(HubError, match=r"train.csv of alice/big did not come as the Hub describes it"):
        hubfiles.bring(listing, chosen(listing), settings)
    assert (hubfiles.bring(listing, chosen(listing), settings) / "train.csv").read_bytes() == DATA


def test_a_silent_hub_is_left_within_a_moment(hub: HubServer, settings: Settings, listing: Listing) -> None:
    hub.faults.add(Fault("GET", CONTENT, "silent", times=FOREVER))
    began = time.perf_counter()
    with (
        following.followed(lambda *_: None, lambda: time.perf_counter() > began + 0.5),
        pytest.raises(JobCancelled),
    ):
        hubfiles.bring(listing, chosen(listing), settings)
    assert time.perf_counter() - began < 4


@pytest.mark.parametrize("name", ["../out.csv", "/tmp/out.csv", "a/../../out.csv"])
def test_no_name_leads_out_of_the_folder(settings: Settings, listing: Listing, name: str) -> None:
    with pytest.raises(InvalidInput):
        hubfiles.bring(listing, [HubFile(name, 5)], settings)
    assert not Path("/tmp/out.csv").exists()


def test_what_is_larger_than_allowed_is_not_begun(hub: HubServer, settings: Settings, listing: Listing) -> None:
    with pytest.raises(InvalidInput, match="at most 1 MB"):
        hubfiles.bring(listing, [HubFile("train.csv", 2_000_000)], settings.model_copy(update={"max_dataset_mb": 1}))
    assert hub.served(CONTENT) == 0
