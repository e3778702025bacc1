"""The HTTP client under huggingface_hub: every operation has a time limit, and waiting for a sick Hub is short.

huggingface_hub's own client has no time limit and retries for 23–47 seconds. Owns no error texts for people.
"""

import threading
from typing import Any

import httpx2
from huggingface_hub.errors import OfflineModeIsEnabled
from huggingface_hub.utils._http import hf_raise_for_status, hf_request_event_hook

RETRIES = 2
LONGEST_PAUSE = 5
REMEMBERED = 256


class HubSilent(OfflineModeIsEnabled):
    """The Hub did not answer.

    A subclass of the library's offline error, because all of its download code (and that of transformers)
    answers that one by looking into the local cache, and its retry loop lets it pass.
    """


class HubClient(httpx2.Client):
    """Gives up at once on silence, refused connections and rate limits, and after two retries on server errors.

    The retries themselves are the library's (`http_backoff`, which waits 1 s, then 2 s); this client only ends them.
    """

    def __init__(self, deadline: float) -> None:
        super().__init__(event_hooks={"request": [hf_request_event_hook]}, follow_redirects=True, timeout=deadline)
        self._failures: dict[tuple[str, str], int] = {}
        self._counting = threading.Lock()

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """As `httpx2.Client.send`; raises `HubSilent` or `HfHubHTTPError` where no retry is wanted."""
        try:
            response = super().send(request, **options)
        except (httpx2.TimeoutException, httpx2.ConnectError, httpx2.ProxyError) as error:
            raise HubSilent(f"{type(error).__name__} at {request.url.host}") from error
        except (httpx2.NetworkError, httpx2.RemoteProtocolError) as error:
            if self._again(request):
                raise
            raise HubSilent(f"The connection to {request.url.host} was cut") from error
        if response.status_code == 429:
            if _pause(response) > LONGEST_PAUSE or not self._again(request):
                _refuse(response)
        elif response.status_code >= 500:
            if not self._again(request):
                _refuse(response)
        else:
            self._forget(request)
        return response

    def _again(self, request: httpx2.Request) -> bool:
        """Count a failure; whether this request may be tried once more."""
        key = (request.method, str(request.url))
        with self._counting:
            if len(self._failures) > REMEMBERED:
                self._failures.clear()
            self._failures[key] = self._failures.get(key, 0) + 1
            if self._failures[key] <= RETRIES:
                return True
            del self._failures[key]
            return False

    def _forget(self, request: httpx2.Request) -> None:
        with self._counting:
            self._failures.pop((request.method, str(request.url)), None)


def _pause(response: httpx2.Response) -> float:
    """Seconds that the server wants us to wait; a limit without a number counts as long."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else LONGEST_PAUSE + 1


def _refuse(response: httpx2.Response) -> None:
    response.read()
    hf_raise_for_status(response)
