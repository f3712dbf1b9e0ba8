"""The same behaviours on a real cluster: `ELASTICSEARCH_URL=… pytest -m live`.

Everything happens below an index name of its own, which is removed at the end.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest
from django.conf import settings as configured
from pytest_django import Settings

from articles.search.base import get_engine
from articles.search.elastic import licence
from articles.search.rebuild import reindex
from tests.articles.conformance import EngineTests
from tests.articles.on_standin import elasticsearch_engine

HAS_CLUSTER = bool(os.environ.get("ELASTICSEARCH_URL") or os.environ.get("ES_LOCAL_URL"))


@pytest.mark.live
@pytest.mark.skipif(not HAS_CLUSTER, reason="ELASTICSEARCH_URL is not set")
class OnCluster(EngineTests):
    vectors: str

    @pytest.fixture(autouse=True)
    def cluster(self, settings: Settings, transactional_db: None) -> Iterator[None]:
        settings.ELASTICSEARCH_VECTORS = self.vectors
        settings.INDEX_NAME = f"vereda-test-{uuid.uuid4().hex[:12]}"
        # The first request to a sleeping embedding model waits until it is loaded.
        settings.ELASTICSEARCH_TIMEOUT = settings.SYNC_ATTEMPT_SECONDS = 120.0
        get_engine.cache_clear()
        engine = elasticsearch_engine()
        with engine.cluster.background() as client:
            if engine.vectors.needs_inference and (problem := licence.problem(client)):
                pytest.skip(problem)
        try:
            reindex()
            yield
        finally:
            with engine.cluster.background() as client:
                found = client.indices.get(index=f"{settings.INDEX_NAME}-*").body
                for name in found:
                    client.indices.delete(index=name)

    def refresh(self) -> None:
        with elasticsearch_engine().cluster.background() as client:
            client.indices.refresh(index=configured.INDEX_NAME)


class TestSemanticText(OnCluster):
    vectors = "semantic_text"


class TestDenseVector(OnCluster):
    vectors = "dense_vector"
