"""Documents: versions, bulk, refresh, mappings and aliases, through the official client."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests
from elasticsearch import (
    BadRequestError,
    ConflictError,
    Elasticsearch,
    NotFoundError,
    helpers,
)

from tests.standin.conftest import MAPPINGS, article
from tests.standin.standin import StandIn


def versioned(number: int, version: int, **more: Any) -> dict[str, Any]:
    return {
        "_op_type": "index",
        "_index": "blog-posts",
        "_id": str(number),
        "version": version,
        "version_type": "external_gte",
        "_source": article(number, f"Title {number}", "Some words.", **more),
    }


def test_external_versions_keep_a_late_write_from_winning(blog: Elasticsearch) -> None:
    document = article(1, "New", "Text.")
    options: dict[str, Any] = {"index": "blog-posts", "id": "1", "version_type": "external"}
    assert blog.index(document=document, version=5, **options)["result"] == "created"
    with pytest.raises(ConflictError) as raised:
        blog.index(document=article(1, "Old", "Text."), version=5, **options)
    error = raised.value.body["error"]
    assert error["type"] == "version_conflict_engine_exception"
    assert error["reason"] == (
        "[1]: version conflict, current version [5] is higher or equal to the one provided [5]"
    )
    assert (error["index"], error["shard"]) == ("blog-1", "0")
    answer = blog.index(document=document, version=6, **options)
    assert (answer["result"], answer["_version"]) == ("updated", 6)


def test_external_gte_takes_the_same_version_again(blog: Elasticsearch) -> None:
    options: dict[str, Any] = {"index": "blog-posts", "id": "1", "version_type": "external_gte"}
    blog.index(document=article(1, "A", "Text."), version=5, **options)
    blog.index(document=article(1, "B", "Text."), version=5, **options)
    with pytest.raises(ConflictError, match="is higher than the one provided"):
        blog.index(document=article(1, "C", "Text."), version=4, **options)


def test_a_deleted_document_leaves_its_version_behind(blog: Elasticsearch) -> None:
    options: dict[str, Any] = {"index": "blog-posts", "id": "1", "version_type": "external"}
    blog.index(document=article(1, "A", "Text."), version=3, **options)
    assert blog.delete(version=7, **options)["result"] == "deleted"
    with pytest.raises(ConflictError):
        blog.index(document=article(1, "Late", "Text."), version=6, **options)
    with pytest.raises(NotFoundError) as raised:
        blog.delete(version=9, **options)
    assert raised.value.body["result"] == "not_found"
    assert raised.value.body["_version"] == 9
    assert blog.index(document=article(1, "B", "T."), version=10, **options)["result"] == "created"


def test_create_and_sequence_numbers(blog: Elasticsearch) -> None:
    first = blog.create(index="blog-posts", id="1", document=article(1, "A", "Text."))
    with pytest.raises(ConflictError, match="document already exists"):
        blog.create(index="blog-posts", id="1", document=article(1, "B", "Text."))
    condition = {"if_seq_no": first["_seq_no"], "if_primary_term": first["_primary_term"]}
    blog.index(index="blog-posts", id="1", document=article(1, "C", "T."), **condition)
    with pytest.raises(ConflictError, match="required seqNo"):
        blog.index(index="blog-posts", id="1", document=article(1, "D", "T."), **condition)
    with pytest.raises(BadRequestError, match="internal versioning can not be used"):
        blog.index(index="blog-posts", id="1", document=article(1, "E", "T."), version=3)


def test_update_merges_and_upserts(blog: Elasticsearch) -> None:
    blog.index(index="blog-posts", id="1", document=article(1, "A", "Text."))
    change = {"title": {"translated_title": "Another"}}
    assert blog.update(index="blog-posts", id="1", doc=change)["result"] == "updated"
    assert blog.update(index="blog-posts", id="1", doc=change)["result"] == "noop"
    found = blog.get(index="blog-posts", id="1")["_source"]["title"]
    assert found == {"original": "A", "translated_title": "Another"}
    with pytest.raises(NotFoundError, match="document missing"):
        blog.update(index="blog-posts", id="2", doc=change)
    blog.update(index="blog-posts", id="2", doc=article(2, "B", "T."), doc_as_upsert=True)
    found_ids = [doc["found"] for doc in blog.mget(index="blog-posts", ids=["2", "9"])["docs"]]
    assert found_ids == [True, False]


def test_reads_are_real_time_and_searches_wait_for_a_refresh() -> None:
    with StandIn(vectors="hash", auto_refresh=False) as es, es.client() as client:
        client.index(index="blog", id="1", document={"a": 1})
        assert client.exists(index="blog", id="1")
        assert client.count(index="blog")["count"] == 0
        client.indices.refresh(index="blog")
        assert client.count(index="blog")["count"] == 1
        answer = client.delete(index="blog", id="1", refresh=True)
        assert answer["forced_refresh"] is True
        assert client.count(index="blog")["count"] == 0
        assert es.violations == []


def test_a_refresh_comes_each_second_and_with_wait_for(
    elasticsearch_standin: StandIn, client: Elasticsearch
) -> None:
    settings = {"refresh_interval": "200ms"}
    client.indices.create(index="blog", settings=settings)
    client.index(index="blog", id="1", document={"a": 1})
    assert client.count(index="blog")["count"] == 0
    time.sleep(0.25)
    assert client.count(index="blog")["count"] == 1
    client.index(index="blog", id="2", document={"a": 1}, refresh="wait_for")
    assert client.count(index="blog")["count"] == 2


def test_bulk_reports_each_item(blog: Elasticsearch) -> None:
    blog.index(
        index="blog-posts",
        id="1",
        document=article(1, "A", "T."),
        version=5,
        version_type="external",
    )
    answer = blog.bulk(
        operations=[
            {"index": {"_index": "blog-posts", "_id": "2"}},
            article(2, "B", "Text."),
            {"index": {"_index": "blog-posts", "_id": "3"}},
            {"unknown": 1},
            {
                "index": {
                    "_index": "blog-posts",
                    "_id": "1",
                    "version": 4,
                    "version_type": "external_gte",
                }
            },
            article(1, "Old", "Text."),
            {"delete": {"_index": "blog-posts", "_id": "9"}},
            {"create": {"_index": "blog-posts", "_id": "2"}},
            article(2, "Again", "Text."),
        ]
    )
    items = [next(iter(item.values())) for item in answer["items"]]
    assert answer["errors"] is True
    assert [item["status"] for item in items] == [201, 400, 409, 404, 409]
    assert items[1]["error"]["type"] == "strict_dynamic_mapping_exception"
    assert "dynamic introduction of [unknown] within [_doc]" in items[1]["error"]["reason"]
    assert items[3]["result"] == "not_found"


def test_helpers_bulk_streaming_bulk_and_scan(blog: Elasticsearch) -> None:
    count, failed = helpers.bulk(blog, [versioned(n, 2) for n in range(25)], chunk_size=10)
    assert (count, failed) == (25, [])
    outcomes = list(
        helpers.streaming_bulk(
            blog, [versioned(1, 1), versioned(2, 3)], raise_on_error=False, refresh=True
        )
    )
    assert [okay for okay, _ in outcomes] == [False, True]
    assert outcomes[0][1]["index"]["error"]["type"] == "version_conflict_engine_exception"
    assert len(list(helpers.scan(blog, index="blog-posts", size=7))) == 25


def test_script_updates_in_a_bulk_are_refused_beside_semantic_text(blog: Elasticsearch) -> None:
    blog.index(index="blog-posts", id="1", document=article(1, "A", "Text."))
    script = {"script": {"source": "ctx._source.author = 'x'"}}
    answer = blog.bulk(operations=[{"update": {"_index": "blog-posts", "_id": "1"}}, script])
    error = answer["items"][0]["update"]["error"]
    assert (
        "Cannot apply update with a script on indices that contain [semantic_text]"
        in (error["reason"])
    )


def test_bad_bulk_lines_are_violations(loose: StandIn) -> None:
    headers = {
        "Authorization": f"ApiKey {loose.api_key}",
        "Content-Type": "application/x-ndjson",
    }
    bodies = [
        '{"index":{"_id":"1"}}\n{"a":1}',
        '{"indx":{"_id":"1"}}\n{"a":1}\n',
        '{"index":{"_id":"1","_type":"doc"}}\n{"a":1}\n',
        '{"index":{"_id":"1"}}\n',
        '{"update":{"_id":"1"}}\n{"dok":{}}\n',
    ]
    for body in bodies:
        url = f"{loose.url}/blog/_bulk"
        assert requests.put(url, data=body, headers=headers, timeout=5).status_code == 400
    assert len(loose.violations) == len(bodies)
    assert loose.violations[1].startswith("PUT /blog/_bulk: line 1")


def test_a_write_to_a_missing_name_creates_an_index_of_that_name(client: Elasticsearch) -> None:
    client.index(index="blog-posts", id="1", document={"title": "x", "date": "2025-01-01", "n": 1})
    properties = client.indices.get_mapping(index="blog-posts")["blog-posts"]["mappings"]
    kinds = {name: body["type"] for name, body in properties["properties"].items()}
    assert kinds == {"title": "text", "date": "date", "n": "long"}
    with pytest.raises(NotFoundError, match="is not an alias"):
        client.index(index="posts", id="1", document={}, require_alias=True)


def test_values_that_do_not_fit_their_field_are_refused(blog: Elasticsearch) -> None:
    for wrong in ({"date": "yesterday"}, {"title": "flat"}, {"semantic_field": {"a": 1}}):
        with pytest.raises(BadRequestError):
            blog.index(index="blog-posts", id="1", document={**article(1, "A", "T."), **wrong})
    with pytest.raises(
        BadRequestError, match="failed to parse field \\[date\\] of type \\[date\\]"
    ):
        blog.index(index="blog-posts", id="1", document={"date": "yesterday"})


def test_delete_by_query_and_reindex(blog: Elasticsearch) -> None:
    helpers.bulk(blog, [versioned(n, 1) for n in range(6)], refresh=True)
    blog.indices.create(index="blog-2", mappings=MAPPINGS)
    answer = blog.reindex(
        source={"index": "blog-1"},
        dest={"index": "blog-2", "version_type": "external"},
        refresh=True,
    )
    assert (answer["created"], blog.count(index="blog-2")["count"]) == (6, 6)
    answer = blog.delete_by_query(
        index="blog-2", query={"ids": {"values": ["1", "2"]}}, refresh=True
    )
    assert (answer["deleted"], blog.count(index="blog-2")["count"]) == (2, 4)
