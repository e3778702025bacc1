"""The warm inference worker: models in memory, requests batched, one process that may die alone."""
