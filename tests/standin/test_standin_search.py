"""Searching: queries, facets, paging, vectors in nested chunks, retrievers."""

from __future__ import annotations

from typing import Any

import pytest
from elasticsearch import (
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
    refused: list[dict[str, Any]] = [
        {"sort": [{"content": {"order": "asc"}}]},
        {"aggs": {"a": {"terms": {"field": "content"}}}},
    ]
    for options in refused:
        with pytest.raises(BadRequestError) as raised:
            filled.search(index="blog-posts", **options)
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
        fields=[{"field": "date", "format": "yyyy"}, {"field": "title.original.keyword"}],
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
