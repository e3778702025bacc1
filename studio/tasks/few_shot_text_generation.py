"""few-shot-text-generation: a model goes on from examples of what is wanted, without any training.

The prompt is built from an instruction, rows of inputs with their outputs, and the input that has none yet (Brown et
al., Language Models are Few-Shot Learners, 2020).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from studio.core.errors import InvalidInput
from studio.core.types import Modality, Slot
from studio.tasks import media, text_generation
from studio.tasks.base import Listener, Task, examples
from studio.tasks.loading import Loaded
from studio.tasks.text_generation import TextGenerationParams, load

ID = "few-shot-text-generation"
EXAMPLE = "Input: {input}\nOutput: {output}\n\n"
ASKED = "Input: {input}\nOutput:"
END = "\nInput:"  # where the model begins an example of its own
COLUMNS = ("input", "output")


class FewShotTextGenerationParams(TextGenerationParams):
    """As for text generation; the writing ends where the next example would begin."""


def predict(
    pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: FewShotTextGenerationParams
) -> list[dict[str, Any]]:
    """The output for each input. Raises `InvalidInput` by slot."""
    wish = text_generation.wish_of(params, END)
    return [text_generation.go_on(pipe, prompt(inputs), wish, params) for inputs in batch]


def stream(
    pipe: Loaded, inputs: Mapping[str, Any], params: FewShotTextGenerationParams, listener: Listener
) -> dict[str, Any]:
    """As `predict`, part by part."""
    return text_generation.go_on(pipe, prompt(inputs), text_generation.wish_of(params, END), params, listener)


def prompt(inputs: Mapping[str, Any]) -> str:
    """What the model reads: the instruction, the examples, and the input at the end."""
    asked = media.text(inputs, "inputs", "It is empty; write what the model is to answer.").strip()
    told = "".join(EXAMPLE.format(input=given, output=wanted) for given, wanted in pairs(inputs.get("examples")))
    instruction = f"{media.text(inputs, 'instruction').strip()}\n\n" if inputs.get("instruction") else ""
    return instruction + told + ASKED.format(input=asked)


def pairs(table: Any) -> list[tuple[str, str]]:
    """The rows of a table of examples that are not empty; raises `InvalidInput("examples", …)` for what is none."""
    columns = {str(name).strip().lower(): cells for name, cells in table.items()} if isinstance(table, dict) else {}
    if set(columns) != set(COLUMNS) or not all(isinstance(cells, list) for cells in columns.values()):
        expected = "Give a table with the columns input and output."
        raise InvalidInput("examples", "nothing" if table is None else table, expected)
    given, wanted = (columns[name] for name in COLUMNS)
    if len(given) != len(wanted):
        raise InvalidInput("examples", f"{len(given)} and {len(wanted)} cells", "The columns must be of one length.")
    rows = [(str(one).strip(), str(other).strip()) for one, other in zip(given, wanted, strict=True)]
    found = [row for row in rows if any(row)]
    if not found or not all(one and other for one, other in found):
        expected = "Give one example at least; each needs an input and an output."
        raise InvalidInput("examples", next((row for row in found if not all(row)), "none"), expected)
    return found


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the text."""
    return text_generation.script(model, base, prompt(inputs), text_generation.wish_of(params, END), params)


TASK = Task(
    id=ID,
    title="Few-shot generation",
    description="Learns from a few examples that you write, and answers the next one.",
    inputs=(
        Slot("inputs", Modality.TEXT, "Input", "What the model is to answer."),
        Slot("examples", Modality.TABLE, "Examples", "Columns input and output; three to eight rows work best."),
        Slot("instruction", Modality.TEXT, "Instruction", "What to do, before the examples.", optional=True),
    ),
    output=Slot("generated_text", Modality.TEXT, "Output", "What the model writes."),
    params=FewShotTextGenerationParams,
    models=("kit:chat", *text_generation.TASK.models[2:]),  # kit:writer is too small to learn from examples
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=text_generation.TASK.heads,
    stream=stream,
)
