"""Single writes and bulks: versions, partial failures, and time limits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pytest_django import Settings

from articles.search.base import Document, SearchError, get_engine
from articles.search.documents import to_document
from articles.search.elastic import bulk, scan
from articles.search.encoders import NOT_REACHED
from articles.search.rebuild import reindex
from tests.articles.on_standin import elasticsearch_engine, standin_for
from tests.conftest import MakeArticle
from tests.standin.standin import StandIn

pytestmark = pytest.mark.django_db(transaction=True)

ALIAS = "blog-posts"


@pytest.fixture
def standin(
    settings: Settings, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StandIn]:
    monkeypatch.setattr(bulk, "FIRST_PAUSE", 0.01)
    with standin_for(settings) as standin:
        reindex()
        yield standin


@pytest.fixture
def documents(standin: StandIn, make_article: MakeArticle) -> list[Document]:
    return [to_document(make_article()) for _number in range(4)]


def newer(document: Document) -> Document:
    return replace(document, version=document.version + 1, title="Newer")


def titles(standin: StandIn) -> list[str]:
    return [source["title"]["original"] for source in standin.sources(ALIAS).values()]


def test_one_bad_document_does_not_hold_up_the_rest(
    standin: StandIn, documents: list[Document]
) -> None:
    bad = replace(newer(documents[0]), author_slug="x" * 40_000)  # beyond Lucene's longest term
    failures = get_engine().index([bad, *map(newer, documents[1:])])
    assert list(failures) == [bad.pk]
    assert "immense term" in failures[bad.pk]
    assert titles(standin).count("Newer") == 3


def test_many_changes_go_in_one_request(standin: StandIn, documents: list[Document]) -> None:
    before = len(standin.requests)
    assert get_engine().index([newer(document) for document in documents]) == {}
    assert [record.route for record in standin.requests[before:]] == ["bulk"]


def test_rejected_documents_are_sent_again(standin: StandIn, documents: list[Document]) -> None:
    standin.faults.reject_items(times=3)
    assert get_engine().index([newer(document) for document in documents]) == {}
    assert titles(standin) == ["Newer"] * 4


def test_documents_that_stay_rejected_are_named(
    standin: StandIn, documents: list[Document]
) -> None:
    standin.faults.reject_items(times=None)
    failures = get_engine().index([newer(document) for document in documents[:2]])
    assert sorted(failures) == [document.pk for document in documents[:2]]
    assert all("tried again later" in reason for reason in failures.values())


def test_bulk_that_stays_rejected_is_an_error(standin: StandIn, documents: list[Document]) -> None:
    standin.faults.status(429, times=None, when="bulk")
    with pytest.raises(SearchError, match="tried again later"):
        get_engine().index(documents)
    assert len(standin.requests_to("bulk")) == len(documents) + 1 + bulk.RETRIES


def test_short_attempt_is_a_single_one(standin: StandIn, documents: list[Document]) -> None:
    standin.faults.reject_items(times=1)
    failures = get_engine().index([newer(documents[0])], seconds=2)
    assert list(failures) == [documents[0].pk]
    standin.faults.status(503, times=1, when="bulk")
    with pytest.raises(SearchError, match="not ready"):
        get_engine().index([newer(documents[0])], seconds=2)


def test_short_attempt_keeps_its_time(standin: StandIn, documents: list[Document]) -> None:
    standin.faults.stall(30, when="bulk")
    started = time.monotonic()
    with pytest.raises(SearchError, match="did not answer within"):
        get_engine().delete({documents[0].pk: 9}, seconds=0.3)
    assert time.monotonic() - started < 0.6


def test_time_that_is_over_before_it_began_is_a_failure(
    standin: StandIn, documents: list[Document]
) -> None:
    before = len(standin.requests)
    failures = get_engine().index(documents, seconds=0)
    assert set(failures.values()) == {NOT_REACHED}
    assert get_engine().delete({7: 1}, seconds=0) == {7: NOT_REACHED}
    assert get_engine().index([]) == {}
    assert len(standin.requests) == before


def test_half_done_bulk_is_simply_repeated(standin: StandIn, documents: list[Document]) -> None:
    changes = [newer(document) for document in documents]
    standin.faults.die_in_bulk()
    with pytest.raises(SearchError, match="cannot be reached"):
        get_engine().index(changes)
    assert titles(standin).count("Newer") == 2
    assert get_engine().index(changes) == {}
    assert titles(standin).count("Newer") == 4


def test_what_a_slow_cluster_has_written_is_not_sent_again(
    standin: StandIn, documents: list[Document], settings: Settings
) -> None:
    settings.ELASTICSEARCH_BULK_TIMEOUT = 2.0
    vectors = elasticsearch_engine().vectors
    vectors.request_documents = 3
    standin.faults.stall(30, when=lambda request: len(request.body) == 2)  # the second request
    failures = get_engine().index([newer(document) for document in documents])
    assert list(failures) == [documents[3].pk]
    assert "did not answer within" in failures[documents[3].pk]
    assert titles(standin).count("Newer") == 3


def test_same_version_may_be_written_again(standin: StandIn, documents: list[Document]) -> None:
    repaired = replace(documents[0], title="Repaired")
    assert get_engine().index([repaired]) == {}
    assert "Repaired" in titles(standin)


def test_late_write_does_not_bring_a_removed_document_back(
    standin: StandIn, documents: list[Document]
) -> None:
    document = documents[0]
    assert get_engine().delete({document.pk: document.version + 1}) == {}
    assert get_engine().index([document]) == {}
    assert str(document.pk) not in standin.documents(ALIAS)


def test_refused_key_stops_a_bulk_with_one_sentence(
    standin: StandIn, documents: list[Document], settings: Settings
) -> None:
    settings.ELASTICSEARCH_API_KEY = standin.create_key({"read"})
    get_engine.cache_clear()
    with pytest.raises(SearchError, match="lacks a privilege"):
        get_engine().index(documents)


def test_licence_that_ends_stops_a_bulk_with_one_sentence(
    standin: StandIn, documents: list[Document]
) -> None:
    standin.license = "basic"
    with pytest.raises(SearchError, match="ELASTICSEARCH_VECTORS=dense_vector"):
        get_engine().index(documents)


def test_rebuild_without_its_encoder_is_a_search_error(
    standin: StandIn, settings: Settings
) -> None:
    settings.ELASTICSEARCH_VECTORS = "dense_vector"
    settings.EMBEDDINGS_URL = "http://127.0.0.1:9/v1/embeddings"
    settings.EMBEDDINGS_MODEL = "model"
    get_engine.cache_clear()
    with pytest.raises(SearchError, match="embeddings server"):
        get_engine().begin_rebuild()


def test_encoder_failures_are_reported_one_by_one(
    standin: StandIn, documents: list[Document], settings: Settings
) -> None:
    settings.ELASTICSEARCH_VECTORS = "dense_vector"
    settings.EMBEDDINGS_URL = "http://127.0.0.1:9/v1/embeddings"
    settings.EMBEDDINGS_MODEL = "model"
    get_engine.cache_clear()
    assert sorted(get_engine().index(documents)) == [document.pk for document in documents]


def test_versions_are_read_page_by_page(
    standin: StandIn, documents: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "PAGE", 2)
    before = len(standin.requests)
    assert [pk for pk, _version in get_engine().versions()] == [d.pk for d in documents]
    routes = [record.route for record in standin.requests[before:]]
    assert (routes.count("search"), routes.count("close_point_in_time")) == (3, 1)


def test_versions_survive_a_lost_answer_and_an_open_point_in_time(
    standin: StandIn, documents: list[Document]
) -> None:
    standin.faults.refuse(times=2, when="search")
    standin.faults.status(500, when="close_point_in_time")
    assert len(list(get_engine().versions())) == 4


def test_versions_count_what_no_search_has_seen_yet(
    settings: Settings, standin: StandIn, documents: list[Document]
) -> None:
    standin.cluster.indices[standin.cluster.alias_targets(ALIAS)[0].name].settings["index"][
        "refresh_interval"
    ] = "-1"
    get_engine().index([newer(documents[0])])
    assert dict(get_engine().versions())[documents[0].pk] == documents[0].version + 1


def test_long_article_does_not_keep_an_editor_waiting_for_its_vectors(
    standin: StandIn, make_article: MakeArticle, settings: Settings
) -> None:
    settings.ELASTICSEARCH_VECTORS = "dense_vector"
    get_engine.cache_clear()
    reindex()
    paragraph = " ".join(f"word{number} and its meaning" for number in range(30)) + "."
    article = make_article(content="\n\n".join([paragraph] * 24), status="draft")
    document = to_document(article)
    started = time.monotonic()
    assert get_engine().index([document]) == {}
    whole = time.monotonic() - started
    started = time.monotonic()
    assert get_engine().index([newer(document)], seconds=0.01) == {document.pk: NOT_REACHED}
    assert time.monotonic() - started < whole / 2
