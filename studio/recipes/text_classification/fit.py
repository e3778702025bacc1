"""Runs a text-classification fine-tune inside the runner: data → tokens → LoRA → best checkpoint → artifact."""

import json
import shutil
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.core.errors import InvalidInput
from studio.core.settings import Settings
from studio.data.records import Dataset
from studio.inference.models import ModelFiles
from studio.jobs.artifacts import DataReference, Manifest, ModelReference
from studio.jobs.context import JobContext
from studio.recipes import arrival
from studio.recipes.text_classification.checks import check_lengths, validate
from studio.recipes.text_classification.data import LabelledTexts, Splits, load_splits
from studio.recipes.text_classification.params import TextClassificationParams
from studio.recipes.training import loop
from studio.recipes.training.base_models import resolve_base, text_limit
from studio.recipes.training.fields import LoraFields
from studio.recipes.training.memory import peak_memory
from studio.recipes.training.provenance import versions
from studio.recipes.training.texts import TokenRows, encode, load_tokenizer, majority_share

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import Trainer


@dataclass(frozen=True)
class Inputs:
    """What a run works on, resolved on the machine that it runs on."""

    dataset: Dataset
    base: ModelFiles
    splits: Splits


@dataclass(frozen=True)
class Result:
    """Figures of the kept model; `scores` are softmax scores of the evaluation rows, in their own order."""

    metrics: dict[str, float]
    baselines: dict[str, float]
    scores: Any
    rows_per_second: float


def run(params: TextClassificationParams, context: JobContext) -> None:
    """Fine-tune, evaluate and leave an adapter. Raises `InvalidInput`, `JobCancelled`."""
    began = time.monotonic()
    settings = Settings(home=context.spec.home).reading_as(context.token)
    dataset = arrival.checked(params, "data.dataset", validate, settings, context)
    base = resolve_base(params.model.base_model, settings, context.spec.owner)
    inputs = Inputs(dataset, base, load_splits(dataset, params.data, params.advanced.seed))
    splits = inputs.splits
    context.log(
        f"{len(splits.train):,} rows to train on, {len(splits.evaluation):,} held out, {len(splits.names)} classes"
    )
    if splits.dropped:
        context.log(f"{splits.dropped:,} rows without text or label are left out.")
    tokenizer = load_tokenizer(base.path)
    train, train_order = _tokens(splits.train, splits.names, tokenizer, params, base)
    del train_order
    evaluation, order = _tokens(splits.evaluation, splits.names, tokenizer, params, base)
    context.raise_if_cancelled()

    loop.quiet_libraries()
    model = build_model(params, base, splits.names)
    trainable = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    context.log(f"{trainable:,} trainable weights beside {params.model.base_model}")
    plan = loop.Plan(params.training, params.stopping, params.advanced)
    trainer = loop.make_trainer(model, plan, context, train, evaluation, model.config.pad_token_id)
    rows_per_second = loop.train(trainer, context)
    context.log(f"Trained {trainer.state.global_step} steps at {rows_per_second:.1f} rows a second.")

    result = _evaluate(trainer, evaluation, order, rows_per_second)
    result.baselines["accuracy"] = majority_share(train.labels.tolist(), evaluation.labels.tolist())
    if splits.test is not None:
        test, _ = _tokens(splits.test, splits.names, tokenizer, params, base)
        figures = _evaluate(trainer, test, np.arange(len(test)), rows_per_second).metrics
        result.metrics.update({f"test_{name}": value for name, value in figures.items()})
        result.baselines["test_accuracy"] = majority_share(train.labels.tolist(), test.labels.tolist())
    context.raise_if_cancelled()
    context.saving()
    _save(params, context, inputs, trainer, (result, time.monotonic() - began))


def build_model(params: TextClassificationParams, base: ModelFiles, names: Sequence[str]) -> Any:
    """The base model with a new head and a LoRA adapter, in fp32; the same weights for the same seed.

    Whatever the base has no weights for (the head, at times a pooler) is trained and saved as a whole.
    """
    from peft import get_peft_model
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer, set_seed

    set_seed(params.advanced.seed)
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    labels = dict(enumerate(names))
    config = AutoConfig.from_pretrained(base.path, id2label=labels, label2id={v: k for k, v in labels.items()}, **local)
    config.problem_type = "single_label_classification"
    if config.pad_token_id is None:
        tokenizer = AutoTokenizer.from_pretrained(base.path, **local)
        config.pad_token_id = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    field, ref = "model.base_model", params.model.base_model
    if config.pad_token_id is None:
        raise InvalidInput(field, ref, "Its tokenizer has neither a padding nor an end token; choose another model.")
    try:
        model, info = AutoModelForSequenceClassification.from_pretrained(
            base.path,
            config=config,
            dtype="float32",
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **local,
        )
    except ValueError as error:
        raise InvalidInput(field, ref, f"transformers cannot classify texts with it: {error}") from None
    mismatched = {name for name, *_ in info["mismatched_keys"]}
    new = {name.rpartition(".")[0] for name in {*info["missing_keys"], *mismatched}}
    with warnings.catch_warnings():
        # peft 0.21 asks transformers 5.23 under a name that is on its way out
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        return get_peft_model(model, _lora_config(params.lora, model, new, params.model.base_model))


def _lora_config(fields: LoraFields, model: Any, new: set[str], ref: str) -> Any:
    """Adapters beside the linear layers that are kept frozen; new modules are trained whole."""
    from peft import LoraConfig
    from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as KNOWN
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    linear = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | Conv1D) and name not in new and not name.startswith(("classifier", "score"))
    ]
    if fields.target_modules == "attention":
        if model.config.model_type not in KNOWN:
            expected = f"peft knows no attention layers of {model.config.model_type}; choose all-linear."
            raise InvalidInput("lora.target_modules", fields.target_modules, expected)
        wanted = KNOWN[model.config.model_type]
        linear = [name for name in linear if name.endswith(tuple(f".{end}" for end in wanted))]
    if not linear:
        raise InvalidInput("model.base_model", ref, "It has no linear layers to adapt; choose another model.")
    return LoraConfig(
        task_type="SEQ_CLS",
        r=fields.r,
        lora_alpha=fields.lora_alpha,
        lora_dropout=fields.lora_dropout,
        target_modules=linear,
        modules_to_save=sorted(new - {"classifier", "score"}) or None,
    )


def _tokens(
    split: LabelledTexts,
    names: Sequence[str],
    tokenizer: "Tokenizer",
    params: TextClassificationParams,
    base: ModelFiles,
) -> tuple[TokenRows, Any]:
    """Rows sorted by length, so that evaluation pads next to nothing, and the rows' places in `split`.

    Raises `InvalidInput` when texts are too long and are not to be cut.
    """
    cut = params.model.max_length if params.model.long_texts == "truncate" else 0
    ids = encode(tokenizer, split.texts, cut)
    if problem := check_lengths(params.model, [len(row) for row in ids], text_limit(base.path)):
        raise problem
    number = {name: index for index, name in enumerate(names)}
    order = np.argsort([len(row) for row in ids], kind="stable")
    return TokenRows([ids[i] for i in order], [number[split.labels[i]] for i in order]), order


def _evaluate(trainer: "Trainer", rows: TokenRows, order: Any, rows_per_second: float) -> Result:
    """Score the model as it stands."""
    output = trainer.predict(rows)
    logits = output.predictions.astype(np.float64)
    exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
    scores = np.empty_like(exponents)
    scores[order] = exponents / exponents.sum(axis=-1, keepdims=True)
    metrics = loop.score(logits.argmax(-1), output.label_ids)
    metrics["loss"] = float(output.metrics["test_loss"])
    return Result(metrics, {}, scores, rows_per_second)


def _save(
    params: TextClassificationParams,
    context: JobContext,
    inputs: Inputs,
    trainer: "Trainer",
    outcome: tuple[Result, float],
) -> None:
    """Write the artifact: beside first, then renamed; on an error nothing is left."""
    result, seconds = outcome
    staging = context.stage()
    try:
        _write_model(staging, params, inputs.base, trainer)
        _write_predictions(staging / "eval_predictions.parquet", inputs.splits, result.scores)
        figures = {"metrics": result.metrics, "baselines": result.baselines, "steps": trainer.state.global_step}
        speed = {"train_rows_per_second": round(result.rows_per_second, 2), "seconds": round(seconds, 2)}
        (staging / "metrics.json").write_text(json.dumps({**figures, **speed}, indent=2), encoding="utf-8")
        context.commit(staging, _manifest(params, context, inputs, result, seconds))
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    shutil.rmtree(context.workdir / "checkpoints", ignore_errors=True)  # the artifact is there: they are only weight
    context.log(f"accuracy {result.metrics['accuracy']:.4f}, macro F1 {result.metrics['f1']:.4f} on held-out rows")


def _write_model(folder: Path, params: TextClassificationParams, base: ModelFiles, trainer: "Trainer") -> None:
    """Adapter, tokenizer and configuration; nothing in them names a folder of this machine."""
    from transformers import AutoTokenizer

    model: Any = trainer.model
    hub_id, _, revision = params.model.base_model.partition("@")
    adapter = model.peft_config["default"]
    adapter.base_model_name_or_path = hub_id
    adapter.revision = base.revision or revision or None
    model.save_pretrained(folder, safe_serialization=True, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)  # peft's stub; the card is written from the manifest
    config = model.get_base_model().config
    config.name_or_path = hub_id
    config.architectures = [type(model.get_base_model()).__name__]
    config.save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(base.path, trust_remote_code=False)
    tokenizer.name_or_path = hub_id
    tokenizer.save_pretrained(folder)


def _write_predictions(file: Path, splits: Splits, scores: Any) -> None:
    """What was predicted for each held-out row: its place, not its text, which is not ours to hand on."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    predicted = scores.argmax(-1)
    table = pa.table(
        {
            "row": pa.array(splits.evaluation.numbers, pa.int64()),
            "label": splits.evaluation.labels,
            "predicted": [splits.names[index] for index in predicted],
            "score": pa.array(scores.max(-1), pa.float32()),
        }
    )
    pq.write_table(table, file)


def _manifest(
    params: TextClassificationParams, context: JobContext, inputs: Inputs, result: Result, seconds: float
) -> Manifest:
    info, splits, spec = inputs.dataset.info, inputs.splits, context.spec
    used = {params.data.train_split: len(splits.train)}
    used[params.data.eval_split or f"{params.data.train_split} (held out)"] = len(splits.evaluation)
    if splits.test is not None:
        used[params.data.test_split] = len(splits.test)
    return Manifest(
        id=spec.job,
        kind="adapter",
        title=params.title(),
        task="text-classification",
        recipe=spec.recipe,
        params=params.model_dump(mode="json"),
        owner=spec.owner,
        job=spec.job,
        created_at=time.time(),
        base_model=ModelReference(
            id=params.model.base_model.partition("@")[0], revision=inputs.base.revision, license=inputs.base.license
        ),
        data=DataReference(
            id=info.ref if info.source != "file" else info.title,  # a path of this machine is nobody's business
            revision=info.revision,
            fingerprint=inputs.dataset.fingerprint(),
            splits=used,
            license=info.license,
        ),
        labels=splits.names,
        seed=params.advanced.seed,
        versions=versions(),
        metrics=result.metrics,
        baselines=result.baselines,
        seconds=seconds,
        device=spec.device.name or spec.device.kind,
        predicted_memory_bytes=spec.predicted_memory_bytes,
        measured_memory_bytes=peak_memory(),
    )
