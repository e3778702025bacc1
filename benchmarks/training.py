"""Training speed against a bare Trainer script, and predicted against measured memory.

`python -m benchmarks.training` runs both trainings in turn, in one process, on the same rows, model and settings, and
prints rows per second of wall and of CPU time; the ratio is of CPU time, which a busy machine does not bend.
`python -m benchmarks.training --memory` runs a few settings, each in a process of its own, and prints predicted over
measured peak.
"""

import argparse
import contextlib
import io
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from studio.core.params import parse
from studio.core.settings import Settings
from studio.jobs.artifacts import Manifest, commit, stage
from studio.jobs.context import JobContext
from studio.jobs.engine import JobSpec
from studio.jobs.job import Device
from studio.recipes import RECIPES
from studio.recipes.text_classification.params import TextClassificationParams
from studio.recipes.training.memory import peak_memory

RECIPE = RECIPES["text-classification"]
WORDS = [f"w{number}" for number in range(2000)]
MEMORY_SETTINGS = (  # batch, longest, layers, hidden, and the shortest text or 0 for all of one length
    *((16, 128, 6, 384, 0), (32, 128, 6, 384, 0), (16, 256, 6, 384, 0), (8, 128, 12, 768, 0)),
    *((16, 128, 6, 384, 20), (32, 128, 6, 384, 20)),
)
MIXED_BATCHES = 120  # holes on the heap come with time


class Silent:
    """A tracker that keeps nothing."""

    def log(self, metrics: Any, step: int) -> None:
        """Nothing."""

    def finish(self) -> None:
        """Nothing."""


def save_model(settings: Settings, layers: int, hidden: int) -> None:
    """A BERT of the given size with random weights: speed and memory do not depend on what they are."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    vocabulary = {word: index for index, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, model_max_length=512, **names)
    config = BertConfig(
        vocab_size=12_000,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 32,
        intermediate_size=4 * hidden,
    )
    folder = stage(settings.artifacts_dir)
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    record = {"recipe": "benchmark", "params": {}, "owner": "local", "job": "", "created_at": time.time()}
    commit(folder, Manifest(id="bench", kind="model", title="bench", **record))


def save_rows(folder: Path, count: int, shortest: int, longest: int) -> str:
    """Rows of random words; lengths are spread evenly on a logarithmic scale, as those of real texts nearly are."""
    chance = random.Random(0)
    with folder.with_suffix(".jsonl").open("w") as file:
        for index in range(count):
            length = int(shortest * (longest / shortest) ** chance.random())
            text = " ".join(chance.choices(WORDS, k=length))
            file.write(json.dumps({"text": text, "label": f"class {index % 4}"}) + "\n")
    return str(folder.with_suffix(".jsonl"))


def make_params(dataset: str, batch: int, length: int, epochs: float) -> TextClassificationParams:
    """The form, filled in; all else at its default."""
    values = {
        "data.dataset": dataset,
        "model.base_model": "artifact:bench",
        "model.max_length": length,
        "training.num_train_epochs": epochs,
        "training.per_device_train_batch_size": batch,
        "stopping.early_stopping": False,
    }
    return parse(TextClassificationParams, values)


def run_studio(settings: Settings, params: TextClassificationParams, job: str) -> float:
    """Seconds from start to artifact."""
    workdir = settings.jobs_dir / job
    workdir.mkdir(parents=True)
    spec = JobSpec(
        job=job,
        attempt=1,
        recipe=RECIPE.name,
        params=params.model_dump(mode="json"),
        owner="local",
        workdir=workdir,
        artifacts_dir=settings.artifacts_dir,
        tracking_dir=settings.tracking_dir,
        home=settings.home,
        device=Device("cpu", "cpu", 0, 0),
        threads=1,
    )
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        RECIPE.run(params, JobContext(spec, workdir, Silent()))
    return time.perf_counter() - began


def run_bare(settings: Settings, params: TextClassificationParams, job: str) -> float:
    """Seconds that the script of the transformers documentation takes: datasets, dynamic padding, Trainer, peft."""
    import transformers
    from datasets import disable_progress_bars, load_dataset
    from peft import LoraConfig, get_peft_model

    disable_progress_bars()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    base = settings.artifacts_dir / "bench"
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        rows = load_dataset("json", data_files=params.data.dataset, cache_dir=str(settings.home / job))["train"]
        rows = rows.class_encode_column("label")
        split = rows.train_test_split(0.1, seed=42, stratify_by_column="label")
        tokenizer = transformers.AutoTokenizer.from_pretrained(base)
        split = split.map(
            lambda batch: tokenizer(batch["text"], truncation=True, max_length=params.model.max_length), batched=True
        )
        model = transformers.AutoModelForSequenceClassification.from_pretrained(base, num_labels=4, dtype="float32")
        lora = LoraConfig(task_type="SEQ_CLS", r=8, lora_alpha=16, lora_dropout=0.0, target_modules="all-linear")
        arguments = transformers.TrainingArguments(
            output_dir=str(settings.home / job / "out"),
            num_train_epochs=params.training.num_train_epochs,
            per_device_train_batch_size=params.training.per_device_train_batch_size,
            per_device_eval_batch_size=32,
            learning_rate=1e-3,
            eval_strategy="epoch",
            save_strategy="epoch",
            load_best_model_at_end=True,
            save_total_limit=2,
            label_names=["labels"],
            use_cpu=True,
            dataloader_pin_memory=False,
            report_to="none",
            disable_tqdm=True,
        )
        trainer = transformers.Trainer(
            model=get_peft_model(model, lora),
            args=arguments,
            train_dataset=split["train"],
            eval_dataset=split["test"],
            processing_class=tokenizer,
            data_collator=transformers.DataCollatorWithPadding(tokenizer),
        )
        trainer.train()
        trainer.predict(split["test"])
        trainer.save_model(str(settings.home / job / "adapter"))
    return time.perf_counter() - began


def speed(rows: int, rounds: int) -> None:
    """Both in turn; the first round warms the process up and is not counted."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        save_model(settings, layers=6, hidden=384)
        figures: dict[str, list[float]] = {"studio": [], "bare": []}
        small, full = (save_rows(Path(folder) / name, count, 8, 110) for name, count in (("s", 80), ("f", rows)))
        for round_ in range(rounds + 1):
            params = make_params(full if round_ else small, batch=16, length=128, epochs=1)
            for name, run in (("studio", run_studio), ("bare", run_bare)):
                busy = time.process_time()
                seconds = run(settings, params, f"{name}-{round_}")
                busy = time.process_time() - busy
                if round_:
                    figures[name].append(rows / busy)
                    print(
                        f"round {round_} {name:6} {rows / seconds:6.1f} rows/s, {rows / busy:6.1f} rows/CPU-s",
                        flush=True,
                    )
        studio, bare = (statistics.median(figures[name]) for name in ("studio", "bare"))
        print(f"studio {studio:.1f} rows/CPU-s, bare Trainer {bare:.1f} rows/CPU-s, ratio {studio / bare:.2f}")


def memory() -> None:
    """Predicted and measured peak of each setting, in processes of their own."""
    for setting in MEMORY_SETTINGS:
        command = [sys.executable, "-m", "benchmarks.training", "--measure", json.dumps(setting)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        batch, length, layers, hidden, shortest = setting
        predicted, measured = json.loads(done.stdout.splitlines()[-1])
        print(
            f"batch {batch:3} length {shortest or length:4} to {length:4} layers {layers:3} hidden {hidden:4}: "
            f"predicted {predicted / 2**20:6.0f} MiB, measured {measured / 2**20:6.0f} MiB, "
            f"ratio {predicted / measured:.2f}",
            flush=True,
        )


def measure(setting: list[int]) -> None:
    """One setting in this process: full-length rows for a few steps, or rows of mixed lengths for many."""
    batch, length, layers, hidden, shortest = setting
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        subprocess.run(
            [sys.executable, "-m", "benchmarks.training", "--model", json.dumps([folder, layers, hidden])], check=True
        )
        batches = MIXED_BATCHES if shortest else 4
        dataset = save_rows(Path(folder) / "rows", batches * batch, shortest or length - 3, length - 2)
        params = make_params(dataset, batch, length, 1)
        predicted = RECIPE.resources(params, settings, "local").memory_bytes
        run_studio(settings, params, "job")
        print(json.dumps([predicted, peak_memory()]))


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=480)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--measure", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--model", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.model:
        save_model(Settings(home=Path(given.model[0])), *given.model[1:])
    elif given.measure:
        measure(given.measure)
    elif given.memory:
        memory()
    else:
        speed(given.rows, given.rounds)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
