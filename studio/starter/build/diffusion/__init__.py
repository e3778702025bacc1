"""Builders of diffusion entries."""
