"""Fetching wheels over real HTTP, from an index that cuts, fails and lies."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from studio.core.errors import Conflict, JobCancelled
from studio.starter import fetch, wheels
from studio.starter.fetch import NoSpace, NotFetched, Watch
from studio.starter.wheels import SourceError, Wheel
from tests.unit.starter.index import Index, index, pinned, point_pip_at

__all__ = ["index"]

CONTENT = bytes(range(256)) * 4000  # about a megabyte


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "PAUSE", 0.001)


def part_of(wheel: Wheel, out: Path) -> Path:
    return (out / fetch.DOWNLOADS / wheel.file).with_suffix(".part")


@pytest.mark.parametrize("json", [True, False])
def test_a_wheel_comes_whole_with_progress_and_is_kept(index: Index, tmp_path: Path, json: bool) -> None:
    index.json, wheel = json, index.add("some-words", "1.0", CONTENT)
    reports: list[tuple[int, int, str]] = []
    file = fetch.wheel(wheel, tmp_path, Watch(lambda *report: reports.append(report)))
    assert file.read_bytes() == CONTENT
    assert file.parent == tmp_path / ".downloads"
    assert [done for done, _, _ in reports] == sorted(done for done, _, _ in reports)
    assert reports[-1] == (len(CONTENT), len(CONTENT), "Fetching some-words==1.0")
    index.files.clear()
    assert fetch.wheel(wheel, tmp_path) == file, "kept: the second time nobody is asked"
    assert len(index.asked) == 1


def test_a_cut_goes_on_where_it_stopped(index: Index, tmp_path: Path) -> None:
    wheel = index.add("some-words", "1.0", CONTENT)
    index.cuts, index.cut_after = 2, 300_000
    assert fetch.wheel(wheel, tmp_path).read_bytes() == CONTENT
    assert index.asked == ["", "bytes=300000-", "bytes=600000-"]


def test_what_a_given_up_fetch_has_left_is_used_by_the_next(index: Index, tmp_path: Path) -> None:
    wheel = index.add("some-words", "1.0", CONTENT)
    index.cuts, index.cut_after = 1, 300_000

    def report(done: int, total: int, message: str) -> None:
        if done >= 300_000:
            index.errors = 100

    with pytest.raises(NotFetched, match=r"status 500.*0\.3 MB that came are kept"):
        fetch.wheel(wheel, tmp_path, Watch(report))
    assert part_of(wheel, tmp_path).stat().st_size == 300_000
    index.errors = 0
    assert fetch.wheel(wheel, tmp_path).read_bytes() == CONTENT
    assert index.asked[-1] == "bytes=300000-"


def test_an_index_without_ranges_sends_it_all_again(index: Index, tmp_path: Path) -> None:
    wheel = index.add("some-words", "1.0", CONTENT)
    index.cuts, index.cut_after, index.ranges = 1, 300_000, False
    assert fetch.wheel(wheel, tmp_path).read_bytes() == CONTENT


def test_faults_that_pass_are_waited_for(index: Index, tmp_path: Path) -> None:
    wheel = index.add("some-words", "1.0", CONTENT)
    index.errors = fetch.TRIES - 1
    assert fetch.wheel(wheel, tmp_path).read_bytes() == CONTENT


def test_the_beginning_of_another_file_is_thrown_away(index: Index, tmp_path: Path) -> None:
    wheel = index.add("some-words", "1.0", CONTENT)
    part = part_of(wheel, tmp_path)
    part.parent.mkdir()
    part.write_bytes(b"not the beginning")
    assert fetch.wheel(wheel, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("length", [len(CONTENT), len(CONTENT) + 5, 12])
def test_other_bytes_than_pinned_are_refused_and_not_kept(index: Index, tmp_path: Path, length: int) -> None:
    wheel = pinned("some-words", "1.0", CONTENT)
    other = bytes(reversed(CONTENT)) + b"more!"
    index.add("some-words", "1.0", other[:length])
    # as an index that states no hash, or lies about it
    wheels_listed = Wheel(wheel.package, wheel.version, wheel.sha256, wheel.size)
    place = wheels.Place(f"{index.url.removesuffix('/simple')}/files/some_words-1.0-py3-none-any.whl")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetch, "locate", lambda _: place)
        with pytest.raises(SourceError, match="it was refused and nothing of it kept"):
            fetch.wheel(wheels_listed, tmp_path)
    assert [path.suffix for path in (tmp_path / fetch.DOWNLOADS).iterdir()] == [".lock"]


def test_an_index_that_states_another_hash_has_not_this_wheel(index: Index, tmp_path: Path) -> None:
    index.add("some-words", "1.0", b"others")
    with pytest.raises(SourceError, match=r"No package index .* has some-words==1\.0"):
        fetch.wheel(pinned("some-words", "1.0", CONTENT), tmp_path)
    assert index.asked == []


def test_a_wheel_that_lies_damaged_is_fetched_again(index: Index, tmp_path: Path) -> None:
    wheel = index.add("some-words", "1.0", CONTENT)
    file = fetch.wheel(wheel, tmp_path)
    file.write_bytes(CONTENT[:-1] + b"x")
    assert fetch.wheel(wheel, tmp_path).read_bytes() == CONTENT


def test_without_a_network_it_says_what_would_help(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    point_pip_at(monkeypatch, "http://127.0.0.1:9/simple")
    with pytest.raises(NotFetched, match=r"some-words==1\.0 is not on this machine.*cannot be reached.*find-links"):
        fetch.wheel(pinned("some-words", "1.0", CONTENT), tmp_path)


def test_a_whole_part_needs_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    point_pip_at(monkeypatch, "http://127.0.0.1:9/simple")
    wheel = pinned("some-words", "1.0", CONTENT)
    part_of(wheel, tmp_path).parent.mkdir()
    part_of(wheel, tmp_path).write_bytes(CONTENT)
    assert fetch.wheel(wheel, tmp_path).read_bytes() == CONTENT


def test_a_folder_of_wheels_takes_the_networks_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    point_pip_at(monkeypatch, "http://127.0.0.1:9/simple")
    folder = tmp_path / "stick"
    folder.mkdir()
    (folder / "Some_Words-1.0-py3-none-any.whl").write_bytes(CONTENT)
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    assert fetch.wheel(pinned("some-words", "1.0", CONTENT), tmp_path).read_bytes() == CONTENT


def test_a_folder_may_be_the_index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "simple" / "some-words"
    folder.mkdir(parents=True)
    (folder / "some_words-1.0-py3-none-any.whl").write_bytes(CONTENT)
    (folder / "index.html").write_text('<a href="some_words-1.0-py3-none-any.whl">some_words-1.0-py3-none-any.whl</a>')
    point_pip_at(monkeypatch, (tmp_path / "simple").as_uri())
    assert fetch.wheel(pinned("some-words", "1.0", CONTENT), tmp_path).read_bytes() == CONTENT


def test_an_index_behind_a_password_is_asked_with_it_and_it_is_never_said(
    index: Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wheel = index.add("some-words", "1.0", CONTENT)
    index.account = "class:s3cret"
    point_pip_at(monkeypatch, index.url.replace("http://", "http://class:s3cret@"))
    assert fetch.wheel(wheel, tmp_path).read_bytes() == CONTENT
    fetch.forget(wheel, tmp_path)
    index.errors = 100
    with pytest.raises(NotFetched) as error:
        fetch.wheel(wheel, tmp_path)
    assert "s3cret" not in str(error.value)
    assert not list((tmp_path / fetch.DOWNLOADS).glob("*.whl"))


def test_too_little_room_is_said_before_anything_is_fetched(
    index: Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wheel = index.add("some-words", "1.0", CONTENT)
    usage: Callable[[Path], Usage] = lambda _: Usage(10**9, 10**9 - 1000, 1000)  # noqa: E731
    monkeypatch.setattr(shutil, "disk_usage", usage)
    with pytest.raises(NoSpace, match=r"some-words==1\.0 needs 51 MB.*0 MB are free.*STUDIO_HOME"):
        fetch.wheel(wheel, tmp_path)
    assert index.asked == []


def test_cancelling_stops_at_once_and_keeps_what_is_here(index: Index, tmp_path: Path) -> None:
    wheel = index.add("some-words", "1.0", CONTENT)
    seen: list[int] = []
    watch = Watch(lambda done, *_: seen.append(done), lambda: len(seen) >= 2)
    with pytest.raises(JobCancelled):
        fetch.wheel(wheel, tmp_path, watch)
    assert 0 < part_of(wheel, tmp_path).stat().st_size < len(CONTENT)
    assert fetch.wheel(wheel, tmp_path).read_bytes() == CONTENT
    assert index.asked[1].startswith("bytes=")


def test_two_at_a_time_are_one_too_many(index: Index, tmp_path: Path) -> None:
    wheel = index.add("some-words", "1.0", CONTENT)

    def again(*_: object) -> None:
        with pytest.raises(Conflict, match="being fetched by another process"):
            fetch.wheel(wheel, tmp_path)

    fetch.wheel(wheel, tmp_path, Watch(again))


def test_pips_settings_come_from_files_and_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "pip.conf"
    config.write_text("[global]\nindex-url = http://one.invalid/simple\ncert = /some/ca.pem\n[install]\nproxy = p\n")
    point_pip_at(monkeypatch, "http://two.invalid/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    found = wheels.pip_config()
    assert found["index-url"] == "http://two.invalid/simple", "the environment wins"
    assert found["proxy"] == "p"


def test_pip_still_says_which_index_it_asks_by_itself() -> None:
    assert wheels._default_index().startswith("https://")
