"""Models on the Hub, looked at before anything is downloaded: sizes, licence, gate, popularity. One and many."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from studio.core.errors import InvalidInput
from studio.core.settings import Settings
from studio.hub import auth, downloads, session
from studio.hub.downloads import RemoteFile

Sort = Literal["downloads", "likes", "trending"]

SORTS: Mapping[str, Literal["downloads", "likes", "trending_score"]] = {
    "downloads": "downloads",
    "likes": "likes",
    "trending": "trending_score",
}
TAGS = {"conversational": ("text-generation", "conversational")}  # a task's tags, where they are not its id alone
EXPAND = ["config", "downloads", "gated", "library_name", "likes", "pipeline_tag", "safetensors", "siblings", "tags"]
WIDTHS = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2}  # bytes
MOST = 100  # models in one answer
LOOKED_AT = 5  # times as many are looked at where some are too large


@dataclass(frozen=True)
class ModelFilters:
    """What a search is narrowed to.

    Attributes:
        license: the Hub's id of a licence, "" for any.
        max_bytes: the most that the weights may take on the Hub; models of unknown size are left out then.
        limit: at most so many, 1 to 100.
    """

    sort: Sort = "downloads"
    license: str = ""
    max_bytes: int | None = None
    limit: int = 20


@dataclass(frozen=True)
class RemoteModel:
    """What the Hub says of a model.

    Attributes:
        gated: whether people must ask for access.
        files: with sizes where one model was looked up, 0 in a search.
        parameters: weights per data type of its safetensors, as the Hub counts them; {} where it has not.
        config: the part of its configuration that the Hub tells: architectures, model_type, auto_map, peft, diffusers.
    """

    id: str
    license: str = ""
    gated: bool = False
    tags: tuple[str, ...] = ()
    files: tuple[RemoteFile, ...] = ()
    parameters: Mapping[str, int] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    downloads: int | None = None
    likes: int | None = None

    @property
    def wanted(self) -> tuple[RemoteFile, ...]:
        """The files that would be downloaded."""
        names = set(downloads.model_files(file.path for file in self.files))
        return tuple(file for file in self.files if file.path in names)

    @property
    def bytes(self) -> int:
        """What would be downloaded; in a search, where sizes of files are not told, what the weights take."""
        return sum(file.size for file in self.wanted) or sum(
            count * WIDTHS.get(kind, 1) for kind, count in self.parameters.items()
        )


def look_up(repo_id: str, revision: str, settings: Settings) -> RemoteModel:
    """One model with its files; raises the Hub's errors, `NotFound` and `HubUnreachable` among them."""
    info, _ = downloads.look_up("model", repo_id, revision, settings)
    return _read(info)


def check_access(repo_id: str, settings: Settings) -> None:
    """Raise `Forbidden` with the way to get in when these settings' token may not read the files of a gated model."""
    token = auth.reading_token(settings)
    api = session.api(settings, token)
    session.ask(lambda: api.auth_check(repo_id), settings.hub_deadline, f"asking for access to {repo_id}", repo_id)


def search(task: str, words: str, filters: ModelFilters, settings: Settings) -> list[RemoteModel]:
    """Models of a task whose names hold the words; raises `InvalidInput`, `HubUnreachable`."""
    if filters.sort not in SORTS:
        raise InvalidInput("sort", filters.sort, f"One of: {', '.join(SORTS)}.")
    if not 1 <= filters.limit <= MOST:
        raise InvalidInput("limit", filters.limit, f"Between 1 and {MOST}.")
    tag, *others = TAGS.get(task, (task,))
    wanted = [*others, *([f"license:{filters.license}"] if filters.license else [])]
    api = session.api(settings, auth.reading_token(settings))

    def find() -> list[RemoteModel]:
        found = api.list_models(
            pipeline_tag=tag,
            filter=wanted or None,
            search=words.strip() or None,
            sort=SORTS[filters.sort],
            limit=filters.limit if filters.max_bytes is None else filters.limit * LOOKED_AT,
            expand=EXPAND,  # type: ignore[arg-type]  # the library's literals
        )
        fitting = (model for model in map(_read, found) if _small(model, filters.max_bytes))
        return list(islice(fitting, filters.limit))

    return session.ask(find, settings.hub_deadline, "searching for models")


def _small(model: RemoteModel, most: int | None) -> bool:
    return most is None or 0 < model.bytes <= most


def _read(info: Any) -> RemoteModel:
    weights = info.safetensors
    return RemoteModel(
        id=info.id,
        license=downloads.license_of(info),
        gated=bool(info.gated),
        tags=tuple(info.tags or ()),
        files=tuple(RemoteFile(file.rfilename, file.size or 0) for file in info.siblings or ()),
        parameters=dict(weights.parameters) if weights is not None else {},
        config=info.config if isinstance(info.config, dict) else {},
        downloads=info.downloads,
        likes=info.likes,
    )
