"""How a builder leaves its entry: files and manifest line are written beside and swapped in, never half."""

import argparse
import json
import logging
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from studio.starter.kit import MANIFEST, KitEntry, KitFile, KitManifest, sha256


def main(build: Callable[[Path], KitEntry], description: str) -> None:
    """Command line of a builder: `--out DIR` is the kit's folder."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=Path, required=True, help="the kit's folder, for example assets/kit")
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    out = parser.parse_args().out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    made = build(out)
    figures = {name: f"{figure.value:.4f} ({figure.split}, n={figure.n})" for name, figure in made.quality.items()}
    logging.info("%s: %d files, %.1f MB\n%s", made.id, len(made.files), made.bytes / 1e6, json.dumps(figures, indent=2))


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


def record(out: Path, entry: KitEntry) -> None:
    """Put the entry into the manifest in place of its former self; the others stay as they are."""
    path = out / MANIFEST
    others = KitManifest.model_validate_json(path.read_bytes()).entries if path.exists() else ()
    kept = [other for other in others if other.id != entry.id]
    order = {"model": 0, "dataset": 1, "adapter": 2}
    manifest = KitManifest(entries=tuple(sorted([*kept, entry], key=lambda one: (order[one.kind], one.id))))
    beside = path.with_suffix(".json.new")
    beside.write_text(manifest.model_dump_json(indent=2, exclude_defaults=True) + "\n", encoding="utf-8")
    beside.replace(path)


def versions(*packages: str) -> dict[str, str]:
    """Installed versions of what an entry was made with."""
    return {package: version(package) for package in packages}


def copy_license(source: Path, folder: Path) -> None:
    """Lay a licence text beside the files that it covers."""
    shutil.copyfile(source, folder / "LICENSE")
