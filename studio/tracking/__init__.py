"""Metrics of runs: written with trackio, read back through one schema-checked adapter."""
