"""Builders of image and video entries."""
