"""One `chat.completion.chunk` of the OpenAI protocol, which Elasticsearch speaks too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recommendations.inference.base import Usage


class NotAChunk(ValueError):
    """The data is not a JSON object."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a chunk brings; each part may be missing. `error` is the text of an error object."""

    text: str = ""
    finish_reason: str = ""
    usage: Usage | None = None
    error: str = ""
    code: str = ""


def read_chunk(data: str | bytes) -> Chunk:
    """Reads what is there and ignores what is not: servers differ in everything but the names."""
    try:
        body = json.loads(data)
    except ValueError as error:
        raise NotAChunk(str(data[:200])) from error
    if not isinstance(body, dict):
        raise NotAChunk(str(data[:200]))
    if body.get("error"):
        return Chunk(error=describe(body), code=code_of(body["error"]))
    text = finish_reason = ""
    for choice in _objects(body.get("choices")):
        # A server that ignores `stream` answers with one whole `message`.
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, dict) and isinstance(delta.get("content"), str):
            text += delta["content"]
        finish_reason = str(choice.get("finish_reason") or finish_reason)
    return Chunk(text, finish_reason, _usage(body.get("usage")))


def describe(body: object) -> str:
    """The text of an error in any of the shapes that servers use, innermost cause last."""
    if isinstance(body, str):
        return body.strip()
    if isinstance(body, list):
        return "; ".join(text for item in body if (text := describe(item)))
    if not isinstance(body, dict):
        return ""
    if text := describe(body.get("error")):
        return text
    texts = [
        str(body[name]).strip()
        for name in ("message", "reason", "msg")
        if isinstance(body.get(name), str) and body[name].strip()
    ]
    texts.extend(text for name in ("detail", "caused_by") if (text := describe(body.get(name))))
    return ": ".join(dict.fromkeys(texts)) or str(body.get("type") or "").strip()


def code_of(error: object) -> str:
    """The `code` of an error object: an HTTP status at llama.cpp and OpenAI, a word elsewhere."""
    if not isinstance(error, dict):
        return ""
    return str(error.get("code") or error.get("status_code") or error.get("type") or "")


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _usage(value: object) -> Usage | None:
    if not isinstance(value, Mapping):
        return None
    prompt, completion = value.get("prompt_tokens"), value.get("completion_tokens")
    return Usage(
        prompt if isinstance(prompt, int) else 0, completion if isinstance(completion, int) else 0
    )
