"""What tasks share that write about pictures, sounds and videos: processor, chat template, one call of `generate`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studio.core.errors import InvalidInput
from studio.tasks import generation, media, snippets
from studio.tasks.base import Listener
from studio.tasks.generation import MOST_TOKENS, SEED, GenerationParams
from studio.tasks.loading import Loaded, WrongModel, load_model, load_part, loaded
from studio.tasks.writing import Wish, write_about

LONGEST = 256  # tokens, where neither visitor nor model say; what transformers' pipelines have
FRAMES = 8  # of a video
PLAIN = {"image": "images", "audio": "audio", "video": "videos"}  # a processor's own names
READERS = {"image": "image_processor", "audio": "feature_extractor", "video": "video_processor"}


def load(auto: str, folder: Path, base: Path | None, device: str) -> Loaded:
    """Model, tokenizer and processor; raises `WrongModel` where no processor joins text with anything else."""
    model = load_model([auto], folder, base, device)
    processor = load_part("processor", folder, base)
    if not hasattr(processor, "tokenizer"):
        raise WrongModel("It has no processor that joins texts with pictures or sounds; choose another model.")
    return loaded((model, processor.tokenizer, processor), model)


def write(
    pipe: Loaded, inputs: Mapping[str, Any], params: GenerationParams, listener: Listener | None = None
) -> dict[str, str]:
    """{"generated_text": …} to the slot `text` and whatever the slots of `READERS` hold; `messages` went before.

    Raises `InvalidInput` by slot, for what the model does not take too.
    """
    model, _, processor = pipe.pipe
    text = media.text(inputs, "text")
    found = {kind: _medium(processor, inputs, kind) for kind in READERS if inputs.get(kind) is not None}
    given = moved(_read(processor, inputs.get("messages"), text, found), model)
    wish = wish_of(model, params, LONGEST)
    config = model.config.get_text_config()
    positions = int(getattr(config, "max_position_embeddings", None) or MOST_TOKENS)
    room = positions - int(wish.options.get("max_new_tokens", 1))
    if given["input_ids"].shape[1] > room:
        expected = f"Beside the answer there is room for {room}: shorten it, or ask for a shorter answer."
        raise InvalidInput("text", f"{given['input_ids'].shape[1]} tokens, all in all", expected)
    return {"generated_text": write_about(pipe, given, wish, listener).text}


def wish_of(model: Any, chosen: GenerationParams, usual: int, longest: int | None = None) -> Wish:
    """How to write: `longest` goes before what the fields say, and `usual` is for models that say nothing either."""
    given = generation.options(chosen)
    if longest is not None:
        given["max_new_tokens"] = longest
    if not {"max_new_tokens", "max_length"} & set(given):
        given["max_new_tokens"] = generation.usual_length(model, usual)
    return Wish(given, SEED if chosen.seed is None else chosen.seed)


def moved(given: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """A processor's tensors on the model's device, its numbers of the model's type."""
    return {
        name: value.to(model.device, model.dtype if value.is_floating_point() else value.dtype)
        for name, value in given.items()
    }


def likeliest(model: Any, given: Mapping[str, Any], count: int, longest: int) -> tuple[Any, list[float]]:
    """The tokens of the likeliest texts of a beam search, and the probability of each whole text."""
    import torch

    with torch.inference_mode():
        found = model.generate(
            **given,
            max_new_tokens=longest,
            num_beams=max(2, count),  # one beam would have no score
            num_return_sequences=count,
            length_penalty=0.0,
            do_sample=False,
            output_scores=True,
            return_dict_in_generate=True,
        )
    return found.sequences, found.sequences_scores.float().exp().tolist()


def _medium(processor: Any, inputs: Mapping[str, Any], kind: str) -> Any:
    """A picture, samples or frames as the processor takes them."""
    reader = getattr(processor, READERS[kind], None)
    if reader is None:
        raise InvalidInput(kind, f"this {kind}", f"The model takes no {kind}; leave it empty, or choose another model.")
    if kind == "image":
        return media.image(inputs, kind)
    if kind == "audio":
        return media.audio(inputs, reader.sampling_rate, kind)
    return media.frames(inputs, FRAMES, every=FRAMES, name=kind)


def _read(processor: Any, history: Any, text: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the processor makes of a conversation; of the text alone, for models without a template."""
    from jinja2 import TemplateError

    before = check_history(history)
    if not getattr(processor, "chat_template", None):
        if before:
            raise InvalidInput("messages", before, "The model has no chat template; leave what went before empty.")
        with generation.refusing("text", {"text": text}):
            plain: Mapping[str, Any] = processor(
                text=text, return_tensors="pt", **{PLAIN[kind]: value for kind, value in found.items()}
            )
        return plain
    content = [*({"type": kind, kind: value} for kind, value in found.items()), {"type": "text", "text": text}]
    try:
        given: Mapping[str, Any] = processor.apply_chat_template(
            [*before, {"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )
    except (TemplateError, ValueError) as error:  # roles that a model does not know, its own marks in the text
        field = "messages" if before else "text"
        raise InvalidInput(field, text, f"The model's template: {str(error).splitlines()[0]}") from None
    return given


def check_history(history: Any) -> list[dict[str, Any]]:
    """Earlier messages as a processor's template takes them; raises `InvalidInput("messages", …)`."""
    if history is None:
        return []
    if not isinstance(history, list):
        raise InvalidInput("messages", history, 'Give a list of {"role", "content"}, the oldest first.')
    found = []
    for message in history:
        role, content = (message.get("role"), message.get("content")) if isinstance(message, dict) else (None, None)
        if role not in {"system", "user", "assistant"} or not isinstance(content, str):
            expected = "A message has a role (system, user, assistant) and a content, a text."
            raise InvalidInput("messages", message, expected)
        content = content.encode("utf-8", "replace").decode()
        found.append({"role": role, "content": [{"type": "text", "text": content}]})
    return found


SOUND = """samples, rate = soundfile.read({file}, dtype="float32", always_2d=True)
wanted = processor.feature_extractor.sampling_rate
audio = resample_poly(samples.mean(axis=1), wanted, rate).astype("float32")
"""
VIDEO = """with av.open({file}) as container:
    video = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
video = (video[::{every}] + [video[-1]] * {count})[:{count}]
"""
IMPORTS = {
    "image": "from PIL import Image, ImageOps\n",
    "audio": "import soundfile\nfrom scipy.signal import resample_poly\n",
    "video": "import av\n",
}
SCRIPT = """messages = {messages}
if processor.chat_template:
    inputs = processor.apply_chat_template(
        messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
    )
else:
    inputs = processor(text={text}, return_tensors="pt"{plain})
{long}torch.manual_seed({seed})
ids = model.generate({call})
print({{"generated_text": processor.decode(ids[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True)}})
"""


def snippet(auto: str, model: str, inputs: Mapping[str, Any], chosen: GenerationParams, base: str) -> str:
    """A script that prints what `write` gives."""
    files = {kind: str(inputs[kind]) for kind in READERS if inputs.get(kind)}
    text = snippets.quoted(inputs["text"])
    read = {
        "image": lambda file: snippets.picture(file, "image") + "\n",
        "audio": lambda file: SOUND.format(file=snippets.quoted(file)),
        "video": lambda file: VIDEO.format(file=snippets.quoted(file), every=FRAMES, count=FRAMES),
    }
    content = [*(f'{{"type": "{kind}", "{kind}": {kind}}}' for kind in files), f'{{"type": "text", "text": {text}}}']
    messages = [*map(snippets.quoted, check_history(inputs.get("messages")))]
    messages.append(f'{{"role": "user", "content": [{", ".join(content)}]}}')
    return (
        "".join(IMPORTS[kind] for kind in files)
        + "import torch\n"
        + snippets.load_lines(auto, model, base, "AutoProcessor")
        + "\n"
        + "".join(read[kind](file) for kind, file in files.items())
        + SCRIPT.format(
            messages=f"[{', '.join(messages)}]",
            text=text,
            plain="".join(f", {PLAIN[kind]}={kind}" for kind in files),
            **writing(chosen, LONGEST),
        )
    )


def writing(chosen: GenerationParams, usual: int, longest: int | None = None) -> dict[str, Any]:
    """How to write, as `wish_of` has it, in a script: `long`, lines before; `seed`; `call`, the inside of the call."""
    given = generation.options(chosen) | ({} if longest is None else {"max_new_tokens": longest})
    free = not {"max_new_tokens", "max_length"} & set(given)
    call = snippets.arguments("**inputs", *(["max_new_tokens=long"] if free else []), **given)
    return {"long": generation.usual_lines(usual) if free else "", "seed": chosen.seed or SEED, "call": call}
