"""A tiny model, a small data set and a job, all real and all on disk, for tests of training."""

import csv
import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from studio.core.params import parse
from studio.core.settings import Settings
from studio.jobs.artifacts import Manifest, commit, stage
from studio.jobs.context import JobContext
from studio.jobs.engine import JobSpec
from studio.jobs.files import CANCEL
from studio.jobs.job import Device
from studio.recipes.text_classification.params import TextClassificationParams

OWNER = "local"
BASE = "artifact:tiny-bert"
ANIMALS = ("a cat sleeps", "the dog barks", "birds sing", "a horse runs", "the fish swims")
MACHINES = ("the engine starts", "a pump leaks", "the motor hums", "gears turn", "a valve opens")


@dataclasses.dataclass
class Recorded:
    """A tracker that remembers, and may ask for a stop at a step."""

    rows: list[tuple[int, dict[str, float]]] = dataclasses.field(default_factory=list)
    cancel_at: int = 0
    flag: Path | None = None

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        self.rows.append((step, dict(metrics)))
        if self.cancel_at and step >= self.cancel_at and self.flag is not None:
            self.flag.touch()

    def finish(self) -> None:
        """Nothing is pending."""

    def curve(self, metric: str) -> dict[int, float]:
        return {step: values[metric] for step, values in self.rows if metric in values}


def save_model(settings: Settings, name: str = "tiny-bert", owner: str = OWNER, **config: Any) -> Path:
    """A BERT of 2 × 32, initialised from a seed, as an artifact of `owner`."""
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizer, set_seed

    trained = BertWordPieceTokenizer(lowercase=True)
    trained.train_from_iterator([*ANIMALS, *MACHINES], vocab_size=200, min_frequency=1, show_progress=False)
    tokenizer = BertTokenizer(vocab=trained.get_vocab(), model_max_length=32)
    sizes = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 32,
        "initializer_range": 0.1,  # so that texts differ before anything is learnt
    }
    set_seed(0)
    folder = stage(settings.artifacts_dir)
    BertModel(BertConfig(**{**sizes, **config})).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    manifest = Manifest(
        id=name, kind="model", title=name, recipe="test", params={}, owner=owner, job="", created_at=time.time()
    )
    return commit(folder, manifest).path


def save_rows(folder: Path, **splits: list[tuple[Any, Any]]) -> str:
    """CSV files with the columns text and label; returns the reference."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in splits.items():
        with (folder / f"{split}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "label", "number"])
            writer.writerows([text, label, index + 0.5] for index, (text, label) in enumerate(rows))
    return str(folder)


def some_rows(each: int = 30) -> list[tuple[str, str]]:
    """Two classes that can be told apart, texts of different lengths."""
    rows = []
    for index in range(each):
        extra = " again" * (index % 4)
        rows.append((f"{ANIMALS[index % 5]} number {index}{extra}", "animal"))
        rows.append((f"{MACHINES[index % 5]} number {index}{extra}", "machine"))
    return rows


def make_params(dataset: str, **values: Any) -> TextClassificationParams:
    defaults: dict[str, Any] = {
        "data.dataset": dataset,
        "data.eval_fraction": 0.2,
        "model.base_model": BASE,
        "model.max_length": 32,
        "training.num_train_epochs": 3,
        "training.per_device_train_batch_size": 8,
        "lora.lora_dropout": 0.1,
    }
    return parse(TextClassificationParams, {**defaults, **values})


def make_context(
    settings: Settings,
    params: BaseModel,
    job: str = "job-1",
    attempt: int = 1,
    cancel_at: int = 0,
    recipe: str = "text-classification",
) -> tuple[JobContext, Recorded]:
    workdir = settings.jobs_dir / job
    attempt_dir = workdir / f"attempt-{attempt}"
    attempt_dir.mkdir(parents=True)
    spec = JobSpec(
        job=job,
        attempt=attempt,
        recipe=recipe,
        params=params.model_dump(mode="json"),
        owner=OWNER,
        workdir=workdir,
        artifacts_dir=settings.artifacts_dir,
        tracking_dir=settings.tracking_dir,
        home=settings.home,
        device=Device("cpu", "cpu", 0, 0),
        threads=1,
    )
    tracker = Recorded(cancel_at=cancel_at, flag=attempt_dir / CANCEL)
    return JobContext(spec, attempt_dir, tracker), tracker
