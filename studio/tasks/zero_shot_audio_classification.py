"""zero-shot-audio-classification: which of the labels that a visitor names fits a sound, by CLAP (Wu et al., 2023)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.core.types import Label, Modality, Slot
from studio.tasks import listening, snippets
from studio.tasks.base import Params, Task, examples
from studio.tasks.candidates import Candidates, check_candidates, check_lengths, check_template
from studio.tasks.loading import Loaded, WrongModel, load_pipeline

ID = "zero-shot-audio-classification"
AUTO = "AutoModel"
PARTS = ("feature_extractor", "tokenizer")
TEMPLATE = "This is a sound of {}."  # the pipeline's own
SEED = 0  # of the place where the feature extractor cuts a piece out of long sounds


class ZeroShotAudioClassificationParams(Params):
    """Names of the pipeline's arguments; the Hub has no type for them."""

    candidate_labels: Candidates
    hypothesis_template: str | None = Field(
        default=None,
        title="Sentence around a label",
        description='With "{}" in the label\'s place. Empty: "This is a sound of {}."',
    )


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Models that compare sounds with texts; raises what `load_model` raises."""
    pipe = load_pipeline(ID, [AUTO], folder, base, device, *PARTS)
    if not hasattr(pipe.pipe.model, "get_audio_features"):
        raise WrongModel("It does not compare sounds with texts; choose a CLAP model.")
    return pipe


def predict(
    pipe: Loaded, batch: Sequence[Mapping[str, Any]], params: ZeroShotAudioClassificationParams
) -> list[list[Label]]:
    """One list of labels per sound, best first. Raises `InvalidInput` for labels that are none or twice there."""
    import numpy as np

    labels = check_candidates(params.candidate_labels)
    check_template(params.hypothesis_template)
    template = params.hypothesis_template or TEMPLATE
    check_lengths(labels, [template.format(label) for label in labels], pipe.pipe.tokenizer)
    found: list[list[Label]] = []
    for sound in listening.sounds(pipe, batch):
        np.random.seed(SEED)
        found.append(pipe.pipe(sound, candidate_labels=labels, hypothesis_template=template))
    return found


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:
    """A script that prints the labels."""
    call = snippets.arguments("sound", **{"candidate_labels": params.candidate_labels} | snippets.options(params))
    code = listening.snippet(ID, model, inputs["inputs"], call, (base, AUTO, *PARTS) if base else None)
    drawn = f"np.random.seed({SEED})  # of sounds over ten seconds a piece is drawn\nprint("
    return ("" if "import numpy" in code else "import numpy as np\n") + code.replace("print(", drawn)


TASK = Task(
    id=ID,
    title="Zero-shot audio classification",
    description="Which of your own labels fits a sound, without any training.",
    inputs=(Slot("inputs", Modality.AUDIO, "Sound", "Most models hear ten seconds; of longer ones, a piece."),),
    output=Slot("labels", Modality.LABELS, "Labels", "Best first; how well each fits, from 0 to 1."),
    params=ZeroShotAudioClassificationParams,
    models=("kit:listener", "laion/clap-htsat-unfused", "laion/larger_clap_general"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=("ClapModel",),
    group="Audio",
)
