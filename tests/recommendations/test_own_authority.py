"""A cluster whose certificate comes from an authority of its own: `ELASTICSEARCH_CA_CERTS`."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
import trustme
from django.core.management import call_command
from pytest_django import Settings

from articles.search.base import get_engine
from recommendations.inference.base import (
    Cancellation,
    ChatRequest,
    Message,
    ModelUnavailable,
    Usage,
    get_client,
)
from tests.recommendations.chat_server import ChatServer, deltas
from tests.standin.standin import StandIn

REQUEST = ChatRequest([Message("user", "Hi")], 50)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_certs(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def chat(settings: Settings, tls: ssl.SSLContext) -> Iterator[ChatServer]:
    settings.CHAT_COMPLETIONS_URL = ""
    settings.ELASTICSEARCH_VECTORS = "semantic_text"
    with ChatServer() as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        settings.ELASTICSEARCH_URL = f"https://127.0.0.1:{server.server_port}"
        server.reply(*deltas("Hello."))
        yield server


def test_chat_client_trusts_the_authority(
    chat: ChatServer, settings: Settings, ca_certs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ELASTICSEARCH_CA_CERTS = ca_certs
    # The environment's bundle is meant for other servers, and is no reason to refuse this one.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ssl.get_default_verify_paths().openssl_cafile)
    assert list(get_client().stream(REQUEST, Cancellation())) == ["Hello.", Usage(0, 0, "stop")]
    assert get_client().status() == ("ok", "")


def test_chat_client_trusts_nobody_else(chat: ChatServer) -> None:
    with pytest.raises(ModelUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        list(get_client().stream(REQUEST, Cancellation()))
    assert get_client().status()[0] == "down"


def test_missing_file_is_named(chat: ChatServer, settings: Settings, tmp_path: Path) -> None:
    settings.ELASTICSEARCH_CA_CERTS = str(tmp_path / "no-such.pem")
    with pytest.raises(ModelUnavailable, match=r"no-such\.pem"):
        list(get_client().stream(REQUEST, Cancellation()))


def test_search_and_set_up_trust_the_authority(
    settings: Settings, tls: ssl.SSLContext, ca_certs: str
) -> None:
    with StandIn(vectors="hash") as standin:
        assert standin._server is not None
        standin._server.socket = tls.wrap_socket(standin._server.socket, server_side=True)
        settings.ELASTICSEARCH_URL = standin.url.replace("http:", "https:")
        settings.ELASTICSEARCH_API_KEY = standin.api_key
        settings.ELASTICSEARCH_CA_CERTS = ca_certs
        settings.HUGGING_FACE_API_KEY = "hf_key"
        settings.HUGGING_FACE_INFERENCE_ENDPOINT_URL = "https://example.org/v1/chat/completions"
        get_engine.cache_clear()
        out = StringIO()
        call_command("setup_inference", stdout=out)
        assert "Created" in out.getvalue()
        assert get_client().status() == ("ok", "")
        assert list(get_engine().versions()) == []
