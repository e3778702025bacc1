"""How a builder leaves its entry: files and manifest line are written beside and swapped in, never half."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from studio.starter.build.tables import card
from studio.starter.kit import MANIFEST, KitEntry, KitFile, KitManifest, sha256


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
    folder, path = out / entry.name, out / MANIFEST
    if entry.kind == "dataset":
        (folder / "README.md").write_text(card(entry), encoding="utf-8")
    entry = entry.model_copy(update={"files": list_files(folder)})
    with (out / f".{MANIFEST}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        others = KitManifest.model_validate_json(path.read_bytes()).entries if path.exists() else ()
        kept = [other for other in others if other.id != entry.id]
        order = {"model": 0, "adapter": 1, "dataset": 2}
        manifest = KitManifest(entries=tuple(sorted([*kept, entry], key=lambda one: (order[one.kind], one.id))))
        beside = path.with_suffix(".json.new")
        beside.write_text(manifest.model_dump_json(indent=2, exclude_defaults=True) + "\n", encoding="utf-8")
        beside.replace(path)
    return entry


def versions(*packages: str) -> dict[str, str]:
    """Installed versions of what an entry was made with."""
    return {package: version(package) for package in packages}


def copy_license(source: Path, folder: Path) -> None:
    """Lay a licence text beside the files that it covers."""
    shutil.copyfile(source, folder / "LICENSE")
