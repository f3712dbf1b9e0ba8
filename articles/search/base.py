"""The search port: what every engine takes and gives back.

An engine answers with primary keys, never with rows: pages re-read the rows through
`Article.objects.published()`, because the database is the truth and an index may lag behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Literal, Protocol

from django.conf import settings

Facet = Literal["category", "author", "language", "year"]
FACETS: tuple[Facet, ...] = ("category", "author", "language", "year")


class SearchError(Exception):
    """The engine cannot answer or cannot write; the text tells an operator what to do."""


@dataclass(frozen=True, slots=True)
class Document:
    """What an engine indexes of one article. `text` is the content without Markdown."""

    pk: int
    version: int
    source_id: str
    slug: str
    title: str
    translated_title: str
    language: str
    author: str
    author_slug: str
    category: str
    category_slug: str
    date: date
    text: str


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A question with filters. `filters` maps a facet to a slug, a language code or a year."""

    text: str
    filters: Mapping[Facet, str] = field(default_factory=dict)
    offset: int = 0
    limit: int = 10
    sort: Literal["relevance", "date"] = "relevance"


@dataclass(frozen=True, slots=True)
class Hit:
    """One found article: primary key, the engine's own score, its best passage as plain text."""

    pk: int
    score: float
    passage: str


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One page of hits, best first.

    `facets` maps each facet to its values and their number of hits, most first; a facet's counts
    ignore its own filter. `degraded` is empty, or says for the reader what is missing.
    """

    hits: Sequence[Hit]
    total: int
    facets: Mapping[Facet, Mapping[str, int]]
    engine: str
    degraded: str = ""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """`state` is "ok", "degraded" or "down"; `reason` says why in one sentence."""

    state: Literal["ok", "degraded", "down"]
    reason: str
    documents: int
    index: str


class Rebuild(Protocol):
    """A new index beside the serving one, from `SearchEngine.begin_rebuild`."""

    def index(self, documents: Sequence[Document]) -> dict[int, str]:
        """Write documents; the failed ones by primary key with the reason."""
        ...

    def delete(self, versions: Mapping[int, int]) -> dict[int, str]: ...

    def versions(self) -> Iterator[tuple[int, int]]:
        """(primary key, version) of every document in the new index, ascending."""
        ...

    def commit(self) -> None:
        """Serve the new index and remove the old one."""
        ...

    def abort(self) -> None:
        """Remove the new index; the old one keeps serving."""
        ...


class SearchEngine(Protocol):
    """An index of published articles. Every method may raise `SearchError`."""

    name: str

    def search(self, query: SearchQuery) -> SearchResult: ...

    def related(self, pk: int, limit: int) -> Sequence[Hit]:
        """Articles near this one in meaning, best first, without it."""
        ...

    def index(
        self, documents: Sequence[Document], *, seconds: float | None = None
    ) -> dict[int, str]:
        """Write documents, replacing older versions only.

        Returns the failed ones by primary key with the reason. With `seconds` a single short
        attempt is made; what was not reached in time counts as failed.
        """
        ...

    def delete(
        self, versions: Mapping[int, int], *, seconds: float | None = None
    ) -> dict[int, str]:
        """Remove documents (primary key to the version of the removal); missing ones are fine."""
        ...

    def versions(self) -> Iterator[tuple[int, int]]:
        """(primary key, version) of every indexed document, ascending by primary key."""
        ...

    def begin_rebuild(self) -> Rebuild: ...

    def status(self) -> EngineStatus:
        """How the engine is; never raises."""
        ...


@cache
def get_engine() -> SearchEngine:
    """The engine that the settings mean, one per process."""
    if settings.ELASTICSEARCH_URL:
        from articles.search.elasticsearch import ElasticsearchEngine

        return ElasticsearchEngine.from_settings()
    from articles.search.embedded import EmbeddedEngine

    return EmbeddedEngine()
