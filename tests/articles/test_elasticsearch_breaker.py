"""A dead cluster costs a reader one short wait at most."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_django import Settings

from articles.models import OutboxEntry
from articles.search import breaker, service
from articles.search.base import SearchError, SearchQuery, get_engine
from articles.search.breaker import Breaker
from articles.search.rebuild import reindex
from tests.articles.on_standin import elasticsearch_engine, standin_for
from tests.conftest import MakeArticle
from tests.standin.standin import StandIn

pytestmark = pytest.mark.django_db(transaction=True)

QUERY = SearchQuery("passwords")


@pytest.fixture
def standin(settings: Settings, transactional_db: None) -> Iterator[StandIn]:
    settings.ELASTICSEARCH_TIMEOUT = breaker.PATIENCE + 0.1
    with standin_for(settings) as standin:
        reindex()
        yield standin


def seconds_of_a_question() -> float:
    started = time.monotonic()
    with pytest.raises(SearchError):
        get_engine().search(QUERY)
    return time.monotonic() - started


def test_second_question_to_a_silent_cluster_fails_at_once(standin: StandIn) -> None:
    standin.faults.stall(30, times=None)
    assert seconds_of_a_question() > breaker.PATIENCE
    assert seconds_of_a_question() < breaker.PATIENCE
    assert service.search(QUERY).engine == "keyword"


def test_save_obeys_it_too(standin: StandIn, make_article: MakeArticle) -> None:
    standin.faults.stall(30, times=None)
    seconds_of_a_question()
    started = time.monotonic()
    make_article()
    assert time.monotonic() - started < breaker.PATIENCE


def test_one_question_tries_again_after_a_while_and_success_is_shared(standin: StandIn) -> None:
    cluster = elasticsearch_engine().cluster
    cluster.reader_rest = 0.2
    standin.faults.stall(30)
    seconds_of_a_question()
    assert seconds_of_a_question() < breaker.PATIENCE
    time.sleep(0.25)
    assert get_engine().search(QUERY).engine == "elasticsearch"
    assert get_engine().search(QUERY).engine == "elasticsearch"


def test_only_one_thread_waits_for_the_trial(standin: StandIn) -> None:
    elasticsearch_engine().cluster.reader_rest = 0.2
    standin.faults.stall(30, times=None)
    seconds_of_a_question()
    time.sleep(0.25)
    with ThreadPoolExecutor(8) as threads:
        times = sorted(threads.map(lambda _n: seconds_of_a_question(), range(8)))
    assert times[-1] > breaker.PATIENCE
    assert sum(seconds > breaker.PATIENCE for seconds in times) < len(times)


def test_background_work_comes_back_before_the_readers_do(
    standin: StandIn, make_article: MakeArticle
) -> None:
    cluster = elasticsearch_engine().cluster
    cluster.background_rest = 0.1
    standin.faults.stall(30)
    seconds_of_a_question()
    time.sleep(0.15)
    make_article()
    assert list(get_engine().versions()) == []  # the save was refused: readers come back later
    reindex()
    assert len(list(get_engine().versions())) == 1
    assert get_engine().search(QUERY).total == 1  # the success counts for readers too


def test_slow_write_leaves_readers_alone(
    standin: StandIn, make_article: MakeArticle, settings: Settings
) -> None:
    settings.SYNC_ATTEMPT_SECONDS = 2 * breaker.PATIENCE
    standin.faults.stall(30, when="bulk")
    make_article()  # as long as it takes to embed: the editor's time is over, the cluster is well
    assert OutboxEntry.objects.get().error
    assert get_engine().search(QUERY).engine == "elasticsearch"


def test_refused_connection_costs_nothing_and_closes_nothing(standin: StandIn) -> None:
    standin.stop()
    assert seconds_of_a_question() < breaker.PATIENCE
    standin.start()
    assert get_engine().search(QUERY).engine == "elasticsearch"


def test_error_answer_does_not_open_it(standin: StandIn) -> None:
    standin.faults.status(503, times=2)
    seconds_of_a_question()
    assert get_engine().search(QUERY).engine == "elasticsearch"


def test_connection_that_broke_is_tried_once_more_for_a_reader(standin: StandIn) -> None:
    standin.faults.refuse(times=1)
    assert get_engine().search(QUERY).engine == "elasticsearch"
    standin.faults.refuse(times=2)
    seconds_of_a_question()


def test_closed_breaker_allows_everyone_and_an_open_one_a_single_caller() -> None:
    switch = Breaker()
    switch.failed(seconds=breaker.PATIENCE / 2)
    assert switch.allows(rest=60)
    switch.failed(seconds=breaker.PATIENCE * 2)
    assert not switch.allows(rest=60)
    time.sleep(0.06)
    assert switch.allows(rest=0.05)
    assert not switch.allows(rest=0.05)
    switch.answered()
    assert switch.allows(rest=60)
