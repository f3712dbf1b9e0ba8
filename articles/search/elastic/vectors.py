"""What differs between the two ways of searching by meaning, and what both give to the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from elasticsearch import Elasticsearch

from articles.search.base import Document
from articles.search.elastic.mapping import Json


class Question(Protocol):
    """A question whose vector is computed once, however many searches it takes."""

    def body(self, filters: Sequence[Json], size: int, *, with_passages: bool = True) -> Json:
        """The search for the nearest articles under these filters, with the facets' fields."""
        ...

    def extras(self) -> Sequence[Json]:
        """Searches for what `scores` needs besides the candidates."""
        ...

    def scores(
        self, rows: Mapping[int, Json], responses: Sequence[Json], extras: Sequence[Json]
    ) -> Mapping[int, float]:
        """The score of each candidate, by primary key, that has to do with the question.

        `rows` are the hits of `responses`, each article once.
        """
        ...


class Vectors(Protocol):
    """One value of `ELASTICSEARCH_VECTORS`."""

    name: str
    needs_inference: bool  # a paid feature of the cluster
    request_documents: int  # written in one request at most

    def index_body(self) -> Json:
        """Mapping and settings. Raises `EncoderError` where the encoder must be asked."""
        ...

    def source(self, document: Document, deadline: float) -> Json:
        """The whole `_source`. `deadline` is on `time.monotonic`'s clock.

        Where vectors are computed here, raises `EncoderError`, or `OutOfTime` about then.
        """
        ...

    def mine(self) -> Sequence[Json]:
        """Filters for documents whose vectors a question of today can be compared with."""
        ...

    def difference(self, properties: Json) -> str:
        """Why an index with these fields does not fit the settings of today, or ""."""
        ...

    def ask(self, text: str) -> Question:
        """A reader's question. Raises `EncoderError` where its vector is computed here."""
        ...

    def near(self, pk: int, client: Elasticsearch, index: str) -> Question | None:
        """What is near this article, itself included; None if there is no such article."""
        ...

    def passage(self, hit: Json) -> str:
        """The part of the article that answers best, from a search with passages."""
        ...
