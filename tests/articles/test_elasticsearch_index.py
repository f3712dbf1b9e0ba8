"""The index itself: its mapping, its alias, and rebuilding it while things go wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from articles.models import OutboxEntry, ReindexRun
from articles.search import outbox
from articles.search.base import Rebuild, SearchError, get_engine
from articles.search.documents import to_document
from articles.search.elastic import bulk, rebuild
from articles.search.rebuild import compare, reindex
from tests.articles.on_standin import elasticsearch_engine, standin_for
from tests.conftest import MakeArticle
from tests.standin.standin import StandIn

pytestmark = pytest.mark.django_db(transaction=True)

ALIAS = "blog-posts"


@pytest.fixture
def standin(
    settings: Settings, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StandIn]:
    # The same repetitions, without their pauses.
    monkeypatch.setattr(bulk, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(bulk, "RECONNECTS", (0.01,) * 4)
    with standin_for(settings) as standin:
        yield standin


def serving(standin: StandIn) -> str:
    (index,) = standin.cluster.alias_targets(ALIAS)
    return index.name


def properties(standin: StandIn) -> Any:
    return standin.cluster.indices[serving(standin)].mapping.render()["properties"]


def test_mapping_is_the_original_systems_with_the_endpoint_named(standin: StandIn) -> None:
    reindex()
    keyword = {"type": "keyword"}
    copied = {"copy_to": "semantic_field"}
    title = {"type": "text", "fields": {"keyword": keyword}}
    expected = {
        "id": keyword,
        "title": {"properties": {"original": {**title, **copied}, "translated_title": title}},
        "author": {**keyword, **copied},
        "category": {**keyword, **copied},
        "content": {"type": "text", **copied},
        "date": {"type": "date"},
        "semantic_field": {
            "type": "semantic_text",
            "inference_id": ".multilingual-e5-small-elasticsearch",
        },
    }
    found = properties(standin)
    assert {name: found[name] for name in expected} == expected
    assert set(found) - set(expected) == {
        "pk", "slug", "language", "year", "author_slug", "category_slug",
    }  # fmt: skip
    assert standin.cluster.indices[serving(standin)].mapping.render()["dynamic"] == "strict"


def test_endpoint_is_left_to_the_cluster_where_the_setting_is_empty(
    standin: StandIn, settings: Settings
) -> None:
    settings.ELASTICSEARCH_EMBEDDING_ENDPOINT = ""
    reindex()
    (record,) = standin.requests_to("indices.create")
    assert record.body["mappings"]["properties"]["semantic_field"] == {"type": "semantic_text"}


def test_document_has_the_id_of_its_source_or_its_own(
    standin: StandIn, make_article: MakeArticle
) -> None:
    seeded, own = make_article(source_id="seed-7"), make_article()
    reindex()
    sources = standin.sources(ALIAS)
    assert (sources[str(seeded.pk)]["id"], sources[str(own.pk)]["id"]) == ("seed-7", str(own.pk))
    assert standin.documents(ALIAS)[str(own.pk)].version == own.version


def test_index_is_built_without_refreshes_and_replicas_and_serves_with_them(
    standin: StandIn, settings: Settings
) -> None:
    settings.ELASTICSEARCH_SHARDS, settings.ELASTICSEARCH_REPLICAS = 3, 2
    reindex()
    (record,) = standin.requests_to("indices.create")
    assert record.body["settings"] == {
        "number_of_shards": 3,
        "number_of_replicas": 0,
        "refresh_interval": "-1",
    }
    index = standin.cluster.indices[serving(standin)].settings["index"]
    assert (index["number_of_replicas"], index["refresh_interval"]) == ("2", "1s")


def test_swap_is_one_request_and_the_old_index_goes_with_it(
    standin: StandIn, make_article: MakeArticle
) -> None:
    make_article()
    reindex()
    old = serving(standin)
    reindex()
    assert len(standin.requests_to("indices.update_aliases")) == 2
    assert list(standin.cluster.indices) == [serving(standin)]
    assert serving(standin) > old  # named after the time, so they sort
    assert standin.requests_to("indices.update_aliases")[-1].body == {
        "actions": [
            {"add": {"index": serving(standin), "alias": ALIAS}},
            {"remove_index": {"index": old}},
        ]
    }


def test_index_that_has_the_aliases_name_is_left_alone(
    standin: StandIn, make_article: MakeArticle
) -> None:
    with standin.client() as client:
        client.index(index=ALIAS, id="1", document={"title": "theirs"}, refresh=True)
    make_article()
    with pytest.raises(SearchError, match="is an index of its own"):
        reindex()
    assert "is an index of its own" in get_engine().status().reason
    assert standin.sources(ALIAS) == {"1": {"title": "theirs"}}


def test_write_before_the_first_reindex_creates_no_index(
    standin: StandIn, make_article: MakeArticle
) -> None:
    article = make_article()
    assert "manage.py reindex" in OutboxEntry.objects.get().error
    with pytest.raises(SearchError, match=r"manage\.py reindex"):
        get_engine().delete({article.pk: 2})
    assert not standin.cluster.indices
    assert compare(get_engine()).missing == [article.pk]
    reindex()
    outbox.drain(retry_now=True)
    assert not OutboxEntry.objects.exists()
    assert not compare(get_engine())


def test_leftovers_of_a_killed_reindex_are_removed_and_nothing_else(
    standin: StandIn, make_article: MakeArticle, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    reindex()
    others = ["blog-posts-es", "blog-posts-es-20260101-000000-000000", "blog-posts-2026"]
    leftover = "blog-posts-20260101-000000-000000"
    with standin.client() as client:
        for name in [*others, leftover]:
            client.indices.create(index=name)
    reindex()
    assert sorted(standin.cluster.indices) == sorted([*others, serving(standin)])
    assert leftover in caplog.text


# Faults while it is built


def test_reindex_outlasts_rejections_and_a_broken_connection(
    standin: StandIn, make_article: MakeArticle
) -> None:
    for _number in range(7):
        make_article()
    standin.faults.reject_items(times=3)
    standin.faults.status(429, times=2, when="bulk")
    standin.faults.status(503, times=1, when="bulk")
    standin.faults.die_in_bulk(times=2)
    report = reindex(chunk_size=3)
    assert (report.documents, report.failures) == (7, {})
    assert not compare(get_engine())


@pytest.mark.parametrize(
    "route", ["bulk", "indices.put_settings", "indices.refresh", "search", "count"]
)
def test_failed_step_removes_the_new_index_and_the_old_one_serves(
    standin: StandIn, make_article: MakeArticle, route: str
) -> None:
    article = make_article()
    reindex()
    old = serving(standin)
    standin.faults.status(403, times=None, when=route)
    with pytest.raises(SearchError):
        reindex()
    standin.faults.clear()
    assert list(standin.cluster.indices) == [old]
    assert dict(get_engine().versions()) == {article.pk: article.version}
    assert ReindexRun.objects.first().state == "failed"  # type: ignore[union-attr]


def test_article_deleted_meanwhile_leaves_the_new_index_too(
    standin: StandIn, make_article: MakeArticle
) -> None:
    make_article()
    gone = make_article()

    def delete(done: int, total: int) -> None:
        if done == total:
            gone.delete()

    assert reindex(chunk_size=1, progress=delete).documents == 1
    assert not compare(get_engine())


def test_interrupted_reindex_removes_the_new_index(
    standin: StandIn, make_article: MakeArticle
) -> None:
    make_article()
    reindex()
    old = serving(standin)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reindex(progress=interrupt)
    assert list(standin.cluster.indices) == [old]


def test_cluster_that_dies_meanwhile_leaves_an_index_that_the_next_reindex_removes(
    standin: StandIn, make_article: MakeArticle, caplog: pytest.LogCaptureFixture
) -> None:
    article = make_article()
    reindex()
    old = serving(standin)

    def die(done: int, total: int) -> None:
        standin.stop()

    with pytest.raises(SearchError, match="cannot be reached"):
        reindex(progress=die)
    assert "left behind" in caplog.text
    standin.start()
    assert len(standin.cluster.indices) == 2
    assert serving(standin) == old
    reindex()
    assert list(standin.cluster.indices) == [serving(standin)]
    assert dict(get_engine().versions()) == {article.pk: article.version}


def test_lost_answer_to_the_swap_is_looked_up(standin: StandIn, make_article: MakeArticle) -> None:
    make_article()
    reindex()
    old = serving(standin)
    standin.faults.drop(when="indices.update_aliases")
    assert reindex().documents == 1
    assert serving(standin) != old
    assert not compare(get_engine())


def test_index_is_not_deleted_while_it_may_serve(
    standin: StandIn, make_article: MakeArticle, caplog: pytest.LogCaptureFixture
) -> None:
    # The swap is carried out, its answer is lost, and nobody can be asked afterwards.
    make_article()
    standin.faults.drop(when="indices.update_aliases")
    standin.faults.refuse(times=10, when=_after_swap(standin))
    with pytest.raises(SearchError):
        reindex()
    standin.faults.clear()
    assert "not clear whether it serves" in caplog.text
    assert not compare(get_engine())


def _after_swap(standin: StandIn) -> Any:
    return lambda request: (
        request.route == "indices.get_alias" and standin.requests_to("indices.update_aliases")
    )


def test_refused_swap_keeps_the_old_index(standin: StandIn, make_article: MakeArticle) -> None:
    make_article()
    reindex()
    old = serving(standin)
    for status in (403, 503):
        standin.faults.status(status, when="indices.update_aliases")
        with pytest.raises(SearchError):
            reindex()
        assert serving(standin) == old
    reindex()
    assert list(standin.cluster.indices) == [serving(standin)]


def test_index_that_holds_something_else_than_was_written_does_not_serve(
    standin: StandIn, make_article: MakeArticle
) -> None:
    article = make_article()
    building: Rebuild = get_engine().begin_rebuild()
    building.index([to_document(article)])
    assert isinstance(building, rebuild.ElasticsearchRebuild)
    with standin.client() as client:
        client.index(index=building.name, id="x", document={"pk": 999}, refresh=True)
    with pytest.raises(SearchError, match="holds 2 articles where 1 were written"):
        building.commit()
    building.abort()
    assert not standin.cluster.indices


def test_index_without_one_article_does_not_replace_a_full_one(
    standin: StandIn, make_article: MakeArticle, settings: Settings
) -> None:
    make_article()
    reindex()
    old = serving(standin)
    settings.ELASTICSEARCH_EMBEDDING_ENDPOINT = "no-such-endpoint"
    with pytest.raises(CommandError, match="Not one article could be written") as caught:
        call_command("reindex", stdout=StringIO(), stderr=StringIO())
    assert "ELASTICSEARCH_EMBEDDING_ENDPOINT" in str(caught.value)
    assert serving(standin) == old


def test_basic_licence_is_noticed_before_anything_is_built(standin: StandIn) -> None:
    standin.license = "basic"
    with pytest.raises(CommandError, match="ELASTICSEARCH_VECTORS=dense_vector"):
        call_command("reindex", stdout=StringIO())
    assert not standin.requests_to("indices.create")


def test_key_that_may_not_read_the_licence_can_build(
    standin: StandIn, make_article: MakeArticle
) -> None:
    make_article()
    standin.faults.status(403, times=None, when="license.get")
    assert reindex().documents == 1


# Status


def test_status_says_what_is_wrong_and_never_raises(
    standin: StandIn, make_article: MakeArticle, settings: Settings
) -> None:
    engine = elasticsearch_engine()
    assert engine.status().state == "down"
    assert "manage.py reindex" in engine.status().reason
    reindex()
    assert (engine.status().state, engine.status().documents) == ("ok", 0)
    make_article()
    reindex()
    assert engine.status().index == f"{serving(standin)} (semantic_text)"
    standin.license = "basic"
    assert "dense_vector" in engine.status().reason
    standin.license = "trial"
    settings.ELASTICSEARCH_EMBEDDING_ENDPOINT = ".elser-2-elasticsearch"
    assert engine.status().state == "degraded"
    assert "built with endpoint .multilingual" in engine.status().reason
    standin.stop()
    assert "cannot be reached" in engine.status().reason


def test_index_that_lost_its_articles_is_down(standin: StandIn, make_article: MakeArticle) -> None:
    article = make_article()
    reindex()
    get_engine().delete({article.pk: 9})
    standin.refresh()
    assert get_engine().status().state == "down"


def test_index_of_the_other_kind_is_noticed(standin: StandIn, settings: Settings) -> None:
    reindex()
    settings.ELASTICSEARCH_VECTORS = "dense_vector"
    get_engine.cache_clear()
    assert get_engine().status().reason == "The index has no chunks.vector; run manage.py reindex."
    reindex()
    assert get_engine().status().state == "ok"
    settings.ELASTICSEARCH_VECTORS = "semantic_text"
    get_engine.cache_clear()
    assert get_engine().status().reason.startswith("The index has no semantic_field")


def test_vectors_of_another_size_are_noticed(standin: StandIn, settings: Settings) -> None:
    settings.ELASTICSEARCH_VECTORS = "dense_vector"
    vectors = elasticsearch_engine().vectors
    mapping = {"chunks": {"properties": {"vector": {"type": "dense_vector", "dims": 7}}}}
    assert "vectors of 7 dimensions" in vectors.difference(mapping)
