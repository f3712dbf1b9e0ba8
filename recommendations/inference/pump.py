"""A model's answer, read by a thread of its own, so that the reader's generator never blocks long.

A WSGI generator notices that its reader has left only by writing. While it waits inside `recv` for
a silent model it cannot write, so the blocking read happens elsewhere and this side wakes up in
time to send a keep-alive.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Generator

from recommendations.inference.base import Cancellation, ChatClient, ChatRequest, TookTooLong, Usage

IDLE_SECONDS = 2.5  # two keep-alives, so that leaving is noticed within twice this time
QUEUE_SIZE = 64  # a slow reader slows the model down instead of filling the memory
PUT_SECONDS = 0.2
JOIN_SECONDS = 2.0


class _End:
    """The client's iterator is exhausted."""


type Item = str | Usage | _End | BaseException


def pumped(
    client: ChatClient, request: ChatRequest, deadline: float
) -> Generator[str | Usage | None]:
    """What the client streams, and `None` after every `IDLE_SECONDS` of silence.

    `deadline` is on `time.monotonic`'s clock; when it passes, `TookTooLong` is raised. Closing the
    generator, or an exception in it, cancels the request and ends the thread.
    """
    cancel = Cancellation()
    items: queue.Queue[Item] = queue.Queue(QUEUE_SIZE)
    thread = threading.Thread(
        target=_pump, args=(client, request, cancel, items), name="model-answer", daemon=True
    )
    thread.start()
    try:
        while (left := deadline - time.monotonic()) > 0:
            try:
                item = items.get(timeout=min(IDLE_SECONDS, left))
            except queue.Empty:
                yield None
                continue
            if isinstance(item, _End):
                return
            if isinstance(item, BaseException):
                raise item
            yield item
        raise TookTooLong(f"{client.name} {client.model}: the deadline passed.")
    finally:
        cancel.cancel()
        # Only a thread that still connects outlives this, by CONNECT_SECONDS at most.
        thread.join(JOIN_SECONDS)


def _pump(
    client: ChatClient, request: ChatRequest, cancel: Cancellation, items: queue.Queue[Item]
) -> None:
    try:
        for item in client.stream(request, cancel):
            if not _put(items, item, cancel):
                return
        _put(items, _End(), cancel)
    except BaseException as error:  # noqa: BLE001  (raised again by the other thread)
        _put(items, error, cancel)


def _put(items: queue.Queue[Item], item: Item, cancel: Cancellation) -> bool:
    """False when nobody will take the item any more."""
    while not cancel.cancelled:
        try:
            items.put(item, timeout=PUT_SECONDS)
        except queue.Full:
            continue
        return True
    return False
