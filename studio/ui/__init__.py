"""The Gradio toolkit: forms, parts, charts, shell. It knows the studio's nouns, but no single page."""

from studio.ui.first_import import import_gradio

import_gradio()
