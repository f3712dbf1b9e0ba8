"""The embedded engine: vectors in the database, scored in process with numpy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from articles.models import Article, ArticleChunk, EmbeddedIndex, IndexedArticle
from articles.search.base import (
    Document,
    EngineStatus,
    Facet,
    Hit,
    SearchError,
    SearchQuery,
    SearchResult,
)
from articles.search.chunks import terms
from articles.search.encoders import EncoderError, get_encoder, query_vector
from articles.search.ranking import Ranking, rank
from articles.search.snapshot import Snapshot, SnapshotCache
from articles.search.vector_store import VectorStore

NOT_BUILT = "The embedded index holds no article; run manage.py reindex."

type Mask = NDArray[np.bool_]


class EmbeddedEngine:
    """Implements `SearchEngine` with nothing but the database and an encoder."""

    name = "embedded"

    def __init__(self) -> None:
        self._snapshots = SnapshotCache()

    def search(self, query: SearchQuery) -> SearchResult:
        encoder = get_encoder()
        try:
            vector = query_vector(encoder, query.text)
        except EncoderError as error:
            raise SearchError(str(error)) from error
        snapshot = self._snapshot()
        ranking = rank(snapshot, vector, terms(query.text), encoder.cutoff)
        chosen: dict[Facet, Mask] = {
            facet: snapshot.facet_values[facet] == value for facet, value in query.filters.items()
        }
        facets = {
            facet: _counts(values[_all(ranking.found, chosen, but=facet)])
            for facet, values in snapshot.facet_values.items()
        }
        rows = np.flatnonzero(_all(ranking.found, chosen))
        rows = rows[_order(snapshot, ranking, rows, query.sort)]
        page = rows[query.offset : query.offset + query.limit]
        return SearchResult(_hits(snapshot, ranking, page), len(rows), facets, self.name)

    def related(self, pk: int, limit: int) -> Sequence[Hit]:
        snapshot = self._snapshot()
        entry = snapshot.entries.get(pk)
        if entry is None:
            return []
        vector = entry.vectors.mean(axis=0)
        ranking = rank(snapshot, vector / np.linalg.norm(vector), [], get_encoder().cutoff)
        rows = np.argsort(-ranking.scores, kind="stable")
        others = [row for row in rows if snapshot.rows[row].pk != pk and ranking.found[row]]
        return _hits(snapshot, ranking, others[:limit])

    def index(
        self, documents: Sequence[Document], *, seconds: float | None = None
    ) -> dict[int, str]:
        return self._serving().index(documents, seconds=seconds)

    def delete(
        self, versions: Mapping[int, int], *, seconds: float | None = None
    ) -> dict[int, str]:
        return self._serving().delete(versions, seconds=seconds)

    def versions(self) -> Iterator[tuple[int, int]]:
        return self._serving().versions()

    def begin_rebuild(self) -> VectorStore:
        newest = IndexedArticle.objects.order_by("-generation").first()
        generation = max(_generation(), newest.generation if newest else 0) + 1
        return VectorStore(get_encoder(), generation)

    def status(self) -> EngineStatus:
        store = self._serving()
        rows = IndexedArticle.objects.filter(generation=store.generation, deleted=False)
        documents = rows.filter(encoder=store.encoder.name).count()
        index = f"generation {store.generation}, {store.encoder.name}"
        if not documents and Article.objects.published().exists():
            return EngineStatus("down", NOT_BUILT, documents, index)
        if others := rows.exclude(encoder=store.encoder.name).count():
            reason = f"{others} articles have vectors of another encoder; run manage.py reindex."
            return EngineStatus("degraded", reason, documents, index)
        return EngineStatus("ok", "", documents, index)

    def _serving(self) -> VectorStore:
        return VectorStore(get_encoder(), _generation())

    def _snapshot(self) -> Snapshot:
        encoder = get_encoder()
        try:
            dimensions = encoder.dimensions
        except EncoderError as error:
            raise SearchError(str(error)) from error
        snapshot = self._snapshots.current(encoder.name, dimensions)
        if not snapshot.entries and Article.objects.published().exists():
            raise SearchError(NOT_BUILT)
        return snapshot


def _generation() -> int:
    state = EmbeddedIndex.objects.filter(pk=1).first() or EmbeddedIndex()
    return state.generation


def _all(found: Mask, chosen: Mapping[Facet, Mask], but: Facet | None = None) -> Mask:
    for facet, mask in chosen.items():
        if facet != but:
            found = found & mask
    return found


def _counts(values: NDArray[np.str_]) -> dict[str, int]:
    return dict(Counter(values.tolist()).most_common())


def _order(
    snapshot: Snapshot, ranking: Ranking, rows: NDArray[np.intp], by: Literal["relevance", "date"]
) -> NDArray[np.intp]:
    """The order of these rows, best or newest first; later articles first among equals."""
    keys = snapshot.days[rows] if by == "date" else ranking.scores[rows]
    return np.lexsort((-rows, -keys))


def _hits(
    snapshot: Snapshot, ranking: Ranking, rows: Sequence[int] | NDArray[np.intp]
) -> list[Hit]:
    chunk_ids = {
        row: snapshot.rows[row].chunk_ids[ranking.best_chunk(snapshot, row)] for row in rows
    }
    passages = dict(
        ArticleChunk.objects.filter(pk__in=chunk_ids.values()).values_list("pk", "text")
    )
    return [
        Hit(snapshot.rows[row].pk, float(ranking.scores[row]), passages.get(chunk_ids[row], ""))
        for row in rows
    ]
