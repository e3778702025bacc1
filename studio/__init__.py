"""Studio: the open web studio for the Hugging Face ecosystem. This file holds the version and nothing else."""

__version__ = "0.1.0"
