"""Large files of rows on the Hub: to look into them their beginning is read, whole records only, and nothing else."""

import csv
import gzip
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.responses import Response, StreamingResponse

from studio.core.errors import HubUnreachable, InvalidInput, StudioError, UserError
from studio.core.settings import Settings
from studio.data import beginnings, crossing, delimited, hubsets, jsonfiles, linewise, sources, statistics, views
from studio.data.beginnings import ALL, MOST
from studio.data.blocks import BLOCK
from studio.data.records import Basis, Dataset
from studio.data.views import View
from tests.hubserver import commits, downloads
from tests.hubserver.faults import Fault
from tests.hubserver.server import HubServer
from tests.hubserver.storage import Repo

CONTENT = r"^/cdn/|/resolve/"
NOTE = 'He said: "so, then"\nand left'


def rows(number: int) -> list[list[str]]:
    return [[str(n), f"{NOTE} {n}", "ab"[n % 2]] for n in range(number)]


def table(number: int, delimiter: str = ",") -> bytes:
    """Records with quoted delimiters, quotes and new lines, about 60 bytes each."""
    sink = StringIO()
    csv.writer(sink, delimiter=delimiter, lineterminator="\n").writerows([["n", "text", "label"], *rows(number)])
    return sink.getvalue().encode()


def objects(number: int) -> list[dict[str, object]]:
    return [{"n": n, "text": f"{NOTE} {n}", "inside": {"list": [n, n]}} for n in range(number)]


def add(hub: HubServer, ref: str, files: dict[str, bytes]) -> Repo:
    """A data set whose files lie in the Hub's store of large ones, as all above 10 MB do."""
    repo = hub.add_repo(ref, {".gitattributes": b"*.* filter=lfs diff=lfs merge=lfs -text\n"}, "dataset")
    commits.add_files(hub.hub, repo, files)
    return repo


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large begins at 300 kB, and a beginning has 128 KiB."""
    monkeypatch.setattr(hubsets, "SMALL", 300_000)
    monkeypatch.setattr(beginnings, "LONGEST", 1)


def looked(ref: str, settings: Settings, owner: str = "local") -> Dataset:
    return sources.resolve(ref, settings, owner, whole=False)


def cells(dataset: Dataset, split: str = "train", offset: int = 0) -> list[list[object]]:
    return views.page(dataset, View(split=split, offset=offset)).rows


def test_eight_megabytes_are_read_of_a_large_file(hub: HubServer, settings: Settings, tmp_path: Path) -> None:
    data = table(500_000)
    assert len(data) > hubsets.SMALL
    add(hub, "alice/big", {"train.csv": data})
    dataset = looked("alice/big", settings)
    assert hub.served(CONTENT) == MOST
    known = dataset.info.splits["train"]
    whole = list(csv.reader(StringIO(data[:MOST].decode())))
    assert known == len(whole) - 2  # without the header, and the one that was cut
    assert cells(dataset, offset=known - 1) == [[known - 1, f"{NOTE} {known - 1}", "ab"[(known - 1) % 2]]]
    assert dataset.info.partial == (
        f"The first 8.4 MB of {len(data) / 1e6:.1f} MB (train.csv); download it to see and use all of it."
    )
    assert dataset.info.cut == ("train",)
    before = hub.served(CONTENT)
    assert looked("alice/big", settings).info == dataset.info
    assert hub.served(CONTENT) == before
    assert not list((tmp_path / "cache").rglob("*.csv"))


def test_a_job_has_all_of_it_and_then_so_has_a_look(hub: HubServer, settings: Settings, small: None) -> None:
    data = table(10_000)
    hub.add_repo("alice/big", {"train.csv": data}, "dataset")
    dataset = looked("alice/big", settings)
    assert 1_000 < dataset.info.splits["train"] < 4_000
    whole = sources.resolve("alice/big", settings, "local")
    assert (whole.info.splits, whole.info.partial, whole.info.cut) == ({"train": 10_000}, "", ())
    assert whole.fingerprint() != dataset.fingerprint()
    before = hub.served(CONTENT)
    assert looked("alice/big", settings).info == whole.info
    assert hub.served(CONTENT) == before


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "ndjson", "json", "txt"])
@pytest.mark.parametrize("large", [False, True])
def test_every_format_of_rows(hub: HubServer, settings: Settings, small: None, ending: str, large: bool) -> None:
    kinds = {
        "csv": table(10_000),
        "tsv": table(10_000, "\t"),
        "json": json.dumps(objects(10_000), indent=1).encode(),
        "txt": "".join(f"{n} ä line\r\n" for n in range(40_000)).encode(),
    }
    data = kinds.get(ending) or "".join(json.dumps(one) + "\n" for one in objects(10_000)).encode()
    files = {f"data/train.{ending}": data}
    add(hub, "alice/rows", files) if large else hub.add_repo("alice/rows", files, "dataset")
    dataset = looked("alice/rows", settings)
    assert hub.served(CONTENT) == BLOCK
    assert bool(hub.count("GET", "^/cdn/")) == large
    whole = sources.resolve("alice/rows", settings, "local")
    known = dataset.info.splits["train"]
    assert 500 < known < whole.info.splits["train"]
    for offset in (0, known - 50):
        assert cells(dataset, offset=offset)[:50] == cells(whole, offset=offset)[:50]
    assert dataset.info.columns == whole.info.columns


def test_each_split_begins_in_its_first_file(hub: HubServer, settings: Settings, small: None) -> None:
    files = {
        "data/train-00000-of-00002.csv": table(10_000),
        "data/train-00001-of-00002.csv": table(3),
        "data/test-00000-of-00001.csv": table(5),
        "data/validation-00000-of-00003.csv": b"",
        "data/validation-00001-of-00003.csv": table(7),
        "data/validation-00002-of-00003.csv": table(1),
    }
    hub.add_repo("alice/splits", files, "dataset")
    dataset = looked("alice/splits", settings)
    assert list(dataset.info.splits) == ["train", "validation", "test"]
    assert (dataset.info.splits["validation"], dataset.info.splits["test"]) == (7, 5)
    assert dataset.info.cut == ("train", "validation")
    assert "of 0.4 MB (data/train-00000-of-00002.csv, data/validation-00001" in dataset.info.partial
    assert hub.served(CONTENT) <= BLOCK + len(table(5) + table(7))
    assert hub.count("GET", "train-00001") == hub.count("GET", "validation-00002") == 0


def test_configurations_and_revisions(hub: HubServer, settings: Settings, small: None) -> None:
    named = b"- {config_name: b, data_files: b.csv}\n- {config_name: a, data_files: a.csv}"
    card = b"---\nlicense: mit\nconfigs:\n" + named + b"\n---\n"
    repo = hub.add_repo("alice/two", {"README.md": card, "a.csv": table(9_000), "b.csv": table(4)}, "dataset")
    assert looked("alice/two", settings).info.splits == {"train": 4}
    other = looked(f"alice/two@{repo.find('main').oid}#a", settings).info
    assert (other.config, other.configs, other.license, other.cut) == ("a", ("b", "a"), "mit", ("train",))
    assert other.ref == f"alice/two@{repo.find('main').oid}#a"
    assert sources.resolve("alice/two", settings, "local", "a", whole=False).info.splits == other.splits


def test_a_new_commit_has_a_beginning_of_its_own(hub: HubServer, settings: Settings, small: None) -> None:
    repo = hub.add_repo("alice/grows", {"train.csv": table(9_000)}, "dataset")
    before = looked("alice/grows", settings)
    other = table(9_000).replace(b"He said", b"I said")
    repo.push("main", {**repo.find("main").tree, "train.csv": hub.hub.store(other)}, "other", "", "alice")
    hubsets._asked.cache_clear()
    after = looked("alice/grows", settings)
    assert after.info.revision != before.info.revision
    assert (cells(before)[0][1], cells(after)[0][1]) == (f"{NOTE} 0", f"{NOTE} 0".replace("He", "I"))


def test_what_rests_on_a_beginning_says_so(hub: HubServer, settings: Settings, small: None) -> None:
    hub.add_repo("alice/big", {"train.csv": table(9_000), "test.csv": table(6)}, "dataset")
    dataset = looked("alice/big", settings)
    known = dataset.info.splits["train"]
    one = statistics.figures(dataset, "train", "text")
    assert one.basis == one.top_basis == one.spreads[0].basis == Basis(known, known, beginning=True)
    assert not one.basis.whole
    assert crossing.cross(dataset, "train", "n", "label").basis == Basis(known, known, beginning=True)
    assert views.page(dataset).partial == dataset.info.partial
    assert statistics.figures(dataset, "test", "n").basis == Basis(6, 6)
    assert views.page(dataset, View(split="test")).partial == ""


def test_what_is_too_large_to_download_can_be_looked_into(hub: HubServer, settings: Settings, small: None) -> None:
    hub.add_repo("alice/huge", {"train.csv": table(30_000)}, "dataset")
    narrow = settings.model_copy(update={"max_dataset_mb": 1})
    dataset = looked("alice/huge", narrow)
    assert dataset.info.splits["train"] > 1_000
    assert dataset.info.partial.endswith("(train.csv); at most 1.0 MB are downloaded here (STUDIO_MAX_DATASET_MB).")
    with pytest.raises(InvalidInput, match="at most 1 MB are downloaded here"):
        sources.resolve("alice/huge", narrow, "local")


def test_small_ones_and_those_without_lines_are_downloaded(hub: HubServer, settings: Settings, small: None) -> None:
    hub.add_repo("alice/little", {"train.csv": table(10)}, "dataset")
    assert looked("alice/little", settings).info.partial == ""
    sink = StringIO()
    json.dump({"data": objects(9_000)}, sink)
    hub.add_repo("alice/nested", {"train.json": sink.getvalue().encode()}, "dataset")
    with pytest.raises(InvalidInput, match="must be one array of objects"):
        looked("alice/nested", settings)


def test_a_record_that_is_longer_than_the_beginning(hub: HubServer, settings: Settings, small: None) -> None:
    for name, data in {
        "csv": b'text\n"' + b"x\n" * 300_000 + b'"\n',
        "jsonl": b'{"text": "' + b"x" * 400_000 + b'"}\n',
        "json": b'[{"text": "' + b"x" * 400_000 + b'"}]',
        "txt": b"x" * 400_000,
    }.items():
        hub.add_repo(f"alice/long-{name}", {f"train.{name}": data}, "dataset")
        with pytest.raises(InvalidInput, match=r"No record ends in its first 0\.1 MB.*Download it") as raised:
            looked(f"alice/long-{name}", settings)
        assert (raised.value.field, raised.value.value) == ("file", f"train.{name}")


def test_mistakes_are_told_as_for_the_whole(hub: HubServer, settings: Settings, small: None) -> None:
    good = table(9_000)
    lines = good.split(b"\n")
    for name, data, told in (
        ("ragged.csv", b"\n".join([*lines[:5], b"1,2,3,4", *lines[5:]]), "Line 6 has 4 fields, the header has 3"),
        ("quote.csv", b"\n".join([*lines[:5], b'1,"x"y,a', *lines[5:]]), "Line 6: behind a closing quote"),
        ("latin.csv", good[:4_000] + b"\xe9" + good[4_000:], "byte e9 is not UTF-8"),
        ("packed.csv", gzip.compress(good, 0), "gzip archive; unpack it first"),
        ("comma.json", b"[" + b'{"a": 1},\n' * 100 + b'{"a": 1} {"a"' + b' , {"a": 1}' * 40_000 + b"]", "Line 101"),
        ("bare.jsonl", b'{"a": 1}\n' * 50 + b"true\n" + b'{"a": 1}\n' * 50_000, "Line 51"),
    ):
        hub.add_repo(f"alice/{name.partition('.')[0]}", {name: data}, "dataset")
        with pytest.raises(InvalidInput, match=told):
            looked(f"alice/{name.partition('.')[0]}", settings)


def test_utf_16_is_cut_between_its_characters(hub: HubServer, settings: Settings, small: None) -> None:
    lines = [f"{n},Grüße 😀 {n}\n" for n in range(20_000)]
    hub.add_repo("alice/wide", {"train.csv": ("n,text\n" + "".join(lines)).encode("utf-16")}, "dataset")
    dataset = looked("alice/wide", settings)
    known = dataset.info.splits["train"]
    assert cells(dataset, offset=known - 1) == [[known - 1, f"Grüße 😀 {known - 1}"]]


def test_many_splits_share_the_room(hub: HubServer, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert beginnings.length(1) == beginnings.length(4) == MOST
    assert beginnings.length(8) * 8 == ALL
    assert beginnings.length(5_000) == BLOCK


def test_a_server_without_ranges_is_read_as_far_as_wanted(
    hub: HubServer, settings: Settings, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []

    def whole(request: object, data: bytes, headers: dict[str, str]) -> Response:
        def parts() -> Iterator[bytes]:
            for start in range(0, len(data), 65_536):
                sent.append(len(data[start : start + 65_536]))
                yield data[start : start + 65_536]

        return StreamingResponse(parts(), headers={**headers, "Content-Length": str(len(data))})

    monkeypatch.setattr(downloads, "partial", whole)
    hub.add_repo("alice/plain", {"train.csv": table(600_000)}, "dataset")
    dataset = looked("alice/plain", settings)
    assert cells(dataset)[0] == [0, f"{NOTE} 0", "a"]
    assert dataset.info.splits["train"] < 4_000
    assert sum(sent) < 10_000_000 < len(table(600_000))  # what was under way before the connection was closed


def test_the_network_goes_and_comes_back(hub: HubServer, settings: Settings, small: None) -> None:
    add(hub, "alice/big", {"train.csv": table(9_000)})
    hub.faults.add(Fault("GET", "^/cdn/", "cut_response", after=1_000, times=2))
    assert looked("alice/big", settings).info.splits["train"] > 1_000
    add(hub, "alice/other", {"train.csv": table(9_001)})
    hub.faults.add(Fault("GET", "^/cdn/", "cut_response", after=1_000, times=3))
    with pytest.raises(HubUnreachable, match="alice/other"):
        looked("alice/other", settings)
    assert not list((settings.home / "datasets" / "hub").glob(".staging*"))
    assert looked("alice/other", settings).info.splits["train"] > 1_000


def test_offline_there_is_what_was_looked_into(hub: HubServer, settings: Settings, small: None) -> None:
    hub.add_repo("alice/big", {"train.csv": table(9_000)}, "dataset")
    hub.add_repo("alice/unseen", {"train.csv": table(9_000)}, "dataset")
    dataset = looked("alice/big", settings)
    hubsets._listing("alice/unseen", "", settings)
    hubsets._asked.cache_clear()
    offline = settings.model_copy(update={"offline": True})
    assert looked("alice/big", offline).info == dataset.info
    for ref, whole in (("alice/unseen", False), ("alice/big", True)):
        with pytest.raises(StudioError, match=r"offline|not on this machine"):
            sources.resolve(ref, offline, "local", whole=whole)
    with pytest.raises(HubUnreachable):
        looked("alice/big", offline.model_copy(update={"public": True}), "session:1")


def test_what_others_may_not_read_is_not_shown_to_them(hub: HubServer, settings: Settings, small: None) -> None:
    hub.add_repo("alice/mine", {"train.csv": table(9_000)}, "dataset", private=True)
    hub.add_repo("alice/gated", {"train.csv": table(9_000)}, "dataset").gated = "manual"
    add(hub, "alice/stored", {"train.csv": table(9_000)}).gated = "manual"
    public = settings.model_copy(update={"public": True})
    alice, bob = (public.reading_as(SecretStr(token)) for token in (hub.token, hub.other_token))
    for ref in ("alice/mine", "alice/gated", "alice/stored"):
        assert looked(ref, alice, "hf:alice").info.cut == ("train",)
        for stranger, owner in ((bob, "hf:bob"), (public, "session:1")):
            with pytest.raises(UserError, match=ref):
                looked(ref, stranger, owner)
    token = hub.token.encode()
    assert not [path for path in settings.home.rglob("*") if path.is_file() and token in path.read_bytes()]


FIELDS = st.text(st.sampled_from('ab ,;"\n\r\tß'), max_size=6)


@examples(max_examples=300, deadline=None)
@given(
    records=st.lists(st.lists(FIELDS, min_size=2, max_size=2), min_size=1, max_size=6),
    share=st.floats(0, 1),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_csv_is_cut_behind_a_record_wherever_it_ends(records: list[list[str]], share: float, ending: str) -> None:
    sink, ends = StringIO(newline=""), []
    writer = csv.writer(sink, lineterminator=ending, quoting=csv.QUOTE_ALL)
    for record in [["a", "b"], *records]:
        writer.writerow(record)
        ends.append(sink.tell())
    text = sink.getvalue()
    cut = text[: int(share * len(text))]
    fits = [end for end in ends if end - len(ending) < len(cut) and (end <= len(cut) or cut[-1] == "\r")]
    kept = delimited.whole(cut, ",")
    expected = cut[: fits[-1]] if len(fits) > 1 else ""
    assert kept == expected


@examples(max_examples=300, deadline=None)
@given(
    values=st.lists(
        st.dictionaries(st.text(max_size=3), st.text(max_size=5) | st.floats() | st.none() | st.lists(st.integers())),
        max_size=5,
    ),
    share=st.floats(0, 1),
    indent=st.sampled_from([None, 1]),
    plain=st.booleans(),
)
def test_json_is_cut_behind_an_object_wherever_it_ends(
    values: list[dict[str, object]], share: float, indent: int | None, plain: bool
) -> None:
    text = json.dumps(values, indent=indent, ensure_ascii=plain)
    cut = text[: 1 + int(share * (len(text) - 2))]  # never as a whole
    kept = jsonfiles.whole(cut)
    found = json.loads(kept) if kept else []
    assert repr(found) == repr(values[: len(found)])
    sizes = [
        len(json.dumps(values[: number + 1], indent=indent, ensure_ascii=plain).rstrip("]\n"))
        for number in range(len(values))
    ]
    assert len(found) == sum(size <= len(cut) for size in sizes)


def test_lines_are_cut_behind_their_ends() -> None:
    assert linewise.whole("a\nb\r\nc") == "a\nb\r\n"
    assert linewise.whole("a\rb") == "a\r"
    assert linewise.whole("abc") == ""
