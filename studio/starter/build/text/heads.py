"""What the text models on `kit:minilm-l6` have in common: a LoRA adapter and a head, fitted, saved, loaded, judged.

Plain peft and Trainer, one thread on the CPU. What is learned, and from which rows, is each builder's own.
"""

import json
import math
import random
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from studio.starter.kit import Quality

BASE = "kit:minilm-l6"
SEED = 20
RANK = 16
WARMUP, WEIGHT_DECAY = 0.06, 0.01
TARGETS = ("dense", "key", "query", "value")  # every linear layer of the encoder
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
BATCH = 32  # texts that are predicted together
MEASURED = 200  # rows of the sample that `Quality.band` is made for
IGNORED = -100  # label that the loss leaves out

Task = Literal["SEQ_CLS", "TOKEN_CLS", "QUESTION_ANS", "MASKED_LM"]
MODELS: Mapping[Task, str] = {
    "SEQ_CLS": "SequenceClassification",
    "TOKEN_CLS": "TokenClassification",
    "QUESTION_ANS": "QuestionAnswering",
    "MASKED_LM": "MaskedLM",
}


@dataclass(frozen=True)
class Settings:
    """How one adapter is trained.

    Attributes:
        task: peft's name of the head's task; "MASKED_LM", which peft has no name for, trains the head's transform
            and leaves the output embedding tied to the base's.
        labels: classes in the order of the head's outputs; () for heads without.
        longest: word pieces of a text, or of a pair, that are read.
        texts_per_step: batch size.
        dropout: of the adapter and of the encoder; none makes a step half as fast again, and hurts little in a
            training of one or two epochs.
    """

    task: Task
    labels: tuple[str, ...] = ()
    longest: int = 128
    learning_rate: float = 1e-3
    texts_per_step: int = 16
    epochs: float = 3
    rank: int = RANK
    dropout: float = 0.0

    def for_manifest(self) -> dict[str, float | int | str]:
        """The settings as the manifest states them."""
        head = {"QUESTION_ANS": "qa_outputs", "MASKED_LM": "transform"}.get(self.task, "classifier")
        return {
            "r": self.rank,
            "lora_alpha": 2 * self.rank,
            "lora_dropout": self.dropout,
            "target_modules": "all-linear",
            "modules_to_save": head,
            "learning_rate": self.learning_rate,
            "batch_size": self.texts_per_step,
            "epochs": self.epochs,
            "warmup": WARMUP,
            "weight_decay": WEIGHT_DECAY,
            "max_length": self.longest,
        }


@dataclass(frozen=True)
class Loaded:
    """A base with its adapter merged in, in single precision, and the tokenizer."""

    model: Any
    tokenizer: Any


def fit(base: Path, rows: Mapping[str, Sequence[Any]], settings: Settings, folder: Path) -> None:
    """Train an adapter on encoded rows (input_ids, attention_mask, labels …) and write it, in half precision.

    `folder` gets the adapter, the tokenizer and a config.json with the labels, and names no path of this machine.
    """
    import torch
    import transformers
    from datasets import Dataset

    torch.set_num_threads(1)
    transformers.set_seed(SEED)
    tokenizer = transformers.AutoTokenizer.from_pretrained(base)
    plain = _model(base, settings)
    config = plain.config
    model = _with_adapter(plain, settings)
    with tempfile.TemporaryDirectory() as checkpoints:
        arguments = transformers.TrainingArguments(
            output_dir=checkpoints,
            use_cpu=True,
            per_device_train_batch_size=settings.texts_per_step,
            num_train_epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            warmup_steps=WARMUP,
            weight_decay=WEIGHT_DECAY,
            save_strategy="no",
            logging_steps=50,
            seed=SEED,
            train_sampling_strategy="group_by_length",
            dataloader_pin_memory=False,
            disable_tqdm=True,
        )
        transformers.Trainer(
            model=model,
            args=arguments,
            train_dataset=Dataset.from_dict(dict(rows)),
            processing_class=tokenizer,
            data_collator=_collator(tokenizer, settings.task),
        ).train()
    model.save_pretrained(folder)
    config.to_json_file(folder / "config.json")
    for name in TOKENIZER_FILES:  # not saved anew: use has left its padding and truncation in this one
        shutil.copyfile(base / name, folder / name)
    _halve(folder / "adapter_model.safetensors")
    tidy(folder, f"Bert{'ForMaskedLM' if settings.task == 'MASKED_LM' else 'For' + MODELS[settings.task]}")


def load(base: Path, adapter: Path, task: Task) -> Loaded:
    """The adapter as it lies on disk, merged into its base."""
    import torch
    import transformers
    from peft import PeftModel

    config = transformers.AutoConfig.from_pretrained(adapter)
    kind = getattr(transformers, f"AutoModelFor{MODELS[task]}")
    model = kind.from_pretrained(base, config=config, dtype=torch.float32)
    with warnings.catch_warnings():
        # peft 0.21 asks transformers 5.23 under a name that is on its way out
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        model = PeftModel.from_pretrained(model, adapter).merge_and_unload().eval()
    return Loaded(model, transformers.AutoTokenizer.from_pretrained(adapter))


def classify(base: Path, adapter: Path, texts: Sequence[str], longest: int = 128) -> list[str]:
    """The most likely label per text."""
    loaded = load(base, adapter, "SEQ_CLS")
    names = loaded.model.config.id2label
    return [names[number] for number in logits(loaded, texts, longest=longest).argmax(-1).tolist()]


def logits(loaded: Loaded, texts: Sequence[str], seconds: Sequence[str] = (), longest: int = 128) -> Any:
    """The head's outputs, a tensor (texts, classes); with `seconds`, texts are read as pairs."""
    import torch

    parts = []
    for start in range(0, len(texts), BATCH):
        batch = [list(texts[start : start + BATCH])]
        if seconds:
            batch.append(list(seconds[start : start + BATCH]))
        inputs = loaded.tokenizer(*batch, padding=True, truncation=True, max_length=longest, return_tensors="pt")
        with torch.inference_mode():
            parts.append(loaded.model(**inputs).logits)
    return torch.cat(parts)


def sample(count: int, rows: int) -> list[int]:
    """Numbers of the rows to measure on: all, or `rows` of them, the same every time."""
    return random.Random(0).sample(range(count), min(rows, count))  # noqa: S311  not a secret


def band(share: float, rows: int = MEASURED) -> float:
    """Three standard errors of a share that is measured on a sample of `rows`."""
    return round(3 * math.sqrt(max(share * (1 - share), 0.01) / rows), 3)


def accuracy(truth: Sequence[object], predicted: Sequence[object]) -> float:
    """Share of equal pairs."""
    return sum(one == other for one, other in zip(truth, predicted, strict=True)) / len(truth)


def macro_f1(truth: Sequence[str], predicted: Sequence[str]) -> float:
    """Mean over the classes of F1, which needs scikit-learn."""
    from sklearn.metrics import f1_score

    return float(f1_score(truth, predicted, average="macro"))


def quality(value: float, split: str, n: int, baseline: tuple[float, str] | None = None, note: str = "") -> Quality:
    """A share as the manifest states it, with the same share of a trivial answer and what that answer is."""
    worth, told = baseline or (None, "")
    return Quality(
        value=round(value, 4),
        split=split,
        n=n,
        note=note,
        baseline=None if worth is None else round(worth, 4),
        baseline_note=told,
        band=band(value, min(n, MEASURED)),
    )


def tidy(folder: Path, architecture: str) -> None:
    """Name the base by its id instead of this machine's path, and drop peft's empty model card."""
    (folder / "README.md").unlink(missing_ok=True)
    file = folder / "adapter_config.json"
    config = json.loads(file.read_text(encoding="utf-8")) | {"base_model_name_or_path": BASE}
    for name, value in config.items():  # peft writes sets in any order, and its own heads once more
        if isinstance(value, list):
            config[name] = sorted(set(value))
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    model = folder / "config.json"
    settings = {
        key: value for key, value in json.loads(model.read_text(encoding="utf-8")).items() if key != "_name_or_path"
    }
    settings |= {"dtype": "float32", "architectures": [architecture]}
    model.write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for written in folder.iterdir():
        written.chmod(0o644)  # safetensors writes for the owner only


def _model(base: Path, settings: Settings) -> Any:
    import torch
    import transformers

    kind = getattr(transformers, f"AutoModelFor{MODELS[settings.task]}")
    fields: dict[str, Any] = {
        "hidden_dropout_prob": settings.dropout,
        "attention_probs_dropout_prob": settings.dropout,
    }
    if settings.labels:
        fields["id2label"] = dict(enumerate(settings.labels))
        fields["label2id"] = {label: number for number, label in enumerate(settings.labels)}
    return kind.from_pretrained(base, dtype=torch.float32, **fields)


def _with_adapter(model: Any, settings: Settings) -> Any:
    from peft import LoraConfig, get_peft_model

    masked = settings.task == "MASKED_LM"
    lora = LoraConfig(
        task_type=None if masked else settings.task,  # the other heads are trained whole, which peft does of itself
        r=settings.rank,
        lora_alpha=2 * settings.rank,
        lora_dropout=settings.dropout,
        target_modules=r".*\.encoder\..*\.(query|key|value|dense)" if masked else list(TARGETS),
        modules_to_save=["transform"] if masked else None,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)  # as in `load`
        return get_peft_model(model, lora)


def _collator(tokenizer: Any, task: Task) -> Any:
    import transformers

    if task == "TOKEN_CLS":
        return transformers.DataCollatorForTokenClassification(tokenizer)
    if task == "MASKED_LM":
        return transformers.DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15)
    return transformers.DataCollatorWithPadding(tokenizer)


def _halve(file: Path) -> None:
    from safetensors.torch import load_file, save_file

    save_file({name: weight.half() for name, weight in load_file(file).items()}, file, metadata={"format": "pt"})
