"""How data sets of the kit lie on disk: one Parquet file a split, and a card made from the manifest's line."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.starter.kit import KitEntry

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def write_split(columns: Mapping[str, Sequence[Any]], file: Path, schema: Any = None) -> None:
    """One split, compressed; `schema` is pyarrow's, for what it cannot infer.

    Images and sounds are structs `{"bytes", "path"}`, as `datasets` writes and shows them.
    """
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table(dict(columns), schema=schema), file, compression="zstd", compression_level=19)


def read_split(folder: Path, name: str) -> dict[str, list[Any]]:
    """Columns of one split."""
    from pyarrow import parquet

    columns: dict[str, list[Any]] = parquet.read_table(folder / f"{name}.parquet").to_pydict()
    return columns


def first_row(entry: KitEntry) -> dict[str, Any]:
    """The first row of the first split: the `first` of every data set's builder."""
    return {name: values[0] for name, values in read_split(entry.path, next(iter(entry.splits))).items()}


def card(entry: KitEntry) -> str:
    """README.md of a data set, with the header that the Hub reads."""
    rows = sum(entry.splits.values())
    size = next((name for limit, name in SIZES if rows < limit), "1M<n<10M")
    files = [f"  - split: {name}\n    path: {name}.parquet" for name in entry.splits]
    tasks = [f"- {task}" for task in entry.tasks]
    terms = entry.license.lower() if not entry.license.startswith("LicenseRef") else "other"
    header = ["---", f"pretty_name: {entry.title}", f"license: {terms}", "task_categories:", *tasks]
    header += ["size_categories:", f"- {size}", "configs:", "- config_name: default", "  data_files:", *files, "---"]
    lines = [*header, "", f"# {entry.title}", "", entry.description, "", "| split | rows |", "|---|---|"]
    lines += [f"| {name} | {count:,} |" for name, count in entry.splits.items()]
    lines += [
        "",
        f"**Licence**: {entry.license}; the terms lie beside in {entry.license_file}. {entry.attribution}",
        "",
    ]
    sources = "; ".join(source.name for source in entry.sources)
    return "\n".join([*lines, f"**Made from** {sources}, by `{entry.built_by}`.", ""])
