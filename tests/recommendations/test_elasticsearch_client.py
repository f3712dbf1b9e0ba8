"""Elasticsearch's chat completion stream: its frames and its errors, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from recommendations.inference.base import (
    Cancellation,
    ChatRequest,
    InferenceError,
    Message,
    ModelBusy,
    ModelRefused,
    ModelUnavailable,
    StreamBroken,
    Usage,
    get_client,
)
from tests.recommendations.chat_server import ChatServer, Cut, Step, frame

KEY = "a1b2c3-very-secret=="
ENDPOINT = "hugging face/smollm3"
REQUEST = ChatRequest(
    [Message("user", "Hi")], 50, 0.2, 0.9, ["END"], extras={"repeat_penalty": 1.1, "seed": 7}
)


@pytest.fixture
def server(settings: Settings) -> Iterator[ChatServer]:
    settings.CHAT_COMPLETIONS_URL = ""
    settings.ELASTICSEARCH_API_KEY = KEY
    settings.ELASTICSEARCH_VECTORS = "semantic_text"
    settings.INFERENCE_ENDPOINT_ID = ENDPOINT
    with ChatServer() as chat_server:
        settings.ELASTICSEARCH_URL = f"http://127.0.0.1:{chat_server.server_port}/"
        yield chat_server


def message(data: Any) -> bytes:
    return frame(data, "message", bom=True)


def content(text: str, finish_reason: str | None = None) -> bytes:
    choice = {"delta": {"content": text, "role": "assistant"}, "index": 0}
    if finish_reason:
        choice["finish_reason"] = finish_reason
    return message(
        {"id": "1", "choices": [choice], "model": "m", "object": "chat.completion.chunk"}
    )


USAGE = message({"id": "1", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}})
DONE = message("[DONE]")


def ask() -> list[str | Usage]:
    return list(get_client().stream(REQUEST, Cancellation()))


def test_stream_with_byte_order_marks_is_read(server: ChatServer) -> None:
    server.reply(content("auten"), content("ticación", "stop"), USAGE, DONE)
    assert ask() == ["auten", "ticación", Usage(7, 2, "stop")]


def test_byte_order_marks_may_be_cut(server: ChatServer) -> None:
    whole = b"".join([content("día"), content(" 👍"), DONE])
    server.reply(*(whole[i : i + 1] for i in range(len(whole))))
    assert ask() == ["día", " 👍", Usage()]


def test_request_has_only_the_fields_that_the_cluster_knows(server: ChatServer) -> None:
    server.reply(DONE)
    ask()
    sent = server.requests[0]
    assert sent.path == "/_inference/chat_completion/hugging%20face%2Fsmollm3/_stream"
    assert sent.headers["Authorization"] == f"ApiKey {KEY}"
    assert sent.body == {
        "messages": [{"role": "user", "content": "Hi"}],
        "max_completion_tokens": 50,
        "temperature": 0.2,
        "top_p": 0.9,
        "stop": ["END"],
    }


def test_user_and_password_in_the_address_work_without_a_key(
    server: ChatServer, settings: Settings
) -> None:
    settings.ELASTICSEARCH_API_KEY = ""
    settings.ELASTICSEARCH_URL = f"http://elastic:p%40ss@127.0.0.1:{server.server_port}"
    server.reply(b'{"error": "Basic ZWxhc3RpYzpwQHNz is wrong"}', status=401)
    with pytest.raises(ModelRefused) as raised:
        ask()
    assert server.requests[0].headers["Authorization"] == "Basic ZWxhc3RpYzpwQHNz"
    assert "ZWxhc3RpYzpwQHNz" not in str(raised.value)
    assert "p%40ss" not in str(raised.value) + repr(get_client())


def test_no_credentials_send_no_header(server: ChatServer, settings: Settings) -> None:
    settings.ELASTICSEARCH_API_KEY = ""
    server.reply(DONE)
    ask()
    assert "Authorization" not in server.requests[0].headers


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([content("Half")], r"without \[DONE\]"),
        ([content("Half", "stop"), USAGE], r"without \[DONE\]"),
        ([content("Half"), Cut()], "broke off"),
        ([message("{not json")], "something else than JSON"),
        (
            [
                content("Half"),
                frame({"error": {"code": "stream_error", "message": "gone"}}, "error", bom=True),
            ],
            "gone",
        ),
        ([frame({"odd": 1}, "error", bom=True)], "no reason"),
    ],
)
def test_stream_without_its_end_is_a_failure(
    server: ChatServer, steps: list[Step], reason: str
) -> None:
    server.reply(*steps)
    with pytest.raises(StreamBroken, match=reason):
        ask()


def rest_error(kind: str, reason: str, status: int, **more: Any) -> bytes:
    cause = {"type": kind, "reason": reason}
    return json.dumps(
        {"error": {"root_cause": [cause], **cause, **more}, "status": status}
    ).encode()


def stream_error(message: str, code: str) -> bytes:
    return frame({"error": {"code": code, "message": message, "type": "error"}}, "error", bom=True)


@pytest.mark.parametrize(
    ("status", "body", "error", "reason"),
    [
        (
            401,
            rest_error("security_exception", "unable to authenticate", 401),
            ModelRefused,
            "unable to authenticate",
        ),
        (
            403,
            rest_error(
                "security_exception", "current license is non-compliant for [inference]", 403
            ),
            ModelRefused,
            "ELASTICSEARCH_VECTORS=dense_vector",
        ),
        (
            403,
            stream_error("current license is non-compliant for [inference]", "forbidden"),
            ModelRefused,
            "Enterprise or trial licence",
        ),
        (
            404,
            stream_error("Inference endpoint not found [x]", "not_found"),
            ModelUnavailable,
            "Inference endpoint not found",
        ),
        (
            429,
            stream_error("Received a rate limit status code. Error message: [slow]", "too_many"),
            ModelBusy,
            "rate limit",
        ),
        (
            400,
            stream_error(
                "Received a server error status code for request from inference entity "
                "id [x] status [503]. Error message: [loading]",
                "bad_request",
            ),
            ModelUnavailable,
            "loading",
        ),
        (
            400,
            stream_error(
                "Received an authentication error status code for request from inference "
                "entity id [x] status [401]",
                "bad_request",
            ),
            ModelRefused,
            "authentication error",
        ),
        (
            400,
            b'{"error": "no handler found for uri", "status": 400}',
            ModelRefused,
            "no handler found",
        ),
        (
            400,
            rest_error("a", "outer", 400, caused_by={"type": "b", "reason": "inner"}),
            ModelRefused,
            "outer: inner",
        ),
    ],
)
def test_error_has_its_real_meaning(
    server: ChatServer, status: int, body: bytes, error: type[InferenceError], reason: str
) -> None:
    server.reply(body, status=status)
    with pytest.raises(error, match=reason.replace("[", r"\[")) as raised:
        ask()
    assert KEY not in str(raised.value)


def test_upstream_error_in_mid_stream_has_its_real_meaning(server: ChatServer) -> None:
    error = (
        "Received a rate limit status code for request from inference entity id [x] status [429]"
    )
    server.reply(content("Half"), stream_error(error, "stream_error"))
    with pytest.raises(ModelBusy):
        ask()


@pytest.mark.parametrize(
    ("health", "state"),
    [((200, b'{"endpoints": []}'), "ok"), ((404, rest_error("missing", "not found", 404)), "down")],
)
def test_status_says_whether_the_endpoint_exists(
    server: ChatServer, health: tuple[int, bytes], state: str
) -> None:
    server.health = health
    assert get_client().status()[0] == state
    sent = server.requests[0]
    assert sent.path == "/_inference/chat_completion/hugging%20face%2Fsmollm3"
    assert sent.headers["Authorization"] == f"ApiKey {KEY}"


def test_cluster_that_is_not_there_is_down(settings: Settings, server: ChatServer) -> None:
    server.server_close()
    server.shutdown()
    state, reason = get_client().status()
    assert state == "down"
    assert "ELASTICSEARCH_URL" in reason
