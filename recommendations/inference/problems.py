"""What the body of a failed answer says, whatever dress it comes in."""

from __future__ import annotations

import html
import json
import re

from recommendations.inference.chunks import describe
from recommendations.inference.sse import read_events

MAX_TEXT = 500  # characters


def problem_text(body: bytes) -> str:
    """The reason in the body of an HTTP error, for the log: one line, at most `MAX_TEXT` long.

    Seen in the field: JSON of many shapes, the same inside an `event: error` frame after a byte
    order mark (Elasticsearch), a bare string, and a proxy's HTML page.
    """
    data = body.removeprefix(b"\xef\xbb\xbf").strip()
    if data.startswith((b"event:", b"data:", b"id:", b":")):
        data = b"".join(event.data.encode() for event in read_events([data + b"\n\n"]))
    try:
        text = describe(json.loads(data))
    except (ValueError, RecursionError):
        text = _readable(data.decode(errors="replace"))
    return re.sub(r"\s+", " ", text)[:MAX_TEXT] or "it gives no reason"


def _readable(text: str) -> str:
    """The title of an HTML page, or its words; other text as it is."""
    if "<" not in text:
        return text
    title = re.search(r"(?is)<title[^>]*>(.*?)</title", text)
    return html.unescape(title[1] if title else re.sub(r"(?s)<[^>]*>", " ", text)).strip()
