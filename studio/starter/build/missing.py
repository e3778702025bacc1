"""Tasks for which nothing useful fits into a few megabytes, and a good model of the Hub for each.

`python -m studio.starter.build.missing` writes them into the manifest. A task that an entry serves is taken out here.
"""

from studio.starter.build import writing
from studio.starter.kit import KIT, Missing

MISSING = (
    Missing(
        task="image-to-text",
        reason="Ours, trained for six minutes on drawn scenes, named fewer things right than a guess; none is better.",
        model="Salesforce/blip-image-captioning-base",
    ),
    Missing(
        task="image-text-to-text",
        reason="Talking about any picture takes a language model and an image encoder: 500 MB at the least.",
        model="HuggingFaceTB/SmolVLM-256M-Instruct",
    ),
    Missing(
        task="video-text-to-text",
        reason="As for pictures, and several frames at a time.",
        model="HuggingFaceTB/SmolVLM2-256M-Video-Instruct",
    ),
    Missing(
        task="audio-text-to-text",
        reason="A language model that listens has billions of parameters.",
        model="Qwen/Qwen2-Audio-7B-Instruct",
    ),
    Missing(
        task="text-to-video",
        reason="The smallest useful models have more than a billion parameters.",
        model="Wan-AI/Wan2.1-T2V-1.3B-Diffusers",
    ),
    Missing(
        task="image-to-video",
        reason="The smallest useful models have more than a billion parameters.",
        model="Lightricks/LTX-Video",
    ),
    Missing(
        task="zero-shot-object-detection",
        reason="Finding what any words name takes an image and text encoder trained together on the open web.",
        model="google/owlv2-base-patch16-ensemble",
    ),
    Missing(
        task="any-to-any",
        reason="Models that take sound, pictures and text at once have billions of parameters.",
        model="google/gemma-3n-E4B-it",
    ),
    Missing(
        task="time-series-forecasting",
        reason="A forecaster for any series learns from more series than a package holds.",
        model="amazon/chronos-bolt-tiny",
    ),
    Missing(
        task="image-to-3d",
        reason="Shapes from one picture take hundreds of megabytes.",
        model="stabilityai/TripoSR",
    ),
)


if __name__ == "__main__":
    writing.note_missing(KIT, MISSING)
