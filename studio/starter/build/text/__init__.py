"""Builders of text entries."""
