"""The line of requests that wait for the model. Whoever is alone is served at once; nobody waits for company.

What gains from company has queued up by itself while the model was busy: the oldest request is taken together with
all that wait for the same model, task and parameters.
"""

import threading
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_BATCH = 32  # on CPU the gain is flat from 8 on; on a GPU it is not


@dataclass(frozen=True)
class Request:
    """One question to one model.

    Attributes:
        key: requests with equal keys may go through the model together.
    """

    id: int
    key: Hashable
    inputs: Mapping[str, Any] = field(default_factory=dict)
    payload: Any = None


class Line:
    """Thread-safe first come, first served, with company."""

    def __init__(self, max_batch: int = MAX_BATCH) -> None:
        self._max_batch = max_batch
        self._waiting: dict[int, Request] = {}  # in order of arrival
        self._closed = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, request: Request) -> None:
        """Join the line."""
        with self._changed:
            self._waiting[request.id] = request
            self._changed.notify()

    def drop(self, request_id: int) -> bool:
        """Leave the line; False when the request is not in it any more, because it has started or never was."""
        with self._changed:
            return self._waiting.pop(request_id, None) is not None

    def take(self) -> list[Request]:
        """Wait for the oldest request and take it with its company; [] once the line is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return []
            key = next(iter(self._waiting.values())).key
            batch = [request for request in self._waiting.values() if request.key == key][: self._max_batch]
            for request in batch:
                del self._waiting[request.id]
            return batch

    def close(self) -> None:
        """Let `take` return []."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
