"""Between Trainer and the job: progress, metrics and log lines go out, the wish to stop comes in."""

import math
import time
from collections.abc import Mapping
from typing import Any

from studio.core.errors import InvalidInput
from studio.jobs.context import JobContext
from studio.metrics import METRICS

REPORT_SECONDS = 0.25
LOG_LINES = 20  # of training progress in the job's log, whatever the length of the run


class Reporter:
    """The events of Trainer that a job cares for; `callback` makes Trainer accept it.

    Args:
        context: the job.
        learning_rate: named when training diverges.
        save_minutes: a checkpoint is asked for when the last one is older than this.
    """

    def __init__(self, context: JobContext, learning_rate: float, save_minutes: float) -> None:
        self.context, self.learning_rate, self.save_seconds = context, learning_rate, save_minutes * 60
        self.reported = self.next_log_line = 0.0
        self.saved_at = time.monotonic()
        self.loss = math.nan

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Progress at most four times a second; stop, or save, when it is time."""
        now = time.monotonic()
        if now - self.reported > REPORT_SECONDS or state.global_step >= state.max_steps:
            self.reported = now
            loss = "" if math.isnan(self.loss) else f", loss {self.loss:.3f}"
            message = f"epoch {state.epoch:.1f} of {args.num_train_epochs:g}{loss}"
            self.context.progress(state.global_step, state.max_steps, message)
        saved_with_epoch = epoch_is_over(state.epoch) and args.save_strategy == "epoch"
        if self.context.cancelled:
            control.should_training_stop = True
            control.should_save = not saved_with_epoch
        elif now - self.saved_at > self.save_seconds and not saved_with_epoch:
            control.should_save = True

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002  Trainer's signature
        """Trainer ends the epoch that it stops in; what it would do then has no place in the middle of one."""
        if self.context.cancelled and not epoch_is_over(state.epoch):
            control.should_evaluate = control.should_save = False

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002  Trainer's signature
        """Note when it was."""
        self.saved_at = time.monotonic()

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, float], **_: Any) -> None:  # noqa: ARG002
        """Hand the figures on; raises `InvalidInput` when the loss is no longer a number."""
        if "train_runtime" in logs:
            return
        step = state.global_step
        self.context.metrics(step, {metric_name(name): float(value) for name, value in logs.items()})
        if "eval_loss" in logs:
            figures = [f"{name} {logs[f'eval_{name}']:.4f}" for name in METRICS if f"eval_{name}" in logs]
            self.context.log(f"Step {step}: evaluation loss {logs['eval_loss']:.4f}, {', '.join(figures)}")
        if "loss" not in logs:
            return
        self.loss = float(logs["loss"])
        if not math.isfinite(self.loss):
            expected = f"The loss is no longer a number at step {step}: training has diverged. Take a smaller one."
            raise InvalidInput("training.learning_rate", self.learning_rate, expected)
        if step >= self.next_log_line:
            self.next_log_line = step + state.max_steps / LOG_LINES
            self.context.log(f"Step {step} of {state.max_steps}: loss {self.loss:.4f}")


def callback(context: JobContext, learning_rate: float, save_minutes: float) -> Any:
    """A `Reporter` that is a TrainerCallback too; transformers is imported here and not above."""
    from transformers import TrainerCallback

    return type("JobReporter", (Reporter, TrainerCallback), {})(context, learning_rate, save_minutes)


def epoch_is_over(epoch: float) -> bool:
    """Whether Trainer's fractional epoch stands at the end of one."""
    return abs(epoch - round(epoch)) < 1e-6


def metric_name(name: str) -> str:
    """Trainer's names as transformers' own trackers write them: `eval_f1` → `eval/f1`, `loss` → `train/loss`."""
    return f"eval/{name.removeprefix('eval_')}" if name.startswith("eval_") else f"train/{name}"
