"""The inference port: what a model server is asked, what comes back, which one is meant."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from django.conf import settings

from recommendations.inference.cancellation import Cancellation
from recommendations.inference.errors import (
    InferenceError,
    ModelBusy,
    ModelRefused,
    ModelUnavailable,
    StreamBroken,
    TookTooLong,
)

__all__ = [
    "Cancellation",
    "ChatClient",
    "ChatRequest",
    "InferenceError",
    "Message",
    "ModelBusy",
    "ModelRefused",
    "ModelUnavailable",
    "State",
    "StreamBroken",
    "TookTooLong",
    "Usage",
    "get_client",
    "model_status",
]

State = Literal["ok", "degraded", "down"]
STATUS_SECONDS = 5.0  # how long an answer about the server's health is believed


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One chat completion. `extras` are fields that only some servers know (see the clients)."""

    messages: Sequence[Message]
    max_tokens: int
    temperature: float | None = None
    top_p: float | None = None
    stop: Sequence[str] = ()
    extras: Mapping[str, Any] = field(default_factory=dict)

    def fields(self, *, max_tokens: str) -> dict[str, Any]:
        """The body as JSON fields without `extras`; `max_tokens` is the server's name for it."""
        body: dict[str, Any] = {
            "messages": [
                {"role": message.role, "content": message.content} for message in self.messages
            ],
            max_tokens: self.max_tokens,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "stop": list(self.stop) or None,
        }
        return {name: value for name, value in body.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Usage:
    """What the server counted, in tokens, and why it stopped ("stop", "length", …)."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    finish_reason: str = ""


class ChatClient(Protocol):
    """A model server. `name` is the kind, `model` the model: both identify kept answers."""

    @property
    def name(self) -> str: ...

    @property
    def model(self) -> str: ...

    def stream(self, request: ChatRequest, cancel: Cancellation) -> Generator[str | Usage]:
        """Text as it is written, then at most one `Usage`. Blocks while the server is silent.

        Returns only after an answer that the server itself called complete; anything else raises
        an `InferenceError`. `cancel.cancel()`, from any thread, ends it at once.
        """
        ...

    def status(self) -> tuple[State, str]:
        """How the server is and why, asked now with a short timeout; never raises."""
        ...


def get_client() -> ChatClient:
    """The client that the settings mean."""
    from recommendations.inference.elasticsearch import ElasticsearchChatClient
    from recommendations.inference.openai import OpenAIChatClient

    if settings.CHAT_COMPLETIONS_URL:
        return OpenAIChatClient.from_settings()
    if settings.ELASTICSEARCH_URL and settings.ELASTICSEARCH_VECTORS == "semantic_text":
        return ElasticsearchChatClient.from_settings()
    return OpenAIChatClient.embedded()


_status: tuple[float, ChatClient, tuple[State, str]] | None = None


def model_status() -> tuple[State, str]:
    """The model's line of `/readyz`; a server is asked at most every few seconds."""
    global _status
    if settings.RECOMMENDATION_WRITER == "passages":
        return "ok", "No language model is used (RECOMMENDATION_WRITER=passages)."
    client = get_client()
    if _status and _status[1] == client and time.monotonic() - _status[0] < STATUS_SECONDS:
        return _status[2]
    answer = client.status()
    _status = (time.monotonic(), client, answer)
    return answer
