"""How the studio talks to the Hub: one client, a deadline on every call, and failures in the studio's own words.

Imports huggingface_hub inside functions only, because it costs 0.2 s at start. Knows no repository and no card.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as StillRunning
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from pydantic import SecretStr

from studio.core.errors import HubUnreachable, JobCancelled
from studio.core.settings import Settings
from studio.hub.failures import explain

if TYPE_CHECKING:
    from huggingface_hub import HfApi

T = TypeVar("T")

POLL = 0.1
_installing = threading.Lock()
_installed_deadline = 0.0


def install(deadline: float) -> None:
    """Make huggingface_hub use our client in this process, once per deadline (seconds per network operation)."""
    global _installed_deadline
    from huggingface_hub import constants, set_client_factory
    from huggingface_hub.utils import logging
    from huggingface_hub.utils.tqdm import disable_progress_bars

    from studio.hub.transport import HubClient

    with _installing:
        if _installed_deadline == deadline:
            return
        # hf_xet has its own HTTP stack, and reads these when its first session starts
        milliseconds = f"{int(deadline * 1000)}ms"
        for name in ("CONNECT_TIMEOUT", "READ_TIMEOUT", "RETRY_MAX_DURATION"):
            os.environ.setdefault(f"HF_XET_CLIENT_{name}", milliseconds)
        os.environ.setdefault("HF_XET_CLIENT_RETRY_MAX_ATTEMPTS", "2")
        set_client_factory(lambda: HubClient(deadline))
        # the library's warnings name signed upload addresses, which have no place in a job's log
        logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        disable_progress_bars()
        constants.HF_HUB_DISABLE_IMPLICIT_TOKEN = True  # a token found lying around is never sent for somebody else
        _installed_deadline = deadline


def api(settings: Settings, token: SecretStr | None) -> "HfApi":
    """The Hub's API in the name of `token`; without one anonymous, never with a token found lying around."""
    from huggingface_hub import HfApi

    if settings.offline:
        raise HubUnreachable("The studio is set to work offline (STUDIO_OFFLINE).")
    install(settings.hub_deadline)
    secret = token.get_secret_value() if token else False
    return HfApi(endpoint=settings.endpoint, token=secret, library_name="studio")


def ask(
    call: Callable[[], T], deadline: float, doing: str, repo_id: str = "", cancelled: Callable[[], bool] | None = None
) -> T:
    """Run one call to the Hub under a deadline in seconds.

    `doing` completes "while …" in messages. Raises a `StudioError` that says what went wrong, and `JobCancelled`
    as soon as `cancelled` says so. What is given up on goes on in its daemon thread until its own time limits end it.
    """
    future: Future[T] = Future()
    threading.Thread(target=_carry, args=(call, future), name="hub", daemon=True).start()
    end = monotonic() + deadline
    while True:
        try:
            error = future.exception(timeout=POLL if cancelled else deadline)
            break
        except StillRunning:
            if cancelled and cancelled():
                abort()
                raise JobCancelled from None
            if monotonic() >= end:
                if cancelled:  # a process of its own; elsewhere others may be in the middle of a download
                    abort()
                late = f"The Hub did not answer within {deadline:.0f} s while {doing}. Try again later."
                raise HubUnreachable(late) from None
    if error is None:
        return future.result()
    known = explain(error, doing, repo_id)
    if known is None or known is error:
        raise error
    raise known from error


def abort() -> None:
    """Stop what hf_xet is doing in this process; plain HTTP calls end by their own time limits."""
    from huggingface_hub.utils._xet import abort_xet_session

    abort_xet_session()  # type: ignore[no-untyped-call]


def _carry(call: Callable[[], T], future: "Future[T]") -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001  not swallowed: raised again in the thread that waits
        future.set_exception(error)
