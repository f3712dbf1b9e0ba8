"""Search by meaning with a `semantic_text` field: the cluster cuts, embeds and compares the texts.

https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/semantic-text
"""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from elasticsearch import Elasticsearch

from articles.markdown import plain_text
from articles.models import Article
from articles.search.base import Document
from articles.search.elastic import mapping
from articles.search.elastic.mapping import SEMANTIC_FIELD, Json
from articles.search.elastic.vectors import Finder

# Title, author and category are chunks of their own beside those of the content, so the fourth
# best chunk is the first that is certain to be a piece of text.
FRAGMENTS = 4
PASSAGE_CHARACTERS = 600  # of the beginning, where no chunk of the content was found
RELATED_WORDS = 150
LEXICAL_FIELDS = ["title.original^2", "title.translated_title^2", "content"]
LEXICAL_WEIGHT = 0.2


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

    def ask(self, text: str) -> Finder:
        hybrid = settings.ELASTICSEARCH_HYBRID
        return lambda filters, size: _body(
            _hybrid(hybrid, text, filters, size) if hybrid else _semantic(text, filters), size
        )

    def near(self, pk: int, client: Elasticsearch, index: str) -> Finder | None:
        row = Article.objects.published().filter(pk=pk).values_list("title", "content").first()
        if row is None:
            return None
        title, content = row
        text = "\n\n".join([title, " ".join(plain_text(content).split()[:RELATED_WORDS])])
        return lambda filters, size: _body({"query": _match(text, filters)}, size)

    def passage(self, hit: Json) -> str:
        source, found = hit["_source"], hit.get("highlight", {})
        labels = {source["title"]["original"], source["author"], source["category"]}
        for text in (*found.get(SEMANTIC_FIELD, ()), *found.get("content", ())):
            if (passage := str(text).strip()) and passage not in labels:
                return passage
        return str(source["title"]["original"])


def _body(query: Json, size: int) -> Json:
    fields: Json = {
        SEMANTIC_FIELD: {"number_of_fragments": FRAGMENTS},
        "content": {
            "number_of_fragments": 1,
            "fragment_size": PASSAGE_CHARACTERS,
            "no_match_size": PASSAGE_CHARACTERS,
            "pre_tags": [""],
            "post_tags": [""],
        },
    }
    return {
        **query,
        "size": size,
        "highlight": {"order": "score", "fields": fields},
        "_source": ["title.original", "author", "category", "date"],
    }


def _match(text: str, filters: Sequence[Json]) -> Json:
    """Since 9.3 the filters beside a semantic query apply before its nearest neighbours are taken.

    https://github.com/elastic/elasticsearch/pull/138989
    """
    return {"bool": {"must": {"match": {SEMANTIC_FIELD: text}}, "filter": list(filters)}}


def _semantic(text: str, filters: Sequence[Json]) -> Json:
    return {"query": _match(text, filters), **_least_score()}


def _least_score() -> Json:
    least = settings.ELASTICSEARCH_MIN_SCORE
    return {"min_score": least} if least else {}


def _hybrid(kind: str, text: str, filters: Sequence[Json], size: int) -> Json:
    """Meaning and words in one ranking; why this is off by default: docs/elasticsearch.md."""
    by_meaning = {"standard": _semantic(text, filters)}
    lexical = {"multi_match": {"query": text, "fields": LEXICAL_FIELDS}}
    by_words = {"standard": {"query": {"bool": {"must": lexical, "filter": list(filters)}}}}
    if kind == "rrf":
        both = [by_meaning, by_words]
        return {"retriever": {"rrf": {"retrievers": both, "rank_window_size": size}}}
    weighted = [
        {"retriever": by_meaning, "weight": 1.0, "normalizer": "minmax"},
        {"retriever": by_words, "weight": LEXICAL_WEIGHT, "normalizer": "minmax"},
    ]
    return {"retriever": {"linear": {"retrievers": weighted, "rank_window_size": size}}}
