"""How ``semantic_text`` cuts a value into chunks.

Source: ``SentenceBoundaryChunker`` and ``WordBoundaryChunker`` of elastic/elasticsearch; the
default of the ``elasticsearch`` service is ``{"strategy": "sentence", "max_chunk_size": 250,
"sentence_overlap": 1}``. Sentence ends are found by punctuation here, by ICU there. Every VALUE is
chunked by itself, so an author's name is a chunk of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

DEFAULT_SETTINGS: dict[str, Any] = {
    "strategy": "sentence",
    "max_chunk_size": 250,
    "sentence_overlap": 1,
}

_SENTENCE = re.compile(r"\S.*?(?:[.!?…]+[\"'»”)]*(?=\s|$)|\n{2,}|$)\s*", re.DOTALL)
_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Span:
    start: int
    end: int


def _count(text: str) -> int:
    return len(_WORD.findall(text))


def _by_words(text: str, size: int, overlap: int, offset: int = 0) -> list[Span]:
    found = list(_WORD.finditer(text))
    spans = []
    for first in range(0, len(found), max(size - overlap, 1)):
        last = min(first + size, len(found)) - 1
        spans.append(Span(offset + found[first].start(), offset + found[last].end()))
        if last == len(found) - 1:
            break
    return spans


def sentences(text: str, size: int = 10_000) -> list[Span]:
    """Sentences, the overlong ones cut by words."""
    spans: list[Span] = []
    for match in _SENTENCE.finditer(text):
        if not match.group().strip():
            continue
        if _count(match.group()) > size:
            spans += _by_words(match.group(), size, 0, match.start())
        else:
            spans.append(Span(match.start(), match.end()))
    return spans


def _by_sentences(text: str, size: int, overlap: int) -> list[Span]:
    chunks: list[list[Span]] = [[]]
    used = 0
    for sentence in sentences(text, size):
        length = _count(text[sentence.start : sentence.end])
        if chunks[-1] and used + length > size:
            kept = chunks[-1][-overlap:] if overlap else []
            used = sum(_count(text[span.start : span.end]) for span in kept)
            if used + length > size:
                kept, used = [], 0
            chunks.append(list(kept))
        chunks[-1].append(sentence)
        used += length
    return [Span(chunk[0].start, chunk[-1].end) for chunk in chunks if chunk]


def chunk(text: str, settings: dict[str, Any] | None = None) -> list[Span]:
    """The chunks of one value; blank values have none (since 8.19 and 9.1)."""
    if not text.strip():
        return []
    settings = settings or DEFAULT_SETTINGS
    size = int(settings.get("max_chunk_size", 250))
    strategy = settings.get("strategy", "sentence")
    if strategy == "none":
        return [Span(0, len(text))]
    if strategy == "word":
        return _by_words(text, size, int(settings.get("overlap", 100)))
    return _by_sentences(text, size, int(settings.get("sentence_overlap", 1)))
