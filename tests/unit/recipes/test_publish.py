"""Publishing, over real HTTP: a trained adapter goes up, comes back and works; each failure is a clear state."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import huggingface_hub.constants
import pytest
from huggingface_hub import HfApi

from studio.core.errors import (
    Conflict,
    Forbidden,
    HubError,
    HubUnreachable,
    InvalidInput,
    JobCancelled,
    NotFound,
    QuotaExceeded,
    SignInRequired,
    StudioError,
)
from studio.core.settings import Settings
from studio.hub import auth, cards
from studio.jobs import artifacts
from studio.jobs.artifacts import Artifact, DataReference, Manifest, ModelReference
from studio.jobs.context import JobContext
from studio.jobs.engine import JobSpec
from studio.jobs.files import CANCEL
from studio.jobs.job import Device
from studio.recipes import publish
from studio.recipes.publish import PublishParams
from studio.recipes.publishing import models
from studio.recipes.publishing.facts import public
from studio.starter import kit
from studio.starter.kit import KitEntry
from tests.hubserver.faults import FOREVER, Fault, Kind
from tests.hubserver.server import HubServer

REPO = "alice/topics"
LABELS = ["games", "science", "web"]


@dataclass
class NoTracker:
    """Publishing has no curves."""

    logged: list[Mapping[str, float]] = field(default_factory=list)

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        self.logged.append(metrics)

    def finish(self) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(auth, "_accounts", {})
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("STUDIO_HUB_DEADLINE", "3")
    with HubServer() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        yield running


def manifest(artifact_id: str, **changes: object) -> Manifest:
    values: dict[str, object] = {
        "id": artifact_id,
        "kind": "adapter",
        "title": "Topics",
        "task": "text-classification",
        "recipe": "text-classification",
        "params": {"data": {"dataset": "/home/secret/rows.csv", "eval_split": "test"}, "training": {"epochs": 1}},
        "owner": "hf:alice",
        "job": "job-secret-1",
        "created_at": 1.0,
        "base_model": ModelReference(id="artifact:base", license="apache-2.0"),
        "data": DataReference(id="/home/secret/rows.csv", fingerprint="0" * 64, splits={"train": 90, "test": 10}),
        "labels": LABELS,
        "metrics": {"accuracy": 0.8, "f1": 0.75},
        "baselines": {"accuracy": 0.4},
    }
    return Manifest.model_validate(values | changes)


def make_artifact(home: Path, artifact_id: str, files: Mapping[str, bytes], **changes: object) -> Artifact:
    staging = artifacts.stage(home / "artifacts")
    for name, content in files.items():
        (staging / name).parent.mkdir(parents=True, exist_ok=True)
        (staging / name).write_bytes(content)
    return artifacts.commit(staging, manifest(artifact_id, **changes))


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    base = {"config.json": b'{"model_type": "bert"}', "model.safetensors": os.urandom(1_200_000)}
    make_artifact(tmp_path, "base", base, kind="model", base_model=None)
    adapter = {
        "adapter_config.json": json.dumps({"base_model_name_or_path": "/home/secret/base", "r": 4}).encode(),
        "adapter_model.safetensors": os.urandom(1_100_000),
        "metrics.json": b'{"accuracy": 0.8}',
        "tokenizer.json": b"{}",
        "eval_predictions.parquet": b"private rows",
        "training_args.bin": b"pickle",
    }
    return make_artifact(tmp_path, "topics", adapter)


def context_for(home: Path, token: str) -> JobContext:
    workdir = home / "jobs" / "publish-1"
    attempt = workdir / "attempts" / "1"
    attempt.mkdir(parents=True, exist_ok=True)
    spec = JobSpec(
        job="publish-1",
        attempt=1,
        recipe="publish",
        params={},
        owner="hf:alice",
        workdir=workdir,
        artifacts_dir=home / "artifacts",
        tracking_dir=home / "trackio",
        home=home,
        device=Device("cpu", "cpu", 0, 0),
        threads=1,
        secrets={"HF_TOKEN": token} if token else {},
    )
    return JobContext(spec, attempt, NoTracker())


def publish_it(home: Path, token: str, repo_id: str = REPO) -> JobContext:
    context = context_for(home, token)
    publish.run(PublishParams(artifact="topics", repo_id=repo_id), context)
    return context


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def assert_nowhere(secret: str, home: Path, output: str) -> None:
    assert secret not in output
    for file in home.rglob("*"):
        if file.is_file():
            assert secret.encode() not in file.read_bytes(), file


def test_what_arrives(server: HubServer, artifact: Artifact, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    publish_it(tmp_path, server.token)
    held = server.files(REPO)
    assert set(held) - {".gitattributes"} == {
        "README.md", "adapter_config.json", "adapter_model.safetensors", "manifest.json", "metrics.json",
        "tokenizer.json", "base/config.json", "base/model.safetensors",
    }  # fmt: skip
    assert held["adapter_model.safetensors"] == (artifact.path / "adapter_model.safetensors").read_bytes()
    assert json.loads(held["adapter_config.json"]) == {"base_model_name_or_path": REPO, "r": 4, "revision": None}
    for path, content in held.items():
        assert b"/home/secret" not in content, path
        assert b"job-secret" not in content, path
        assert b"hf:alice" not in content, path
    assert json.loads(held["manifest.json"])["params"]["data"]["dataset"] == "rows.csv"
    assert cards.lint(held["README.md"].decode()) == []
    link = f"{server.endpoint}/{REPO}"
    assert artifacts.load(tmp_path / "artifacts", "topics").manifest.published == [link]
    output = capfd.readouterr().out
    assert link in output
    assert "adapter_model.safetensors  1.1 MB" in output
    assert "Not sent: eval_predictions.parquet, training_args.bin" in output
    progress = json.loads((tmp_path / "jobs/publish-1/attempts/1/progress.json").read_text())
    assert progress["phase"] == "saving"
    assert link in progress["message"]
    assert not (tmp_path / "jobs/publish-1/publish").exists()
    assert_nowhere(server.token, tmp_path, output)


def test_pressing_again_is_harmless(server: HubServer, artifact: Artifact, tmp_path: Path) -> None:
    publish_it(tmp_path, server.token)
    uploads = [r for r in server.requests if r.method in ("PUT", "POST") and "/commit/" in r.path]
    publish_it(tmp_path, server.token)
    assert [r for r in server.requests if r.method in ("PUT", "POST") and "/commit/" in r.path] == uploads
    assert len(artifacts.load(tmp_path / "artifacts", "topics").manifest.published) == 1


def test_the_saved_card_is_the_one_that_goes_up(server: HubServer, artifact: Artifact, tmp_path: Path) -> None:
    mine = "---\n# my comment\nlicense: mit\n---\n# Mine\n\nUse OWNER/NAME.\n"
    (artifact.path / "README.md").write_text(mine)
    publish_it(tmp_path, server.token)
    assert server.files(REPO)["README.md"].decode() == mine.replace("OWNER/NAME", REPO)


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        (Fault("GET", "whoami", "status", status=401), SignInRequired, "expired"),
        (Fault("POST", "/repos/create", "status", status=403), Forbidden, "write permission"),
        (Fault("POST", "/preupload/", "status", status=429, retry_after=60), QuotaExceeded, "in 60 s"),
        (Fault("POST", "/commit/", "status", status=500, times=FOREVER), HubError, "fault of its own"),
        (Fault("POST", "/commit/", "cut_request", times=FOREVER), HubUnreachable, "connection"),
        (Fault("POST", "/repos/create", "silent", times=FOREVER), HubUnreachable, "did not answer|connection"),
    ],
)
def test_each_failure_is_clear_and_pressing_again_finishes(
    server: HubServer,
    artifact: Artifact,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    fault: Fault,
    error: type[StudioError],
    text: str,
) -> None:
    before = snapshot(artifact.path)
    server.faults.add(fault)
    with pytest.raises(error, match=text) as raised:
        publish_it(tmp_path, server.token)
    assert snapshot(artifact.path) == before
    assert_nowhere(server.token, tmp_path, capfd.readouterr().out + str(raised.value))
    server.faults.clear()
    publish_it(tmp_path, server.token)
    assert "adapter_model.safetensors" in server.files(REPO)


def test_somebody_elses_repository(server: HubServer, artifact: Artifact, tmp_path: Path) -> None:
    HfApi(endpoint=server.endpoint, token=server.other_token).create_repo("bob/topics")
    with pytest.raises((Conflict, Forbidden), match="bob/topics"):
        publish_it(tmp_path, server.token, "bob/topics")


@pytest.mark.parametrize("block", ["license: nonsense", "license: mit\nbase_model: /home/me/base"])
def test_a_card_with_errors_stops_before_anything_is_sent(
    server: HubServer, artifact: Artifact, tmp_path: Path, block: str
) -> None:
    (artifact.path / "README.md").write_text(f"---\n{block}\n---\n# Mine\n")
    with pytest.raises(InvalidInput, match="card has errors"):
        publish_it(tmp_path, server.token)
    assert not [request for request in server.requests if "/repos/create" in request.path]


def test_what_only_the_hub_objects_to_stops_too(server: HubServer, artifact: Artifact, tmp_path: Path) -> None:
    server.faults.add(Fault("POST", "/api/validate-yaml", "status", status=400))
    with pytest.raises(InvalidInput, match="card has errors"):
        publish_it(tmp_path, server.token)
    assert not [request for request in server.requests if "/repos/create" in request.path]


def test_cancelled_before_the_end(server: HubServer, artifact: Artifact, tmp_path: Path) -> None:
    context = context_for(tmp_path, server.token)
    (context.attempt_dir / CANCEL).touch()
    with pytest.raises(JobCancelled):
        publish.run(PublishParams(artifact="topics", repo_id=REPO), context)
    assert server.requests == []


def test_without_a_token_nothing_happens(server: HubServer, artifact: Artifact, tmp_path: Path) -> None:
    with pytest.raises(SignInRequired):
        publish_it(tmp_path, "")
    assert server.requests == []


def test_validate_names_the_field(artifact: Artifact, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)

    def fields(owner: str = "hf:alice", **values: str) -> list[str]:
        params = PublishParams.model_validate({"artifact": "topics", "repo_id": REPO} | values)
        return [problem.field for problem in publish.validate(params, settings, owner)]

    assert fields() == []
    assert fields(repo_id="not a name") == ["repo_id"]
    assert fields(artifact="../topics") == ["artifact"]
    assert fields(artifact="nothing") == ["artifact"]
    assert fields(owner="hf:bob") == ["artifact"]
    (artifact.path / "README.md").write_text("---\nlicense: nonsense\n---\n# Mine\n")
    assert fields() == ["artifact"]


def test_an_adapter_of_an_adapter_is_refused(artifact: Artifact, tmp_path: Path) -> None:
    make_artifact(tmp_path, "second", {}, base_model=ModelReference(id="artifact:topics"))
    problems = publish.validate(PublishParams(artifact="second", repo_id=REPO), Settings(home=tmp_path), "hf:alice")
    assert "adapter itself" in str(problems[0])


def test_the_base_of_somebody_else_does_not_travel(artifact: Artifact, tmp_path: Path) -> None:
    make_artifact(tmp_path, "base", {"config.json": b"{}"}, kind="model", base_model=None, owner="hf:bob")
    with pytest.raises(NotFound):
        models.base_folder(artifact.manifest, tmp_path / "artifacts")


def test_a_base_from_the_kit_travels_with_its_licence(
    server: HubServer, artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = KitEntry(
        id="kit:tiny",
        kind="model",
        title="Tiny",
        description="",
        tasks=(),
        license="Apache-2.0",
        license_file="LICENSE",
        attribution="Made by A.",
        sources=(),
        upstream="acme/original",
        built_by="nobody",
        seed=0,
        versions={},
        files=(),
        root=tmp_path / "kit",
    )
    monkeypatch.setattr(kit, "entry", lambda name, root: entry)
    monkeypatch.setattr(kit, "any_entry", lambda name, root: entry)
    monkeypatch.setattr(kit, "verify", lambda name, root: ["config.json is missing"])
    make_artifact(tmp_path, "topics", snapshot(artifact.path), base_model=ModelReference(id="kit:tiny"))
    params = PublishParams(artifact="topics", repo_id=REPO)
    [problem] = publish.validate(params, Settings(home=tmp_path), "hf:alice")
    assert "config.json is missing" in str(problem)
    entry.path.mkdir(parents=True)
    for name in ("config.json", "LICENSE", "model.safetensors"):
        (entry.path / name).write_text("{}")
    assert publish.validate(params, Settings(home=tmp_path), "hf:alice") == []
    publish_it(tmp_path, server.token)
    held = server.files(REPO)
    assert {"base/config.json", "base/model.safetensors", "base/LICENSE.txt"} <= set(held)
    assert b"Made by A." in held["base/LICENSE.txt"]
    data = cards.load(cards.split(held["README.md"].decode())[0])
    assert (data["base_model"], data["license"]) == ("acme/original", "apache-2.0")


def test_where_figures_come_from() -> None:
    [plain] = models.card_facts(manifest("a", params={"data": {"train_split": "train"}})).figures
    assert (plain.split, plain.rows, plain.chose) == ("test", 10, True)
    tested = manifest(
        "a",
        params={"data": {"test_split": "test", "eval_split": ""}},
        data=DataReference(id="kit:x", splits={"train": 80, "train (held out)": 9, "test": 11}),
        metrics={"accuracy": 0.9, "test_accuracy": 0.8},
        baselines={"test_accuracy": 0.5},
    )
    test, held_out = models.card_facts(tested).figures
    assert (test.split, test.rows, test.chose) == ("test", 11, False)
    assert (dict(test.metrics), dict(test.baselines)) == ({"accuracy": 0.8}, {"accuracy": 0.5})
    assert (held_out.split, held_out.rows, held_out.chose) == ("train (held out)", 9, True)
    assert (dict(held_out.metrics), dict(held_out.baselines)) == ({"accuracy": 0.9}, {})


@pytest.mark.parametrize("value", ["/home/me/rows.csv", "~/rows.csv", "C:\\Users\\me\\rows.csv"])
def test_folders_of_this_machine_stay_here(value: str) -> None:
    assert public({"a": [value, 3]}) == {"a": ["rows.csv", 3]}
    assert public("kit:debian-topics") == "kit:debian-topics"


TRAIN = """
import sys, torch
from pathlib import Path
from peft import LoraConfig, get_peft_model
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast
from transformers import AutoModelForSequenceClassification
root, base, adapter = Path(sys.argv[1]), Path(sys.argv[1]) / "base", Path(sys.argv[1]) / "adapter"
torch.manual_seed(0)
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "some", "text", "to", "try", "."]
root.mkdir(); (root / "vocab.txt").write_text("\\n".join(words))
config = BertConfig(vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
                    intermediate_size=64, num_labels=3)
BertForSequenceClassification(config).bert.save_pretrained(base)
model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=3)
lora = LoraConfig(task_type="SEQ_CLS", r=2, target_modules=["query", "value"], init_lora_weights=False)
model = get_peft_model(model, lora).eval()
model.save_pretrained(adapter)
(adapter / "README.md").unlink()  # the template of peft names folders of this machine
tokenizer = BertTokenizerFast(vocab_file=str(root / "vocab.txt"))
tokenizer.save_pretrained(adapter)
with torch.inference_mode():
    scores = model(**tokenizer("Some text to try.", return_tensors="pt")).logits.softmax(-1)[0]
print(int(scores.argmax()), float(scores.max()))
"""

PUBLISH = """
import sys
from pathlib import Path
from tests.unit.recipes.test_publish import context_for
from studio.recipes import publish
context = context_for(Path(sys.argv[1]), sys.stdin.read())
publish.run(publish.PublishParams(artifact="topics", repo_id=sys.argv[2]), context)
"""


TRY = """
import sys
from pathlib import Path
from tests.unit.recipes.test_publish import context_for
from studio.core.errors import StudioError
from studio.recipes import publish
context = context_for(Path(sys.argv[1]), sys.stdin.read())
try:
    publish.run(publish.PublishParams(artifact="topics", repo_id=sys.argv[2]), context)
except StudioError as error:
    print(f"failed: {type(error).__name__}: {error}")
"""


def in_subprocess(code: str, *arguments: str, environment: Mapping[str, str], given: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**environment, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[3])},
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("kind", ["cut_request", "silent"])
@pytest.mark.parametrize(("xet", "path"), [(True, "/cas/v1/xorbs/"), (False, "/lfs/[0-9a-f]+$")], ids=["xet", "lfs"])
def test_weights_that_got_stuck_go_on_at_the_next_press(
    server: HubServer, artifact: Artifact, tmp_path: Path, xet: bool, path: str, kind: Kind
) -> None:
    environment = hub_environment(server, tmp_path, xet=xet)
    server.faults.add(Fault("*", path, kind, times=FOREVER, after=100_000, status=503))
    before = snapshot(artifact.path)
    began = time.monotonic()
    output = in_subprocess(TRY, str(tmp_path), REPO, environment=environment, given=server.token)
    assert time.monotonic() - began < 40
    assert "failed: Hub" in output
    assert "Published" not in output
    assert "README.md" not in server.files(REPO)
    assert snapshot(artifact.path) == before
    assert_nowhere(server.token, tmp_path, output)
    server.faults.clear()
    output = in_subprocess(TRY, str(tmp_path), REPO, environment=environment, given=server.token)
    assert f"Published at {server.endpoint}/{REPO}" in output
    assert server.files(REPO)["adapter_model.safetensors"] == before["adapter_model.safetensors"]


def hub_environment(server: HubServer, tmp_path: Path, *, xet: bool) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return kept | {
        "HF_ENDPOINT": server.endpoint,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_XET": "0" if xet else "1",
    }


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A tiny base model and a LoRA adapter on it, and what it answers."""
    root = tmp_path_factory.mktemp("trained") / "models"
    return root, in_subprocess(TRAIN, str(root), environment=os.environ).strip()


@pytest.mark.parametrize("xet", [True, False], ids=["xet", "lfs"])
def test_a_published_adapter_comes_back_and_answers_the_same(
    server: HubServer, trained: tuple[Path, str], tmp_path: Path, xet: bool
) -> None:
    root, answer = trained
    make_artifact(tmp_path, "base", snapshot(root / "base"), kind="model", base_model=None)
    make_artifact(tmp_path, "topics", snapshot(root / "adapter"))
    environment = hub_environment(server, tmp_path, xet=xet)
    output = in_subprocess(PUBLISH, str(tmp_path), REPO, environment=environment, given=server.token)
    assert f"Published at {server.endpoint}/{REPO}" in output
    assert_nowhere(server.token, tmp_path, output)
    used_xet = any("xet-write-token" in request.path for request in server.requests)
    used_lfs = any(request.path.endswith("/info/lfs/objects/batch") for request in server.requests)
    assert (used_xet, used_lfs) == (xet, not xet)
    card = server.files(REPO)["README.md"].decode()
    code = card.split("```python\n")[1].split("```")[0]
    label, score = in_subprocess(code, environment=environment | {"HF_TOKEN": server.token}).split()[-2:]
    expected_label, expected_score = answer.split()[-2:]
    assert label == LABELS[int(expected_label)]
    assert abs(float(score) - float(expected_score)) < 1e-6
