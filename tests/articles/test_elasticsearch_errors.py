"""Whatever goes wrong on the way to Elasticsearch becomes a sentence that says what to do."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import certifi
import pytest
from pytest_django import Settings

from articles.search import service
from articles.search.base import SearchError, SearchQuery, get_engine
from articles.search.elastic import errors
from articles.search.elastic.client import Cluster
from articles.search.rebuild import reindex
from tests.articles.on_standin import standin_for
from tests.conftest import MakeArticle
from tests.standin.standin import StandIn

pytestmark = pytest.mark.django_db(transaction=True)

QUERY = SearchQuery("passwords")
SECRET = "c2VjcmV0LWlkOnNlY3JldC1rZXk="


@pytest.fixture
def standin(settings: Settings, transactional_db: None) -> Iterator[StandIn]:
    with standin_for(settings) as standin:
        reindex()
        yield standin


def sentence() -> str:
    with pytest.raises(SearchError) as caught:
        get_engine().search(QUERY)
    return str(caught.value)


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "ELASTICSEARCH_API_KEY"),
        (403, "write block"),
        (408, "status 408"),
        (429, "tried again later"),
        (500, "Its log says more"),
        (502, "Check that the cluster runs"),
        (503, "GET _cluster/health"),
        (504, "Check the load"),
    ],
)
def test_each_status_has_its_own_sentence(standin: StandIn, status: int, advice: str) -> None:
    standin.faults.status(status, times=None, when="msearch")
    assert advice in sentence()


@pytest.mark.parametrize(
    ("status", "type_", "advice"),
    [
        (400, "mapper_parsing_exception", "manage.py reindex"),
        (404, "index_not_found_exception", "manage.py reindex"),
        (404, "other_exception", "version 9.3"),
        (409, "version_conflict_engine_exception", "try again"),
        (413, "content_too_long_exception", "http.max_content_length"),
        (418, "teapot_exception", "status 418"),
    ],
)
def test_statuses_that_only_writes_meet(status: int, type_: str, advice: str) -> None:
    body = {"error": {"type": type_, "reason": "the reason"}, "status": status}
    assert advice in errors.from_answer(status, body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"error": "bare text", "status": 400}, "bare text"),
        ("<html>\n proxy </html>", "<html> proxy </html>"),
        ({"error": {"type": "only_a_type"}}, "only_a_type"),
        (None, "no reason given"),
        (
            {
                "error": {
                    "reason": "all shards failed",
                    "root_cause": [{"reason": "no such field"}],
                    "caused_by": {"reason": "no such field", "caused_by": {"reason": "deep"}},
                }
            },
            "all shards failed; no such field; deep",
        ),
        ({"error": "x" * 10_000}, "x" * (errors.MAX_CAUSE - 1) + "…"),
    ],
)
def test_reason_is_read_from_every_shape_of_error(body: Any, reason: str) -> None:
    assert errors.reason_of(body) == reason


def test_unknown_key_is_refused_and_never_shown(
    standin: StandIn, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ELASTICSEARCH_API_KEY = SECRET
    get_engine.cache_clear()
    caplog.set_level(logging.DEBUG)
    text = sentence()
    service.search(QUERY)
    assert "ELASTICSEARCH_API_KEY" in text
    assert SECRET not in text + caplog.text + repr(get_engine()) + get_engine().status().reason


def test_key_that_a_server_quotes_is_masked(standin: StandIn) -> None:
    cluster = Cluster("http://user:pass@search:9200", f" {SECRET}\n")
    text = str(cluster.error(f"Invalid key {SECRET} at http://user:pass@search:9200/"))
    assert text == "Invalid key ••• at http://search:9200/"


def test_key_that_no_header_can_hold_is_refused_without_quoting_it() -> None:
    cluster = Cluster("http://127.0.0.1:9", "two words")
    with pytest.raises(SearchError, match="ELASTICSEARCH_API_KEY") as caught, cluster.reader():
        pass
    assert "two words" not in str(caught.value)


def test_user_and_password_in_the_address_authenticate_without_showing(
    settings: Settings, standin: StandIn
) -> None:
    settings.ELASTICSEARCH_URL = standin.url.replace("://", "://elastic:pass%20word@")
    settings.ELASTICSEARCH_API_KEY = ""
    get_engine.cache_clear()
    text = sentence()  # the stand-in knows API keys only
    assert "credentials" in text
    assert "word" not in text


def test_missing_privilege_is_named(settings: Settings, standin: StandIn) -> None:
    settings.ELASTICSEARCH_API_KEY = standin.create_key()
    get_engine.cache_clear()
    get_engine().search(QUERY)  # it may read
    with pytest.raises(SearchError, match=r"lacks a privilege .*indices:admin"):
        get_engine().begin_rebuild()


def test_licence_without_inference_names_the_setting_that_works(
    standin: StandIn, make_article: MakeArticle
) -> None:
    make_article()
    standin.refresh()
    standin.license = "basic"
    assert sentence() == errors.LICENCE
    assert "ELASTICSEARCH_VECTORS=dense_vector" in errors.LICENCE
    with pytest.raises(SearchError, match="dense_vector"):
        reindex()


def test_licence_without_retrievers_names_the_setting_to_empty(
    settings: Settings, standin: StandIn
) -> None:
    settings.ELASTICSEARCH_HYBRID = "rrf"
    body = {
        "error": {"reason": "current license is non-compliant for [Reciprocal Rank Fusion (RRF)]"}
    }
    assert errors.from_answer(403, body) == errors.RETRIEVERS
    assert "ELASTICSEARCH_HYBRID" in errors.RETRIEVERS


def test_refused_connection_says_where_to_look(standin: StandIn) -> None:
    standin.stop()
    text = sentence()
    assert "Connection refused" in text
    assert "ELASTICSEARCH_URL" in text


def test_silence_says_after_how_long(settings: Settings, standin: StandIn) -> None:
    settings.ELASTICSEARCH_TIMEOUT = 0.2
    standin.faults.stall(5.0)
    assert "within 0.2 seconds" in sentence()


@pytest.mark.parametrize("url", ["localhost", "ftp://x:1", "http://[::1", "http://host:port"])
def test_address_that_is_none_is_refused_with_an_example(settings: Settings, url: str) -> None:
    settings.ELASTICSEARCH_URL, settings.ELASTICSEARCH_API_KEY = url, SECRET
    assert "https://search.example.com:9200" in sentence()


def test_missing_certificate_file_is_named(settings: Settings) -> None:
    settings.ELASTICSEARCH_URL = "https://127.0.0.1:9"
    settings.ELASTICSEARCH_CA_CERTS = "/no/such/file.crt"
    assert "ELASTICSEARCH_CA_CERTS" in sentence()


def test_certificate_file_is_used(settings: Settings) -> None:
    settings.ELASTICSEARCH_URL = "https://127.0.0.1:9"
    settings.ELASTICSEARCH_CA_CERTS = certifi.where()
    assert "Connection refused" in sentence()


class Impostor(BaseHTTPRequestHandler):
    """A web server that is not Elasticsearch."""

    body = b"{}"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def impostor(settings: Settings) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Impostor)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.ELASTICSEARCH_URL = f"http://127.0.0.1:{server.server_port}"
    settings.ELASTICSEARCH_API_KEY = SECRET
    yield
    server.shutdown()
    server.server_close()


def test_other_server_is_recognised(impostor: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Impostor, "body", json.dumps({"responses": []}).encode())
    assert "is not Elasticsearch" in sentence()
    monkeypatch.setattr(Impostor, "body", b"not json")
    assert "else than JSON" in sentence()


def test_tls_to_a_plain_port_says_so(impostor: None, settings: Settings) -> None:
    settings.ELASTICSEARCH_URL = settings.ELASTICSEARCH_URL.replace("http:", "https:")
    assert "begin with http" in sentence()
