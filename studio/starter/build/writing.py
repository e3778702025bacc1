"""How a builder leaves its entry: files and manifest line are written beside and swapped in, never half."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from studio.starter.build.tables import card
from studio.starter.kit import MANIFEST, Extra, KitEntry, KitFile, KitManifest, Missing, sha256


@contextmanager
def new_folder(out: Path, name: str) -> Iterator[Path]:
    """An empty folder beside the final one, which it replaces when the block ends without an error."""
    with tempfile.TemporaryDirectory(dir=out, prefix=f".{name}-") as temporary:
        folder, old = Path(temporary) / "new", Path(temporary) / "old"
        folder.mkdir()
        yield folder
        final = out / name
        if final.exists():
            final.rename(old)
        folder.rename(final)


def list_files(folder: Path) -> tuple[KitFile, ...]:
    """Every file below the folder with its size and sha256, sorted by path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return tuple(
        KitFile(path=path.relative_to(folder).as_posix(), size=path.stat().st_size, sha256=sha256(path))
        for path in files
    )


def record(out: Path, entry: KitEntry) -> KitEntry:
    """Put the entry, with its files, into the manifest in place of its former self; the others stay as they are.

    A data set gets its card. Two builders that finish together wait for each other.
    """
    folder = out / entry.name
    if entry.kind == "dataset":
        (folder / "README.md").write_text(card(entry), encoding="utf-8")
    entry = entry.model_copy(update={"files": list_files(folder), "root": out.resolve()})
    with locked_entries(out) as entries:
        entries[entry.id] = entry
    return entry


def announce(out: Path, entry: KitEntry) -> None:
    """List a built extra in the repository's kit: its line without files, and the text of its licence."""
    folder = out / entry.name
    folder.mkdir(exist_ok=True)
    copy_license(entry.path / entry.license_file, folder)
    extra = (entry.extra or Extra()).model_copy(update={"installed": entry.bytes})
    with locked_entries(out) as entries:
        entries[entry.id] = entry.model_copy(update={"files": (), "extra": extra, "license_file": "LICENSE"})


def note_missing(out: Path, missing: Sequence[Missing]) -> None:
    """Put the table of tasks that the kit has nothing for into the manifest."""
    with _locked(out) as manifest:
        _write(out, manifest.model_copy(update={"missing": tuple(missing)}))


@contextmanager
def locked_entries(out: Path) -> Iterator[dict[str, KitEntry]]:
    """The manifest's entries by id; what the block leaves in the dictionary is written, whole or not at all."""
    with _locked(out) as manifest:
        entries = {entry.id: entry for entry in manifest.entries}
        yield entries
        order = {"model": 0, "adapter": 1, "dataset": 2}
        kept = tuple(sorted(entries.values(), key=lambda one: (order[one.kind], one.id)))
        _write(out, manifest.model_copy(update={"entries": kept}))


@contextmanager
def _locked(out: Path) -> Iterator[KitManifest]:
    with (out / f".{MANIFEST}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = out / MANIFEST
        yield KitManifest.model_validate_json(path.read_bytes()) if path.exists() else KitManifest(entries=())


def _write(out: Path, manifest: KitManifest) -> None:
    beside = out / f"{MANIFEST}.new"
    beside.write_text(manifest.model_dump_json(indent=2, exclude_defaults=True) + "\n", encoding="utf-8")
    beside.replace(out / MANIFEST)


def versions(*packages: str) -> dict[str, str]:
    """Installed versions of what an entry was made with."""
    return {package: version(package) for package in packages}


def copy_license(source: Path, folder: Path) -> None:
    """Lay a licence text beside the files that it covers."""
    shutil.copyfile(source, folder / "LICENSE")
