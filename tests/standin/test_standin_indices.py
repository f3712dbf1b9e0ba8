"""Indices, mappings, settings and aliases."""

from __future__ import annotations

from typing import Any

import pytest
from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError

from tests.standin.conftest import MAPPINGS, article


def test_mappings_can_grow_but_not_change(blog: Elasticsearch) -> None:
    blog.indices.put_mapping(index="blog-posts", properties={"slug": {"type": "keyword"}})
    with pytest.raises(BadRequestError, match="cannot be changed from type"):
        blog.indices.put_mapping(index="blog-posts", properties={"author": {"type": "text"}})
    field = {"type": "semantic_text", "inference_id": ".elser-2-elasticsearch"}
    with pytest.raises(BadRequestError, match="Cannot update parameter \\[inference_id\\]"):
        blog.indices.put_mapping(index="blog-posts", properties={"semantic_field": field})
    with pytest.raises(BadRequestError, match="already exists"):
        blog.indices.create(index="blog-1", mappings=MAPPINGS)
    with pytest.raises(BadRequestError, match="must be lowercase"):
        blog.indices.create(index="Blog")


def test_aliases_swap_in_one_request(blog: Elasticsearch) -> None:
    blog.indices.create(index="blog-2", mappings=MAPPINGS)
    blog.index(index="blog-2", id="2", document=article(2, "New", "Text."), refresh=True)
    wrong = [
        {"remove_index": {"index": "blog-1"}},
        {"add": {"index": "missing", "alias": "blog-posts"}},
    ]
    with pytest.raises(NotFoundError):
        blog.indices.update_aliases(actions=wrong)
    assert list(blog.indices.get_alias(name="blog-posts").body) == ["blog-1"]
    blog.indices.update_aliases(
        actions=[
            {"add": {"index": "blog-2", "alias": "blog-posts"}},
            {"remove_index": {"index": "blog-1"}},
        ]
    )
    assert list(blog.indices.get_alias(name="blog-posts").body) == ["blog-2"]
    assert not blog.indices.exists(index="blog-1")
    assert blog.count(index="blog-posts")["count"] == 1
    assert not blog.indices.exists_alias(name="other")
    with pytest.raises(ApiError, match="alias \\[other\\] missing"):
        blog.indices.get_alias(name="other")


def test_an_alias_cannot_take_the_name_of_an_index_unless_it_goes(client: Elasticsearch) -> None:
    client.indices.create(index="blog-posts")
    client.indices.create(index="blog-2")
    add = {"add": {"index": "blog-2", "alias": "blog-posts"}}
    with pytest.raises(BadRequestError, match="an index or data stream exists with the same name"):
        client.indices.update_aliases(actions=[add])
    client.indices.update_aliases(actions=[add, {"remove_index": {"index": "blog-posts"}}])
    with pytest.raises(BadRequestError, match="matches an alias"):
        client.indices.delete(index="blog-posts")


def test_writes_to_an_alias_of_two_indices_need_a_write_index(client: Elasticsearch) -> None:
    for name in ("one", "two"):
        client.indices.create(index=name, aliases={"both": {}})
    with pytest.raises(BadRequestError, match="no write index is defined"):
        client.index(index="both", id="1", document={})
    with pytest.raises(BadRequestError, match="has more than one index associated"):
        client.get(index="both", id="1")


def test_settings_health_and_cat(blog: Elasticsearch) -> None:
    blog.indices.put_settings(index="blog-posts", settings={"index": {"refresh_interval": "-1"}})
    settings = blog.indices.get_settings(index="blog-1")["blog-1"]["settings"]["index"]
    assert (settings["refresh_interval"], settings["number_of_replicas"]) == ("-1", "0")
    with pytest.raises(BadRequestError, match="Can't update non dynamic settings"):
        blog.indices.put_settings(index="blog-1", settings={"number_of_shards": 3})
    assert blog.cluster.health(wait_for_status="yellow")["status"] == "green"
    rows: Any = blog.cat.indices(format="json", h=["index", "docs.count"]).body
    assert rows == [{"index": "blog-1", "docs.count": "0"}]
