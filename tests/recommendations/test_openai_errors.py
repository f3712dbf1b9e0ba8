"""What the OpenAI-compatible client says of servers that refuse, are ill or are not there."""

from __future__ import annotations

import socket
import time

import pytest
from django.utils.encoding import force_str
from pytest_django import Settings

from recommendations.inference import base, transport
from recommendations.inference.base import (
    Cancellation,
    ChatRequest,
    InferenceError,
    Message,
    ModelBusy,
    ModelRefused,
    ModelUnavailable,
    StreamBroken,
    get_client,
    model_status,
)
from tests.recommendations.chat_server import (
    ChatServer,
    Cut,
    Stall,
    delta,
)

KEY = "sk-very-secret-0123456789"
REQUEST = ChatRequest([Message("user", "Hi")], 50)


@pytest.fixture
def server(chat: ChatServer, settings: Settings) -> ChatServer:
    settings.CHAT_COMPLETIONS_API_KEY = KEY
    return chat


def ask() -> str:
    return "".join(
        item for item in get_client().stream(REQUEST, Cancellation()) if isinstance(item, str)
    )


@pytest.mark.parametrize(
    ("status", "body", "error", "reason"),
    [
        (
            401,
            b'{"error": {"message": "Incorrect API key provided: %s"}}' % KEY.encode(),
            ModelRefused,
            "Incorrect API key provided: •••",
        ),
        (403, b'{"error": "no access"}', ModelRefused, "no access"),
        (
            404,
            b'{"object": "error", "message": "The model does not exist"}',
            ModelUnavailable,
            "does not exist",
        ),
        (
            422,
            b'{"detail": [{"loc": ["body"], "msg": "field required"}]}',
            ModelRefused,
            "field required",
        ),
        (429, b'{"error": {"message": "slow down", "type": "rate_limit"}}', ModelBusy, "slow down"),
        (500, b"plain words", ModelUnavailable, "plain words"),
        (
            502,
            b"<html><head><title>502 Bad&nbsp;Gateway</title></head></html>",
            ModelUnavailable,
            "502 Bad Gateway",
        ),
        (502, b"<p>No <b>title</b></p>", ModelUnavailable, "No title"),
        (
            503,
            b'{"error": {"code": 503, "message": "Loading model"}}',
            ModelUnavailable,
            "Loading model",
        ),
        (400, b'"just a string"', ModelRefused, "just a string"),
        (400, b'{"error": {"type": "bad_thing"}}', ModelRefused, "bad_thing"),
        (400, b"[17]", ModelRefused, "no reason"),
        (400, b"", ModelRefused, "no reason"),
        (400, b"\xff\xfe", ModelRefused, "\ufffd"),
    ],
)
def test_refusal_keeps_status_and_reason(
    server: ChatServer, status: int, body: bytes, error: type[InferenceError], reason: str
) -> None:
    server.reply(body, status=status, content_type="application/json")
    with pytest.raises(error) as raised:
        ask()
    text = str(raised.value)
    assert reason in text.replace("\xa0", " ")
    assert f"HTTP {status}" in text
    assert "CHAT_COMPLETIONS_URL" in text
    assert KEY not in text
    assert KEY not in repr(get_client())
    assert "127.0.0.1" not in force_str(raised.value.reader_sentence)


def test_error_body_that_breaks_off_is_still_a_refusal(server: ChatServer) -> None:
    server.reply(b"half of", Cut(), status=500)
    with pytest.raises(ModelUnavailable, match="HTTP 500"):
        ask()


@pytest.mark.parametrize("location", ["https://user:pw@elsewhere.example/v2?key=1", "/v2"])
def test_redirect_is_not_followed(server: ChatServer, location: str) -> None:
    server.reply(status=302, headers={"Location": location})
    with pytest.raises(ModelRefused, match=r"redirects to (elsewhere\.example|another path);"):
        ask()
    assert len(server.requests) == 1


def test_nobody_listening_is_unavailable(settings: Settings) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings.CHAT_COMPLETIONS_URL = f"http://user:pw@127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(ModelUnavailable, match="Connection refused") as raised:
            ask()
    assert "pw" not in str(raised.value)


def test_silent_server_is_unavailable(server: ChatServer, settings: Settings) -> None:
    settings.RECOMMENDATION_READ_TIMEOUT = 0.2
    server.reply(before_headers=5)
    with pytest.raises(ModelUnavailable, match=r"no answer within 0\.2 seconds"):
        ask()


def test_server_that_falls_silent_is_broken(server: ChatServer, settings: Settings) -> None:
    settings.RECOMMENDATION_READ_TIMEOUT = 0.2
    server.reply(delta("Half"), Stall(5))
    with pytest.raises(StreamBroken, match="broke off"):
        ask()


def test_server_out_of_reach_is_given_up(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommendations.inference.transport.CONNECT_SECONDS", 0.2)
    with socket.socket() as full:  # a queue of one that is taken: the next one waits for ever
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        with socket.create_connection(address):
            settings.CHAT_COMPLETIONS_URL = f"http://127.0.0.1:{address[1]}"
            with pytest.raises(ModelUnavailable, match=r"no connection within 0\.2 seconds"):
                ask()


@pytest.fixture
def fresh_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_status", None)


@pytest.mark.parametrize(
    ("health", "state"),
    [
        ((200, b"{}"), "ok"),
        ((404, b"not found"), "ok"),
        ((503, b'{"error": {"message": "Loading model"}}'), "degraded"),
        ((401, b'{"error": "key"}'), "down"),
        ((500, b"oops"), "down"),
        ((500, b"[" * 60_000), "down"),
    ],
)
def test_status_says_how_the_server_is(
    server: ChatServer, fresh_status: None, health: tuple[int, bytes], state: str
) -> None:
    server.health = health
    assert model_status()[0] == state
    assert server.requests[0].path == "/v1/models"


def test_status_is_read_as_it_is_and_within_seconds(
    server: ChatServer, fresh_status: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.health = (500, b"x" * 60)
    server.health_pause = 0.2
    monkeypatch.setattr(transport, "STATUS_SECONDS", 0.3)
    started = time.monotonic()
    assert model_status()[0] == "down"
    assert time.monotonic() - started < 6  # all of it would take twelve seconds
    assert server.requests[0].headers["Accept-Encoding"] == "identity"


def test_status_is_asked_once_in_a_few_seconds(server: ChatServer, fresh_status: None) -> None:
    assert [model_status() for _ in range(3)] == [("ok", "")] * 3
    assert len(server.requests) == 1


def test_embedded_server_that_is_not_running_is_down(
    settings: Settings, fresh_status: None
) -> None:
    settings.CHAT_COMPLETIONS_URL = settings.ELASTICSEARCH_URL = ""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings.EMBEDDED_MODEL_PORT = free.getsockname()[1]
        state, reason = model_status()
    assert state == "down"
    assert "manage.py run_model" in reason


def test_no_model_needs_no_server(settings: Settings) -> None:
    settings.RECOMMENDATION_WRITER = "passages"
    assert model_status()[0] == "ok"
