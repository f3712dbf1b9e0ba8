"""The same behaviours on a real cluster: `ELASTICSEARCH_URL=… pytest -m live`.

Everything happens below an index name of its own, which is removed at the end. What the cluster
streams is kept byte for byte in the folder `LIVE_RECORDINGS` (`var/live`), so that the stand-in's
frames can be compared with real ones. With the variables of `setup_inference` the endpoint is
created and removed here, too; otherwise `INFERENCE_ENDPOINT_ID` must be there.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.core.management import call_command
from pytest_django import Settings

from articles.search.base import get_engine
from articles.search.elastic import licence
from articles.search.rebuild import reindex
from recommendations.inference.base import Cancellation, ChatRequest, Message
from recommendations.inference.elasticsearch import ElasticsearchChatClient
from recommendations.inference.sse import read_events
from recommendations.inference.transport import post
from tests.articles.conformance import EngineTests
from tests.articles.on_standin import elasticsearch_engine

HAS_CLUSTER = bool(os.environ.get("ELASTICSEARCH_URL") or os.environ.get("ES_LOCAL_URL"))
RECORDINGS = Path(os.environ.get("LIVE_RECORDINGS") or configured.VAR_DIR / "live")
REQUEST = ChatRequest([Message("user", "Say good night in Spanish, with an emoji.")], 100)

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not HAS_CLUSTER, reason="ELASTICSEARCH_URL is not set"),
]


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


@pytest.fixture
def endpoint(settings: Settings) -> Iterator[str]:
    if not settings.HUGGING_FACE_API_KEY:
        yield settings.INFERENCE_ENDPOINT_ID
        return
    settings.INFERENCE_ENDPOINT_ID = f"vereda-test-{uuid.uuid4().hex[:12]}"
    call_command("setup_inference")
    yield settings.INFERENCE_ENDPOINT_ID
    call_command("setup_inference", delete=True)


def record(name: str) -> tuple[int, list[bytes]]:
    """Status and body of one chat completion, in the pieces that came; kept under this name."""
    server = ElasticsearchChatClient.from_settings().server
    body = REQUEST.fields(max_tokens="max_completion_tokens")
    with post(server, body, Cancellation()) as response:
        pieces = list(iter(lambda: response.raw.read1(65_536), b""))
        about = {
            "status": response.status_code,
            "headers": dict(response.headers),
            "request": body,
            "pieces": [len(piece) for piece in pieces],
        }
    RECORDINGS.mkdir(parents=True, exist_ok=True)
    (RECORDINGS / f"{name}.bytes").write_bytes(b"".join(pieces))
    (RECORDINGS / f"{name}.json").write_text(json.dumps(about, indent=2))
    return response.status_code, pieces


def test_chat_stream_is_recorded(endpoint: str) -> None:
    status, pieces = record("chat")
    if status == 404:
        pytest.skip(f"There is no endpoint {endpoint}; run manage.py setup_inference.")
    events = list(read_events(pieces))
    assert status == 200, events
    assert events[-1].data == "[DONE]"
    assert len(events) > 2


def test_stream_of_a_missing_endpoint_is_recorded(settings: Settings) -> None:
    settings.INFERENCE_ENDPOINT_ID = f"vereda-test-{uuid.uuid4().hex[:12]}"
    status, pieces = record("chat-missing-endpoint")
    assert status == 404
    assert [event.event for event in read_events(pieces)] == ["error"]
