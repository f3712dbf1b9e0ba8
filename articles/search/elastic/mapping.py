"""The index: its settings, its fields, and an article as a document of it.

Fields and `copy_to` are those of the system this site implements (Elastic's article on the
inference API and Hugging Face); `pk`, `language`, `slug`, `year` and the slugs are the site's own.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from articles.search.base import Document, Facet

type Json = dict[str, Any]

SEMANTIC_FIELD = "semantic_field"
KEYWORD: Json = {"type": "keyword"}
TITLE: Json = {"type": "text", "fields": {"keyword": KEYWORD}}

FACET_FIELDS: dict[Facet, str] = {
    "category": "category_slug",
    "author": "author_slug",
    "language": "language",
    "year": "year",
}


def index_body(own_properties: Json, *, copied: bool) -> Json:
    """Mapping and settings of an index that is being built.

    `own_properties` are the fields that hold the vectors; `copied` tells whether the texts are
    copied into `semantic_field`. Refreshes and replicas wait until all documents are in:
    https://www.elastic.co/docs/deploy-manage/production-guidance/optimize-performance/indexing-speed
    """
    copy_to: Json = {"copy_to": SEMANTIC_FIELD} if copied else {}
    properties: Json = {
        "id": KEYWORD,
        "title": {
            "properties": {"original": {**TITLE, **copy_to}, "translated_title": TITLE},
        },
        "author": {**KEYWORD, **copy_to},
        "category": {**KEYWORD, **copy_to},
        "content": {"type": "text", **copy_to},
        "date": {"type": "date"},
        "pk": {"type": "long"},
        "slug": KEYWORD,
        **dict.fromkeys(FACET_FIELDS.values(), KEYWORD),
    }
    return {
        "mappings": {"dynamic": "strict", "properties": properties | own_properties},
        "settings": {
            "number_of_shards": settings.ELASTICSEARCH_SHARDS,
            "number_of_replicas": 0,
            "refresh_interval": "-1",
        },
    }


def serving_settings() -> Json:
    """What changes before an index that is complete answers questions.

    One second is the default too, but said explicitly it also holds while nobody searches.
    """
    return {"number_of_replicas": settings.ELASTICSEARCH_REPLICAS, "refresh_interval": "1s"}


def source(document: Document) -> Json:
    """The `_source` of an article, without vectors."""
    return {
        "id": document.source_id or str(document.pk),
        "title": {"original": document.title, "translated_title": document.translated_title},
        "author": document.author,
        "category": document.category,
        "content": document.text,
        "date": document.date.isoformat(),
        "pk": document.pk,
        "slug": document.slug,
        "language": document.language,
        "author_slug": document.author_slug,
        "category_slug": document.category_slug,
        "year": str(document.date.year),
    }
