"""How one thread ends another thread's waiting for a model server."""

from __future__ import annotations

import contextlib
import socket
import threading


class Cancellation:
    """Knows the socket of a running request and shuts it down on `cancel()`.

    Shutting down (not closing) is what wakes a thread that is blocked in `recv`; the server sees
    the end of the connection and stops writing. One object a request, not reusable.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._socket: socket.socket | None = None

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def watch(self, sock: socket.socket) -> None:
        """Remember the request's socket; if it was cancelled meanwhile, shut it down at once."""
        with self._lock:
            self._socket = sock
            if self._cancelled:
                _shut_down(sock)

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            if self._socket is not None:
                _shut_down(self._socket)


def _shut_down(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it is closed already: nothing left to end
        sock.shutdown(socket.SHUT_RDWR)
