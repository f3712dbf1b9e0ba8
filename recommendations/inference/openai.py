"""Client for servers that speak OpenAI's chat completions: llama.cpp, vLLM, TGI, Hugging Face, …"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import requests
from django.conf import settings

from recommendations.inference.base import (
    Cancellation,
    ChatRequest,
    InferenceError,
    State,
    StreamBroken,
    Usage,
)
from recommendations.inference.chunks import Chunk, NotAChunk, read_chunk
from recommendations.inference.errors import ModelRefused, from_status
from recommendations.inference.problems import problem_text
from recommendations.inference.sse import ServerSentEvent, read_events
from recommendations.inference.transport import Server, body_chunks, error_body, get, post

PATH = "/chat/completions"
DONE = "[DONE]"


@dataclass(frozen=True, slots=True)
class OpenAIChatClient:
    """`extras` of a request are sent as they are (llama.cpp: `repeat_penalty`, …)."""

    server: Server
    name: str
    model: str
    send_model: bool = True  # llama.cpp serves one model whatever it is called

    @classmethod
    def from_settings(cls) -> Self:
        url = completions_url(settings.CHAT_COMPLETIONS_URL)
        key = settings.CHAT_COMPLETIONS_API_KEY.strip()
        server = Server(
            url,
            "Check CHAT_COMPLETIONS_URL, CHAT_COMPLETIONS_API_KEY and CHAT_MODEL.",
            f"Bearer {key}" if key else "",
        )
        model = settings.CHAT_MODEL or urlsplit(url).hostname or ""
        return cls(server, "openai", model, send_model=bool(settings.CHAT_MODEL))

    @classmethod
    def embedded(cls) -> Self:
        """The local llama-server that `manage.py run_model` starts."""
        path = settings.EMBEDDED_MODEL_PATH
        return cls(
            Server(
                f"http://127.0.0.1:{settings.EMBEDDED_MODEL_PORT}/v1{PATH}",
                "Is `manage.py run_model` running?",
            ),
            "embedded",
            PurePath(path).stem if path else settings.EMBEDDED_MODEL,
            send_model=False,
        )

    def stream(self, request: ChatRequest, cancel: Cancellation) -> Generator[str | Usage]:
        with post(self.server, self.payload(request), cancel) as response:
            if response.status_code != requests.codes.ok:
                raise self.refusal(response)
            if "json" in response.headers.get("Content-Type", ""):
                yield from self.whole(response)
                return
            with closing(read_events(body_chunks(response, self.server))) as events:
                yield from self.deltas(events)

    def payload(self, request: ChatRequest) -> dict[str, Any]:
        model = {"model": self.model} if self.send_model else {}
        return {
            **request.fields(max_tokens="max_tokens"),
            **model,
            "stream": True,
            **request.extras,
        }

    def deltas(self, events: Iterable[ServerSentEvent]) -> Generator[str | Usage]:
        """Complete is an answer with `[DONE]` or a finish reason: some servers send only that."""
        finish_reason, usage = "", Usage()
        for event in events:
            if event.data.strip() == DONE:
                break
            chunk = self.chunk(event.data)
            finish_reason = chunk.finish_reason or finish_reason
            usage = chunk.usage or usage
            if chunk.text:
                yield chunk.text
        else:
            if not finish_reason:
                raise StreamBroken(self.server.says("the answer ended without [DONE]."))
        yield self.ended(usage, finish_reason)

    def chunk(self, data: str | bytes) -> Chunk:
        try:
            chunk = read_chunk(data)
        except NotAChunk as error:
            raise StreamBroken(
                self.server.says(f"sent something else than JSON: {error}")
            ) from None
        if chunk.error:
            raise self.failure(chunk)
        return chunk

    def failure(self, chunk: Chunk) -> InferenceError:
        """An error object inside a stream that had begun with status 200."""
        text = self.server.says(f"failed in the middle: {chunk.error}.")
        status = int(chunk.code) if chunk.code.isdecimal() else 0
        return from_status(status, text) if 400 <= status < 600 else StreamBroken(text)

    def ended(self, usage: Usage, finish_reason: str) -> Usage:
        if finish_reason == "content_filter":
            raise ModelRefused(self.server.says("its content filter stopped the answer."))
        return Usage(usage.prompt_tokens, usage.completion_tokens, finish_reason)

    def whole(self, response: requests.Response) -> Generator[str | Usage]:
        """The answer of a server that does not stream."""
        chunk = self.chunk(b"".join(body_chunks(response, self.server)))
        if not chunk.text:
            raise StreamBroken(self.server.says("sent JSON without any text in it."))
        yield chunk.text
        yield self.ended(chunk.usage or Usage(), chunk.finish_reason)

    def refusal(self, response: requests.Response) -> InferenceError:
        if response.is_redirect:
            place = urlsplit(response.headers.get("Location", "")).hostname or "another path"
            return ModelRefused(
                self.server.says(f"redirects to {place}; give the final address, none is followed.")
            )
        reason = problem_text(error_body(response))
        text = self.server.says(f"HTTP {response.status_code}: {reason}.")
        return from_status(response.status_code, text)

    def status(self) -> tuple[State, str]:
        """llama.cpp answers on `/health`, everybody else on `/v1/models`."""
        base = self.server.url.removesuffix(PATH)
        url = base.removesuffix("/v1") + "/health" if self.name == "embedded" else base + "/models"
        try:
            status, body = get(self.server, url)
        except InferenceError as error:
            return "down", str(error)
        if status == requests.codes.service_unavailable:
            return "degraded", self.server.says(problem_text(body) + ".")
        if status in {requests.codes.unauthorized, requests.codes.forbidden}:
            return "down", self.server.says(f"HTTP {status}: {problem_text(body)}.")
        if status >= requests.codes.server_error:
            return "down", self.server.says(f"HTTP {status}: {problem_text(body)}.")
        return "ok", ""  # a server without /models still answers, with 404


def completions_url(url: str) -> str:
    """The full address: `/v1` and `/chat/completions` are added where they are missing."""
    parts = urlsplit(url.strip())
    path = parts.path.rstrip("/")
    if not path.endswith(PATH):
        path = (path or "/v1") + PATH
    return urlunsplit(parts._replace(path=path))
