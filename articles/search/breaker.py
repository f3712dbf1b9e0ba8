"""Nobody waits for a server that somebody else has just waited for in vain.

Written here and not taken from a package: pybreaker counts failures in a row and has no notion of
how long one took, while only the waiting is what readers must be spared.
"""

from __future__ import annotations

import threading
import time

PATIENCE = 0.5  # seconds; a failure that came sooner cost nobody anything


class Breaker:
    """A circuit breaker shared by the threads of a process.

    A failure that took long opens it: callers are then refused at once until `rest` seconds have
    passed, when a single one may try (the half-open state of the pattern). Quick failures, such as
    a refused connection, never open it, so that the first request after a restart gets through.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._lock = threading.Lock()
        self._opened_at: float | None = None

    def allows(self, rest: float) -> bool:
        """Whether this caller may try; `rest` is how long it wants a failed server left alone."""
        with self._lock:
            if self._opened_at is None:
                return True
            if time.monotonic() - self._opened_at < rest:
                return False
            self._opened_at = time.monotonic()  # the others are refused while this one tries
            return True

    def failed(self, seconds: float) -> None:
        """A request of this length ended without an answer."""
        if seconds > self.patience:
            with self._lock:
                self._opened_at = time.monotonic()

    def answered(self) -> None:
        """The server answered, be it with an error."""
        with self._lock:
            self._opened_at = None
