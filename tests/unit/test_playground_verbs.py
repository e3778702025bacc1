"""The playground's verbs: comparing, what was used lately, and Inference Providers over a router of one's own."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from studio.core.errors import (
    Forbidden,
    HubError,
    HubUnreachable,
    InvalidInput,
    InvalidInputs,
    NotFound,
    QuotaExceeded,
    SignInRequired,
    StudioError,
    TimedOut,
)
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.hub import providers
from studio.service import Studio
from tests.hubserver.faults import FOREVER, Fault
from tests.hubserver.server import HubServer
from tests.unit.hub.conftest import server
from tests.unit.inference import tiny
from tests.unit.router import CHAT, MESSAGES, offer, route

__all__ = ["server"]

TASK = "text-classification"
LOCAL = Caller("local", "You", admin=True)
ANN, BEN = Caller("session:ann"), Caller("session:ben")
SPAN = {"answer": "c", "score": 1.0, "start": 0, "end": 1}
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio with two classifiers of the owner "local"."""
    home = tmp_path_factory.mktemp("playground") / "home"
    made = Studio(Settings.model_validate({"home": home, "offline": True, "zygote": False}))
    made.settings.artifacts_dir.mkdir(parents=True)
    tiny.classifier(made.settings)
    tiny.classifier(made.settings, "other", seed=5)
    yield made
    made.close()


def ask(studio: Studio, model: str, who: Caller = LOCAL, text: str = "i love this film") -> Any:
    return studio.predict(who, TASK, {"inputs": text}, {}, model).output


# -- comparing, and what was used lately


def test_models_are_compared_in_order_and_one_failure_stops_nobody(studio: Studio) -> None:
    names = ["artifact:other", "artifact:nothing", "artifact:whole", "kit:debian-topics"]
    found = list(studio.compare(LOCAL, TASK, {"inputs": "i love this film"}, {"top_k": 1}, names))
    assert [one.model for one in found] == names
    assert [one.prediction is None for one in found] == [False, True, False, True]
    assert found[1].error == "There is no artifact 'nothing'."
    assert "data set" in found[3].error
    assert found[0].prediction is not None
    assert found[0].prediction.bytes > 0
    assert found[0].error == ""


def test_each_is_told_as_soon_as_it_is_ready(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    predict = studio.predict

    def noted(*given: Any) -> Any:
        asked.append(given[-1])
        return predict(*given)

    monkeypatch.setattr(studio, "predict", noted)
    found = studio.compare(LOCAL, TASK, {"inputs": "fun"}, {}, ["artifact:other", "artifact:whole"])
    assert asked == []
    next(found)
    assert asked == ["artifact:other"]


def test_nothing_is_compared_with_nothing_nor_five_models(studio: Studio) -> None:
    for names in ([], ["artifact:whole"] * 5):
        with pytest.raises(InvalidInput, match="Choose between 1 and 4"):
            studio.compare(LOCAL, TASK, {"inputs": "fun"}, {}, names)
    with pytest.raises(InvalidInputs, match="top_k"):
        studio.compare(LOCAL, TASK, {"inputs": "fun"}, {"top_k": 0}, ["artifact:whole"])


def test_what_was_used_lately_is_kept_per_owner_and_task(tmp_path: Path, studio: Studio) -> None:
    studio.store.use_model("local", "fill-mask", "kit:fill-mask", 1.0)
    for name in ("artifact:whole", "artifact:other", "artifact:other", "artifact:whole"):
        ask(studio, name)
    with pytest.raises(StudioError):
        ask(studio, "artifact:nothing")
    with pytest.raises(InvalidInput):
        ask(studio, "artifact:other", text=" ")
    assert studio.recent_models(LOCAL, TASK) == ["artifact:whole", "artifact:other"]
    assert studio.recent_models(LOCAL, "fill-mask") == []  # long forgotten
    assert studio.recent_models(ANN, TASK) == []
    again = Studio(studio.settings)
    assert again.recent_models(LOCAL, TASK) == ["artifact:whole", "artifact:other"]
    again.close()
    for number in range(12):
        studio.store.use_model("session:ann", TASK, f"owner/model-{number}", 10**9 + 100.0 * number)
    assert studio.recent_models(ANN, TASK) == [f"owner/model-{number}" for number in range(11, 3, -1)]
    assert studio.recent_models(BEN, TASK) == []


def test_facts_name_device_and_dtype(studio: Studio) -> None:
    found = studio.model_facts(LOCAL, TASK, "artifact:whole")
    assert found.device == studio.inference.status()["device"] != ""
    assert (found.dtype, found.problem) == ("float32", "")
    assert ask(studio, "artifact:whole")
    with pytest.raises(HubUnreachable):
        studio.search_models(LOCAL, TASK, "bert")


def test_a_model_too_large_for_the_memory_never_reaches_the_worker(tmp_path: Path) -> None:
    made = Studio(Settings.model_validate({"home": tmp_path, "offline": True, "inference_memory_mb": 64}))
    made.settings.artifacts_dir.mkdir(parents=True)
    tiny.classifier(made.settings, "huge", hidden=1024, layers=6, inner=4096)
    try:
        with pytest.raises(InvalidInput, match=r"once loaded, and 64 MB are set aside for warm models"):
            ask(made, "artifact:huge")
        assert not made.inference.status()["alive"]
    finally:
        made.close()


# -- Inference Providers


@pytest.fixture
def online(server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """A studio whose Hub and router are the test server."""
    route(server, monkeypatch)
    made = Studio(Settings.model_validate({"home": tmp_path / "home", "hub_deadline": 4, "zygote": False}))
    yield made
    made.close()


def signed_in(server: HubServer) -> Caller:
    return Caller("hf:alice", "alice", token=SecretStr(server.token))


def test_providers_that_serve_a_model_are_listed(server: HubServer, online: Studio) -> None:
    ref = offer(server, "conversational", CHAT, "together")
    mapping = server.repo(ref).providers
    mapping["groq"] = {"status": "staging", "providerId": "x", "task": "conversational"}
    mapping["novita"] = {"status": "live", "providerId": "x", "task": "text-generation"}
    mapping["brand-new"] = {"status": "live", "providerId": "x", "task": "conversational"}  # unknown to the library
    caller = signed_in(server)
    assert online.providers(caller, "conversational", ref) == ["together"]
    assert online.providers(caller, "text-generation", ref) == ["novita"]
    assert online.providers(caller, "text-classification", ref) == []
    assert online.providers(caller, "conversational", "kit:chat") == []
    with pytest.raises(NotFound):
        online.providers(caller, "conversational", "alice/nothing")


def test_a_provider_answers_a_chat_in_the_accounts_name(server: HubServer, online: Studio) -> None:
    ref = offer(server, "conversational", CHAT, "together")
    found = online.predict(signed_in(server), "conversational", MESSAGES, {"max_tokens": 9}, ref, "together")
    assert found.output["content"] == "Hello!"
    assert found.output["usage"]["total_tokens"] == 5
    assert (found.device, found.load_seconds) == ("together", 0)
    assert found.seconds > 0


@pytest.mark.parametrize(
    ("task", "inputs", "params", "answer", "output"),
    [
        (TASK, {"inputs": "x"}, {}, [[{"label": "a", "score": 1.0}]], [{"label": "a", "score": 1.0}]),
        ("translation", {"inputs": "x"}, {}, [{"translation_text": "y"}], {"translation_text": "y"}),
        ("text-generation", {"inputs": "x"}, {}, [{"generated_text": "y"}], {"generated_text": "y"}),
        ("feature-extraction", {"inputs": "x"}, {}, [[0.5, 1.0]], [[0.5, 1.0]]),
        ("question-answering", {"question": "q", "context": "c"}, {}, SPAN, [SPAN]),
        ("image-classification", {"inputs": PNG}, {"top_k": 1}, [{"label": "a", "score": 1.0}],
         [{"label": "a", "score": 1.0}]),
        ("zero-shot-classification", {"inputs": "x"}, {"candidate_labels": ["a"]}, [{"label": "a", "score": 1.0}],
         [{"label": "a", "score": 1.0}]),
    ],
)  # fmt: skip
def test_answers_are_what_the_task_gives(
    server: HubServer, online: Studio, task: str, inputs: Any, params: Any, answer: Any, output: Any
) -> None:
    ref = offer(server, task, answer, name=f"for-{task}")
    assert online.predict(signed_in(server), task, inputs, params, ref, "hf-inference").output == output


def test_pictures_come_as_files(server: HubServer, online: Studio) -> None:
    ref = offer(server, "text-to-image", PNG)
    found = online.predict(signed_in(server), "text-to-image", {"inputs": "a dot"}, {}, ref, "hf-inference")
    assert found.output.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (Fault("POST", "/router", "status", FOREVER, 401), SignInRequired, "does not accept this token"),
        (Fault("POST", "/router", "status", FOREVER, 402), QuotaExceeded, "no credit left"),
        (Fault("POST", "/router", "status", FOREVER, 403), Forbidden, "may not call Inference Providers"),
        (Fault("POST", "/router", "status", FOREVER, 404), NotFound, "together does not serve alice/model"),
        (Fault("POST", "/router", "status", FOREVER, 422), InvalidInput, "together refuses them"),
        (Fault("POST", "/router", "status", FOREVER, 429, retry_after=60), QuotaExceeded, "try again in 60 s"),
        (Fault("POST", "/router", "status", FOREVER, 503), HubError, r"out of order \(503\)"),
        (Fault("POST", "/router", "status", FOREVER, 504), TimedOut, "took too long"),
        (Fault("POST", "/router", "silent", FOREVER), TimedOut, "did not answer within 1 s"),
        (Fault("POST", "/router", "cut_response", FOREVER), HubUnreachable, "connection"),
    ],
    ids=lambda value: f"{value.kind}-{value.status}" if isinstance(value, Fault) else "",
)
def test_every_refusal_says_why(
    server: HubServer, online: Studio, monkeypatch: pytest.MonkeyPatch, fault: Fault, error: type, words: str
) -> None:
    monkeypatch.setattr(providers, "SECONDS", 1.0)
    ref = offer(server, "conversational", CHAT, "together")
    server.faults.add(fault)
    with pytest.raises(error, match=words) as caught:
        online.predict(signed_in(server), "conversational", MESSAGES, {}, ref, "together")
    assert server.token not in str(caught.value)


@pytest.mark.parametrize(
    ("task", "inputs", "answer"),
    [
        ("conversational", MESSAGES, {"choices": []}),
        ("conversational", MESSAGES, {"choices": [{"message": None}]}),
        ("conversational", MESSAGES, {}),
        (TASK, {"inputs": "x"}, []),
        ("feature-extraction", {"inputs": "x"}, {"no": "numbers"}),
        ("text-to-image", {"inputs": "x"}, b"no picture"),
        ("image-classification", {"inputs": PNG}, b"no JSON"),
    ],
)
def test_an_answer_of_another_shape_is_the_providers_fault(
    server: HubServer, online: Studio, task: str, inputs: Any, answer: Any
) -> None:
    provider = "together" if task == "conversational" else "hf-inference"
    ref = offer(server, task, answer, provider)
    with pytest.raises(HubError, match=f"{provider} gave an answer that makes no sense"):
        online.predict(signed_in(server), task, inputs, {}, ref, provider)


def test_what_a_provider_answers_streams_as_the_whole(server: HubServer, online: Studio) -> None:
    ref = offer(server, "conversational", CHAT, "together")
    (whole,) = online.stream(signed_in(server), "conversational", MESSAGES, {}, ref, "together")
    assert not isinstance(whole, str)
    assert whole.output["content"] == "Hello!"


def test_the_providers_own_words_are_shown(server: HubServer, online: Studio) -> None:
    ref = offer(server, "conversational", CHAT, "together")
    server.hub.without_credit.add("alice")
    with pytest.raises(QuotaExceeded, match="It says: You have exceeded your monthly included credits"):
        online.predict(signed_in(server), "conversational", MESSAGES, {}, ref, "together")


def test_what_cannot_be_asked_is_refused_before_anybody_is(
    server: HubServer, online: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref, caller = offer(server, "conversational", CHAT, "together"), signed_in(server)
    with pytest.raises(SignInRequired, match="hf auth login"):
        online.predict(Caller("session:x"), "conversational", MESSAGES, {}, ref, "together")
    with pytest.raises(InvalidInputs, match="max_tokens"):
        online.predict(caller, "conversational", MESSAGES, {"max_tokens": -1}, ref, "together")
    for local in ("kit:chat", ""):
        with pytest.raises(InvalidInput, match="run models of the Hub"):
            online.predict(caller, "conversational", MESSAGES, {}, local, "together")
    with pytest.raises(InvalidInput, match="provider: 'groq'"):
        online.predict(caller, "conversational", MESSAGES, {}, ref, "groq")
    with pytest.raises(InvalidInput, match="provider: 'nobody'"):
        online.predict(caller, "conversational", MESSAGES, {}, ref, "nobody")
    shots = {"inputs": "a", "examples": {"input": ["a"], "output": ["b"]}}
    with pytest.raises(InvalidInput, match="in no way"):
        online.predict(caller, "text-generation", shots, {}, ref, "together")
    offline = Studio(online.settings.model_copy(update={"offline": True}))
    with pytest.raises(HubUnreachable):
        offline.predict(replace(caller), "conversational", MESSAGES, {}, ref, "together")
    offline.close()
    assert server.count("POST", "/router") == 0
