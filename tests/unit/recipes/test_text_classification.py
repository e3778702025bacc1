"""Training for real, on a tiny BERT: what it leaves, that it resumes bit by bit, that it stops when asked to."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest

from studio.core.errors import InvalidInput, JobCancelled, StudioError
from studio.core.settings import Settings
from studio.inference.models import resolve_model
from studio.recipes import RECIPES
from studio.recipes.training import checkpoints
from studio.tasks import TASKS
from tests.hubserver.server import HubServer
from tests.unit.recipes import tiny

RECIPE = RECIPES["text-classification"]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home")
    tiny.save_model(settings)
    return settings


@pytest.fixture
def rows(tmp_path: Path) -> str:
    return tiny.save_rows(tmp_path / "rows", train=tiny.some_rows(), test=tiny.some_rows(5))


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.numpy import load_file

    found: dict[str, Any] = load_file(folder / "adapter_model.safetensors")
    return found


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")  # peft asks under the old name
def test_learns_and_leaves_an_adapter_that_loads_anywhere(settings: Settings, rows: str) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer, pipeline

    tiny.save_model(settings, "calm", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    values = {"model.base_model": "artifact:calm", "lora.lora_dropout": 0, "stopping.early_stopping": False}
    training = {"training.learning_rate": 0.01, "training.num_train_epochs": 8, "data.test_split": "test"}
    params = tiny.make_params(rows, **values, **training)
    context, tracker = tiny.make_context(settings, params)
    RECIPE.run(params, context)
    assert context.artifact is not None
    manifest, folder = context.artifact.manifest, context.artifact.path

    assert manifest.metrics["accuracy"] > 0.9
    assert manifest.metrics["test_accuracy"] > 0.9
    assert manifest.baselines == {"accuracy": 0.5, "test_accuracy": 0.5}
    assert manifest.labels == ["animal", "machine"]
    assert manifest.data is not None
    assert manifest.data.splits == {"train": 48, "train (held out)": 12, "test": 10}
    assert manifest.base_model is not None
    assert manifest.base_model.id == "artifact:calm"
    assert {"python", "torch", "transformers", "peft", "accelerate", "datasets", "studio"} <= set(manifest.versions)
    assert manifest.measured_memory_bytes > 0
    assert not (context.workdir / "checkpoints").exists()

    for file in folder.glob("*.json"):
        if file.name != "manifest.json":
            assert str(settings.home) not in file.read_text(), f"{file.name} names a folder of this machine"
    assert json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"] == "artifact:calm"

    base = settings.artifacts_dir / "calm"
    config = AutoConfig.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(base, config=config)
    plain = PeftModel.from_pretrained(model, folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    import pyarrow.parquet as pq

    held_out = pq.read_table(folder / "eval_predictions.parquet").to_pylist()
    texts = [text for text, _ in tiny.some_rows()]
    for row in held_out:
        with torch.inference_mode():
            scores = plain(**tokenizer(texts[row["row"]], return_tensors="pt")).logits.softmax(-1)[0]
        assert plain.config.id2label[int(scores.argmax())] == row["predicted"]
        assert float(scores.max()) == pytest.approx(row["score"], abs=1e-5)
    answer = pipeline("text-classification", model=plain.merge_and_unload(), tokenizer=tokenizer)("the dog barks")
    assert answer[0]["label"] == "animal"

    files = resolve_model("artifact:job-1", settings, tiny.OWNER)
    task = TASKS["text-classification"]
    pipe = task.load(files.path, files.base, "cpu")
    assert task.predict(pipe, [{"inputs": "a pump leaks"}], task.params())[0][0]["label"] == "machine"

    assert sorted(tracker.curve("eval/f1")) == [6, 12, 18, 24, 30, 36, 42, 48]
    assert tracker.curve("train/loss")[1] > 0.5


def test_the_same_seed_gives_the_same_model(settings: Settings, rows: str) -> None:
    found = []
    for job, seed in (("job-1", 7), ("job-2", 7), ("job-3", 8)):
        params = tiny.make_params(rows, **{"advanced.seed": seed, "training.num_train_epochs": 1})
        context, _ = tiny.make_context(settings, params, job)
        RECIPE.run(params, context)
        assert context.artifact is not None
        found.append(weights(context.artifact.path))
    assert all((found[0][name] == found[1][name]).all() for name in found[0])
    assert any((found[0][name] != found[2][name]).any() for name in found[0])


@pytest.mark.parametrize(
    ("stop", "values"),
    [
        (9, {}),
        (6, {}),
        (10, {"advanced.eval_steps": 5, "advanced.gradient_accumulation_steps": 1}),
        (4, {"advanced.gradient_accumulation_steps": 2}),
    ],
    ids=["in an epoch", "at its end", "at an evaluation", "accumulated"],
)
def test_cancel_saves_and_the_next_attempt_goes_on_bit_by_bit(
    settings: Settings, rows: str, stop: int, values: dict[str, Any]
) -> None:
    params = tiny.make_params(rows, **values)
    whole, whole_tracker = tiny.make_context(settings, params, "job-1")
    RECIPE.run(params, whole)

    cut, _ = tiny.make_context(settings, params, "job-2", cancel_at=stop)
    with pytest.raises(JobCancelled):
        RECIPE.run(params, cut)
    assert cut.artifact is None
    saved = checkpoints.last_complete(cut.workdir / "checkpoints")
    assert saved is not None
    assert stop <= checkpoints.read_state(saved)["global_step"] <= stop + 1

    again, again_tracker = tiny.make_context(settings, params, "job-2", attempt=2)
    RECIPE.run(params, again)
    assert min(again_tracker.curve("train/loss")) > checkpoints_step(saved)
    same(whole, again, whole_tracker, again_tracker)


def test_killed_while_saving_goes_on_from_the_last_whole_checkpoint(settings: Settings, rows: str) -> None:
    params = tiny.make_params(rows, **{"stopping.early_stopping": False})
    whole, whole_tracker = tiny.make_context(settings, params, "job-1")
    RECIPE.run(params, whole)

    cut, _ = tiny.make_context(settings, params, "job-2", cancel_at=9)
    with pytest.raises(JobCancelled):
        RECIPE.run(params, cut)
    found = sorted((cut.workdir / "checkpoints").glob("checkpoint-*"), key=checkpoints_step)
    assert checkpoints_step(found[0]) == 6
    shutil.copytree(found[-1], cut.workdir / "checkpoints" / "checkpoint-11")  # as a SIGKILL would leave it
    (found[-1] / "trainer_state.json").unlink()

    again, again_tracker = tiny.make_context(settings, params, "job-2", attempt=2)
    RECIPE.run(params, again)
    assert min(again_tracker.curve("train/loss")) == 7
    same(whole, again, whole_tracker, again_tracker)


def test_patience_survives_a_restart(settings: Settings, rows: str) -> None:
    values = {"training.learning_rate": 1e-9, "training.num_train_epochs": 9, "stopping.early_stopping_patience": 3}
    params = tiny.make_params(rows, **values)
    whole, whole_tracker = tiny.make_context(settings, params, "job-1")
    RECIPE.run(params, whole)
    assert max(whole_tracker.curve("eval/f1")) == 24, "the first evaluation is the best; three more are borne"
    cut, _ = tiny.make_context(settings, params, "job-2", cancel_at=14)
    with pytest.raises(JobCancelled):
        RECIPE.run(params, cut)
    again, again_tracker = tiny.make_context(settings, params, "job-2", attempt=2)
    RECIPE.run(params, again)
    assert max(again_tracker.curve("eval/f1")) == 24
    same(whole, again, whole_tracker, again_tracker)


def test_checkpoints_are_written_by_the_clock_too(settings: Settings, rows: str) -> None:
    params = tiny.make_params(rows, **{"advanced.save_minutes": 1e-9, "training.num_train_epochs": 1})
    context, _ = tiny.make_context(settings, params, cancel_at=3)
    with pytest.raises(JobCancelled):
        RECIPE.run(params, context)
    steps = {checkpoints_step(path) for path in (context.workdir / "checkpoints").glob("checkpoint-*")}
    assert len(steps) == 2
    assert min(steps) < 6


def test_divergence_names_the_learning_rate(settings: Settings, rows: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    params = tiny.make_params(rows)
    context, _ = tiny.make_context(settings, params)
    monkeypatch.setattr(torch.nn.functional, "cross_entropy", lambda inputs, *_, **__: inputs.sum() * float("nan"))
    with pytest.raises(InvalidInput, match="diverged") as caught:
        RECIPE.run(params, context)
    assert caught.value.field == "training.learning_rate"
    assert not list(settings.artifacts_dir.glob(".staging-*"))


def test_rows_without_text_or_label_are_left_out(settings: Settings, tmp_path: Path, capfd: Any) -> None:
    gaps = [("", "animal"), ("a cat", ""), ("  ", "machine")]
    rows = tiny.save_rows(tmp_path / "gaps", train=tiny.some_rows() + gaps)
    params = tiny.make_params(rows, **{"training.num_train_epochs": 1})
    context, _ = tiny.make_context(settings, params)
    RECIPE.run(params, context)
    assert context.artifact is not None
    assert context.artifact.manifest.data is not None
    assert sum(context.artifact.manifest.data.splits.values()) == 60
    log = capfd.readouterr()
    assert "3 rows without text or label are left out." in log.out
    assert "it/s" not in log.out + log.err, "no progress bars in a job's log"


def checkpoints_step(path: Path) -> int:
    return int(path.name.removeprefix("checkpoint-"))


def same(whole: Any, again: Any, whole_tracker: tiny.Recorded, again_tracker: tiny.Recorded) -> None:
    """The same weights, figures and curve, to the last bit."""
    assert whole.artifact is not None
    assert again.artifact is not None
    first, second = weights(whole.artifact.path), weights(again.artifact.path)
    assert first.keys() == second.keys()
    assert [name for name in first if (first[name] != second[name]).any()] == []
    assert whole.artifact.manifest.metrics == again.artifact.manifest.metrics
    for metric in ("train/loss", "eval/loss", "eval/f1"):
        curve = whole_tracker.curve(metric)
        assert {step: curve[step] for step in again_tracker.curve(metric)} == again_tracker.curve(metric)


def test_private_data_is_read_with_the_owners_token(
    settings: Settings, hub_server: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setenv("HF_ENDPOINT", hub_server.endpoint)
    monkeypatch.setenv("STUDIO_PUBLIC", "true")
    rows = "text,label\n" + "".join(f"{text},{label}\n" for text, label in tiny.some_rows(8))
    hub_server.add_repo("alice/private", {"train.csv": rows.encode()}, "dataset", private=True)
    params = tiny.make_params("alice/private", **{"training.num_train_epochs": 1})
    context, _ = tiny.make_context(settings, params, "without-token")
    with pytest.raises(StudioError, match="alice/private"):
        RECIPE.run(params, context)
    context, _ = tiny.make_context(settings, params, "with-token")
    context.spec = replace(context.spec, secrets={"HF_TOKEN": hub_server.token})
    RECIPE.run(params, context)
    assert context.artifact is not None
    assert context.artifact.manifest.data is not None
    assert context.artifact.manifest.data.id == "alice/private"
    written = [file for file in settings.home.rglob("*") if file.is_file()]
    assert not any(hub_server.token.encode() in file.read_bytes() for file in written)
