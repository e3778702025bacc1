"""How `huggingface_hub.InferenceClient` asks for each task: one table for snippets, hosted inference and tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from inspect import signature
from typing import Any


@dataclass(frozen=True)
class Call:
    """One method of the client.

    Attributes:
        arguments: input of the task → the method's argument. Parameters keep their names.
    """

    method: str
    arguments: Mapping[str, str]


TEXT, IMAGE, AUDIO = {"inputs": "text"}, {"inputs": "image"}, {"inputs": "audio"}
ABOUT_IMAGE = {"image": "image", "question": "question"}

CALLS: Mapping[str, Call] = {
    "audio-classification": Call("audio_classification", AUDIO),
    "automatic-speech-recognition": Call("automatic_speech_recognition", AUDIO),
    "conversational": Call("chat_completion", {"messages": "messages"}),
    "document-question-answering": Call("document_question_answering", ABOUT_IMAGE),
    "feature-extraction": Call("feature_extraction", TEXT),
    "fill-mask": Call("fill_mask", TEXT),
    "image-classification": Call("image_classification", IMAGE),
    "image-segmentation": Call("image_segmentation", IMAGE),
    "image-to-image": Call("image_to_image", {"inputs": "image", "prompt": "prompt"}),
    "image-to-text": Call("image_to_text", IMAGE),
    "object-detection": Call("object_detection", IMAGE),
    "question-answering": Call("question_answering", {"question": "question", "context": "context"}),
    "sentence-similarity": Call("sentence_similarity", {"source_sentence": "sentence", "sentences": "other_sentences"}),
    "summarization": Call("summarization", TEXT),
    "table-question-answering": Call("table_question_answering", {"table": "table", "query": "query"}),
    "text-classification": Call("text_classification", TEXT),
    "text-generation": Call("text_generation", {"inputs": "prompt"}),
    "text-to-image": Call("text_to_image", {"inputs": "prompt"}),
    "text-to-speech": Call("text_to_speech", TEXT),
    "token-classification": Call("token_classification", TEXT),
    "translation": Call("translation", TEXT),
    "visual-question-answering": Call("visual_question_answering", ABOUT_IMAGE),
    "zero-shot-classification": Call("zero_shot_classification", TEXT),
    "zero-shot-image-classification": Call("zero_shot_image_classification", IMAGE),
}


def arguments(task: str, inputs: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any] | None:
    """The method's arguments for these inputs and parameters; None where the client cannot say all of it."""
    call = CALLS.get(task)
    given = {name: value for name, value in inputs.items() if value is not None}
    if call is None or not set(given) <= set(call.arguments) or not set(options) <= _accepted(call.method):
        return None
    return {call.arguments[name]: given[name] for name in call.arguments if name in given} | dict(options)


@lru_cache(maxsize=64)
def _accepted(method: str) -> frozenset[str]:
    from huggingface_hub import InferenceClient

    return frozenset(signature(getattr(InferenceClient, method)).parameters)
