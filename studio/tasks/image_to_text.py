"""image-to-text: a caption, or whatever else a model with an encoder of pictures and a decoder of text writes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.core.errors import InvalidInput
from studio.core.types import Modality, Slot
from studio.tasks import media, multimodal, snippets, writing
from studio.tasks.base import Listener, Params, Task, examples
from studio.tasks.generation import MOST_TOKENS, AllGenerationParams
from studio.tasks.loading import Loaded, load_model, load_part, load_tokenizer, loaded
from studio.tasks.multimodal import moved

ID = "image-to-text"
AUTO = "AutoModelForImageTextToText"
LONGEST = 64  # tokens, where neither visitor nor model say
BEGUN = "blip"  # the kind of model that goes on from words


class ImageToTextParams(Params):
    """Names and defaults of the Hub's inference API (`huggingface_hub.ImageToTextParameters`)."""

    max_new_tokens: int | None = Field(
        default=None, ge=1, le=MOST_TOKENS, title="Longest text", description="In tokens. Empty: the model's default."
    )
    generation_parameters: AllGenerationParams = Field(
        default_factory=AllGenerationParams, title="Writing", description="How the text is written."
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """VisionEncoderDecoder, BLIP and their like; raises what `load_model` and `load_part` raise."""
    model = load_model([AUTO], folder, base, device)
    return loaded((model, load_tokenizer(folder, base), load_part("image_processor", folder, base)), model)


def predict(pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: ImageToTextParams) -> list[dict[str, str]]:
    """What the model writes about each picture, the words that it began with included."""
    return [_caption(pipe, inputs, params, None) for inputs in batch]


def stream(pipe: Loaded, inputs: Mapping[str, Any], params: ImageToTextParams, listener: Listener) -> dict[str, str]:
    """As `predict`, part by part."""
    return _caption(pipe, inputs, params, listener)


def _caption(
    pipe: Loaded, inputs: Mapping[str, Any], params: ImageToTextParams, listener: Listener | None
) -> dict[str, str]:
    model, tokenizer, images = pipe.pipe
    given = dict(images(images=media.image(inputs), return_tensors="pt"))
    if inputs.get("prompt"):
        prompt = media.text(inputs, "prompt")
        if model.config.model_type != BEGUN:
            raise InvalidInput("prompt", prompt, "This model takes no words to begin with; leave it empty.")
        words = tokenizer(prompt, return_tensors="pt")
        given |= {name: words[name] for name in ("input_ids", "attention_mask")}
    wish = multimodal.wish_of(model, params.generation_parameters, LONGEST, params.max_new_tokens)
    return {"generated_text": writing.write_about(pipe, moved(given, model), wish, listener, whole=True).text.strip()}


SCRIPT = """import torch
from PIL import Image, ImageOps
from transformers import AutoImageProcessor
{load}
processor = AutoImageProcessor.from_pretrained({place})
{picture}
inputs = processor(images=picture, return_tensors="pt")
{prompt}{long}torch.manual_seed({seed})
ids = model.generate({call})
print({{"generated_text": tokenizer.decode(ids[0], skip_special_tokens=True).strip()}})
"""


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the text."""
    prompt = inputs.get("prompt")
    words = f'inputs |= tokenizer({snippets.quoted(prompt)}, return_tensors="pt", return_token_type_ids=False)\n'
    return SCRIPT.format(
        load=snippets.load_lines(AUTO, model, base),
        place=snippets.quoted(model),
        picture=snippets.picture(inputs["inputs"]),
        prompt=words if prompt else "",
        **multimodal.writing(params.generation_parameters, LONGEST, params.max_new_tokens),
    )


TASK = Task(
    id=ID,
    title="Image to text",
    description="Says in words what a picture shows.",
    inputs=(
        Slot("inputs", Modality.IMAGE, "Image", "One picture; the model sees it small."),
        Slot("prompt", Modality.TEXT, "First words", "BLIP models go on from them.", optional=True),
    ),
    output=Slot("generated_text", Modality.TEXT, "Text", "What the model writes."),
    params=ImageToTextParams,
    models=("Salesforce/blip-image-captioning-base", "microsoft/trocr-small-printed"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("VisionEncoderDecoderModel", "BlipForConditionalGeneration", "Pix2StructForConditionalGeneration"),
    group="Several at once",
    stream=stream,
    answer=lambda output: [output],
)
