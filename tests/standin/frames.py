"""The bytes of a chat completion stream.

Sources: ``ServerSentEventsRestActionListener`` (a UTF-8 byte order mark before EVERY event, ``data:
[DONE]``), ``StreamingUnifiedChatCompletionResults`` (order of the fields),
``UnifiedChatCompletionException`` (error object).
"""

from __future__ import annotations

import json
from typing import Any

from tests.standin.errors import Json
from tests.standin.steps import Usage

BOM = b"\xef\xbb\xbf"
# Without a charset: requests then guesses ISO-8859-1.
CONTENT_TYPE = "text/event-stream"
DONE = BOM + b"event: message\ndata: [DONE]\n\n"


def _event(name: str, body: Any) -> bytes:
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return BOM + f"event: {name}\ndata: ".encode() + data + b"\n\n"


def delta(stream_id: str, model: str, content: str, finish_reason: str | None = None) -> bytes:
    choice: Json = {"delta": {"content": content, "role": "assistant"}}
    if finish_reason is not None:
        choice["finish_reason"] = finish_reason
    choice["index"] = 0
    body = {"id": stream_id, "choices": [choice], "model": model, "object": "chat.completion.chunk"}
    return _event("message", body)


def usage(stream_id: str, model: str, counts: Usage) -> bytes:
    body = {
        "id": stream_id,
        "choices": [],
        "model": model,
        "object": "chat.completion.chunk",
        "usage": {
            "completion_tokens": counts.completion_tokens,
            "prompt_tokens": counts.prompt_tokens,
            "total_tokens": counts.prompt_tokens + counts.completion_tokens,
        },
    }
    return _event("message", body)


def error(message: str, type_: str, code: str | None) -> bytes:
    body: Json = {"code": code} if code is not None else {}
    return _event("error", {"error": {**body, "message": message, "type": type_}})
