"""Whether the Hub can be reached, decided once at start and on demand, and the offline mode that follows from it."""

import os
import sys
import threading
import time
from dataclasses import dataclass

from studio.core.errors import HubUnreachable
from studio.core.settings import Settings
from studio.hub import session

PROBE_DEADLINE = 3.0
TRUE = {"1", "ON", "YES", "TRUE"}


@dataclass(frozen=True)
class HubStatus:
    """What the last look at the Hub showed. `checked_at` is seconds since the epoch, 0 before the first look."""

    reachable: bool
    endpoint: str
    checked_at: float
    reason: str = ""


def probe(endpoint: str, deadline: float = PROBE_DEADLINE) -> HubStatus:
    """Ask the Hub for one model; never raises, and answers within `deadline` seconds, name lookup included."""
    try:
        reason = session.ask(lambda: _look(endpoint, deadline), deadline, "looking for it")
    except HubUnreachable as error:
        reason = str(error)
    return HubStatus(not reason, endpoint, time.time(), reason)


def _look(endpoint: str, deadline: float) -> str:
    """Why this is no working Hub, or an empty text."""
    import httpx2

    try:
        # not the library's client: that one refuses to ask while offline mode is on
        answer = httpx2.get(f"{endpoint}/api/models", params={"limit": 1}, timeout=deadline)
    except httpx2.InvalidURL as error:
        return f"{endpoint} is not an address: {error}"
    except httpx2.TimeoutException:
        return f"{endpoint} did not answer within {deadline:.0f} s."
    except httpx2.TransportError:
        return f"{endpoint} cannot be reached."
    if answer.status_code == 429:
        return ""
    if answer.status_code >= 500:
        return f"{endpoint} has a fault of its own ({answer.status_code})."
    if answer.status_code != 200 or "json" not in answer.headers.get("content-type", ""):
        # a hotel's sign-in page answers everything
        return f"{endpoint} answers, but not as a Hub does ({answer.status_code})."
    return ""


class Reachability:
    """Holds the last status and keeps this process's offline mode in step with it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._forced = settings.offline or os.environ.get("HF_HUB_OFFLINE", "").upper() in TRUE
        self._asking = threading.Lock()
        reason = "The studio is set to work offline." if self._forced else "Not looked for yet."
        self._status = HubStatus(False, settings.endpoint, 0, reason)

    @property
    def status(self) -> HubStatus:
        """The last status; costs nothing."""
        return self._status

    def start(self) -> None:
        """Look for the Hub in the background."""
        threading.Thread(target=self.refresh, name="hub-probe", daemon=True).start()

    def refresh(self) -> HubStatus:
        """Look again now, at most `PROBE_DEADLINE` seconds; callers at the same time share one look."""
        before = self._status
        with self._asking:
            if self._status is before and not self._forced:
                self._status = probe(self._settings.endpoint, min(PROBE_DEADLINE, self._settings.hub_deadline))
            set_offline(not self._status.reachable)
            return self._status


def set_offline(offline: bool) -> None:
    """Switch huggingface_hub, transformers (which asks it) and datasets (which keeps a copy) of this process."""
    from huggingface_hub import constants

    constants.HF_HUB_OFFLINE = offline
    config = sys.modules.get("datasets.config")
    if config is not None:
        config.HF_HUB_OFFLINE = offline  # type: ignore[attr-defined]
