"""What made the starter kit: one file per entry, one line here. `studio kit build ID` runs one.

Needs the package indexes (pip, npm, apt) and nothing else; the same seed and the same sources give the same kit.
"""

from studio.core.registry import Registry
from studio.starter.build.base import Builder

BUILDERS: Registry[Builder] = Registry(
    "builder",
    {
        "minilm-l6": "studio.starter.build.text.minilm_l6:BUILDER",
        "debian-topics": "studio.starter.build.text.debian_topics:BUILDER",
        "topic-classifier": "studio.starter.build.text.topic_classifier:BUILDER",
    },
    group="studio.builders",
)
