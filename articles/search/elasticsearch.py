"""The Elasticsearch engine: `SearchEngine` on a cluster of version 9.3 or later.

The site's index is the alias `INDEX_NAME` over an index that `reindex` built. How meaning is
compared is `ELASTICSEARCH_VECTORS`: in the cluster, or with vectors of our own encoder. Set-up,
licences and limits: docs/elasticsearch.md.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Self

from django.conf import settings
from django.db import DatabaseError

from articles.models import Article
from articles.search.base import (
    Document,
    EngineStatus,
    Hit,
    SearchError,
    SearchQuery,
    SearchResult,
)
from articles.search.elastic import aliases, answers, bulk, errors, licence, scan
from articles.search.elastic.client import Cluster
from articles.search.elastic.dense_vector import DenseVector
from articles.search.elastic.mapping import Json
from articles.search.elastic.rebuild import ElasticsearchRebuild
from articles.search.elastic.semantic_text import SemanticText
from articles.search.elastic.vectors import Vectors
from articles.search.encoders import NOT_REACHED, EncoderError

VECTORS: dict[str, type[Vectors]] = {"semantic_text": SemanticText, "dense_vector": DenseVector}


class ElasticsearchEngine:
    """Threads share one object: it holds the process's client and nothing that changes."""

    name = "elasticsearch"

    def __init__(self, cluster: Cluster, vectors: Vectors, alias: str) -> None:
        self.cluster = cluster
        self.vectors = vectors
        self.alias = alias

    @classmethod
    def from_settings(cls) -> Self:
        vectors = VECTORS[settings.ELASTICSEARCH_VECTORS]()
        return cls(Cluster.from_settings(), vectors, settings.INDEX_NAME)

    def search(self, query: SearchQuery) -> SearchResult:
        """Hits among the nearest `ELASTICSEARCH_CANDIDATES` articles, sorted and paged here.

        How many neighbours a `match` on `semantic_text` takes is the `size` of the request, and
        `from` does not count, so the second page of Elasticsearch's own paging would be empty.
        """
        try:
            question = self.vectors.ask(query.text)
        except EncoderError as error:
            raise SearchError(str(error)) from error
        bodies = answers.searches(question, query.filters, settings.ELASTICSEARCH_CANDIDATES)
        with self.cluster.reader() as client:
            lines: list[Json] = [line for body in bodies for line in ({}, body)]
            responses = client.msearch(index=self.alias, searches=lines)["responses"]
        answers.check(responses, self.cluster)
        return answers.result(responses, query, question, self.vectors, self.name)

    def related(self, pk: int, limit: int) -> Sequence[Hit]:
        with self.cluster.reader() as client:
            question = self.vectors.near(pk, client, self.alias)
            if question is None:
                return []
            body = question.body([], limit + 1)
            found = client.search(index=self.alias, body=body).body
        query = SearchQuery("", limit=limit + 1)
        hits = answers.result([found], query, question, self.vectors, self.name).hits
        return [hit for hit in hits if hit.pk != pk][:limit]

    def index(
        self, documents: Sequence[Document], *, seconds: float | None = None
    ) -> dict[int, str]:
        deadline = inf if seconds is None else time.monotonic() + seconds
        actions, failures = bulk.index_actions(documents, self.vectors, deadline)
        return failures | self._write(actions, None if seconds is None else deadline)

    def delete(
        self, versions: Mapping[int, int], *, seconds: float | None = None
    ) -> dict[int, str]:
        deadline = None if seconds is None else time.monotonic() + seconds
        actions = [bulk.delete_action(pk, version) for pk, version in versions.items()]
        return self._write(actions, deadline)

    def _write(self, actions: Sequence[Json], deadline: float | None) -> dict[int, str]:
        if not actions:
            return {}
        seconds = None if deadline is None else deadline - time.monotonic()
        if seconds is not None and seconds <= 0:
            return {int(action["_id"]): NOT_REACHED for action in actions}
        size = self.vectors.request_documents
        return bulk.write(self.cluster, actions, self.alias, size, seconds=seconds)

    def versions(self) -> Iterator[tuple[int, int]]:
        return scan.versions(self.cluster, self.alias, self.vectors.mine())

    def begin_rebuild(self) -> ElasticsearchRebuild:
        return ElasticsearchRebuild.begin(self.cluster, self.vectors, self.alias)

    def status(self) -> EngineStatus:
        try:
            return self._status()
        except (SearchError, EncoderError, DatabaseError) as error:
            return EngineStatus("down", str(error), 0, self.alias)

    def _status(self) -> EngineStatus:
        with self.cluster.reader() as client:
            aliases.check_free(client, self.alias)
            if self.vectors.needs_inference and (problem := licence.problem(client)):
                return EngineStatus("down", problem, 0, self.alias)
            found = client.indices.get(index=self.alias).body
            total, mine = (
                client.count(index=self.alias, query={"bool": {"filter": filters}})["count"]
                for filters in ([], self.vectors.mine())
            )
        index, about = next(iter(found.items()))
        label = f"{index} ({self.vectors.name})"
        if difference := self.vectors.difference(about["mappings"].get("properties", {})):
            return EngineStatus("degraded", f"{difference}; run manage.py reindex.", mine, label)
        if mine < total:
            reason = f"{total - mine} articles have vectors of another encoder"
            return EngineStatus("degraded", f"{reason}; run manage.py reindex.", mine, label)
        if not mine and Article.objects.published().exists():
            return EngineStatus("down", errors.NO_INDEX, mine, label)
        return EngineStatus("ok", "", mine, label)
