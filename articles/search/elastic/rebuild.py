"""A new index beside the serving one."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self

from elasticsearch import ApiError

from articles.search.base import Document, SearchError
from articles.search.elastic import aliases, bulk, licence, mapping, scan
from articles.search.elastic.client import Cluster
from articles.search.elastic.mapping import Json
from articles.search.elastic.vectors import Vectors
from articles.search.encoders import EncoderError

logger = logging.getLogger(__name__)

ABORT_SECONDS = 10.0


@dataclass(slots=True)
class ElasticsearchRebuild:
    """Implements `Rebuild`: the index `name`, which `alias` will mean after `commit`."""

    cluster: Cluster
    vectors: Vectors
    alias: str
    name: str
    written: set[int] = field(default_factory=set)
    swap_is_unclear: bool = False

    @classmethod
    def begin(cls, cluster: Cluster, vectors: Vectors, alias: str) -> Self:
        with cluster.background() as client:
            aliases.check_free(client, alias)
            if vectors.needs_inference and (problem := licence.problem(client)):
                raise SearchError(problem)
            aliases.remove_leftovers(client, alias)
        try:
            body = vectors.index_body()
        except EncoderError as error:
            raise SearchError(str(error)) from error
        rebuild = cls(cluster, vectors, alias, aliases.new_name(alias))
        with cluster.writer() as client:
            client.indices.create(index=rebuild.name, **body)
        return rebuild

    def index(self, documents: Sequence[Document]) -> dict[int, str]:
        actions, failures = bulk.index_actions(documents, self.vectors)
        failures |= self._write(actions)
        self.written |= {document.pk for document in documents} - failures.keys()
        return failures

    def delete(self, versions: Mapping[int, int]) -> dict[int, str]:
        actions = [bulk.delete_action(pk, version) for pk, version in versions.items()]
        failures = self._write(actions)
        self.written -= versions.keys() - failures.keys()
        return failures

    def _write(self, actions: Sequence[Json]) -> dict[int, str]:
        size = self.vectors.request_documents
        return bulk.write(self.cluster, actions, self.name, size, patient=True)

    def versions(self) -> Iterator[tuple[int, int]]:
        return scan.versions(self.cluster, self.name, self.vectors.mine())

    def commit(self) -> None:
        with self.cluster.background() as client:
            client.indices.put_settings(index=self.name, settings=mapping.serving_settings())
            client.indices.refresh(index=self.name)
            found = client.count(index=self.name)["count"]
        if found != len(self.written):
            raise SearchError(
                f"The new index holds {found} articles where {len(self.written)} were written. "
                "Something else writes to it; run manage.py reindex again."
            )
        self._swap()

    def _swap(self) -> None:
        try:
            with self.cluster.writer() as client:
                aliases.swap(client, self.alias, self.name)
        except SearchError as error:
            if _is_refusal(error.__cause__):
                raise
            # The answer is lost, the change perhaps not: deleting the new index now could
            # delete the one that serves.
            self.swap_is_unclear = True
            with self.cluster.background() as client:
                if not aliases.serves(client, self.name, self.alias):
                    raise
            self.swap_is_unclear = False

    def abort(self) -> None:
        try:
            if self.swap_is_unclear:
                raise SearchError("it was not clear whether it serves already")
            with self.cluster.writer(ABORT_SECONDS) as client:
                client.indices.delete(index=self.name, ignore_unavailable=True)
        except SearchError as error:  # the reason for aborting is on its way up already
            logger.warning(
                "The half-built index %s is left behind (%s); the next reindex removes it.",
                self.name,
                error,
            )


def _is_refusal(cause: BaseException | None) -> bool:
    """Whether Elasticsearch itself said no, so that certainly nothing was changed."""
    return isinstance(cause, ApiError) and cause.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
