"""Gradio toolkit: pages, forms, events, charts, the shell. No product knowledge."""
