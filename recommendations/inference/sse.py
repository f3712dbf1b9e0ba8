"""Reader of a `text/event-stream` body, from bytes cut anywhere.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation, with
one addition: the specification strips a byte order mark at the start of the stream, Elasticsearch
9.3 sends one before every event.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable
from dataclasses import dataclass

from recommendations.inference.errors import StreamBroken

MAX_EVENT_BYTES = 1024 * 1024
BYTE_ORDER_MARK = "\ufeff"
_LINE_END = re.compile(rb"\r\n|\n|\r")


class EventTooLarge(StreamBroken):
    """One event, or one line, exceeds the bound; reading on would only fill the memory."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """`id` is the last one the stream has set, also by an earlier event, as in browsers."""

    event: str = "message"
    data: str = ""
    id: str = ""


def read_events(
    chunks: Iterable[bytes], max_event_bytes: int = MAX_EVENT_BYTES
) -> Generator[ServerSentEvent]:
    """The events of a body, each as soon as its blank line is there.

    An event without data is dropped, and so is an unfinished one at the end of the body. Raises
    `EventTooLarge` for an event of more than `max_event_bytes`, line ends not counted.
    """
    event, data, last_id, size = "", list[str](), "", 0
    for raw in _lines(chunks, max_event_bytes):
        line = raw.decode(errors="replace")
        if not size:
            line = line.lstrip(BYTE_ORDER_MARK)
        if not line:
            if data:
                yield ServerSentEvent(event or "message", "\n".join(data), last_id)
            event, data, size = "", [], 0
            continue
        name, _, value = line.partition(":")
        if not name:
            continue  # a comment, often a keep-alive
        size += len(raw)
        if size > max_event_bytes:
            raise EventTooLarge(f"An event of the stream exceeds {max_event_bytes} bytes.")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif name == "event":
            event = value
        elif name == "id" and "\0" not in value:
            last_id = value


def _lines(chunks: Iterable[bytes], max_bytes: int) -> Generator[bytes]:
    """Complete lines without their ends; a `\\r` ends one at once, whatever follows it."""
    pending, after_return = bytearray(), False
    for chunk in chunks:
        if not chunk:
            continue
        first, *others = _LINE_END.split(
            chunk[1:] if after_return and chunk[:1] == b"\n" else chunk
        )
        after_return = chunk.endswith(b"\r")
        pending += first
        for part in others:
            yield bytes(pending)
            pending[:] = part
        if len(pending) > max_bytes:
            raise EventTooLarge(f"A line of the stream exceeds {max_bytes} bytes.")
