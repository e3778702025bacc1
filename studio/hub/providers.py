"""Inference Providers: which of them serve a model, and asking one in somebody's name, with a deadline."""

from collections.abc import Mapping
from json import JSONDecodeError
from typing import Any

from pydantic import SecretStr

from studio.core.errors import (
    Forbidden,
    HubError,
    HubUnreachable,
    InvalidInput,
    NotFound,
    QuotaExceeded,
    SignInRequired,
    StudioError,
    TimedOut,
)
from studio.core.settings import Settings
from studio.hub import auth, session
from studio.hub.failures import clean, waiting_time

SECONDS = 120.0  # an answer may have to wait for the model to be loaded there
LIVE = "live"
NONSENSE = "{} gave an answer that makes no sense; try again, or choose another provider."


def serving(repo_id: str, task: str, settings: Settings) -> list[str]:
    """Providers that answer for a model and task now, in the order of the account's own choice.

    Raises `HubUnreachable`, `NotFound`, `SignInRequired`.
    """
    from huggingface_hub.inference._providers import PROVIDERS

    api = session.api(settings, auth.reading_token(settings))
    info = session.ask(
        lambda: api.model_info(repo_id, expand=["inferenceProviderMapping"]),
        settings.hub_deadline,
        f"asking who serves {repo_id}",
        repo_id,
    )
    known: Mapping[str, Mapping[str, Any]] = PROVIDERS  # type: ignore[assignment]
    return [
        one.provider
        for one in info.inference_provider_mapping or ()
        if one.status == LIVE and one.task == task and task in known.get(one.provider, {})
    ]


def ask(method: str, given: Mapping[str, Any], model: str, provider: str, access: tuple[Settings, SecretStr]) -> Any:
    """What `InferenceClient.method` answers; every failure as one of ours, in plain words."""
    import httpx2
    from huggingface_hub import InferenceClient

    settings, token = access
    session.api(settings, token)  # refuses offline mode, and sets the deadlines
    client = InferenceClient(provider=provider, token=token.get_secret_value(), timeout=SECONDS)  # type: ignore[arg-type]

    def call() -> Any:
        try:
            return getattr(client, method)(**given, model=model)
        except (httpx2.HTTPError, OSError, ValueError, RuntimeError) as error:
            known = _explained(error, model, provider)
            if known is None:
                raise
            raise known from error
        except (LookupError, TypeError, AttributeError) as error:  # how the library meets an answer of another shape
            raise HubError(NONSENSE.format(provider)) from error

    try:
        return session.ask(call, SECONDS + settings.hub_deadline, f"asking {provider}", model)
    except HubUnreachable as error:
        if isinstance(error.__cause__, TimeoutError):
            raise TimedOut(f"{provider} did not answer within {SECONDS:.0f} s.") from None
        raise


def _explained(error: Exception, model: str, provider: str) -> StudioError | None:
    """What a refusal of the provider, or of the router before it, means."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, InferenceTimeoutError, RepositoryNotFoundError
    from PIL import UnidentifiedImageError

    link: BaseException | None = error
    while link is not None:
        if isinstance(link, InferenceTimeoutError | httpx2.TimeoutException):
            return TimedOut(f"{provider} did not answer within {SECONDS:.0f} s. Try again, or choose another provider.")
        if isinstance(link, RepositoryNotFoundError):  # the library asks the Hub for its providers, as nobody
            return NotFound(f"{model} is not on the Hub, or is private; Inference Providers run public models.")
        if isinstance(link, HfHubHTTPError) and link.response is not None:
            return _by_status(link, model, provider)
        link = link.__cause__ or link.__context__
    if isinstance(error, JSONDecodeError | UnicodeDecodeError | UnidentifiedImageError):
        return HubError(NONSENSE.format(provider))
    if isinstance(error, ValueError):  # the library's own check of provider, model and task
        return InvalidInput("provider", provider, clean(str(error)))
    return None


def _by_status(error: Any, model: str, provider: str) -> StudioError:
    status = error.response.status_code
    said = clean(error.response.headers.get("X-Error-Message") or _said(error.response))
    because = f" It says: {said}" if said else ""
    kinds: dict[int, tuple[type[StudioError], str]] = {
        401: (SignInRequired, "The Hub does not accept this token for Inference Providers; sign in again."),
        402: (QuotaExceeded, "This account has no credit left for Inference Providers; the Hub's billing page has it."),
        403: (Forbidden, "This token may not call Inference Providers; give it that permission on the Hub."),
        404: (NotFound, f"{provider} does not serve {model}, or not any more."),
        429: (QuotaExceeded, f"{provider} takes no more requests; try again {waiting_time(error.response.headers)}."),
        504: (TimedOut, f"{provider} took too long; try again, or choose another provider."),
    }
    if status in kinds:
        kind, text = kinds[status]
        return kind(text + because)
    if status in (400, 413, 422):
        return InvalidInput("inputs", "these inputs", f"{provider} refuses them.{because}")
    return HubError(f"{provider} is out of order ({status}); try again, or choose another provider.{because}")


def _said(response: Any) -> str:
    """The explanation in a JSON body, where there is one: `error`, a text or an object with a message."""
    try:
        found = response.json().get("error", "")
    except (ValueError, AttributeError):
        return ""
    return str(found.get("message", "")) if isinstance(found, dict) else str(found)
