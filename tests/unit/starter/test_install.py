"""Adding and removing extras: from the index and from the Hub, whole or not at all."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from studio.core.errors import Conflict, InvalidInput, JobCancelled, NotFound, UnknownName
from studio.core.settings import Settings
from studio.data import sources
from studio.starter import fetch, install, kit
from studio.starter.build import writing
from studio.starter.fetch import NoSpace, NotFetched, Watch
from studio.starter.kit import Extra, HubFiles, NotInstalled
from studio.starter.wheels import SourceError
from tests.hubserver.server import HubServer
from tests.unit.hub.conftest import server
from tests.unit.plugged import plugged
from tests.unit.starter.index import Index, index
from tests.unit.starter.test_kit import write_kit

__all__ = ["index", "server"]


@pytest.fixture(autouse=True)
def _toys() -> Iterator[None]:
    with plugged():
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A kit of one data set that lies in the repository and one extra that does not."""
    return listed(Settings(home=tmp_path / "home", kit=write_kit(tmp_path / "kit"), offline=True), tmp_path)


def listed(settings: Settings, tmp_path: Path, hub: HubFiles | None = None) -> Settings:
    import toy_builder  # type: ignore[import-not-found]

    made = tmp_path / "made"
    (made / "toy-extra").mkdir(parents=True)
    (made / "toy-extra" / "LICENSE").write_text("Do with it what you like.")
    entry = toy_builder.entry().model_copy(
        update={"root": made, "extra": Extra(wheels=(toy_builder.WHEEL,), hub=hub), "files": ()}
    )
    writing.announce(settings.kit, entry)
    return settings


@pytest.fixture
def offered(index: Index) -> Index:
    import toy_builder

    index.add("toy-words", "1.0", toy_builder.CONTENT)
    return index


def statuses(settings: Settings) -> dict[str, str]:
    return {one.entry.id: one.status for one in kit.listing(settings)}


def test_an_extra_is_listed_and_says_how_it_is_fetched(settings: Settings) -> None:
    assert statuses(settings) == {"kit:greetings": "bundled", "kit:toy-extra": "available"}
    assert [one.id for one in kit.entries(root=settings)] == ["kit:greetings"]
    with pytest.raises(NotInstalled, match=r"extra of 2 MB .*`studio kit add toy-extra`"):
        kit.entry("kit:toy-extra", settings)
    with pytest.raises(NotInstalled):
        sources.resolve("kit:toy-extra", settings, "local")


def test_added_it_is_everywhere_at_once_and_removed_it_is_gone(settings: Settings, offered: Index) -> None:
    reports: list[str] = []
    made = install.add("toy-extra", settings, Watch(lambda done, total, message: reports.append(message)))
    assert made.path == settings.extras_dir / "toy-extra"
    assert statuses(settings)["kit:toy-extra"] == "installed"
    assert sources.resolve("kit:toy-extra", settings, "local").info.splits == {"train": 20}
    assert kit.verify("kit:toy-extra", settings) == []
    assert reports[0] == "Fetching toy-words==1.0"
    assert reports[-1] == "Making kit:toy-extra"
    assert install.add("kit:toy-extra", settings).files == made.files, "there already: nothing is fetched"
    assert len(offered.asked) == 1
    install.remove("toy-extra", settings)
    assert statuses(settings)["kit:toy-extra"] == "available"
    assert not made.path.exists()
    assert not list((settings.extras_dir / fetch.DOWNLOADS).iterdir())
    with pytest.raises(NotFound, match="not installed"):
        install.remove("toy-extra", settings)


def test_a_damaged_extra_is_named_and_made_anew_without_a_network(settings: Settings, offered: Index) -> None:
    made = install.add("toy-extra", settings)
    (made.path / "train.parquet").write_bytes(b"short")
    (found,) = [one for one in kit.listing(settings) if one.entry.id == made.id]
    assert found.status == "damaged"
    assert "toy-extra/train.parquet has 5 bytes instead of" in found.problems[0]
    assert "`studio kit add toy-extra` makes it anew" in found.problems[0]
    offered.files.clear()
    install.add("toy-extra", settings)
    assert statuses(settings)[made.id] == "installed"


def test_what_an_attempt_that_was_killed_has_left_is_cleared(settings: Settings, offered: Index) -> None:
    left = settings.extras_dir / ".toy-extra-x1y2z3" / "new"
    left.mkdir(parents=True)
    install.add("toy-extra", settings)
    assert not left.parent.exists()


def test_a_cancelled_one_is_not_there_and_goes_on_later(settings: Settings, offered: Index) -> None:
    seen: list[int] = []
    with pytest.raises(JobCancelled):
        install.add("toy-extra", settings, Watch(lambda done, *_: seen.append(done), lambda: len(seen) > 1))
    assert statuses(settings)["kit:toy-extra"] == "available"
    install.add("toy-extra", settings)
    assert offered.asked[1].startswith("bytes=")


def test_room_is_looked_for_first(settings: Settings, offered: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "SPARE", 10**18)
    with pytest.raises(NoSpace, match=r"kit:toy-extra needs"):
        install.add("toy-extra", settings)
    assert offered.asked == []


def test_without_any_source_nothing_is_there(settings: Settings, index: Index) -> None:
    with pytest.raises(SourceError):
        install.add("toy-extra", settings)
    assert statuses(settings)["kit:toy-extra"] == "available"


def test_two_at_a_time_are_one_too_many(settings: Settings, offered: Index) -> None:
    def again(*_: object) -> None:
        with pytest.raises(Conflict, match="being added or removed at this moment"):
            install.remove("toy-extra", settings) if kit.any_entry("kit:toy-extra", settings).here else install.add(
                "toy-extra", settings
            )

    install.add("toy-extra", settings, Watch(again))


def test_what_lies_in_the_kit_and_what_nobody_knows_is_refused(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match=r"lies in the kit already\. Extras: toy-extra"):
        install.add("greetings", settings)
    with pytest.raises(UnknownName, match="kit:greetings, kit:toy-extra"):
        install.add("nope", settings)


def on_the_hub(tmp_path: Path, revision: str) -> Settings:
    settings = Settings(home=tmp_path / "home", kit=write_kit(tmp_path / "kit"))
    return listed(settings, tmp_path, HubFiles(repo_id="alice/toys", revision=revision, patterns=("*.parquet",)))


def test_the_hub_is_asked_first_where_it_can_be_reached(server: HubServer, offered: Index, tmp_path: Path) -> None:
    hub_api = HfApi(endpoint=server.endpoint, token=server.token)
    hub_api.create_repo("alice/toys", repo_type="dataset", private=False)
    for name in ("train.parquet", "notes.md"):
        done = hub_api.upload_file(
            path_or_fileobj=b"PAR1" + name.encode(), path_in_repo=name, repo_id="alice/toys", repo_type="dataset"
        )
    made = install.add("toy-extra", on_the_hub(tmp_path, done.oid))
    assert sorted(file.path for file in made.files) == ["LICENSE", "README.md", "train.parquet"]
    assert [source.name for source in made.sources] == [f"alice/toys@{done.oid[:12]}"]
    assert offered.asked == []


def test_what_the_hub_has_not_comes_from_the_index(server: HubServer, offered: Index, tmp_path: Path) -> None:
    reports: list[str] = []
    settings = on_the_hub(tmp_path, "0" * 40)
    made = install.add("toy-extra", settings, Watch(lambda done, total, message: reports.append(message)))
    assert made.splits == {"train": 20}
    assert any("The Hub did not give it" in message for message in reports)


def test_an_extra_without_a_builder_needs_the_hub(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with writing.locked_entries(settings.kit) as entries:
        lonely = entries["kit:toy-extra"].model_copy(update={"id": "kit:lonely"})
        entries["kit:lonely"] = lonely
    with pytest.raises(NotFetched, match="comes from the Hub only"):
        install.add("lonely", settings)
