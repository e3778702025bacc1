"""Names of classes: a column of numbers in which each stands for a name, as `datasets` writes its ClassLabel."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import duckdb

from studio.data import parquet
from studio.data.records import DataFile, Dataset, state_of

KEY = "huggingface"  # of the metadata that `datasets` leaves in a Parquet file's footer
MOST = 10_000  # classes of a column

Names = dict[str, tuple[str, ...]]


def names(dataset: Dataset, split: str) -> Names:
    """Column → names of its classes in the order of their numbers; what the data set itself says comes first."""
    file = dataset.files[split][0]
    return _in_footer(file, state_of(file)) | dict(dataset.info.labels)


def in_header(header: Mapping[str, Any], config: str = "") -> Names:
    """The names in a README's YAML: `dataset_info`, one or a list of them, as the Hub writes them."""
    listed = header.get("dataset_info")
    infos = [info for info in (listed if isinstance(listed, list) else [listed]) if isinstance(info, dict)]
    fitting = [info for info in infos if info.get("config_name") == config] if config else []
    features = next(iter(fitting or infos), {}).get("features")
    found: Names = {}
    for feature in features if isinstance(features, list) else ():
        kind = feature.get("dtype") if isinstance(feature, dict) else None
        given = kind.get("class_label") if isinstance(kind, dict) else None
        if isinstance(given, dict) and isinstance(feature.get("name"), str):
            found[feature["name"]] = _in_order(given.get("names"))
    return {column: given for column, given in found.items() if given}


def in_features(features: object) -> Names:
    """The names in the features that `datasets` writes as JSON."""
    found = {
        str(column): _in_order(feature.get("names"))
        for column, feature in (features.items() if isinstance(features, dict) else ())
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
    }
    return {column: given for column, given in found.items() if given}


def _in_order(given: object) -> tuple[str, ...]:
    """`["no", "yes"]` or `{"0": "no", "1": "yes"}`; nothing where a number is missing."""
    if isinstance(given, dict):
        by_number = {str(number): name for number, name in given.items()}
        given = [by_number.get(str(number)) for number in range(len(by_number))]
    if not isinstance(given, list) or len(given) > MOST or not all(isinstance(name, str | int) for name in given):
        return ()
    return tuple(str(name) for name in given)


def _in_footer(file: DataFile, state: tuple[str, int, int]) -> Names:
    return in_features(features_in_footer(file, state))


@lru_cache(maxsize=256)
def features_in_footer(file: DataFile, state: tuple[str, int, int]) -> dict[str, Any]:
    """What `datasets` has left in a file of its columns, as JSON; read once per state of the file."""
    del state
    try:
        with parquet.connect([file]) as connection:
            query = "SELECT value FROM parquet_kv_metadata(?) WHERE key = CAST(? AS BLOB)"
            row = connection.execute(query, [parquet.address(file), KEY]).fetchone()
        found = json.loads(row[0])["info"]["features"] if row else {}
    except (duckdb.Error, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
