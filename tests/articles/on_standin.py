"""The site's settings pointed at an Elasticsearch stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pytest_django import Settings

from articles.search.base import get_engine
from articles.search.elasticsearch import ElasticsearchEngine
from tests.standin.fixtures import assert_no_violations
from tests.standin.standin import StandIn


@contextmanager
def standin_for(settings: Settings, **options: Any) -> Iterator[StandIn]:
    """A fresh cluster; fails at the end if a request was not valid."""
    with StandIn(**{"vectors": "hash", **options}) as standin:
        use(settings, standin)
        yield standin
    assert_no_violations(standin)


def use(settings: Settings, standin: StandIn) -> None:
    settings.ELASTICSEARCH_URL = standin.url
    settings.ELASTICSEARCH_API_KEY = standin.api_key
    get_engine.cache_clear()


def elasticsearch_engine() -> ElasticsearchEngine:
    engine = get_engine()
    assert isinstance(engine, ElasticsearchEngine)
    return engine
