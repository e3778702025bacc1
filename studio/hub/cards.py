"""Model cards: filled from what is known of a run, read, edited and checked. What is not known is not said.

Knows no manifest: `studio.recipes.publish.card_facts` makes the record from one.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from studio.hub.card_lint import HUB_ID, OUTSIDE, CardProblem, lint, validate_online
from studio.hub.front_matter import dump, edit, load, split
from studio.hub.markdown import code, inline
from studio.hub.vocabulary import license_id

__all__ = ["PLACEHOLDER", "CardFacts", "CardProblem", "edit", "fill", "lint", "load", "split", "validate_online"]

PLACEHOLDER = "OWNER/NAME"
AUTO_CLASSES = {
    "text-classification": "AutoModelForSequenceClassification",
    "token-classification": "AutoModelForTokenClassification",
    "question-answering": "AutoModelForQuestionAnswering",
    "text-generation": "AutoModelForCausalLM",
    "image-classification": "AutoModelForImageClassification",
}
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Figures:
    """What was measured on one split.

    Attributes:
        metrics, baselines: figures of the kept model, and of a trivial one that always gives the most frequent class.
        rows: how many rows they rest on; 0 is unknown.
        chose: whether the split also chose which checkpoint was kept, so that its figures flatter.
    """

    split: str
    metrics: Mapping[str, float]
    baselines: Mapping[str, float] = field(default_factory=dict)
    rows: int = 0
    chose: bool = False


@dataclass(frozen=True)
class CardFacts:
    """What a card is filled from.

    Attributes:
        repo_id: where it will lie on the Hub; a placeholder until that is known.
        base_model: what was fine-tuned, as the studio names it ("kit:…", "artifact:…") or a Hub id.
        base_upstream: Hub id that a base model from elsewhere was made from.
        base_license, data_license: SPDX or Hub ids.
        base_included: whether the base model lies in the repository's folder `base`.
        params: the run's settings, nested as the recipe's form.
        splits: rows used per split.
        seconds, measured_memory_bytes: duration and peak memory; 0 is unknown.
    """

    title: str
    kind: str
    task: str
    recipe: str
    repo_id: str = PLACEHOLDER
    base_model: str = ""
    base_revision: str = ""
    base_upstream: str = ""
    base_license: str = ""
    base_included: bool = False
    data: str = ""
    data_revision: str = ""
    data_fingerprint: str = ""
    data_license: str = ""
    splits: Mapping[str, int] = field(default_factory=dict)
    figures: tuple[Figures, ...] = ()
    labels: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0
    device: str = ""
    measured_memory_bytes: int = 0

    @property
    def adapter(self) -> bool:
        """Whether the weights need a base model."""
        return self.kind == "adapter"

    @property
    def base_on_hub(self) -> str:
        """The base model's Hub id, or ""."""
        return hub_id(self.base_model) or hub_id(self.base_upstream)


def fill(facts: CardFacts) -> str:
    """The complete card: metadata block and text."""
    sections = (_summary, _results, _usage, _data, _procedure, _environment, _limitations, _reproduce)
    text = "\n\n".join("\n".join(section(facts)) for section in sections)
    return f"---\n{dump(_metadata(facts))}---\n\n{text}\n"


def hub_id(name: str) -> str:
    """The id on the Hub of what is named so, or "" for what lies elsewhere."""
    plain = name.partition("@")[0]
    return plain if plain and not plain.startswith(OUTSIDE) and "/" in plain and HUB_ID.fullmatch(plain) else ""


def _metadata(facts: CardFacts) -> dict[str, Any]:
    data: dict[str, Any] = {"library_name": "peft" if facts.adapter else "transformers"}
    known = license_id(facts.base_license)
    if known:
        data["license"] = known
    if facts.base_on_hub:
        data["base_model"] = facts.base_on_hub
        data["base_model_relation"] = "adapter" if facts.adapter else "finetune"
    if facts.task:
        data["pipeline_tag"] = facts.task
    if hub_id(facts.data):
        data["datasets"] = [hub_id(facts.data)]
    names = dict.fromkeys(name for figures in facts.figures for name in figures.metrics if not name.endswith("loss"))
    if names:
        data["metrics"] = list(names)
    data["tags"] = ["studio", *(["lora"] if facts.adapter else [])]
    if facts.figures and facts.task:
        results = [_result(facts, figures) for figures in facts.figures]
        data["model-index"] = [{"name": _name(facts), "results": results}]
    return data


def _result(facts: CardFacts, figures: Figures) -> dict[str, Any]:
    dataset: dict[str, Any] = {"name": facts.data or "unnamed", "type": hub_id(facts.data) or _slug(facts.data)}
    if figures.split:
        dataset["split"] = figures.split
    if facts.data_revision and hub_id(facts.data):
        dataset["revision"] = facts.data_revision
    return {
        "task": {"type": facts.task, "name": facts.task.replace("-", " ").capitalize()},
        "dataset": dataset,
        "metrics": [{"type": name, "value": round(value, 4), "name": name} for name, value in figures.metrics.items()],
    }


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.rpartition(":")[2].lower()).strip("-") or "unnamed"


def _name(facts: CardFacts) -> str:
    return facts.title if facts.repo_id == PLACEHOLDER else facts.repo_id.partition("/")[2]


def _summary(facts: CardFacts) -> Iterator[str]:
    yield f"# {inline(facts.title)}"
    yield ""
    what = "A LoRA adapter" if facts.adapter else "A model"
    task = f" for {facts.task.replace('-', ' ')}" if facts.task else ""
    base = f", fine-tuned from {code(facts.base_model)}" if facts.base_model else ""
    data = f" on {code(facts.data)}" if facts.data else ""
    yield f"{what}{task}{base}{data}."
    if facts.labels:
        yield ""
        yield f"It tells {len(facts.labels)} classes apart: {', '.join(code(label) for label in facts.labels)}."
    if facts.base_included:
        upstream = f", which was made from {code(facts.base_upstream)}" if facts.base_upstream else ""
        yield ""
        yield (
            f"The base model {code(facts.base_model)}{upstream}, lies in the folder `base` of this repository. The "
            "adapter fits that base only; it does not fit the model that the base was made from."
        )


def _results(facts: CardFacts) -> Iterator[str]:
    yield "## Results"
    for figures in facts.figures:
        yield ""
        where = f"the split {code(figures.split)}" if figures.split else "rows that were held out"
        rows = f" ({figures.rows:,} rows)" if figures.rows else ""
        use = "chose the checkpoint that was kept" if figures.chose else "played no part in the training"
        yield f"Measured on {where}{rows}, which {use}:"
        yield ""
        yield "| metric | this model | baseline |"
        yield "|---|---:|---:|"
        for name in dict.fromkeys([*figures.metrics, *figures.baselines]):
            yield f"| {inline(name)} | {_figure(figures.metrics, name)} | {_figure(figures.baselines, name)} |"
    yield ""
    if not facts.figures:
        yield "No figures were measured."
    elif any(figures.baselines for figures in facts.figures):
        yield "The baseline is what a trivial model reaches that always answers with the most frequent class."


def _figure(values: Mapping[str, float], name: str) -> str:
    return f"{values[name]:.4f}" if name in values else "–"


def _usage(facts: CardFacts) -> Iterator[str]:
    yield "## How to use"
    yield ""
    yield "```python"
    yield from _adapter_code(facts) if facts.adapter else _model_code(facts)
    yield "```"


def _model_code(facts: CardFacts) -> Iterator[str]:
    yield "from transformers import pipeline"
    yield ""
    yield f"pipe = pipeline({json.dumps(facts.task or 'feature-extraction')}, model={json.dumps(facts.repo_id)})"
    yield 'print(pipe("Some text to try."))'


def _adapter_code(facts: CardFacts) -> Iterator[str]:
    """Code that loads base and adapter by itself.

    A base that travels along is loaded from the downloaded folder: `from_pretrained(repo, subfolder="base")` of
    transformers 5.23 finds the adapter in the repository's root, and tries to load it from the subfolder.
    """
    auto = AUTO_CLASSES.get(facts.task, "AutoModel")
    source = "folder" if facts.base_included else json.dumps(facts.repo_id)
    base = ['folder + "/base"'] if facts.base_included else [json.dumps(facts.base_on_hub or facts.base_model)]
    if facts.base_revision and hub_id(facts.base_model):
        base.append(f"revision={json.dumps(facts.base_revision)}")
    if facts.labels:
        base.append("num_labels=len(labels)")
    # adapters are trained and measured in float32; "auto" would take over a base stored in float16
    base.append("dtype=torch.float32")
    yield "import torch"
    if facts.base_included:
        yield "from huggingface_hub import snapshot_download"
    yield "from peft import PeftModel"
    yield f"from transformers import {auto}, AutoTokenizer"
    yield ""
    if facts.labels:
        yield f"labels = {json.dumps(list(facts.labels), ensure_ascii=False)}"
    if facts.base_included:
        yield f"folder = snapshot_download({json.dumps(facts.repo_id)})"
    yield f"base = {auto}.from_pretrained({', '.join(base)})"
    yield f"model = PeftModel.from_pretrained(base, {source}).eval()"
    yield f"tokenizer = AutoTokenizer.from_pretrained({source})"
    if facts.labels:
        yield ""
        yield 'inputs = tokenizer("Some text to try.", return_tensors="pt", truncation=True)'
        yield "with torch.inference_mode():"
        yield "    scores = model(**inputs).logits.softmax(-1)[0]"
        yield "print(labels[int(scores.argmax())], float(scores.max()))"


def _data(facts: CardFacts) -> Iterator[str]:
    yield "## Training data"
    yield ""
    if not facts.data:
        yield "The data was not recorded."
        return
    yield f"- data set: {code(facts.data)}"
    if facts.data_revision:
        yield f"- revision: {code(facts.data_revision)}"
    for split_name, rows in facts.splits.items():
        held_out = any(figures.split == split_name for figures in facts.figures)
        use = " (not trained on, measured above)" if held_out else ""
        yield f"- {code(split_name)}: {rows:,} rows{use}"
    if facts.data_fingerprint:
        yield f"- SHA-256 over the files that were read: {code(facts.data_fingerprint)}"
    if facts.data_license:
        yield f"- licence: {inline(facts.data_license)}"
    if not hub_id(facts.data):
        yield "- these files are not on the Hub under this name"


def _procedure(facts: CardFacts) -> Iterator[str]:
    yield "## Training procedure"
    yield ""
    yield f"Recipe {code(facts.recipe)}, seed {facts.seed}."
    rows = list(_flat(facts.params))
    if rows:
        yield ""
        yield "| setting | value |"
        yield "|---|---|"
        for name, value in rows:
            yield f"| {inline(name)} | {inline(value)} |"


def _flat(params: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in params.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif value not in ("", None, []):
            yield prefix + name, ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _environment(facts: CardFacts) -> Iterator[str]:
    yield "## Time, memory and versions"
    yield ""
    if facts.seconds:
        yield f"- time: {_duration(facts.seconds)}" + (f" on {facts.device}" if facts.device else "")
    if facts.measured_memory_bytes:
        yield f"- peak memory of the process: {facts.measured_memory_bytes / MEGABYTE:,.0f} MB"
    for package, version in facts.versions.items():
        yield f"- {package} {version}"
    if not (facts.seconds or facts.measured_memory_bytes or facts.versions):
        yield "Not recorded."


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _limitations(facts: CardFacts) -> Iterator[str]:
    yield "## Limitations"
    yield ""
    # a split that chose nothing is the better witness
    best = min(facts.figures, key=lambda figures: figures.chose, default=None)
    if best and best.rows:
        # the widest 95 % interval of a proportion: half-width 1.96 · √(0.25 / n)
        width = 100 * 1.96 * (0.25 / best.rows) ** 0.5
        yield (
            f"- The figures rest on {best.rows:,} rows; by chance alone they may be off by about {width:.1f} "
            "percentage points (95 % interval)."
        )
    elif best:
        yield "- How many rows the figures rest on was not recorded."
    if best and best.chose:
        yield "- The rows that were measured also chose the checkpoint, so the figures are a little too good."
    if facts.labels:
        yield f"- It always answers with one of its {len(facts.labels)} classes, also for text that fits none of them."
    yield "- It was measured on data like its training data only. Try it on your own data before you rely on it."
    yield "- Bias in the base model or in the training data was not examined."


def _reproduce(facts: CardFacts) -> Iterator[str]:
    yield "## Reproduce"
    yield ""
    yield "Trained with Studio. The file `manifest.json` holds every setting, revision and version."
    if not facts.params:
        return
    yield ""
    yield "```bash"
    settings = [f"--set {_shell(f'{name}={value}')}" for name, value in _flat(facts.params)]
    yield " \\\n  ".join([f"studio train {facts.recipe}", *settings])
    yield "```"


def _shell(text: str) -> str:
    return text if re.fullmatch(r"[\w@%+=:,./-]+", text) else "'" + text.replace("'", "'\\''") + "'"
