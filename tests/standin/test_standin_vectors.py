"""``dense_vector`` in nested chunks: what a Basic licence leaves."""

from __future__ import annotations

from typing import Any

import pytest
from elasticsearch import ApiError, BadRequestError, Elasticsearch


def ids(answer: Any) -> list[str]:
    return [hit["_id"] for hit in answer["hits"]["hits"]]


VECTORS: dict[str, Any] = {
    "properties": {
        "category": {"type": "keyword"},
        "chunks": {
            "type": "nested",
            "properties": {
                "text": {"type": "text"},
                "vector": {"type": "dense_vector", "dims": 3, "similarity": "cosine"},
            },
        },
    }
}


@pytest.fixture
def vectors(client: Elasticsearch) -> Elasticsearch:
    client.indices.create(index="vectors", mappings=VECTORS)
    documents: dict[str, Any] = {
        "a": {"category": "x", "chunks": [[1, 0, 0], [0.9, 0.1, 0], [0, 1, 0]]},
        "b": {"category": "y", "chunks": [[0.8, 0.2, 0]]},
        "c": {"category": "y", "chunks": [[0, 0, 1]]},
    }
    for id_, document in documents.items():
        chunks = [{"text": f"{id_}{n}", "vector": v} for n, v in enumerate(document["chunks"])]
        client.index(index="vectors", id=id_, document={**document, "chunks": chunks})
    client.indices.refresh(index="vectors")
    return client


def test_knn_section_returns_each_parent_once_by_its_best_chunk(vectors: Elasticsearch) -> None:
    knn = {"field": "chunks.vector", "query_vector": [1, 0, 0], "k": 2, "num_candidates": 10}
    inner = {"size": 1, "fields": ["chunks.text"], "_source": False}
    answer = vectors.search(index="vectors", knn={**knn, "inner_hits": inner})
    assert ids(answer) == ["a", "b"]
    first = answer["hits"]["hits"][0]
    assert first["_score"] == pytest.approx(1.0)
    inside = first["inner_hits"]["chunks"]["hits"]
    assert inside["total"]["value"] == 3
    assert inside["hits"][0]["_nested"] == {"field": "chunks", "offset": 0}
    assert inside["hits"][0]["fields"] == {"chunks": [{"text": ["a0"]}]}
    # Since 9.2 vectors are left out of _source.
    assert first["_source"]["chunks"][0] == {"text": "a0"}
    kept = vectors.search(index="vectors", source={"exclude_vectors": False}, size=1)
    assert kept["hits"]["hits"][0]["_source"]["chunks"][0]["vector"] == [1, 0, 0]


def test_knn_filter_applies_before_the_nearest_are_taken(vectors: Elasticsearch) -> None:
    knn = {"field": "chunks.vector", "query_vector": [1, 0, 0], "k": 1, "num_candidates": 10}
    only_y = {"term": {"category": "y"}}
    assert ids(vectors.search(index="vectors", knn={**knn, "filter": only_y})) == ["b"]
    assert ids(vectors.search(index="vectors", knn=knn, post_filter=only_y)) == []
    near = {**knn, "k": 3, "similarity": 0.95}
    assert ids(vectors.search(index="vectors", knn=near)) == ["a", "b"]


def test_knn_query_on_a_nested_field_stands_inside_nested(vectors: Elasticsearch) -> None:
    knn = {"knn": {"field": "chunks.vector", "query_vector": [1, 0, 0], "k": 2}}
    assert ids(vectors.search(index="vectors", query=knn)) == []
    nested = {"path": "chunks", "query": knn, "score_mode": "max", "inner_hits": {"size": 1}}
    answer = vectors.search(index="vectors", query={"nested": nested})
    assert ids(answer) == ["a", "b"]
    assert len(answer["hits"]["hits"][0]["inner_hits"]["chunks"]["hits"]["hits"]) == 1
    facets = {"chunks": {"nested": {"path": "chunks"}}}
    assert vectors.search(index="vectors", aggs=facets)["aggregations"]["chunks"]["doc_count"] == 5


def test_wrong_vectors_are_refused(vectors: Elasticsearch) -> None:
    for wrong in ([1, 0], [0, 0, 0]):
        with pytest.raises(BadRequestError):
            vectors.index(index="vectors", document={"chunks": [{"vector": wrong}]})
    knn = {"field": "chunks.vector", "query_vector": [1, 0], "k": 2, "num_candidates": 10}
    with pytest.raises(BadRequestError, match="different number of dimensions"):
        vectors.search(index="vectors", knn=knn)
    few = {**knn, "query_vector": [1, 0, 0], "num_candidates": 1}
    with pytest.raises(ApiError, match="num_candidates"):
        vectors.search(index="vectors", knn=few)
