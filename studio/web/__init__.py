"""The HTTP side beside Gradio: middleware, REST, server-sent events, health."""
