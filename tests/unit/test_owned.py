"""In public mode nobody fills the disk: what an owner's uploads and results take, and what is refused beyond it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio.core.errors import InvalidInput, InvalidInputs
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.data import owned
from studio.jobs import artifacts
from studio.jobs.artifacts import Manifest
from studio.jobs.job import JobState
from studio.recipes import RECIPES
from studio.service import Studio

ANN, BEN = Caller("session:ann", "Guest"), Caller("session:ben", "Guest")
LOCAL = Caller("local", "You", admin=True)
KB = 1_000
STEPS = [{"step": "shuffle"}]


def studio_of(home: Path, **settings: object) -> Studio:
    return Studio(Settings.model_validate({"home": home, "offline": True, "zygote": False, **settings}))


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Studio]:
    made = studio_of(tmp_path / "home", public=True, max_owner_mb=1)
    yield made
    made.close()


def rows(folder: Path, size: int) -> Path:
    """A file whose rows take about so many bytes, however they are packed."""
    path = folder / "rows.csv"
    path.write_text("text\n" + "".join(f"{os.urandom(25).hex()}\n" for _ in range(size // 50)))
    return path


def upload(studio: Studio, folder: Path, size: int, caller: Caller = ANN) -> str:
    return studio.upload(caller, rows(folder, size), "rows.csv").ref


def result(studio: Studio, name: str, size: int, owner: str) -> None:
    staging = artifacts.stage(studio.settings.artifacts_dir)
    (staging / "deep").mkdir()
    (staging / "deep" / "model.bin").write_bytes(b"\0" * size)
    manifest = Manifest(id=name, kind="model", title=name, recipe="toy", params={}, owner=owner, job="", created_at=0.0)
    artifacts.commit(staging, manifest)


def test_what_is_counted(public: Studio, tmp_path: Path) -> None:
    settings = public.settings
    assert owned.used(settings, ANN.owner) == 0
    ref = upload(public, tmp_path, 300 * KB)
    taken = owned.used(settings, ANN.owner)
    assert 300 * KB < taken < 400 * KB
    result(public, "mine", 200 * KB, ANN.owner)
    result(public, "others", 900 * KB, BEN.owner)
    (settings.artifacts_dir / ".staging-x").mkdir()
    (settings.artifacts_dir / ".staging-x" / "data").write_bytes(b"\0" * 900 * KB)
    (settings.artifacts_dir / "damaged").mkdir()
    (settings.artifacts_dir / "damaged" / "manifest.json").write_text("[")
    both = owned.used(settings, ANN.owner)
    assert 200 * KB <= both - taken < 201 * KB
    result(public, "mine", 100 * KB, ANN.owner)
    assert both - 101 * KB < owned.used(settings, ANN.owner) <= both - 100 * KB, "it was replaced"
    public.delete_dataset(ANN, ref)
    public.delete_artifact(ANN, "mine")
    assert owned.used(settings, ANN.owner) == 0
    assert owned.used(settings, BEN.owner) > 900 * KB


def test_a_file_that_does_not_fit_is_refused_and_leaves_nothing(public: Studio, tmp_path: Path) -> None:
    first = upload(public, tmp_path, 600 * KB)
    with pytest.raises(InvalidInput) as caught:
        upload(public, tmp_path, 600 * KB)
    assert (caught.value.field, caught.value.value) == ("file", "rows.csv")
    said = caught.value.expected
    assert "of the 1.0 MB that they may take, and this takes 0.6 MB more. Delete data sets or results" in said
    assert [info.ref for info in public.datasets(ANN) if info.source == "upload"] == [first]
    assert {path.name for path in owned.folder(public.settings, ANN.owner).iterdir()} == {first.partition(":")[2]}
    upload(public, tmp_path, 600 * KB, BEN)
    upload(public, tmp_path, 200 * KB)
    with pytest.raises(InvalidInput) as caught:
        public.create_dataset(ANN, "More", [{"text": os.urandom(200 * KB).hex()}])
    assert caught.value.field == "rows"
    public.delete_dataset(ANN, first)
    upload(public, tmp_path, 600 * KB)


def test_what_would_write_does_not_start(public: Studio, tmp_path: Path) -> None:
    ref = upload(public, tmp_path, 100 * KB)
    job = public.transform(ANN, ref, STEPS)
    assert public.cancel(ANN, job.id).state is JobState.CANCELLED
    work = public.start_annotation(ANN, ref, {"kind": "label", "column": "text", "classes": ["a", "b"]})
    public.annotate(ANN, work.id, 0, "a")
    result(public, "model", 950 * KB, ANN.owner)
    assert public.create_dataset(BEN, "Small", "text\nx\n").splits == {"train": 1}
    refused: list[tuple[str, Callable[[], object]]] = [
        ("dataset", lambda: public.transform(ANN, ref, STEPS)),
        ("source", lambda: public.add(ANN, "https://example.org/rows.csv")),
        ("work", lambda: public.export_annotations(ANN, work.id)),
        ("dataset", lambda: public.retry(ANN, job.id)),
    ]
    for field, start in refused:
        with pytest.raises(InvalidInputs) as many:
            start()
        assert [problem.field for problem in many.value.problems] == [field]
        assert "Delete data sets or results" in str(many.value)
    with pytest.raises(InvalidInput, match="Delete") as caught:
        public.create_dataset(ANN, "Small", "text\nx\n")
    assert caught.value.field == "rows"
    with pytest.raises(InvalidInput, match="Delete"):
        public.upload(ANN, rows(tmp_path, 50), "rows.csv")
    assert public.build_index(ANN, ref).state is JobState.QUEUED, "indexes have a room of their own"


def test_those_at_home_are_not_limited(tmp_path: Path) -> None:
    for settings in ({"max_owner_mb": 1}, {"public": True, "max_owner_mb": 0}):
        studio = studio_of(tmp_path / f"home-{len(settings)}", **settings)
        result(studio, "model", 2_000 * KB, LOCAL.owner)
        ref = upload(studio, tmp_path, 10 * KB, LOCAL)
        assert studio.transform(LOCAL, ref, STEPS).state is JobState.QUEUED
        studio.close()


def test_recipes_that_leave_nothing_of_their_owners() -> None:
    assert {name for name in RECIPES if not RECIPES[name].stores} >= {"publish", "index", "kit-add"}
    assert RECIPES["transform"].stores
