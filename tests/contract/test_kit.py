"""What holds for every entry of the starter kit: whole, licensed, built by a script, and as good as it says.

Nothing here may reach a network: sockets are shut while an entry answers.
"""

import json
import math
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest

from studio.core.settings import ASSETS, ROOT
from studio.hub.vocabulary import PIPELINE_TAGS
from studio.starter import kit
from studio.starter.build import BUILDERS, docs
from studio.starter.build.missing import MISSING
from studio.starter.kit import KitEntry, Quality
from studio.tasks import TASKS

IDS = [entry.id for entry in kit.entries()]
EXTRAS = [entry.id for entry in kit.known() if entry.tier == "extra"]
MODELS = [entry.id for entry in kit.entries() if entry.kind != "dataset"]
EVERY = [entry.id for entry in kit.known()]
KNOWN = {*PIPELINE_TAGS, *TASKS}  # the Hub has no tag for some pipelines of transformers
LARGEST = 10_000_000  # bytes; what a repository carries without Git LFS
ALL = 86_000_000
SAMPLE = 200


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a laptop without a network; whoever tries anyway is found out."""

    def refuse(*_: object) -> None:
        raise AssertionError("an entry of the kit asked for the network")

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def builder_name(id: str) -> str:
    return id.removeprefix("kit:")


@pytest.mark.parametrize("id", IDS)
def test_the_files_hold_and_are_all_named(id: str) -> None:
    entry = kit.entry(id)
    assert kit.verify(id) == []
    on_disk = {path.relative_to(entry.path).as_posix() for path in entry.path.rglob("*") if path.is_file()}
    assert on_disk == {file.path for file in entry.files}
    assert max(file.size for file in entry.files) < LARGEST
    assert not [file.path for file in entry.files if Path(file.path).suffix in {".bin", ".pt", ".pth", ".pkl", ".py"}]


@pytest.mark.parametrize("id", EVERY)
def test_licence_attribution_and_sources_are_stated(id: str) -> None:
    entry = kit.any_entry(id)
    assert (entry.path / entry.license_file).stat().st_size > 200
    assert entry.license
    assert entry.attribution
    assert entry.sources
    assert re.search(rf"^kit/{entry.name}\s", (ASSETS / "NOTICE").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("id", EVERY)
def test_its_builder_is_in_the_table_and_names_it(id: str) -> None:
    entry = kit.any_entry(id)
    builder = BUILDERS[builder_name(id)]
    assert (builder.id, builder.tier) == (id, entry.tier)
    assert BUILDERS.targets[entry.name] == f"{entry.built_by}:BUILDER"
    assert entry.versions or entry.kind == "dataset"


@pytest.mark.parametrize("id", EVERY)
def test_what_it_says_of_itself_makes_sense(id: str) -> None:
    entry = kit.any_entry(id)
    assert entry.title
    assert entry.description.endswith(".")
    assert entry.tasks
    assert [task for task in entry.tasks if task not in KNOWN] == []
    assert not entry.base or kit.entry(entry.base).kind == "model"
    assert (entry.kind == "adapter") == bool(entry.base)
    assert (entry.kind == "dataset") == bool(entry.splits) == (entry.library == "datasets")
    assert not entry.toy or "toy" in entry.description.lower()
    assert all(math.isfinite(figure.value) for figure in entry.quality.values())


@pytest.mark.parametrize("id", IDS)
@pytest.mark.usefixtures("offline")
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")  # peft asks under the old name
def test_it_answers_without_a_network(id: str) -> None:
    answer = BUILDERS[builder_name(id)].first(kit.entry(id))
    assert answer is not None
    assert not hasattr(answer, "__len__") or len(answer)


@pytest.mark.parametrize("id", IDS)
@pytest.mark.usefixtures("offline")
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")  # peft asks under the old name
def test_measured_again_it_is_as_good_as_it_says(id: str) -> None:
    entry = kit.entry(id)
    found = BUILDERS[builder_name(id)].measure(entry, SAMPLE)
    assert set(found) <= set(entry.quality)
    assert found or not entry.quality, "no figure can be measured with what lies in the kit"
    for name, value in found.items():
        assert value == pytest.approx(entry.quality[name].value, abs=entry.quality[name].band), name


@pytest.mark.parametrize("id", MODELS)
def test_it_is_better_than_what_is_trivial(id: str) -> None:
    """By more than one standard error of a sample of 200, of which `band` is three."""
    figure = headline(kit.entry(id))
    assert figure.baseline is not None
    assert figure.baseline_note
    gain = figure.value - figure.baseline if figure.greater_is_better else figure.baseline - figure.value
    assert gain > figure.band / 3


def headline(entry: KitEntry) -> Quality:
    return next(iter(entry.quality.values()))


@pytest.mark.parametrize("id", EXTRAS)
def test_an_extra_says_how_it_comes_here(id: str) -> None:
    entry = kit.any_entry(id)
    assert entry.files == ()
    assert entry.extra is not None
    assert entry.extra.installed > 0
    assert entry.extra.wheels or entry.extra.hub
    for wheel in entry.extra.wheels:
        assert wheel.size > 0
        assert re.fullmatch("[0-9a-f]{64}", wheel.sha256)


def test_every_builder_is_in_the_table() -> None:
    named = {target.partition(":")[0] for target in BUILDERS.targets.values()}
    folder = ROOT / "studio" / "starter" / "build"
    makes = [path for path in folder.glob("*/*.py") if re.search("^BUILDER = ", path.read_text("utf-8"), re.MULTILINE)]
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in makes}
    assert modules - named == set()


def test_all_of_it_fits_into_a_repository() -> None:
    assert sum(path.stat().st_size for path in kit.KIT.rglob("*") if path.is_file()) < ALL


def json_files() -> Iterator[Path]:
    yield from (path for path in kit.KIT.rglob("*.json") if path.name not in {"tokenizer.json", "vocab.json"})


def test_nothing_names_a_machine_or_a_host() -> None:
    for file in [ASSETS / "NOTICE", *json_files()]:
        text = file.read_text(encoding="utf-8")
        assert str(ROOT) not in text, file
        assert "/tmp/" not in text, file
        assert "http" not in text, file
        if file.suffix == ".json":
            json.loads(text)


def test_what_is_missing_is_what_the_script_says() -> None:
    assert kit.missing() == MISSING


def test_nothing_is_both_there_and_missing() -> None:
    served = {task for entry in kit.known() if entry.kind != "dataset" for task in entry.tasks}
    for one in kit.missing():
        assert one.task not in served
        assert one.task in KNOWN
        assert one.model.count("/") == 1
        assert one.reason.endswith(".")


def test_the_tables_in_the_docs_are_the_manifests() -> None:
    page = docs.PAGE.read_text(encoding="utf-8")
    assert page == docs.with_tables(page, kit.known(), kit.missing())
