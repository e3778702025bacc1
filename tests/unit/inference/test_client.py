"""The worker as a real process: answers, errors, company, patience and death."""

import os
import re
import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from studio.core.errors import Conflict, InvalidInput, InvalidInputs, StudioError, TimedOut, UnknownName, WorkerDied
from studio.core.settings import Settings
from studio.inference import client
from studio.inference.client import Inference, Prediction
from studio.inference.models import ModelFiles, resolve_model
from tests.unit.inference import tiny
from tests.waiting import wait

TASK = "text-classification"


def probe(inference: Inference, folder: Path, text: str, timeout: float = 30, colour: str = "red") -> Prediction:
    return inference.predict("probe", ModelFiles("probe", folder), {"inputs": text}, {"colour": colour}, timeout)


def block(inference: Inference, folder: Path, pool: ThreadPoolExecutor) -> "Future[Prediction]":
    """A request that is in the model until `folder/release` is there."""
    asked = pool.submit(probe, inference, folder, f"block:{folder}")
    wait((folder / "started").exists)
    return asked


def start_with(monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    """Start the next worker with something changed, and without torch, which the probe does not need."""
    script = f"import studio.inference.server as server; server._prepare = lambda: 'cpu'; {change}; server.main()"
    monkeypatch.setattr(client, "COMMAND", (sys.executable, "-c", script))


def test_first_answer_loads_and_the_next_is_warm(inference: Inference, settings: Settings) -> None:
    model = resolve_model("artifact:whole", settings, "local")
    first = inference.predict(TASK, model, {"inputs": "i love this film"}, {})
    second = inference.predict(TASK, model, {"inputs": "i love this film"}, {})
    assert first.load_seconds > 0 == second.load_seconds
    assert first.output == second.output
    assert {label["label"] for label in first.output} == set(tiny.LABELS)
    assert sum(label["score"] for label in first.output) == pytest.approx(1)
    assert (second.device, second.batch) == ("cpu", 1) or second.device != "cpu"


def test_adapter_answers_otherwise_than_other_models(inference: Inference, settings: Settings) -> None:
    inputs = {"inputs": "the plot was bad"}
    found = [
        inference.predict(TASK, resolve_model(f"artifact:{name}", settings, "local"), inputs, {"top_k": 1}).output
        for name in ("whole", "other", "adapted")
    ]
    assert len({str(output) for output in found}) == 3
    assert all(len(output) == 1 for output in found)


@pytest.mark.parametrize(
    ("task", "ref", "inputs", "params", "error", "words"),
    [
        (TASK, "whole", {"inputs": " "}, {}, InvalidInput, "inputs: ' ' is not usable. The text is empty"),
        (TASK, "whole", {}, {}, InvalidInput, "inputs: 'nothing'"),
        (TASK, "whole", {"inputs": 3}, {}, InvalidInput, "inputs: 3"),
        (TASK, "whole", {"inputs": "fun"}, {"top_k": 4}, InvalidInput, "The model has 3 labels"),
        (TASK, "whole", {"inputs": "fun"}, {"top_k": 0}, InvalidInputs, "top_k: 0"),
        (TASK, "whole", {"inputs": "fun"}, {"bottom_k": 1}, InvalidInputs, "Known: function_to_apply, top_k"),
        (TASK, "adapted-base", {"inputs": "fun"}, {}, InvalidInput, "BertModel has no head for text-classification"),
        (TASK, "headless", {"inputs": "fun"}, {}, StudioError, "no trained head for this task; fine-tune it first"),
        ("bogus", "whole", {"inputs": "fun"}, {}, UnknownName, "Unknown task 'bogus'. Known: text-classification"),
        ("probe", "whole", {"inputs": "refuse"}, {}, InvalidInput, "Anything else is right."),
    ],
)
def test_mistakes_come_back_as_they_were_raised(
    inference: Inference,
    settings: Settings,
    task: str,
    ref: str,
    inputs: dict[str, object],
    params: dict[str, object],
    error: type[StudioError],
    words: str,
) -> None:
    with pytest.raises(error, match=re.escape(words)) as caught:
        inference.predict(task, resolve_model(f"artifact:{ref}", settings, "local"), inputs, params)
    assert type(caught.value) is error


def test_unexpected_errors_are_short_and_logged(inference: Inference, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="RuntimeError") as caught:
        probe(inference, tmp_path, "crash")
    assert "secret detail" not in str(caught.value)
    log = (settings.home / "logs" / "inference.log").read_text()
    assert "secret detail" in log
    assert "Traceback" in log
    with pytest.raises(StudioError, match="cannot be sent: nan"):
        probe(inference, tmp_path, "nan")
    assert probe(inference, tmp_path, "still there").output == "still there red"


def test_one_bad_request_does_not_spoil_its_company(inference: Inference, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        first = block(inference, tmp_path, pool)
        asked = {text: pool.submit(probe, inference, tmp_path, text) for text in ("a", "crash", "b", "refuse")}
        wait(lambda: inference.status()["queue"] == 4)
        (tmp_path / "release").touch()
        assert first.result().batch == 1
        assert [asked[text].result().output for text in ("a", "b")] == ["a red", "b red"]
        with pytest.raises(StudioError, match="RuntimeError"):
            asked["crash"].result()
        with pytest.raises(InvalidInput):
            asked["refuse"].result()


def test_what_waits_for_the_same_goes_together(inference: Inference, tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        block(inference, tmp_path, pool)
        red = [pool.submit(probe, inference, tmp_path, f"{number}") for number in range(8)]
        blue = [pool.submit(probe, inference, tmp_path, f"{number}", 30, "blue") for number in range(3)]
        wait(lambda: inference.status()["queue"] == 11)
        assert inference.status()["running"] == 1
        (tmp_path / "release").touch()
        assert [(one.result().output, one.result().batch) for one in red] == [(f"{n} red", 8) for n in range(8)]
        assert [(one.result().output, one.result().batch) for one in blue] == [(f"{n} blue", 3) for n in range(3)]


def test_given_up_requests_are_never_started(inference: Inference, tmp_path: Path) -> None:
    written = tmp_path / "written"
    with ThreadPoolExecutor(4) as pool:
        first = block(inference, tmp_path, pool)
        with pytest.raises(TimedOut, match=r"within 0\.1 s"):
            probe(inference, tmp_path, f"write:{written}", timeout=0.1)
        wait(lambda: inference.status()["queue"] == 0)
        (tmp_path / "release").touch()
        assert first.result().output.startswith("block:")
    probe(inference, tmp_path, "after it")
    assert not written.exists()


def test_sixteen_threads_get_their_own_answers(inference: Inference, settings: Settings) -> None:
    models = [resolve_model(f"artifact:{name}", settings, "local") for name in ("whole", "other", "adapted")]
    texts = [" ".join((tiny.WORDS * 2)[: 1 + number]) for number in range(16)]
    asked = [(models[number % 3], texts[number % 16]) for number in range(96)]
    alone = {pair: inference.predict(TASK, pair[0], {"inputs": pair[1]}, {}).output for pair in set(asked)}
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda pair: inference.predict(TASK, pair[0], {"inputs": pair[1]}, {}), asked))
    assert max(prediction.batch for prediction in found) > 1
    for pair, prediction in zip(asked, found, strict=True):
        assert [label["label"] for label in prediction.output] == [label["label"] for label in alone[pair]]
        assert [label["score"] for label in prediction.output] == pytest.approx(
            [label["score"] for label in alone[pair]], abs=1e-5
        )


@pytest.mark.parametrize("text", ["love " * 200_000, "a" * 1_000_000, "\ud800 lone", "\x00", "🙂" * 1000])
def test_strange_and_long_texts_are_answered(inference: Inference, settings: Settings, text: str) -> None:
    model = resolve_model("artifact:whole", settings, "local")
    assert len(inference.predict(TASK, model, {"inputs": text}, {}, timeout=20).output) == 3


def test_no_token_reaches_the_worker(inference: Inference, tmp_path: Path) -> None:
    probe(inference, tmp_path, "hello")
    environment = psutil.Process(inference.status()["pid"]).environ()
    assert "HF_TOKEN" not in environment
    assert environment["HF_HUB_OFFLINE"] == "1"
    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"


def test_a_killed_worker_costs_those_who_wait_and_nobody_after(inference: Inference, tmp_path: Path) -> None:
    probe(inference, tmp_path, "hello")
    pid = inference.status()["pid"]
    with ThreadPoolExecutor(4) as pool:
        running = block(inference, tmp_path, pool)
        waiting = pool.submit(probe, inference, tmp_path, "waiting")
        wait(lambda: inference.status()["queue"] == 1)
        os.kill(pid, signal.SIGKILL)
        for asked in (running, waiting):
            with pytest.raises(WorkerDied, match="killed, most often because memory ran out"):
                asked.result(10)
    assert probe(inference, tmp_path, "again").output == "again red"
    assert inference.status()["pid"] != pid


def test_the_worker_takes_the_threads_that_it_is_given(inference: Inference, settings: Settings) -> None:
    assert inference.predict(TASK, resolve_model("artifact:whole", settings, "local"), {"inputs": "fun"}, {}).dtype
    assert inference.status()["threads"] == 1  # OMP_NUM_THREADS; without it as many as this process may have cores


def test_what_would_fill_the_memory_is_refused_and_the_worker_lives(
    inference: Inference, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_with(monkeypatch, "server.memory_bytes = lambda *_: 3 << 20; server.leases.free_memory = lambda: 1 << 20")
    full = Inference(settings)
    try:
        with pytest.raises(Conflict, match="takes about 3 MB, and 1 MB of memory are free at this moment"):
            probe(full, tmp_path, "hello")
        assert full.status()["alive"]
    finally:
        full.close()


def test_models_leave_when_the_budget_is_spent(
    inference: Inference, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """`inference` lends its environment; the worker here has room for one of two models of 50 MB."""
    small = settings.model_copy(update={"home": tmp_path_factory.mktemp("large"), "inference_memory_mb": 64})
    refs = [tiny.classifier(small, name, hidden=width) for name, width in (("one", 1024), ("two", 1024), ("big", 1280))]
    one, two, big = (resolve_model(ref, small, "local") for ref in refs)
    tight = Inference(small)
    try:
        for model in (one, two, two):
            tight.predict(TASK, model, {"inputs": "fun"}, {})
        status = tight.status()
        assert [model["ref"] for model in status["models"]] == [two.ref]
        assert 40_000_000 < status["bytes"] <= status["budget_bytes"] == 64 * 1024 * 1024
        assert tight.predict(TASK, one, {"inputs": "fun"}, {}).load_seconds > 0
        with pytest.raises(Conflict, match="STUDIO_INFERENCE_MEMORY_MB"):
            tight.predict(TASK, big, {"inputs": "fun"}, {})
        assert tight.predict(TASK, one, {"inputs": "fun"}, {}).load_seconds == 0
    finally:
        tight.close()
    assert tight.status()["alive"] is False
    with pytest.raises(Conflict, match="shutting down"):
        tight.predict(TASK, one, {"inputs": "fun"}, {})


def test_a_model_that_was_made_again_is_loaded_again(inference: Inference, settings: Settings) -> None:
    model = resolve_model("artifact:whole", settings, "local")
    inference.predict(TASK, model, {"inputs": "fun"}, {})
    os.utime(model.path / "model.safetensors", ns=(model.written_ns, model.written_ns + 1_000_000_000))
    again = resolve_model("artifact:whole", settings, "local")
    assert again == replace(model, written_ns=again.written_ns) != model
    assert inference.predict(TASK, again, {"inputs": "fun"}, {}).load_seconds > 0


def test_a_model_that_computes_without_end_is_given_up(
    inference: Inference, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_with(monkeypatch, "server.STUCK_SECONDS = 0")
    other = Inference(settings)
    try:
        with ThreadPoolExecutor(1) as pool:
            first = block(other, tmp_path, pool)
            with pytest.raises((TimedOut, WorkerDied)):
                probe(other, tmp_path, "waits", timeout=0.1)
            with pytest.raises(WorkerDied, match=f"with code {os.EX_TEMPFAIL}"):
                first.result(10)
        assert other.status()["alive"] is False
    finally:
        other.close()


def test_closing_tells_those_who_wait(
    inference: Inference, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_with(monkeypatch, "pass")
    other = Inference(settings)
    with ThreadPoolExecutor(1) as pool:
        first = block(other, tmp_path, pool)
        other.close()
        with pytest.raises(WorkerDied):
            first.result(10)
    other.close()


def test_the_worker_ends_with_its_parent(settings: Settings) -> None:
    script = (
        "import sys, pathlib\n"
        "from studio.core.settings import Settings\n"
        "from studio.inference.client import Inference\n"
        "client = Inference(Settings(home=pathlib.Path(sys.argv[1])))\n"
        "client.warm()\n"
        "print(client.status()['pid'], flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(settings.home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    wait(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)


def test_the_client_loads_no_torch(settings: Settings) -> None:
    script = (
        "import sys, studio.inference.client, studio.inference.models as m\n"
        "from studio.core.settings import Settings\n"
        "import pathlib\n"
        "m.resolve_model('artifact:adapted', Settings(home=pathlib.Path(sys.argv[1])), 'local')\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'peft', 'gradio')))\n"
    )
    subprocess.run([sys.executable, "-c", script, str(settings.home)], check=True, timeout=60)
