"""Playground: which models there are, what they are, asking them, and the code that does the same outside."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from studio.core.errors import InvalidInput, SignInRequired, StudioError
from studio.core.params import parse
from studio.core.types import Caller
from studio.hub import auth, providers
from studio.hub.models import ModelFilters
from studio.inference import facts, hosted, memory, menus, models, snippets
from studio.inference.client import Prediction
from studio.inference.facts import ModelFacts
from studio.inference.menus import ModelInfo
from studio.inference.models import ModelFiles
from studio.service.base import Base
from studio.tasks import TASKS

RECENT = 8  # models that are remembered per owner and task
AT_ONCE = 4  # models that are compared
PYTHON = "Python"
HERE = ("kit:", "artifact:")  # models that are no affair of the Hub
ANY = ModelFilters()
SIGN_IN = (
    "Sign in to the Hub first: Inference Providers run in the name of an account. On a Space with the button in the "
    "sidebar, on your own machine with `hf auth login` or the variable HF_TOKEN."
)


@dataclass(frozen=True)
class Compared:
    """What one of several models said: a prediction, or else why there is none."""

    model: str
    prediction: Prediction | None
    error: str = ""


class Playground(Base):
    """Models and their answers."""

    def models(self, caller: Caller, task: str) -> list[ModelInfo]:
        """What the playground offers for a task: the kit's, then the caller's own."""
        return menus.available(TASKS[task].id, self._settings(caller), caller.owner)

    def base_models(self, caller: Caller) -> list[ModelInfo]:
        """What a fine-tune can start from: the kit's whole models, then the caller's own."""
        return menus.available("text-classification", self._settings(caller), caller.owner, use="train")

    def default_model(self, task: str) -> str:
        """The model that answers for a task when none is named: the kit's where the Hub is out of reach."""
        return menus.default_model(task, self.settings, reachable=self.hub().reachable)

    def model_facts(self, caller: Caller, task: str, ref: str) -> ModelFacts:
        """What one wants to know of a model before it is loaded; `problem` says why it cannot be used, if so."""
        return facts.of(ref, task, self._settings(caller), caller.owner, self._device())

    def search_models(
        self, caller: Caller, task: str, words: str = "", filters: ModelFilters = ANY
    ) -> list[ModelFacts]:
        """Models of the Hub for a task; raises `HubUnreachable`, and `InvalidInput` for a filter."""
        return facts.search(task, words, filters, self._settings(caller), self._device())

    def recent_models(self, caller: Caller, task: str) -> list[str]:
        """What the caller has used lately for a task, newest first, at most eight."""
        return self.store.recent_models(caller.owner, TASKS[task].id, RECENT)

    def predict(
        self,
        caller: Caller,
        task: str,
        inputs: Mapping[str, Any],
        params: Mapping[str, Any],
        model: str = "",
        provider: str = "",
    ) -> Prediction:
        """Run a model of a task on one set of inputs, in the inference worker.

        Where a `provider` is named, that Inference Provider answers instead, in the name of the caller's account:
        raises `SignInRequired`, `HubUnreachable`, and for every refusal an error that says why.
        """
        if provider:
            return self._hosted(caller, task, inputs, params, (model, provider))()
        files, checked = self._asked(caller, task, params, model)
        found = self.inference.predict(TASKS[task].id, files, inputs, checked.model_dump())
        self.store.use_model(caller.owner, TASKS[task].id, files.ref, time.time())
        return found

    def stream(
        self,
        caller: Caller,
        task: str,
        inputs: Mapping[str, Any],
        params: Mapping[str, Any],
        model: str = "",
        provider: str = "",
    ) -> Iterator[str | Prediction]:
        """The parts of a text as a model writes them, then the whole; whoever stops reading stops the model.

        What an Inference Provider answers comes as the whole alone.
        """
        if provider:
            ask = self._hosted(caller, task, inputs, params, (model, provider))
            return (call() for call in (ask,))
        files, checked = self._asked(caller, task, params, model)
        return self._noted(caller, task, files, self.inference.stream(task, files, inputs, checked.model_dump()))

    def compare(
        self,
        caller: Caller,
        task: str,
        inputs: Mapping[str, Any],
        params: Mapping[str, Any],
        models: Sequence[str],
    ) -> Iterator[Compared]:
        """The same inputs through one to four models, in their order, each as soon as it is ready.

        Where a model fails, its `error` says why, and the next one is asked all the same.
        """
        if not 1 <= len(models) <= AT_ONCE:
            raise InvalidInput("models", f"{len(models)} models", f"Choose between 1 and {AT_ONCE}.")
        parse(TASKS[task].params, params)
        return (self._one(caller, task, inputs, params, model) for model in tuple(models))

    def snippets(
        self,
        caller: Caller,
        task: str,
        inputs: Mapping[str, Any],
        params: Mapping[str, Any],
        model: str,
        url: str,
    ) -> dict[str, str]:
        """Language → a program that does what `predict` does here, for a studio that is served at `url`.

        "Python" needs no studio; the others ask it over REST. Media among the inputs are names of files.
        """
        files, checked = self._asked(caller, task, params, model)
        named = snippets.named(TASKS[task], inputs)
        own = models.snippet(files, task, named, checked)
        return {PYTHON: own} | snippets.written(TASKS[task], named, checked, files.ref, url)

    def providers(self, caller: Caller, task: str, model: str) -> list[str]:
        """Inference Providers that serve a model of the Hub; [] for any other. Raises `HubUnreachable`."""
        if model.startswith(HERE):
            return []
        return providers.serving(models.hub_id(model)[0], TASKS[task].id, self._settings(caller))

    # ---- inside

    def _hosted(
        self, caller: Caller, task: str, inputs: Mapping[str, Any], params: Mapping[str, Any], who: tuple[str, str]
    ) -> Callable[[], Prediction]:
        """What asks a model of a provider, in the name of the caller's account; all is checked that can be before."""
        model, provider = who
        token = auth.token_for(caller, self.settings)
        if token is None:
            raise SignInRequired(SIGN_IN)
        if not model or model.startswith(HERE):
            raise InvalidInput("model", model, 'Inference Providers run models of the Hub: give "owner/name".')
        repo_id, _ = models.hub_id(model)
        checked = parse(TASKS[task].params, params)
        return partial(
            hosted.predict, TASKS[task], inputs, checked, (repo_id, provider), (self._settings(caller), token)
        )

    def _asked(self, caller: Caller, task: str, params: Mapping[str, Any], model: str) -> tuple[ModelFiles, Any]:
        """The model that is to answer, and the checked parameters."""
        entry = TASKS[task]
        checked = parse(entry.params, params)
        ref = model or self.default_model(task)
        return models.resolve_model(ref, self._settings(caller), caller.owner, entry.id), checked

    def _one(
        self, caller: Caller, task: str, inputs: Mapping[str, Any], params: Mapping[str, Any], model: str
    ) -> Compared:
        try:
            return Compared(model, self.predict(caller, task, inputs, params, model))
        except StudioError as error:
            return Compared(model, None, str(error))

    def _noted(
        self, caller: Caller, task: str, files: ModelFiles, parts: Iterator[str | Prediction]
    ) -> Iterator[str | Prediction]:
        yield from parts
        self.store.use_model(caller.owner, TASKS[task].id, files.ref, time.time())

    def _device(self) -> str:
        """Where the worker puts models: as it says itself once it runs."""
        return str(self.inference.status()["device"]) or memory.device()
