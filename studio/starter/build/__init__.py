"""What made the starter kit: one file per entry, one line here. `studio kit build ID` runs one.

Needs the package indexes (pip, npm, apt) and nothing else; the same seed and the same sources give the same kit.
"""

from pathlib import Path

from studio.core.registry import Registry
from studio.core.settings import Settings
from studio.starter.build import writing
from studio.starter.build.base import Builder
from studio.starter.kit import KitEntry

BUILDERS: Registry[Builder] = Registry(
    "builder",
    {
        "minilm-l6": "studio.starter.build.text.minilm_l6:BUILDER",
        "debian-topics": "studio.starter.build.text.debian_topics:BUILDER",
        "topic-classifier": "studio.starter.build.text.topic_classifier:BUILDER",
        "sentiment": "studio.starter.build.text.sentiment:BUILDER",
        "spam": "studio.starter.build.text.spam:BUILDER",
        "ner-news": "studio.starter.build.text.ner_news:BUILDER",
        "ner": "studio.starter.build.text.ner:BUILDER",
        "qa-software": "studio.starter.build.text.qa_software:BUILDER",
        "qa": "studio.starter.build.text.qa:BUILDER",
        "fill-mask": "studio.starter.build.text.fill_mask:BUILDER",
        "tables": "studio.starter.build.text.table_reader:BUILDER",
        "zero-shot": "studio.starter.build.text.zero_shot:BUILDER",
        "wine": "studio.starter.build.text.wine:BUILDER",
        "efficientnet-lite0": "studio.starter.build.vision.efficientnet_lite0:BUILDER",
        "conse": "studio.starter.build.vision.conse:BUILDER",
        "selfie-segmentation": "studio.starter.build.vision.selfie_segmentation:BUILDER",
        "fashion-classifier": "studio.starter.build.vision.fashion_classifier:BUILDER",
        "emoji": "studio.starter.build.vision.emoji:BUILDER",
        "emoji-scenes": "studio.starter.build.vision.emoji_scenes:BUILDER",
        "fashion": "studio.starter.build.vision.fashion:BUILDER",
        "segmenter": "studio.starter.build.vision.segmenter:BUILDER",
        "vqa": "studio.starter.build.vision.vqa:BUILDER",
        "depth": "studio.starter.build.vision.depth:BUILDER",
        "detector": "studio.starter.build.vision.detector:BUILDER",
        "pointer": "studio.starter.build.vision.pointer:BUILDER",
        "matcher": "studio.starter.build.vision.matcher:BUILDER",
        "video": "studio.starter.build.vision.video:BUILDER",
        "documents": "studio.starter.build.vision.documents:BUILDER",
        "debian-translations": "studio.starter.build.text.debian_translations:BUILDER",
        "translator": "studio.starter.build.text.translator:BUILDER",
        "debian-summaries": "studio.starter.build.text.debian_summaries:BUILDER",
        "summarizer": "studio.starter.build.text.summarizer:BUILDER",
        "writer": "studio.starter.build.text.writer:BUILDER",
        "dialogues": "studio.starter.build.text.dialogues:BUILDER",
        "preferences": "studio.starter.build.text.preferences:BUILDER",
        "chat": "studio.starter.build.text.chat:BUILDER",
        "speech-prompts": "studio.starter.build.audio.speech_prompts:BUILDER",
        "whisper-tiny-en": "studio.starter.build.audio.whisper_tiny_en:BUILDER",
        "hibari": "studio.starter.build.audio.hibari:BUILDER",
        "speech-commands": "studio.starter.build.audio.speech_commands:BUILDER",
        "commands": "studio.starter.build.audio.commands:BUILDER",
        "listener": "studio.starter.build.audio.listener:BUILDER",
        "tiny-sd": "studio.starter.build.diffusion.tiny_sd:BUILDER",
    },
    group="studio.builders",
)


def build(name: str, settings: Settings, out: Path | None = None) -> KitEntry:
    """Make one entry anew, in the kit of the settings or in `out`; an extra is made in the data folder and announced.

    Raises `UnknownName`, which lists the builders, and whatever a source that is not there raises.
    """
    builder = BUILDERS[name]
    extra = builder.tier == "extra"
    target = out or (settings.extras_dir if extra else settings.kit)
    target.mkdir(parents=True, exist_ok=True)
    entry = builder.build(target)
    if extra and out is None:
        writing.announce(settings.kit, entry)
    return entry
