"""Which files of a folder are the data, and of which split: the rules of the Hub's "Structure your repository" page.

In this order: `configs` in the README's header, `SPLIT-00000-of-00001`, a folder's name, a file's name, all is train.
"""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from studio.core.errors import InvalidInput, UnknownName
from studio.data.content import FORMATS, MEDIA, METADATA
from studio.data.parquet import split_rank

# datasets.data_files.SPLIT_KEYWORDS and NON_WORDS_CHARS, without importing the library in the web process
KEYWORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}
EDGE = r"[-._ 0-9]"
SHARD = re.compile(r"(?P<split>\w+(?:\.\w+)*)-\d{5}-of-\d{5}\b.*", re.ASCII)
SPLIT_NAME = re.compile(r"\w+(\.\w+)*", re.ASCII)
MAX_ENTRIES = 200_000
MAX_README = 1_000_000
DEFAULT = "default"
MANY = 10
TABLES = ("parquet", "csv", "jsonl", "json", "tsv", "arrow")
LAST = ("zip", "sqlite", "text")
IGNORED = frozenset(
    ("config.json", "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "dummy_data.zip")
)


def listed(folder: Path) -> list[str]:
    """What of a folder may be data, as relative POSIX paths; hidden files are left out.

    Raises `InvalidInput` at "dataset" for a folder with more than 200,000 entries: no data set, perhaps a whole disk.
    """
    entries = list(islice(folder.rglob("*"), MAX_ENTRIES + 1))
    if len(entries) > MAX_ENTRIES:
        name = folder.name or str(folder)
        raise InvalidInput("dataset", name, f"It holds more than {MAX_ENTRIES:,} files and folders.")
    relative = (path.relative_to(folder).as_posix() for path in sorted(entries) if path.is_file())
    return [file for file in relative if is_data(file)]


def is_data(file: str) -> bool:
    """Whether a file of a repository, folder or archive may be data: by its name, and not hidden."""
    path = PurePosixPath(file)
    hidden = any(part.startswith((".", "__")) for part in path.parts)
    return not hidden and path.name not in IGNORED and _kind(file) is not None


def data_files(folder: Path) -> list[str]:
    """The data files of a folder: those of one format; raises as `listed`."""
    return chosen(listed(folder))


def chosen(files: Sequence[str]) -> list[str]:
    """Those of one format, for a data set has one: the commonest of tables, else pictures or sounds, else the rest.

    Many more pictures than tables, or pictures with their metadata, are a folder of pictures.
    """
    found: dict[str, list[str]] = {}
    for file in files:
        if (kind := _kind(file)) is not None:
            found.setdefault(kind, []).append(file)
    media = max((found.get(kind, []) for kind in MEDIA), key=len)
    metadata = [file for file in files if PurePosixPath(file).name in METADATA]
    tables = [[file for file in found.get(kind, []) if not (media and file in metadata)] for kind in TABLES]
    most = max(tables, key=len)
    if media and len(media) > MANY * sum(map(len, tables)):
        return sorted([*media, *metadata])
    return most or media or next((found[kind] for kind in LAST if kind in found), [])


def are_media(found: Mapping[str, Sequence[str]]) -> bool:
    """Whether these splits are pictures or sounds, a row per file."""
    return any(_kind(file) in MEDIA for files in found.values() for file in files)


def _kind(file: str) -> str | None:
    """The format of a data file, "image" or "audio", by its name."""
    suffix = PurePosixPath(file).suffix.lower()
    return FORMATS.get(suffix) or next((kind for kind, suffixes in MEDIA.items() if suffix in suffixes), None)


def by_split(
    files: Sequence[str], header: Mapping[str, Any] | None = None, config: str = ""
) -> dict[str, tuple[str, ...]]:
    """Split → files, train, validation and test first.

    Args:
        files: what may be data, as `listed` or the Hub lists it.
        header: the README's YAML, untrusted.
        config: which configuration (subset) of it; "" for the default one.

    Raises `UnknownName` for a configuration that the header does not name.
    """
    known = configs(header or {})
    if config and config not in (known or (DEFAULT,)):
        raise UnknownName("configuration", config, known or (DEFAULT,))
    found = _configured(files, header or {}, config)
    if found:
        wanted = set(chosen(list(dict.fromkeys(file for matched in found.values() for file in matched))))
        found = {split: kept for split in found if (kept := [file for file in found[split] if file in wanted])}
    elif config and config != DEFAULT:
        return {}
    else:
        found = _by_name(chosen(files))
    return {split: tuple(found[split]) for split in sorted(found, key=split_rank)}


def configs(header: Mapping[str, Any]) -> tuple[str, ...]:
    """The configurations that a README's header names, the default one first; () when it names none."""
    names = [str(one["config_name"]) for one in _entries(header) if isinstance(one.get("config_name"), str)]
    first = _entry(header, "").get("config_name")
    return tuple(dict.fromkeys(([str(first)] if first in names else []) + names))


def header_of(folder: Path) -> Mapping[str, Any]:
    """The YAML at the top of a folder's README.md; {} when there is none or it is not usable."""
    readme = folder / "README.md"
    if not readme.is_file() or readme.stat().st_size > MAX_README:
        return {}
    text = readme.read_text(encoding="utf-8", errors="replace")
    match = re.match(r"---\s*\n(.*?)\n---\s*(\n|$)", text, re.DOTALL)
    try:
        header = YAML(typ="safe", pure=True).load(match[1]) if match else {}
    except YAMLError:
        return {}
    return header if isinstance(header, dict) else {}


def _by_name(files: Sequence[str]) -> dict[str, list[str]]:
    found = _sharded(files) or _by_keyword(files, folders=True) or _by_keyword(files, folders=False)
    return found or ({"train": list(files)} if files else {})


def _entries(header: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = header.get("configs")
    return [config for config in given if isinstance(config, dict)] if isinstance(given, list) else []


def _entry(header: Mapping[str, Any], config: str) -> dict[str, Any]:
    """The header's entry for a configuration; for "" the one that is marked or named default, else the first."""
    entries = _entries(header)
    if config:
        return next((one for one in entries if one.get("config_name") == config), {})
    default = [one for one in entries if one.get("default") is True or one.get("config_name") == DEFAULT]
    return next(iter([*default, *entries]), {})


def _configured(files: Sequence[str], header: Mapping[str, Any], config: str) -> dict[str, list[str]]:
    """The configuration's `data_files`: a path, a list of paths, or a list of {split, path}; else its `data_dir`."""
    wanted = _entry(header, config)
    root = str(wanted.get("data_dir") or "").strip("/")
    given = wanted.get("data_files")
    if given is None and root:
        return _by_name(chosen([file for file in files if file.startswith(f"{root}/")]))
    found: dict[str, list[str]] = {}
    for entry in given if isinstance(given, list) else [given]:
        split, patterns = (entry.get("split"), entry.get("path")) if isinstance(entry, dict) else ("train", entry)
        for pattern in patterns if isinstance(patterns, list) else [patterns]:
            if isinstance(pattern, str) and isinstance(split, str) and SPLIT_NAME.fullmatch(split):
                matched = [file for file in files if _matches(file, f"{root}/{pattern}" if root else pattern)]
                found.setdefault(split, []).extend(file for file in matched if file not in found.get(split, ()))
    return {split: matched for split, matched in found.items() if matched}


def _matches(file: str, pattern: str) -> bool:
    """Like a shell: "*" stays within a folder, "**" does not."""
    pattern = pattern.removeprefix("./")
    if "**" in pattern:
        return fnmatchcase(file, pattern.replace("**/", "*")) or fnmatchcase(file, pattern)
    parts, wanted = file.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def _sharded(files: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for file in files:
        if match := SHARD.fullmatch(PurePosixPath(file).name):
            found.setdefault(match["split"], []).append(file)
    return found


def _by_keyword(files: Sequence[str], *, folders: bool) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for file in files:
        path = PurePosixPath(file)
        words = path.parent.parts if folders else (path.name,)
        if split := next((split for split in KEYWORDS if any(_names(word, split) for word in words)), ""):
            found.setdefault(split, []).append(file)
    return found


def _names(word: str, split: str) -> bool:
    keywords = "|".join(KEYWORDS[split])
    return re.search(rf"(^|{EDGE})({keywords})($|{EDGE})", word) is not None
