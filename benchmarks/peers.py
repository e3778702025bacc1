"""The peers of `benchmarks.serving`, each a process of its own: `python -m benchmarks.peers NAME MODEL PORT`.

"from_pipeline" is Gradio's own `gr.Interface.from_pipeline`. With Gradio 6.31 and transformers 5.23 every call of it
fails, because it asks for pipelines that transformers has removed; here their names are supplied, so that there is
something to compare with. "litserve" is LitServe with dynamic batching; it is no dependency of the studio:
`pip install --target FOLDER litserve`, then `--litserve FOLDER`.
"""

import argparse
import types
from typing import Any


def pipeline(model: str) -> Any:
    """The model in transformers' own pipeline."""
    import transformers

    return transformers.pipeline("text-classification", model=model, tokenizer=model, device="cpu")


def from_pipeline(model: str, port: int) -> None:
    """Serve until killed."""
    import gradio as gr
    import transformers.pipelines as all_pipelines
    import transformers.pipelines.object_detection
    import transformers.pipelines.text_classification
    import transformers.pipelines.token_classification  # noqa: F401  Gradio looks them up as attributes

    names = ("Text2TextGenerationPipeline", "TranslationPipeline")
    removed = types.SimpleNamespace(**{name: type(name, (), {}) for name in names})
    all_pipelines.text2text_generation = removed
    gr.Interface.from_pipeline(pipeline(model)).launch(server_name="127.0.0.1", server_port=port, quiet=True)


def litserve(model: str, port: int) -> None:
    """Serve until killed."""
    from benchmarks import peer_litserve

    peer_litserve.serve(model, port)


def main() -> None:
    """Serve one peer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=["from_pipeline", "litserve"])
    parser.add_argument("model")
    parser.add_argument("port", type=int)
    given = parser.parse_args()
    {"from_pipeline": from_pipeline, "litserve": litserve}[given.name](given.model, given.port)


if __name__ == "__main__":
    main()
