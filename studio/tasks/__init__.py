"""Tasks: one file per pipeline task of the Hub, one line here."""

from studio.core.registry import Registry
from studio.tasks.base import Task

TASKS: Registry[Task] = Registry(
    "task",
    {
        "text-classification": "studio.tasks.text_classification:TASK",
        "token-classification": "studio.tasks.token_classification:TASK",
        "zero-shot-classification": "studio.tasks.zero_shot_classification:TASK",
        "question-answering": "studio.tasks.question_answering:TASK",
        "table-question-answering": "studio.tasks.table_question_answering:TASK",
        "fill-mask": "studio.tasks.fill_mask:TASK",
        "sentence-similarity": "studio.tasks.sentence_similarity:TASK",
        "feature-extraction": "studio.tasks.feature_extraction:TASK",
        "text-generation": "studio.tasks.text_generation:TASK",
        "conversational": "studio.tasks.conversational:TASK",
        "summarization": "studio.tasks.summarization:TASK",
        "translation": "studio.tasks.translation:TASK",
        "text2text-generation": "studio.tasks.text2text_generation:TASK",
        "image-classification": "studio.tasks.image_classification:TASK",
    },
    group="studio.tasks",
)
