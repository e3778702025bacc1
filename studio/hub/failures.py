"""What a failure of the Hub means, in the studio's own errors and words. Tokens and signed addresses never get in."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.core.errors import (
    Conflict,
    Forbidden,
    HubError,
    HubUnreachable,
    InvalidInput,
    NotFound,
    QuotaExceeded,
    SignInRequired,
    StudioError,
)

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

TOKEN = re.compile(r"\b(?:hf|api)_[A-Za-z0-9_-]{6,}")
AGAIN = "Sign in again: on a Space in the sidebar, on your own machine with `hf auth login` or HF_TOKEN."
ADDRESS = re.compile(r"(https?://[^\s?'\"]+)\?[^\s'\"]*")


@dataclass(frozen=True)
class Refusal:
    """An HTTP status of the Hub and what is known about it; `said` is the Hub's own explanation."""

    status: int
    doing: str
    name: str
    said: str
    signed_in: bool
    wait: str

    @property
    def because(self) -> str:
        """The Hub's explanation as a sentence to add, if it gave one."""
        return f" The Hub says: {self.said}" if self.said else ""


def explain(error: BaseException, doing: str, repo_id: str = "") -> StudioError | None:
    """What an exception of huggingface_hub means, or None when it is no affair of the Hub.

    `doing` completes "while …". Wrapped exceptions are looked through, because the library wraps them at will.
    """
    chain = list(_chain(error))
    for reading in (_own, _refused, _silence, _storage, _nonsense):
        for link in chain:
            known = reading(link, doing, repo_id)
            if known is not None:
                return known
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and what it came from, outermost first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _own(error: BaseException, doing: str, repo_id: str) -> StudioError | None:  # noqa: ARG001  one shape for all readings
    return error if isinstance(error, StudioError) else None


def _refused(error: BaseException, doing: str, repo_id: str) -> StudioError | None:
    """The Hub answered, with a status that says no."""
    from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, HfHubHTTPError, RevisionNotFoundError

    if not isinstance(error, HfHubHTTPError) or error.response is None:
        return None
    refusal = _read(error, doing, repo_id)
    if isinstance(error, GatedRepoError):
        return Forbidden(f"{refusal.name} is gated: ask for access on its Hub page, then sign in with that account.")
    if isinstance(error, RevisionNotFoundError):
        return NotFound(f"{refusal.name} has no such revision.")
    if isinstance(error, EntryNotFoundError):
        return NotFound(f"{refusal.name} has no such file.{refusal.because}")
    if "metadata" in refusal.said.lower() and refusal.status == 400:
        return InvalidInput("card", "README.md", refusal.said)
    return _by_status(refusal)


def _read(error: "HfHubHTTPError", doing: str, repo_id: str) -> Refusal:
    response = error.response
    said = response.headers.get("X-Error-Message") or error.server_message or ""
    return Refusal(
        status=response.status_code,
        doing=doing,
        name=repo_id or "This repository",
        said=clean(said),
        signed_in="authorization" in response.request.headers,
        wait=waiting_time(response.headers),
    )


def _by_status(refusal: Refusal) -> StudioError:
    status, doing = refusal.status, refusal.doing
    if status in STATUSES:
        return STATUSES[status](refusal)
    if status >= 500:
        return HubError(f"The Hub has a fault of its own ({status}) while {doing}. Nothing is lost; try again later.")
    return HubError(f"The Hub refused ({status}) while {doing}.{refusal.because}")


def _unknown_caller(refusal: Refusal) -> StudioError:
    if refusal.signed_in:
        return SignInRequired(f"The Hub does not accept this token: it is wrong or has expired. {AGAIN}")
    return SignInRequired(f"{refusal.name} does not exist, or is private. Sign in to see private repositories.")


STATUSES: Mapping[int, Callable[[Refusal], StudioError]] = {
    401: _unknown_caller,
    402: lambda refusal: Forbidden(f"The Hub wants a paid plan for {refusal.doing}.{refusal.because}"),
    403: lambda refusal: Forbidden(
        f"The Hub does not allow {refusal.doing}: the token lacks write permission for {refusal.name}. Sign in with a "
        f"token that may write there (Settings → Access tokens on the Hub).{refusal.because}"
    ),
    404: lambda refusal: NotFound(f"{refusal.name} is not on the Hub, or this account may not see it."),
    409: lambda refusal: Conflict(f"The Hub reports a conflict while {refusal.doing}.{refusal.because}"),
    429: lambda refusal: QuotaExceeded(f"The Hub takes no more requests for now; try again {refusal.wait}."),
}


def _silence(error: BaseException, doing: str, repo_id: str) -> StudioError | None:
    """The Hub did not answer, or was not asked."""
    import httpx2
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled

    if isinstance(error, HFValidationError):
        return InvalidInput("repo_id", repo_id, 'Give it as "owner/name".')
    if isinstance(error, LocalEntryNotFoundError):
        return HubUnreachable(f"{repo_id or 'This'} is not on this machine, and the Hub cannot be reached.")
    if type(error) is OfflineModeIsEnabled:
        return HubUnreachable("The studio works offline at the moment. Look for the Hub again first.")
    if isinstance(error, ConnectionError | TimeoutError | httpx2.TransportError):
        return HubUnreachable(f"The connection to the Hub failed while {doing}. Try again when it can be reached.")
    return None


def _storage(error: BaseException, doing: str, repo_id: str) -> StudioError | None:  # noqa: ARG001
    """hf_xet has its own exceptions, or wraps everything into RuntimeError."""
    from huggingface_hub.errors import XetDownloadError

    if isinstance(error, PermissionError) and type(error).__module__.startswith("hf_xet"):
        return SignInRequired(f"The Hub's file storage does not accept this token. {AGAIN}")
    if isinstance(error, RuntimeError | XetDownloadError):
        return HubError(f"The Hub's file storage failed while {doing}: {clean(str(error))}")
    return None


def _nonsense(error: BaseException, doing: str, repo_id: str) -> StudioError | None:  # noqa: ARG001
    if not isinstance(error, ValueError | KeyError):
        return None
    if "metadata in README.md" in str(error):
        return InvalidInput("card", "README.md", clean(str(error), 400))
    return HubError(f"The Hub gave an answer that makes no sense while {doing}: {clean(str(error))}")


def waiting_time(headers: Mapping[str, str]) -> str:
    """When to try again after a rate limit: "in 30 s", or vaguely when the Hub does not say."""
    value = headers.get("Retry-After", "").strip()
    return f"in {value} s" if value.isdigit() else "in some minutes"


def clean(text: str, length: int = 200) -> str:
    """Words of a server as they may stand in a message: one line, short, no token, no signed address."""
    text = " ".join(ADDRESS.sub(r"\1", TOKEN.sub("[token]", text)).split())
    return text if len(text) <= length else text[: length - 1] + "…"
