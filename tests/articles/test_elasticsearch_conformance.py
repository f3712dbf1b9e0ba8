"""The Elasticsearch engine does what every engine must do, in both of its ways."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from articles.search.rebuild import reindex
from tests.articles.conformance import EngineTests
from tests.articles.on_standin import standin_for
from tests.standin.standin import StandIn


class OnStandIn(EngineTests):
    vectors: str
    standin: StandIn

    @pytest.fixture(autouse=True)
    def cluster(self, settings: Settings, transactional_db: None) -> Iterator[None]:
        settings.ELASTICSEARCH_VECTORS = self.vectors
        # Real embeddings take long on a busy machine, and time is not what is tested here.
        settings.ELASTICSEARCH_TIMEOUT = settings.SYNC_ATTEMPT_SECONDS = 60.0
        with standin_for(settings, vectors="e5") as self.standin:
            reindex()  # before the first one there is no index to write to
            yield

    def refresh(self) -> None:
        self.standin.refresh()


class TestSemanticText(OnStandIn):
    vectors = "semantic_text"


class TestDenseVector(OnStandIn):
    vectors = "dense_vector"
