"""Downloads from the Hub: what of a repository is brought here, and where it lies.

Weights in pickle form, code, and weights that nothing here would load are never downloaded.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from glob import escape
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import SecretStr

from studio.core.errors import HubUnreachable, InvalidInput, SignInRequired
from studio.core.settings import Settings
from studio.hub import auth, following, repos, session
from studio.hub.repos import RepoType

MODEL_PATTERNS = ("*.safetensors", "*.json", "*.txt", "*.model", "*.md", "*.jinja")
PIPELINE = "model_index.json"  # of diffusers, whose parts lie in folders
MEGABYTE = 10**6

Choice = Callable[[Iterable[str]], list[str]]  # of a repository's files


@dataclass(frozen=True)
class RemoteFile:
    """One file of a repository; size in bytes."""

    path: str
    size: int


@dataclass(frozen=True)
class HubSnapshot:
    """A repository at one commit, on this machine.

    Attributes:
        path: the folder in the library's cache; never write into it.
        license: the Hub's licence id, or "" when the repository names none.
        gated: whether people must ask for access.
    """

    path: Path
    sha: str
    license: str = ""
    gated: bool = False


def matching(patterns: Sequence[str], names: Iterable[str]) -> list[str]:
    """The files that fit one of the patterns."""
    return [name for name in names if any(fnmatch(name, pattern) for pattern in patterns)]


def model_files(names: Iterable[str]) -> list[str]:
    """What of a model's files is brought here; of a pipeline's weights those that are loaded.

    They lie in the folders of its parts. Beside these there are variants (half precision, without averages) by names
    with a dot in them, and the whole pipeline in one file for other programs.
    """
    found = matching(MODEL_PATTERNS, names)
    return list(filter(_of_a_part, found)) if PIPELINE in found else found


def _of_a_part(name: str) -> bool:
    path = PurePosixPath(name)
    weights = path.name.partition(".safetensors")
    if not weights[1]:
        return True
    return len(path.parts) == 2 and "." not in weights[0] and weights[2] in ("", ".index.json")


def download_model(
    repo_id: str, revision: str = "", settings: Settings | None = None, token: SecretStr | None = None
) -> HubSnapshot:
    """Bring a model here: safetensors, configuration and tokenizer, never pickles or code.

    Without a Hub the copy of an earlier download is used. Raises `HubUnreachable`, `NotFound`, `Forbidden` (gated),
    `SignInRequired`, and `InvalidInput`, also when its files are larger than the settings allow; nothing has been
    downloaded then. Without `token` the one is used that `auth.reading_token` gives.
    """
    return _download("model", repo_id, revision, model_files, (settings or Settings(), token))


def download_dataset(
    repo_id: str,
    revision: str = "",
    patterns: Sequence[str] = ("*.parquet", "*.csv", "*.tsv", "*.json", "*.jsonl", "*.md"),
    settings: Settings | None = None,
    token: SecretStr | None = None,
) -> HubSnapshot:
    """Bring the files of a dataset here that match `patterns`; otherwise as `download_model`."""
    return _download("dataset", repo_id, revision, partial(matching, patterns), (settings or Settings(), token))


def _download(
    kind: RepoType, repo_id: str, revision: str, choose: Choice, access: tuple[Settings, SecretStr | None]
) -> HubSnapshot:
    from huggingface_hub import snapshot_download

    if "/" in repo_id:
        repos.parse_repo_id(repo_id)
    settings, token = access
    try:
        if token is None:
            info, token = look_up(kind, repo_id, revision, settings)
        else:
            info = repos.info(kind, repo_id, revision, settings, token)
    except HubUnreachable:
        if settings.public:  # what is in the cache may be another visitor's private repository
            raise
        return _cached(kind, repo_id, revision, choose)
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    wanted = choose(sizes)
    size = sum(sizes[name] for name in wanted)
    check_size(kind, repo_id, size, settings)
    counted = following.count(size)
    path = session.ask(
        lambda: snapshot_download(
            repo_id,
            repo_type=kind,
            revision=revision or None,  # by name, so that the cache knows the name without a Hub
            allow_patterns=list(map(escape, wanted)),
            endpoint=settings.endpoint,
            token=token.get_secret_value() if token else False,
            tqdm_class=counted.bar() if counted else None,
        ),
        repos.transfer_deadline(settings, size),
        f"downloading {repo_id}",
        repo_id,
        counted.look if counted else None,
    )
    if counted:
        counted.look()  # it may have been too quick for anybody to look before
    return HubSnapshot(Path(path), Path(path).name, license_of(info), bool(info.gated))


def downloaded(kind: RepoType, repo_id: str, sha: str, names: Iterable[str]) -> bool:
    """Whether files of a repository at a commit lie here already, all of them; the Hub is not asked."""
    from huggingface_hub import try_to_load_from_cache

    found = (try_to_load_from_cache(repo_id, name, revision=sha, repo_type=kind) for name in names)
    return all(isinstance(path, str) for path in found)


def look_up(kind: RepoType, repo_id: str, revision: str, settings: Settings) -> tuple[Any, SecretStr | None]:
    """What the Hub says of a repository, and the token that it may be read with.

    A sign-in that has expired keeps nobody from what everybody may read.
    """
    token = auth.reading_token(settings)
    try:
        return repos.info(kind, repo_id, revision, settings, token), token
    except SignInRequired:
        if token is None:
            raise
        return repos.info(kind, repo_id, revision, settings, None), None


def check_size(kind: RepoType, repo_id: str, size: int, settings: Settings) -> None:
    """Refuse what is larger than this installation takes; sizes are those that the Hub states."""
    limit = settings.max_dataset_mb if kind == "dataset" else settings.max_model_mb
    if size > limit * MEGABYTE:
        most = f"at most {limit:,} MB are downloaded here (STUDIO_MAX_{kind.upper()}_MB)"
        raise InvalidInput(kind, repo_id, f"Its files take {size / MEGABYTE:,.1f} MB; {most}.")


def _cached(kind: RepoType, repo_id: str, revision: str, choose: Choice) -> HubSnapshot:
    from huggingface_hub import RepoCard, get_cached_repo_tree, snapshot_download
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    def find() -> Path:
        known: list[str] = []
        with suppress(CachedRepoTreeNotFoundError):  # then the folder, if there is one, is taken as it is
            known = [file.path for file in get_cached_repo_tree(repo_id, repo_type=kind, revision=revision or None)]
        found = snapshot_download(
            repo_id,
            repo_type=kind,
            revision=revision or None,
            allow_patterns=list(map(escape, choose(known))),
            local_files_only=True,
            token=False,
        )
        return Path(found)

    path = session.ask(
        find,
        60,
        f"looking for a copy of {repo_id}",
        repo_id,
    )
    card = path / "README.md"
    license_id = RepoCard.load(card, ignore_metadata_errors=True).data.to_dict().get("license") if card.exists() else ""
    return HubSnapshot(path, path.name, license_id if isinstance(license_id, str) else "")


def license_of(info: Any) -> str:
    """The Hub's id of a repository's licence, "" when it names none."""
    tags = (tag.removeprefix("license:") for tag in info.tags or () if tag.startswith("license:"))
    return next(tags, "")
