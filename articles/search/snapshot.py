"""What the embedded engine keeps in memory: one matrix of all passages, true to the database.

Every process has its own. `EmbeddedIndex.counter` in the database grows with each write, so one
small query tells whether the matrix is still true, and which articles to read again if not.
A snapshot never changes; a newer one takes its place, so threads may read while another loads.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from articles.models import ArticleChunk, EmbeddedIndex, IndexedArticle
from articles.search.base import Facet

PAGE = 2000  # indexed articles read at once


@dataclass(frozen=True, slots=True)
class Entry:
    """An indexed article: its facets, its terms and its passages (one row of `vectors` each)."""

    pk: int
    facets: Mapping[Facet, str]
    day: int
    terms: frozenset[str]
    chunk_ids: Sequence[int]
    vectors: NDArray[np.float32]
    titles: NDArray[np.float32]


@dataclass(frozen=True)
class Snapshot:
    """All indexed articles as arrays; an article's row number is its place in `rows`."""

    encoder: str
    dimensions: int
    generation: int = 0
    counter: int = -1
    entries: Mapping[int, Entry] = field(default_factory=dict)

    @cached_property
    def rows(self) -> list[Entry]:
        return [self.entries[pk] for pk in sorted(self.entries)]

    @cached_property
    def days(self) -> NDArray[np.int64]:
        """Publication dates as day numbers."""
        return np.array([entry.day for entry in self.rows], dtype=np.int64)

    @cached_property
    def matrix(self) -> NDArray[np.float32]:
        """All passages, shape (passages, dimensions), those of one article side by side."""
        return self._stacked([entry.vectors for entry in self.rows])

    @cached_property
    def starts(self) -> NDArray[np.intp]:
        """The first line in `matrix` of each row."""
        return _starts([entry.vectors for entry in self.rows])

    @cached_property
    def title_matrix(self) -> NDArray[np.float32]:
        return self._stacked([entry.titles for entry in self.rows])

    @cached_property
    def title_starts(self) -> NDArray[np.intp]:
        return _starts([entry.titles for entry in self.rows])

    @property
    def languages(self) -> NDArray[np.str_]:
        return self.facet_values["language"]

    @cached_property
    def facet_values(self) -> Mapping[Facet, NDArray[np.str_]]:
        names: tuple[Facet, ...] = ("category", "author", "language", "year")
        return {
            name: np.array([entry.facets[name] for entry in self.rows], dtype=np.str_)
            for name in names
        }

    def holds(self, term: str) -> NDArray[np.bool_]:
        """For each row, whether the article has this term."""
        return np.fromiter((term in e.terms for e in self.rows), np.bool_, len(self.rows))

    def _stacked(self, blocks: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.concatenate([np.empty((0, self.dimensions), dtype=np.float32), *blocks])


def _starts(blocks: Sequence[NDArray[np.float32]]) -> NDArray[np.intp]:
    return np.cumsum([0, *map(len, blocks)], dtype=np.intp)[: len(blocks)]


class SnapshotCache:
    """The newest snapshot of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None

    def current(self, encoder: str, dimensions: int) -> Snapshot:
        """The snapshot as the database is now; costs one query when nothing changed."""
        state = EmbeddedIndex.objects.filter(pk=1).first() or EmbeddedIndex()
        snapshot = self._snapshot
        if snapshot is not None and _is_true(snapshot, state, encoder):
            return snapshot
        with self._lock:  # one thread loads, the others wait for its result
            snapshot = self._snapshot
            if snapshot is None or not _is_true(snapshot, state, encoder):
                if snapshot is None or (snapshot.encoder, snapshot.generation) != (
                    encoder,
                    state.generation,
                ):
                    snapshot = Snapshot(encoder, dimensions, state.generation)
                self._snapshot = snapshot = _newer(snapshot, state)
            return snapshot


def _is_true(snapshot: Snapshot, state: EmbeddedIndex, encoder: str) -> bool:
    return (snapshot.encoder, snapshot.generation, snapshot.counter) == (
        encoder,
        state.generation,
        state.counter,
    )


def _newer(old: Snapshot, state: EmbeddedIndex) -> Snapshot:
    """The old snapshot with all articles written since."""
    entries = dict(old.entries)
    changed = IndexedArticle.objects.filter(
        generation=state.generation, counter__gt=old.counter
    ).order_by("counter")
    for indexed in _pages(list(changed)):
        for row, chunks in indexed:
            if row.deleted or row.encoder != old.encoder or not _fit(chunks, old.dimensions):
                entries.pop(row.article_id, None)
            else:
                entries[row.article_id] = _entry(row, chunks, old.dimensions)
    return Snapshot(old.encoder, old.dimensions, state.generation, state.counter, entries)


def _fit(chunks: Sequence[ArticleChunk], dimensions: int) -> bool:
    """Whether these passages can be compared with a question.

    There are none where the article was unpublished between the two queries; the next look at the
    counter says so. They have another length where an embeddings server was given another model
    under the same name.
    """
    length = dimensions * np.dtype("<f2").itemsize
    return bool(chunks) and all(len(chunk.vector) == length for chunk in chunks)


def _pages(
    rows: Sequence[IndexedArticle],
) -> Iterator[list[tuple[IndexedArticle, list[ArticleChunk]]]]:
    for start in range(0, len(rows), PAGE):
        page = rows[start : start + PAGE]
        chunks: dict[int, list[ArticleChunk]] = {row.pk: [] for row in page}
        found = ArticleChunk.objects.filter(indexed__in=page).defer("text")
        for chunk in found.order_by("indexed_id", "position"):
            chunks[chunk.indexed_id].append(chunk)
        yield [(row, chunks[row.pk]) for row in page]


def _entry(row: IndexedArticle, chunks: Sequence[ArticleChunk], dimensions: int) -> Entry:
    return Entry(
        pk=row.article_id,
        facets={
            "category": row.category,
            "author": row.author,
            "language": row.language,
            "year": str(row.date.year) if row.date else "",
        },
        day=row.date.toordinal() if row.date else 0,
        terms=frozenset(row.terms.split()),
        chunk_ids=[chunk.pk for chunk in chunks],
        vectors=_from_bytes(b"".join(bytes(chunk.vector) for chunk in chunks), dimensions),
        titles=_from_bytes(bytes(row.title_vectors), dimensions),
    )


def _from_bytes(data: bytes, dimensions: int) -> NDArray[np.float32]:
    return np.frombuffer(data, dtype="<f2").reshape(-1, dimensions).astype(np.float32)
