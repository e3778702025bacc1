"""The loop around transformers' Trainer: arguments, reporting, cancel, resume. Knows no task.

Trainer does the training; here is what a job needs beside it, without a second of compute of its own.
"""

import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studio.core.errors import JobCancelled
from studio.jobs.context import JobContext
from studio.metrics import METRICS
from studio.recipes.training import checkpoints
from studio.recipes.training.fields import AdvancedFields, StoppingFields, TrainingFields
from studio.recipes.training.provenance import takes_bf16
from studio.recipes.training.reporter import callback
from studio.recipes.training.texts import LikeLengths, TokenRows, collator

if TYPE_CHECKING:
    from transformers import Trainer, TrainingArguments

EVAL_BATCH = 32


@dataclass(frozen=True)
class Plan:
    """The groups of the form that decide on the loop."""

    training: TrainingFields
    stopping: StoppingFields
    advanced: AdvancedFields

    def total_steps(self, rows: int) -> int:
        """Optimizer steps of the whole run, as Trainer counts them."""
        batches = math.ceil(rows / self.training.per_device_train_batch_size)
        per_epoch = max(1, math.ceil(batches / self.advanced.gradient_accumulation_steps))
        return max(1, math.ceil(per_epoch * self.training.num_train_epochs))


def quiet_libraries() -> None:
    """A job's log is for people: no progress bars, no library chatter below errors."""
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    for name in ("peft", "accelerate", "httpx", "huggingface_hub"):
        logging.getLogger(name).setLevel(logging.ERROR)


def arguments(plan: Plan, context: JobContext, rows: int) -> "TrainingArguments":
    """Trainer's arguments for this plan on this job's device."""
    from transformers import TrainingArguments

    total, advanced, stopping = plan.total_steps(rows), plan.advanced, plan.stopping
    interval = {"strategy": "steps", "steps": advanced.eval_steps} if advanced.eval_steps else {"strategy": "epoch"}
    return TrainingArguments(
        output_dir=str(context.workdir / "checkpoints"),
        num_train_epochs=plan.training.num_train_epochs,
        learning_rate=plan.training.learning_rate,
        per_device_train_batch_size=plan.training.per_device_train_batch_size,
        per_device_eval_batch_size=EVAL_BATCH,
        weight_decay=advanced.weight_decay,
        warmup_steps=min(advanced.warmup_ratio, 0.999),  # below 1 it is a share of all steps
        lr_scheduler_type=advanced.lr_scheduler_type,
        gradient_accumulation_steps=advanced.gradient_accumulation_steps,
        max_grad_norm=advanced.max_grad_norm,
        seed=advanced.seed,
        bf16=takes_bf16(advanced.precision, context.spec.device.kind),
        use_cpu=context.spec.device.kind == "cpu",
        dataloader_pin_memory=context.spec.device.kind == "cuda",
        logging_steps=max(1, min(50, total // 100)),
        logging_first_step=True,
        logging_nan_inf_filter=False,
        save_total_limit=2,
        load_best_model_at_end=stopping.load_best_model_at_end,
        metric_for_best_model=stopping.metric_for_best_model,
        greater_is_better=METRICS[stopping.metric_for_best_model].greater_is_better,
        remove_unused_columns=False,
        label_names=["labels"],
        report_to="none",
        disable_tqdm=True,
        log_level="error",
        **{f"{kind}_{name}": value for kind in ("eval", "save") for name, value in interval.items()},
    )


def make_trainer(
    model: Any, plan: Plan, context: JobContext, train: TokenRows, evaluation: TokenRows, pad_token_id: int
) -> "Trainer":
    """A Trainer that reports to the job, stops when told to, and draws the same batches again after a restart."""
    from transformers import EarlyStoppingCallback, PrinterCallback, Trainer

    args = arguments(plan, context, len(train))
    callbacks: list[Any] = [callback(context, plan.training.learning_rate, plan.advanced.save_minutes)]
    if plan.stopping.early_stopping:
        callbacks.append(EarlyStoppingCallback(plan.stopping.early_stopping_patience))
    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=train,
        eval_dataset=evaluation,
        data_collator=collator(pad_token_id),
        compute_metrics=lambda result: score(result.predictions.argmax(-1), result.label_ids),
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)
    sampler = LikeLengths(train.lengths, args.train_batch_size, plan.advanced.seed)
    trainer._get_train_sampler = lambda dataset=None: sampler  # noqa: ARG005  Trainer's hook for subclasses
    return trainer


def train(trainer: "Trainer", context: JobContext) -> float:
    """Train to the end, from the last whole checkpoint where there is one; returns this attempt's rows per second.

    Raises `JobCancelled` when somebody asked to stop; the state is saved by then.
    """
    folder = context.workdir / "checkpoints"
    start = checkpoints.last_complete(folder)
    first_step = 0
    if start is not None:
        first_step = int(checkpoints.read_state(start)["global_step"])
        _restore_patience(trainer, start)
        context.log(f"Going on from the checkpoint at step {first_step}.")
    began = time.perf_counter()
    trainer.train(resume_from_checkpoint=str(start) if start else None)
    seconds = time.perf_counter() - began
    if context.cancelled:
        raise JobCancelled
    steps = trainer.state.global_step - first_step
    return float(steps * trainer.args.train_batch_size * trainer.args.gradient_accumulation_steps / seconds)


def score(predictions: npt.NDArray[np.integer[Any]], references: npt.NDArray[np.integer[Any]]) -> dict[str, float]:
    """Every metric of the table that works on class ids."""
    predicted, true = predictions.tolist(), references.tolist()
    return {name: metric.compute(predicted, true) for name, metric in METRICS.items() if metric.needs == "labels"}


def _restore_patience(trainer: "Trainer", checkpoint: Path) -> None:
    """Give early stopping its count back; Trainer's own way would bring a saved wish to stop back as well."""
    for known in trainer.callback_handler.callbacks:
        if type(known).__name__ == "EarlyStoppingCallback":
            known.early_stopping_patience_counter = checkpoints.patience_used(checkpoint)
