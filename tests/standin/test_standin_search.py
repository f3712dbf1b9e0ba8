"""Searching: queries, facets, paging, vectors in nested chunks, retrievers."""

from __future__ import annotations

from typing import Any

import pytest
from elasticsearch import (
    ApiError,
    AuthorizationException,
    BadRequestError,
    Elasticsearch,
    NotFoundError,
    helpers,
)

from tests.standin.conftest import article
from tests.standin.standin import StandIn

ARTICLES = [
    article(1, "REST API v2", "A faster API with batch queries and OAuth.", category="product"),
    article(2, "Tokens", "The API revokes old tokens. Rotate your API keys.", category="security"),
    article(3, "Charts", "Drag fields to build charts.", category="tutorial", author="Ana Ruiz"),
    article(4, "Dashboards", "Live charts and dashboards.", category="product", author="Ana Ruiz"),
    article(5, "Old news", "Nothing to see.", category="product", date="2024-05-05"),
]


@pytest.fixture
def filled(blog: Elasticsearch) -> Elasticsearch:
    actions = [{"_index": "blog-posts", "_id": a["id"], "_source": a} for a in ARTICLES]
    helpers.bulk(blog, actions, refresh=True)
    return blog


def ids(answer: Any) -> list[str]:
    return [hit["_id"] for hit in answer["hits"]["hits"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"match_all": {}}, ["1", "2", "3", "4", "5"]),
        ({"match": {"content": "api"}}, ["2", "1"]),
        ({"match": {"content": {"query": "live charts", "operator": "and"}}}, ["4"]),
        ({"match": {"content": {"query": "dashbords", "fuzziness": "AUTO"}}}, ["4"]),
        ({"match_phrase": {"content": "api keys"}}, ["2"]),
        ({"match_phrase_prefix": {"content": "batch quer"}}, ["1"]),
        ({"multi_match": {"query": "charts", "fields": ["title.*^3", "content"]}}, ["3", "4"]),
        ({"term": {"category": "tutorial"}}, ["3"]),
        ({"term": {"title.original.keyword": {"value": "Charts"}}}, ["3"]),
        ({"terms": {"category": ["tutorial", "security"]}}, ["2", "3"]),
        ({"ids": {"values": ["5", "1"]}}, ["1", "5"]),
        ({"exists": {"field": "title.translated_title"}}, []),
        ({"exists": {"field": "semantic_field"}}, ["1", "2", "3", "4", "5"]),
        ({"prefix": {"author": "Ana"}}, ["3", "4"]),
        ({"wildcard": {"author": {"value": "*Lopez"}}}, ["1", "2", "5"]),
        ({"range": {"date": {"lt": "2025-01-01"}}}, ["5"]),
        ({"range": {"date": {"gte": "2025", "lte": "2025-03"}}}, ["1", "2"]),
        ({"range": {"date": {"gt": "2025-05-01||-1M/M", "lte": "now"}}}, ["4"]),
        ({"constant_score": {"filter": {"term": {"id": "4"}}}}, ["4"]),
        ({"bool": {"must_not": {"term": {"author": "Ana Ruiz"}}}}, ["1", "2", "5"]),
        (
            {
                "bool": {
                    "must": {"match": {"content": "api"}},
                    "filter": [{"term": {"category": "product"}}],
                }
            },
            ["1"],
        ),
        (
            {
                "bool": {
                    "should": [{"term": {"id": "1"}}, {"term": {"author": "Maria Lopez"}}],
                    "minimum_should_match": 2,
                }
            },
            ["1"],
        ),
        (
            {"dis_max": {"queries": [{"term": {"id": "1"}}, {"term": {"id": "2"}}]}},
            ["1", "2"],
        ),
    ],
)
def test_queries(filled: Elasticsearch, query: Any, expected: list[str]) -> None:
    assert ids(filled.search(index="blog-posts", query=query)) == expected


def test_facets_stay_whole_under_a_post_filter(filled: Elasticsearch) -> None:
    years = {"field": "date", "calendar_interval": "year", "format": "yyyy", "min_doc_count": 1}
    answer = filled.search(
        index="blog-posts",
        query={"match_all": {}},
        post_filter={"term": {"category": "product"}},
        aggs={
            "category": {"terms": {"field": "category", "size": 2}},
            "author": {
                "filter": {"term": {"category": "product"}},
                "aggs": {"values": {"terms": {"field": "author"}}},
            },
            "year": {"date_histogram": years},
            "everything": {"global": {}, "aggs": {"n": {"value_count": {"field": "id"}}}},
            "newest": {"max": {"field": "date"}},
            "ranges": {"date_range": {"field": "date", "ranges": [{"to": "2025-01-01"}]}},
        },
    )
    found = answer["aggregations"]
    assert answer["hits"]["total"] == {"value": 3, "relation": "eq"}
    assert found["category"]["buckets"] == [
        {"key": "product", "doc_count": 3},
        {"key": "security", "doc_count": 1},
    ]
    assert found["category"]["sum_other_doc_count"] == 1
    assert found["author"]["doc_count"] == 3
    assert found["author"]["values"]["buckets"][0] == {"key": "Maria Lopez", "doc_count": 2}
    assert [(b["key_as_string"], b["doc_count"]) for b in found["year"]["buckets"]] == [
        ("2024", 1),
        ("2025", 4),
    ]
    assert found["everything"]["n"]["value"] == 5
    assert found["newest"]["value_as_string"].startswith("2025-05-01")
    assert found["ranges"]["buckets"][0]["doc_count"] == 1


def test_years_from_a_runtime_field(filled: Elasticsearch) -> None:
    script = "emit(doc['date'].value.getYear())"
    answer = filled.search(
        index="blog-posts",
        size=0,
        runtime_mappings={"year": {"type": "long", "script": {"source": script}}},
        aggs={"year": {"terms": {"field": "year", "order": {"_key": "desc"}}}},
    )
    assert [bucket["key"] for bucket in answer["aggregations"]["year"]["buckets"]] == [2025, 2024]


def test_text_has_no_field_data(filled: Elasticsearch) -> None:
    for options in (
        {"sort": [{"content": {"order": "asc"}}]},
        {"aggs": {"a": {"terms": {"field": "content"}}}},
    ):
        with pytest.raises(BadRequestError) as raised:
            filled.search(index="blog-posts", **options)  # type: ignore[arg-type]
        error = raised.value.body["error"]
        assert error["type"] == "search_phase_execution_exception"
        assert "Fielddata is disabled on [content]" in error["root_cause"][0]["reason"]


def test_sort_search_after_and_point_in_time(filled: Elasticsearch) -> None:
    pit = filled.open_point_in_time(index="blog-posts", keep_alive="1m")["id"]
    sort = [{"date": {"order": "desc"}}, {"id": {"order": "asc"}}]
    seen: list[str] = []
    options: dict[str, Any] = {}
    while True:
        answer = filled.search(pit={"id": pit}, size=2, sort=sort, **options)
        if not answer["hits"]["hits"]:
            break
        seen += ids(answer)
        options = {"search_after": answer["hits"]["hits"][-1]["sort"]}
        filled.index(index="blog-1", id="9", document=article(9, "Late", "x"), refresh=True)
    assert seen == ["4", "3", "2", "1", "5"]
    assert answer["hits"]["max_score"] is None
    filled.close_point_in_time(id=pit)
    with pytest.raises(NotFoundError, match="search_phase_execution_exception"):
        filled.search(pit={"id": pit})
    with pytest.raises(BadRequestError, match="No mapping found for \\[age\\]"):
        filled.search(index="blog-posts", sort="age")


def test_from_and_size_have_a_window(filled: Elasticsearch) -> None:
    assert ids(filled.search(index="blog-posts", from_=3, size=2, sort="id")) == ["4", "5"]
    with pytest.raises(BadRequestError, match="Result window is too large"):
        filled.search(index="blog-posts", from_=9_995, size=10)
    answer = filled.search(index="blog-posts", track_total_hits=3, size=0)
    assert answer["hits"]["total"] == {"value": 3, "relation": "gte"}
    assert "total" not in filled.search(index="blog-posts", track_total_hits=False)["hits"]


def test_source_fields_and_highlight(filled: Elasticsearch) -> None:
    answer = filled.search(
        index="blog-posts",
        query={"match": {"content": {"query": "api", "_name": "lexical"}}},
        source={"includes": ["title.*", "category"]},
        fields=["date", {"field": "date", "format": "yyyy"}, "title.original.keyword"],
        highlight={"fields": {"content": {}}},
        version=True,
        size=1,
    )
    hit = answer["hits"]["hits"][0]
    assert hit["_source"] == {"title": {"original": "Tokens"}, "category": "security"}
    assert hit["fields"]["title.original.keyword"] == ["Tokens"]
    assert hit["highlight"]["content"] == [
        "The <em>API</em> revokes old tokens. Rotate your <em>API</em> keys."
    ]
    assert (hit["matched_queries"], hit["_version"]) == (["lexical"], 1)
    assert filled.search(index="blog-posts", filter_path="hits.total").body == {
        "hits": {"total": {"value": 5, "relation": "eq"}}
    }
    kept = filled.search(index="blog-posts", query={"match": {"content": "api"}}, min_score=1.0)
    assert ids(kept) == ["2"]


def test_msearch_answers_each_search(filled: Elasticsearch) -> None:
    answers: Any = filled.msearch(
        searches=[{"index": "blog-posts"}, {"size": 1}, {"index": "missing"}, {}]
    )["responses"]
    assert [answer["status"] for answer in answers] == [200, 404]


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


def test_rrf_and_linear_combine_and_need_a_licence(
    elasticsearch_standin: StandIn, filled: Elasticsearch
) -> None:
    lexical = {"standard": {"query": {"match": {"content": "api"}}}}
    semantic = {"standard": {"query": {"match": {"semantic_field": "charts"}}}}
    rrf = {"rrf": {"retrievers": [lexical, semantic], "rank_window_size": 50}}
    answer = filled.search(
        index="blog-posts", retriever=rrf, aggs={"c": {"terms": {"field": "category"}}}
    )
    assert set(ids(answer)) == {"1", "2", "3", "4", "5"}
    assert answer["hits"]["hits"][0]["_score"] == pytest.approx(1 / 61 + 1 / 63, rel=0.1)
    linear = {
        "linear": {
            "retrievers": [
                {"retriever": lexical, "weight": 2.0, "normalizer": "minmax"},
                {"retriever": semantic, "weight": 0.1, "normalizer": "minmax"},
            ]
        }
    }
    assert ids(filled.search(index="blog-posts", retriever=linear))[0] == "2"
    small = {"rrf": {"retrievers": [lexical, semantic], "rank_window_size": 5}}
    with pytest.raises(BadRequestError, match="be greater than or equal to"):
        filled.search(index="blog-posts", retriever=small, size=20)
    elasticsearch_standin.license = "basic"
    for retriever, feature in ((rrf, "Reciprocal Rank Fusion"), (linear, "linear retriever")):
        with pytest.raises(AuthorizationException, match=feature):
            filled.search(index="blog-posts", retriever=retriever)
