"""decision: typed questions about a state, each answered with a probability for every option, by any chat model.

A question is "noul" (yes or no), "choice" (criteria: option → description) or "score" (criteria: the levels, lowest
first). github.com/huggingface/transformers has the pipeline; here it gets a loaded model, because by a folder's name
alone it makes some chat models into decision models of a default size.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.core.errors import InvalidInput
from studio.core.types import Modality, Slot
from studio.tasks import generation, media, snippets
from studio.tasks.base import NoParams, Task, examples
from studio.tasks.generation import MOST_TOKENS
from studio.tasks.loading import Loaded, WrongModel, load_config, load_model, load_tokenizer, loaded

ID = "decision"
CHAT, OWN = generation.CAUSAL, "AutoModelForDecision"
HEAD = "ForDecision"
EXPECTED = 'Give an object of names and questions: {"refund": {"type": "noul", "instructions": "Is one wanted?"}}.'


def load(folder: Path, base: Path | None, device: str) -> Loaded:
    """Decision models and chat models; raises what `load_model` raises, and `WrongModel` without a template."""
    from transformers import pipeline
    from transformers.decision import DecisionConfig

    settings = DecisionConfig.from_pretrained(folder)
    if settings.adapter:
        raise WrongModel("It keeps an adapter in a folder of its own, which is not loaded; merge it into the model.")
    heads = load_config(folder, base).architectures or []
    model = load_model([OWN if any(head.endswith(HEAD) for head in heads) else CHAT], folder, base, device)
    tokenizer = load_tokenizer(folder, base)
    if tokenizer.chat_template is None and settings.chat_template is None:
        raise WrongModel("It has no chat template, so it cannot be asked; choose a chat model.")
    pipe = pipeline(ID, model=model, tokenizer=tokenizer, device=device, decision_config=settings)
    return loaded(pipe, model)


def predict(pipe: Loaded, batch: Sequence[Mapping[str, Any]], _params: NoParams) -> list[dict[str, Any]]:
    """Name → answer, for each state. Raises `InvalidInput("questions", …)` for questions that are none."""
    return [_decide(pipe.pipe, inputs) for inputs in batch]


def _decide(pipe: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    state = media.text(inputs, "state", "It is empty; say what is to be judged.")
    questions = inputs.get("questions")
    if not isinstance(questions, dict) or not questions:
        raise InvalidInput("questions", "nothing" if questions in (None, {}) else questions, EXPECTED)
    request = {"state": state, "questions": questions}
    with generation.refusing("questions", questions):
        prompts = pipe.preprocess(request)["prompts"]
        positions = int(getattr(pipe.model.config, "max_position_embeddings", None) or MOST_TOKENS)
        longest = max(given["input_ids"].shape[1] for given, _ in prompts)
        if longest > positions:
            raise InvalidInput("state", f"{longest} tokens with its question", f"The model holds {positions}.")
        found: dict[str, Any] = pipe(request)
    return found


def snippet(model: str, inputs: Mapping[str, Any], params: Any, base: str = "") -> str:  # noqa: ARG001  it has none
    """A script that prints the answers."""
    load = snippets.load_lines(CHAT, model, base).replace("AutoTokenizer\n", "AutoTokenizer, pipeline\n", 1)
    request = snippets.quoted({"state": inputs["state"], "questions": inputs["questions"]})
    return f"""{load}
decide = pipeline("decision", model=model, tokenizer=tokenizer)
print(decide({request}))
"""


TASK = Task(
    id=ID,
    title="Decision",
    description="Answers yes or no, chooses, or rates on a scale, with a probability for every option.",
    inputs=(
        Slot("state", Modality.TEXT, "State", "What is to be judged: a message, a report, a case."),
        Slot("questions", Modality.QUESTIONS, "Questions", "Each has a type: noul (yes or no), choice or score."),
    ),
    output=Slot("decisions", Modality.DECISIONS, "Decisions", "One answer for each question, with its probabilities."),
    params=NoParams,
    models=("kit:chat", "Qwen/Qwen2.5-0.5B-Instruct", "HuggingFaceTB/SmolLM2-135M-Instruct"),
    examples=examples(ID),
    load=load,
    predict=predict,
    snippet=snippet,
    heads=(HEAD, "ForCausalLM"),
)
