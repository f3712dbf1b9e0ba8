"""Client for Elasticsearch's chat completion inference, `_inference/chat_completion/{id}/_stream`.

The stream is OpenAI's with differences: a byte order mark before every event, `event: error`
frames, no end without `[DONE]`, and fewer request fields. `elasticsearch-py` cannot read it: it
buffers whole bodies. https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-inference-chat-completion-unified
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote, urlsplit, urlunsplit

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
from recommendations.inference.chunks import NotAChunk, read_chunk
from recommendations.inference.errors import from_status
from recommendations.inference.problems import problem_text
from recommendations.inference.sse import ServerSentEvent, read_events
from recommendations.inference.transport import Server, body_chunks, error_body, get, post

DONE = "[DONE]"
HINT = "Check ELASTICSEARCH_URL, ELASTICSEARCH_API_KEY and INFERENCE_ENDPOINT_ID."
LICENCE_HINT = (
    "_inference needs an Enterprise or trial licence; on a Basic licence set "
    "ELASTICSEARCH_VECTORS=dense_vector and CHAT_COMPLETIONS_URL."
)


@dataclass(frozen=True, slots=True)
class ElasticsearchChatClient:
    """`extras` of a request are left out: the cluster refuses every field it does not know."""

    server: Server
    model: str
    name: str = "elasticsearch"

    @classmethod
    def from_settings(cls) -> Self:
        endpoint = settings.INFERENCE_ENDPOINT_ID
        parts = urlsplit(settings.ELASTICSEARCH_URL.strip())
        key = settings.ELASTICSEARCH_API_KEY.strip()
        authorization = f"ApiKey {key}" if key else ""
        if not key and parts.username:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = "Basic " + b64encode(pair.encode()).decode()
        base = parts.path.rstrip("/")
        path = f"{base}/_inference/chat_completion/{quote(endpoint, safe='')}/_stream"
        netloc = parts.netloc.rpartition("@")[2]
        url = urlunsplit(parts._replace(netloc=netloc, path=path, query="", fragment=""))
        server = Server(url, HINT, authorization, settings.ELASTICSEARCH_CA_CERTS)
        return cls(server, endpoint)

    def stream(self, request: ChatRequest, cancel: Cancellation) -> Generator[str | Usage]:
        with post(
            self.server, request.fields(max_tokens="max_completion_tokens"), cancel
        ) as response:
            if response.status_code != requests.codes.ok:
                raise self.refusal(response)
            with closing(read_events(body_chunks(response, self.server))) as events:
                yield from self.deltas(events)

    def deltas(self, events: Iterable[ServerSentEvent]) -> Generator[str | Usage]:
        finish_reason, usage = "", Usage()
        for event in events:
            if event.data.strip() == DONE:
                yield Usage(usage.prompt_tokens, usage.completion_tokens, finish_reason)
                return
            try:
                chunk = read_chunk(event.data)
            except NotAChunk as error:
                text = self.server.says(f"sent something else than JSON: {error}")
                raise StreamBroken(text) from None
            if chunk.error or event.event == "error":
                text = chunk.error or problem_text(event.data.encode())
                raise self.failure(200, text, StreamBroken)
            finish_reason = chunk.finish_reason or finish_reason
            usage = chunk.usage or usage
            if chunk.text:
                yield chunk.text
        raise StreamBroken(self.server.says("the answer ended without [DONE]."))

    def refusal(self, response: requests.Response) -> InferenceError:
        return self.failure(response.status_code, problem_text(error_body(response)))

    def failure(
        self, status: int, reason: str, otherwise: type[InferenceError] | None = None
    ) -> InferenceError:
        """The error with its real meaning.

        What Hugging Face answered stands in the message only ("status [503]"): an upstream 5xx
        comes as HTTP 400, and in mid-stream everything comes under HTTP 200.
        """
        hint = LICENCE_HINT if "non-compliant" in reason else ""
        text = self.server.says(f"HTTP {status}: {reason}. {hint}".rstrip())
        if upstream := re.search(r"status(?: code)? \[(\d{3})\]", reason):
            return from_status(int(upstream[1]), text)
        return otherwise(text) if otherwise else from_status(status, text)

    def status(self) -> tuple[State, str]:
        """Whether the endpoint exists; the model behind it is not asked, that would cost."""
        try:
            status, body = get(self.server, self.server.url.removesuffix("/_stream"))
        except InferenceError as error:
            return "down", str(error)
        if status == requests.codes.ok:
            return "ok", ""
        return "down", str(self.failure(status, problem_text(body)))
