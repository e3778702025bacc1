"""The vocabulary: registries, errors, types, settings. Knows no Hugging Face library, no Gradio, no torch."""
