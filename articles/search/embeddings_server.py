"""Vectors from a server: any with OpenAI's `POST /v1/embeddings`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import batched
from math import inf
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import requests

from articles.search.breaker import Breaker
from articles.search.encoders import LONGEST_QUERY, EncoderError, Vectors, clean, unit

CONNECT_SECONDS = 3.0
READ_SECONDS = 20.0  # for passages; nobody waits for more than an editor's few seconds
READER_REST = 10.0  # seconds in which nobody waits for a server that has just kept a reader waiting


class OpenAICompatibleEncoder:
    """A server with `POST /v1/embeddings`: TEI, vLLM, llama.cpp, OpenAI, …

    https://platform.openai.com/docs/api-reference/embeddings/create

    `url` is the server's address, with or without `/v1` or `/v1/embeddings`. The model's vectors
    are taken as they are, so `cutoff` has to be measured for it (docs/search.md). A failure is
    an `EncoderError` at once: whoever calls decides whether to try again.
    """

    _batch = 32

    def __init__(
        self,
        url: str,
        model: str,
        api_key: str = "",
        *,
        cutoff: float = 0.0,
        reader_seconds: float = 5.0,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._url = _endpoint(url)
        self._server = urlsplit(self._url).hostname or url
        self._model = model
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._reader_seconds = reader_seconds
        self._read_seconds = read_seconds
        self._breaker = Breaker()
        self._dimensions: int | None = None
        # e5 models expect to be told what a text is: https://hf.co/intfloat/multilingual-e5-small
        self._marks = ("query: ", "passage: ") if _is_e5(model) else ("", "")
        self.name = f"openai-{model}"
        self.cutoff = cutoff

    def __repr__(self) -> str:
        return f"{type(self).__name__}(model={self._model!r}, server={self._server!r})"

    @property
    def dimensions(self) -> int:
        if self._dimensions is None:  # a server may load its model for its first answer
            self._guarded("dimensions", self._read_seconds)
        assert self._dimensions is not None  # noqa: S101  (any answer has set it)
        return self._dimensions

    def encode_query(self, text: str) -> Vectors:
        vector: Vectors = self._guarded(text[:LONGEST_QUERY], self._reader_seconds)[0]
        return vector

    def _guarded(self, question: str, seconds: float) -> Vectors:
        """Somebody waits for this, but nobody after somebody else has waited in vain."""
        if not self._breaker.allows(READER_REST):
            raise self._error("did not answer a moment ago and is left alone for some seconds")
        started = time.monotonic()
        try:
            vectors = self._embed([self._marks[0] + question], seconds)
        except EncoderError:
            self._breaker.failed(time.monotonic() - started)
            raise
        self._breaker.answered()
        return vectors

    def encode_passages(
        self, texts: Sequence[str], language: str, *, seconds: float = inf
    ) -> Vectors:
        marked = [self._marks[1] + text for text in texts]
        limit = min(seconds, self._read_seconds)
        found = [self._embed(batch, limit) for batch in batched(marked, self._batch)]
        return np.concatenate(found) if found else np.empty((0, self.dimensions), dtype=np.float32)

    def _embed(self, texts: Sequence[str], seconds: float) -> Vectors:
        asked = {"model": self._model, "input": [clean(text) for text in texts]}
        vectors = self._vectors(self._ask(asked, seconds), len(texts))
        if self._dimensions not in (None, vectors.shape[1]):
            raise self._error(
                f"now gives vectors of {vectors.shape[1]} values instead of {self._dimensions}; "
                "run manage.py reindex if its model has changed"
            )
        self._dimensions = vectors.shape[1]
        return unit(vectors)

    def _ask(self, body: Mapping[str, object], seconds: float) -> object:
        try:
            reply = requests.post(
                self._url,
                json=body,
                headers=self._headers,
                timeout=(min(seconds, CONNECT_SECONDS), seconds),
                allow_redirects=False,  # the key is for this server only
            )
        except requests.Timeout as error:
            raise self._error("did not answer in time") from error
        except requests.RequestException as error:
            raise self._error(f"cannot be reached ({type(error).__name__})") from error
        if reply.status_code != requests.codes.ok:
            raise self._error(f"answered with status {reply.status_code}")
        try:
            return reply.json()
        except ValueError as error:
            raise self._error("answered with something that is not JSON") from error

    def _vectors(self, reply: Any, count: int) -> Vectors:
        try:
            items = sorted(reply["data"], key=lambda item: item["index"])
            vectors = np.array([item["embedding"] for item in items], dtype=np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise self._error("answered without embeddings") from error
        if vectors.ndim != 2 or vectors.shape[0] != count or not vectors.shape[1]:
            raise self._error(f"answered with {len(items)} embeddings for {count} texts")
        if not np.isfinite(vectors).all() or not vectors.any(axis=1).all():
            raise self._error("answered with vectors that have no direction")
        return vectors

    def _error(self, what: str) -> EncoderError:
        return EncoderError(f"The embeddings server {self._server} {what}.")


def _endpoint(url: str) -> str:
    base = url.rstrip("/").removesuffix("/embeddings").removesuffix("/v1")
    return f"{base}/v1/embeddings"


def _is_e5(model: str) -> bool:
    name = model.lower().rpartition("/")[2]
    return "e5-" in name and "instruct" not in name
