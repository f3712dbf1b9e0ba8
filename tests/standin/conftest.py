"""Fixtures of the stand-in's own tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from tests.standin.fixtures import elasticsearch_e5, elasticsearch_standin
from tests.standin.standin import StandIn

__all__ = ["elasticsearch_e5", "elasticsearch_standin"]

E5 = ".multilingual-e5-small-elasticsearch"
# The mapping of the original system (elasticsearch.md, "The index").
MAPPINGS: dict[str, Any] = {
    "dynamic": "strict",
    "properties": {
        "id": {"type": "keyword"},
        "title": {
            "properties": {
                "original": {
                    "type": "text",
                    "copy_to": "semantic_field",
                    "fields": {"keyword": {"type": "keyword"}},
                },
                "translated_title": {"type": "text", "fields": {"keyword": {"type": "keyword"}}},
            }
        },
        "author": {"type": "keyword", "copy_to": "semantic_field"},
        "category": {"type": "keyword", "copy_to": "semantic_field"},
        "content": {"type": "text", "copy_to": "semantic_field"},
        "date": {"type": "date"},
        "semantic_field": {"type": "semantic_text", "inference_id": E5},
    },
}


def article(number: int, title: str, content: str, **more: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "title": {"original": title},
        "author": "Maria Lopez",
        "category": "product",
        "content": content,
        "date": f"2025-{number % 12 + 1:02d}-01",
        **more,
    }


@pytest.fixture
def loose() -> Iterator[StandIn]:
    """A cluster whose violations the test looks at itself."""
    with StandIn(vectors="hash") as standin:
        yield standin


@pytest.fixture
def client(elasticsearch_standin: StandIn) -> Iterator[Elasticsearch]:
    with elasticsearch_standin.client() as client:
        yield client


@pytest.fixture
def blog(client: Elasticsearch) -> Elasticsearch:
    """A client with the index ``blog-1`` below the alias ``blog-posts``."""
    client.indices.create(
        index="blog-1",
        mappings=MAPPINGS,
        settings={"number_of_replicas": 0},
        aliases={"blog-posts": {}},
    )
    return client
