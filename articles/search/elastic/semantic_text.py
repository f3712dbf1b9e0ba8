"""Search by meaning with a `semantic_text` field: the cluster cuts, embeds and compares the texts.

https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/semantic-text
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from elasticsearch import Elasticsearch

from articles.markdown import plain_text
from articles.models import Article
from articles.search.base import Document
from articles.search.elastic import mapping
from articles.search.elastic.mapping import FACET_FIELDS, SEMANTIC_FIELD, Json
from articles.search.elastic.vectors import Question

# Title, author and category are chunks of their own beside those of the content, so the fourth
# best chunk is the first that is certain to be a piece of text.
FRAGMENTS = 4
PASSAGE_CHARACTERS = 600  # of the beginning, where no chunk of the content was found
RELATED_WORDS = 150
LEXICAL_FIELDS = ["title.original^2", "title.translated_title^2", "content"]
LEXICAL_WEIGHT = 0.2
HIGHLIGHT: Json = {
    "order": "score",
    "fields": {
        SEMANTIC_FIELD: {"number_of_fragments": FRAGMENTS},
        "content": {
            "number_of_fragments": 1,
            "fragment_size": PASSAGE_CHARACTERS,
            "no_match_size": PASSAGE_CHARACTERS,
            "pre_tags": [""],
            "post_tags": [""],
        },
    },
}


class SemanticText:
    name = "semantic_text"
    needs_inference = True
    # The cluster embeds all of them before it answers, and has ELASTICSEARCH_BULK_TIMEOUT for it.
    request_documents = 25

    def index_body(self) -> Json:
        field: Json = {"type": "semantic_text"}
        if settings.ELASTICSEARCH_EMBEDDING_ENDPOINT:
            field["inference_id"] = settings.ELASTICSEARCH_EMBEDDING_ENDPOINT
        return mapping.index_body({SEMANTIC_FIELD: field}, copied=True)

    def source(self, document: Document, deadline: float) -> Json:
        return mapping.source(document)

    def mine(self) -> Sequence[Json]:
        return []

    def difference(self, properties: Json) -> str:
        field, wanted = properties.get(SEMANTIC_FIELD), settings.ELASTICSEARCH_EMBEDDING_ENDPOINT
        if field is None:
            return f"The index has no {SEMANTIC_FIELD}"
        if wanted and field.get("inference_id") != wanted:
            return f"The index was built with endpoint {field.get('inference_id')}, not {wanted}"
        return ""

    def ask(self, text: str) -> Question:
        return SemanticQuestion(text, settings.ELASTICSEARCH_HYBRID, least_score=True)

    def near(self, pk: int, client: Elasticsearch, index: str) -> Question | None:
        row = Article.objects.published().filter(pk=pk).values_list("title", "content").first()
        if row is None:
            return None
        title, content = row
        beginning = " ".join(plain_text(content).split()[:RELATED_WORDS])
        return SemanticQuestion(f"{title}. {beginning}")

    def passage(self, hit: Json) -> str:
        source, found = hit["_source"], hit.get("highlight", {})
        labels = {source["title"]["original"], source["author"], source["category"]}
        for text in (*found.get(SEMANTIC_FIELD, ()), *found.get("content", ())):
            if (passage := str(text).strip()) and passage not in labels:
                return passage
        return str(source["title"]["original"])


@dataclass(frozen=True, slots=True)
class SemanticQuestion:
    """Implements `Question`; the cluster computes its vector, and decides what is a hit."""

    text: str
    hybrid: str = ""
    least_score: bool = False

    def body(self, filters: Sequence[Json], size: int, *, with_passages: bool = True) -> Json:
        body = self._ranked_by_words_too(filters, size) if self.hybrid else self._query(filters)
        body |= {"size": size, "_source": [*FACET_FIELDS.values(), "date"]}
        if with_passages:
            body["_source"] += ["title.original", "author", "category"]
            body["highlight"] = HIGHLIGHT
        return body

    def extras(self) -> Sequence[Json]:
        return []

    def scores(
        self, rows: Mapping[int, Json], responses: Sequence[Json], extras: Sequence[Json]
    ) -> Mapping[int, float]:
        return {pk: float(row["_score"]) for pk, row in rows.items()}

    def _query(self, filters: Sequence[Json]) -> Json:
        """Filters beside a semantic query apply before its nearest neighbours are taken.

        So from 9.3 on: https://github.com/elastic/elasticsearch/pull/138989
        """
        by_meaning = {"match": {SEMANTIC_FIELD: self.text}}
        body: Json = {"query": {"bool": {"must": by_meaning, "filter": list(filters)}}}
        if self.least_score and (least := settings.ELASTICSEARCH_MIN_SCORE):
            body["min_score"] = least
        return body

    def _ranked_by_words_too(self, filters: Sequence[Json], size: int) -> Json:
        """One ranking of two; why this is off by default: docs/elasticsearch.md."""
        by_meaning = {"standard": self._query(filters)}
        lexical = {"multi_match": {"query": self.text, "fields": LEXICAL_FIELDS}}
        by_words = {"standard": {"query": {"bool": {"must": lexical, "filter": list(filters)}}}}
        retrievers: list[Json] = [by_meaning, by_words]
        if self.hybrid == "linear":
            retrievers = [
                {"retriever": retriever, "weight": weight, "normalizer": "minmax"}
                for retriever, weight in zip(retrievers, (1.0, LEXICAL_WEIGHT), strict=True)
            ]
        ranking = {"retrievers": retrievers, "rank_window_size": size}
        return {"retriever": {self.hybrid: ranking}}
