"""Which file of a folder belongs to which split: the rules of the Hub's "Structure your repository" page.

In this order: `configs` in the README's header, `SPLIT-00000-of-00001`, a folder's name, a file's name, all is train.
"""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from studio.core.errors import InvalidInput
from studio.data.content import FORMATS
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
MAX_ENTRIES = 20_000
IGNORED = frozenset(
    ("config.json", "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "dummy_data.zip")
)


def data_files(folder: Path) -> list[str]:
    """The data files of a folder as relative POSIX paths: those of the commonest format, hidden ones left out.

    Raises `InvalidInput` at "dataset" for a folder with more than 20,000 entries: no data set, perhaps a whole disk.
    """
    found: dict[str, list[str]] = {}
    entries = list(islice(folder.rglob("*"), MAX_ENTRIES + 1))
    if len(entries) > MAX_ENTRIES:
        raise InvalidInput(
            "dataset", folder.name or str(folder), f"It holds more than {MAX_ENTRIES:,} files and folders."
        )
    for path in sorted(entries):
        relative = path.relative_to(folder)
        hidden = any(part.startswith((".", "__")) for part in relative.parts)
        if path.suffix.lower() in FORMATS and path.name not in IGNORED and not hidden and path.is_file():
            found.setdefault(FORMATS[path.suffix.lower()], []).append(relative.as_posix())
    return max(found.values(), key=len, default=[])


def by_split(files: Sequence[str], header: Mapping[str, Any] | None = None) -> dict[str, tuple[str, ...]]:
    """Split → files, train, validation and test first. `header` is the README's YAML, untrusted."""
    found = _configured(files, header or {}) or _sharded(files)
    found = found or _by_keyword(files, folders=True) or _by_keyword(files, folders=False)
    found = found or ({"train": list(files)} if files else {})
    return {split: tuple(found[split]) for split in sorted(found, key=split_rank)}


def _configured(files: Sequence[str], header: Mapping[str, Any]) -> dict[str, list[str]]:
    """The default configuration's `data_files`: a path, a list of paths, or a list of {split, path}."""
    listed = header.get("configs")
    configs = [config for config in listed if isinstance(config, dict)] if isinstance(listed, list) else []
    default = [config for config in configs if config.get("default") is True or config.get("config_name") == "default"]
    config = next(iter([*default, *configs]), {})
    root = str(config.get("data_dir") or "").strip("/")
    listed = config.get("data_files")
    entries = listed if isinstance(listed, list) else [listed]
    found: dict[str, list[str]] = {}
    for entry in entries:
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
