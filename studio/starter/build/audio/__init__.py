"""Builders of audio entries."""
