"""Data sets: where they come from, their rows and columns. DuckDB over Parquet; no UI."""
