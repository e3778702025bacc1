"""What the columns of a split are in the words of the library `datasets`: its features, as files and cards say them.

Read from a file's footer where it has them, made from types and cells elsewhere; the library itself is not needed.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from studio.core.errors import InvalidInput
from studio.data import labels, media, mediafiles, reading
from studio.data.parquet import quote
from studio.data.reading import Split
from studio.data.records import Dataset, state_of

Feature = Any  # a mapping with "_type", or of the fields of a struct
Features = dict[str, Feature]

MEDIA = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
KEPT = {"ClassLabel": pa.types.is_integer, "Image": MEDIA.equals, "Audio": MEDIA.equals, "Video": MEDIA.equals}
LISTS = {pa.lib.Type_LIST: "List", pa.lib.Type_LARGE_LIST: "LargeList", pa.lib.Type_FIXED_SIZE_LIST: "List"}
ALIASES = {"bool": pa.bool_(), "date32": pa.date32(), "date64": pa.date64(), "float16": pa.float16()}
ALIASES |= {"float32": pa.float32(), "float64": pa.float64()}
BY_TYPE = {type_: name for name, type_ in ALIASES.items()}


def declared(dataset: Dataset, split: str) -> Features:
    """What the data set says of its columns, in the footer of a split's first file or beside it; it may be wrong."""
    file = dataset.files[split][0]
    names = labels.names(dataset, split)
    return labels.features_in_footer(file, state_of(file)) | {name: class_label(of) for name, of in names.items()}


def of(dataset: Dataset, split: str, schema: pa.Schema, known: Features | None = None) -> Features:
    """The features of a split that is read as `schema`.

    Args:
        dataset: where the cells are that types do not tell apart.
        split: of it.
        schema: as it is read.
        known: what is known of columns; what does not fit the type is passed over. None for what the data set declares.

    Raises `InvalidInput` at "dataset" for a column of a type that `datasets` has no word for.
    """
    known = declared(dataset, split) if known is None else known
    found: Features = {}
    with reading.opened(dataset, split) as source:
        for field in schema:
            feature = known.get(field.name)
            if field.type.equals(MEDIA) and not isinstance(feature, dict):
                feature = _medium(source, field.name)
            found[field.name] = _merged(field.name, field.type, feature)
    return found


def class_label(names: Sequence[str]) -> Feature:
    """A column of numbers that stand for names."""
    return {"names": list(names), "_type": "ClassLabel"}


def list_of(feature: Feature) -> Feature:
    """A column of lists."""
    return {"feature": feature, "_type": "List"}


def with_features(schema: pa.Schema, features: Features) -> pa.Schema:
    """The schema with its features in the metadata, where `datasets` and the Hub look for them."""
    told = json.dumps({"info": {"features": features}}, ensure_ascii=False)
    return schema.with_metadata({labels.KEY: told})


def as_yaml(features: Features) -> list[dict[str, Any]]:
    """The features as `dataset_info` of a card lists them."""
    return [{"name": name, **_yaml(feature)} for name, feature in features.items()]


def _merged(column: str, type_: pa.DataType, declared: Feature) -> Feature:
    """A type as a feature; what was declared counts where it fits the type."""
    kind = declared.get("_type") if isinstance(declared, Mapping) else None
    if kind in KEPT and KEPT[kind](type_):
        return dict(declared)
    if type_.id in LISTS:
        inner = declared.get("feature") if kind in ("List", "LargeList", "Sequence") else None
        found = {"feature": _merged(column, type_.value_type, inner), "_type": LISTS[type_.id]}
        return found | ({"length": type_.list_size} if pa.types.is_fixed_size_list(type_) else {})
    if pa.types.is_struct(type_):
        known = declared if isinstance(declared, Mapping) and kind is None else {}
        return {field.name: _merged(column, field.type, known.get(field.name)) for field in type_}
    return {"dtype": _dtype(column, type_), "_type": "Value"}


def _dtype(column: str, type_: pa.DataType) -> str:
    if type_ in BY_TYPE:
        return BY_TYPE[type_]
    if pa.types.is_nested(type_) or pa.types.is_interval(type_) or pa.types.is_dictionary(type_):
        expected = f"The column {column!r} is of a type that the Hub's data sets do not know ({type_}); cast it first."
        raise InvalidInput("dataset", column, expected)
    return str(type_)


def _yaml(feature: Feature) -> dict[str, Any]:
    kind = feature.get("_type") if isinstance(feature, Mapping) else None
    if kind == "Value":
        return {"dtype": feature["dtype"]}
    if kind in ("List", "LargeList"):
        name = "list" if kind == "List" else "large_list"
        inner = _yaml(feature["feature"])
        value = inner["dtype"] if list(inner) == ["dtype"] else inner["struct"] if list(inner) == ["struct"] else inner
        return {name: value} | ({"length": feature["length"]} if "length" in feature else {})
    if kind == "ClassLabel":
        return {"dtype": {"class_label": {"names": {str(at): name for at, name in enumerate(feature["names"])}}}}
    if kind is not None:
        rest = {name: value for name, value in feature.items() if name != "_type" and value is not None}
        return {"dtype": {kind.lower(): rest} if rest else kind.lower()}
    return {"struct": [{"name": name, **_yaml(inner)} for name, inner in feature.items()]}


def _medium(source: Split, column: str) -> Feature:
    """Pictures or sounds, by the first cell that holds something; None for anything else."""
    cell = f"{quote(column)}.bytes"
    query = f"SELECT {cell}[1:{media.HEAD}] FROM {source.source} WHERE {cell} IS NOT NULL LIMIT 1"  # noqa: S608
    found = source.select(query)
    head = bytes(found[0][0]) if found else b""
    if mediafiles.fits(head, "image"):
        return {"_type": "Image"}
    return {"_type": "Audio"} if mediafiles.fits(head, "audio") else None
