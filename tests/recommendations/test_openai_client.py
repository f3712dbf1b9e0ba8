"""The OpenAI-compatible client against a real server on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from recommendations.inference.base import (
    Cancellation,
    ChatRequest,
    Message,
    ModelRefused,
    ModelUnavailable,
    StreamBroken,
    Usage,
    get_client,
)
from recommendations.inference.openai import OpenAIChatClient, completions_url
from recommendations.inference.transport import MAX_STREAM_BYTES, is_loopback
from tests.recommendations.chat_server import (
    DONE,
    ChatServer,
    Cut,
    Stall,
    delta,
    deltas,
    frame,
)

KEY = "sk-very-secret-0123456789"
REQUEST = ChatRequest(
    [Message("system", "Be kind."), Message("user", "¿Qué hay?")], 50, 0.3, 0.9, ["\n\n"]
)


@pytest.fixture
def server(settings: Settings) -> Iterator[ChatServer]:
    settings.CHAT_COMPLETIONS_API_KEY = KEY
    settings.CHAT_MODEL = "smollm3"
    settings.RECOMMENDATION_READ_TIMEOUT = 5.0
    with ChatServer() as chat_server:
        settings.CHAT_COMPLETIONS_URL = chat_server.url
        yield chat_server


def ask(request: ChatRequest = REQUEST) -> tuple[str, Usage | None]:
    text, usage = "", None
    for item in get_client().stream(request, Cancellation()):
        if isinstance(item, Usage):
            usage = item
        else:
            text += item
    return text, usage


def test_deltas_arrive_in_order_with_usage_and_finish_reason(server: ChatServer) -> None:
    usage = {"prompt_tokens": 12, "completion_tokens": 3}
    server.reply(
        delta("¡Autenti"),
        delta("cación! "),
        delta("👍", "stop"),
        frame({"choices": [], "usage": usage}),
        DONE,
    )
    assert ask() == ("¡Autenticación! 👍", Usage(12, 3, "stop"))


def test_request_carries_everything_that_was_asked_for(server: ChatServer) -> None:
    ask(ChatRequest(REQUEST.messages, 50, 0.3, 0.9, ["\n\n"], {"repeat_penalty": 1.1}))
    sent = server.requests[0]
    assert sent.path == "/v1/chat/completions"
    assert sent.headers["Authorization"] == f"Bearer {KEY}"
    assert sent.body == {
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "¿Qué hay?"},
        ],
        "max_tokens": 50,
        "temperature": 0.3,
        "top_p": 0.9,
        "stop": ["\n\n"],
        "model": "smollm3",
        "stream": True,
        "repeat_penalty": 1.1,
    }


def test_unset_fields_are_not_sent(server: ChatServer, settings: Settings) -> None:
    settings.CHAT_MODEL = settings.CHAT_COMPLETIONS_API_KEY = ""
    ask(ChatRequest([Message("user", "Hi")], 5))
    assert set(server.requests[0].body) == {"messages", "max_tokens", "stream"}
    assert "Authorization" not in server.requests[0].headers
    assert get_client().model == "127.0.0.1"


def test_netrc_does_not_replace_our_key(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    ask()
    assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"


def test_proxy_variables_do_not_apply_to_loopback(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert ask()[0] == "Hello reader."


def test_frames_may_be_cut_anywhere(server: ChatServer) -> None:
    whole = b"".join(deltas("autenticación", " 👍"))
    server.reply(*(whole[i : i + 1] for i in range(len(whole))))
    assert ask()[0] == "autenticación 👍"


def test_answer_without_chunked_encoding_is_read_as_it_comes(server: ChatServer) -> None:
    server.reply(delta("first"), Stall(2), *deltas(" second"), chunked=False)
    answer = get_client().stream(REQUEST, Cancellation())
    assert next(answer) == "first"
    assert "".join(item for item in answer if isinstance(item, str)) == " second"


def test_answer_without_done_but_with_finish_reason_is_complete(server: ChatServer) -> None:
    server.reply(*deltas("All of it.", done=False))
    assert ask()[0] == "All of it."


def test_server_that_does_not_stream_is_understood(server: ChatServer) -> None:
    choice = {"message": {"role": "assistant", "content": "At once."}, "finish_reason": "stop"}
    body = json.dumps({"choices": [choice], "usage": {"prompt_tokens": 4, "completion_tokens": 2}})
    server.reply(body.encode(), content_type="application/json; charset=utf-8")
    assert ask() == ("At once.", Usage(4, 2, "stop"))


def test_json_without_text_is_broken(server: ChatServer) -> None:
    server.reply(b'{"choices": []}', content_type="application/json")
    with pytest.raises(StreamBroken, match="without any text"):
        ask()


def test_deltas_of_odd_shapes_are_passed_over(server: ChatServer) -> None:
    server.reply(
        frame({"choices": None}),
        frame({"choices": ["no"]}),
        frame({"choices": [{"delta": None}]}),
        frame({"choices": [{"delta": {"content": ["no"]}}]}),
        frame({"choices": [{"delta": {"reasoning_content": "hm"}}]}),
        frame({"choices": [], "usage": {"prompt_tokens": None}}),
        *deltas("Yes."),
    )
    assert ask() == ("Yes.", Usage(0, 0, "stop"))


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([delta("Half an")], "without \\[DONE\\]"),
        ([delta("Half an"), Cut()], "broke off"),
        ([frame("this is no JSON")], "something else than JSON"),
        ([frame("[1, 2]")], "something else than JSON"),
        ([delta("Half an"), frame({"error": {"message": "out of memory"}})], "out of memory"),
        (
            [delta("Half an"), frame({"error": "out of memory", "error_type": "generation"})],
            "out of memory",
        ),
        (
            [delta("Half an"), frame({"error": {"code": "oops", "type": "server_error"}}, "error")],
            "server_error",
        ),
    ],
)
def test_answer_that_does_not_end_is_broken(
    server: ChatServer, steps: list[bytes], reason: str
) -> None:
    server.reply(*steps)
    with pytest.raises(StreamBroken, match=reason):
        ask()


def test_error_with_a_status_in_mid_stream_keeps_its_meaning(server: ChatServer) -> None:
    server.reply(delta("Half"), frame({"error": {"code": 503, "message": "shutting down"}}))
    with pytest.raises(ModelUnavailable, match="shutting down"):
        ask()


def test_stopped_by_content_filter_is_refused(server: ChatServer) -> None:
    server.reply(*deltas("I can", finish="content_filter"))
    with pytest.raises(ModelRefused, match="content filter"):
        ask()


def test_never_ending_answer_is_bounded(server: ChatServer) -> None:
    server.reply(*[delta("x" * 1_000_000)] * (MAX_STREAM_BYTES // 1_000_000 + 1))
    with pytest.raises(StreamBroken, match="more than"):
        ask()


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:8001", True),
        ("http://[::1]:8001", True),
        ("http://localhost", True),
        ("https://example.com", False),
        ("", False),
    ],
)
def test_loopback_is_known(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback


def test_proxy_variables_apply_to_the_outside(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHAT_COMPLETIONS_URL = "http://model.invalid/v1"
    with ChatServer() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.server_port}")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.server_port}")
        assert ask()[0] == "Hello reader."
        assert proxy.requests[0].path == "http://model.invalid/v1/chat/completions"


@pytest.mark.parametrize(
    ("given", "full"),
    [
        ("http://host:8000", "http://host:8000/v1/chat/completions"),
        ("http://host/v1/ ", "http://host/v1/chat/completions"),
        ("https://host/tgi/v1/chat/completions", "https://host/tgi/v1/chat/completions"),
    ],
)
def test_address_is_completed(given: str, full: str) -> None:
    assert completions_url(given) == full


def test_embedded_server_is_asked_when_nothing_is_configured(settings: Settings) -> None:
    settings.CHAT_COMPLETIONS_URL = settings.ELASTICSEARCH_URL = ""
    with ChatServer() as server:
        settings.EMBEDDED_MODEL_PORT = server.server_port
        assert ask()[0] == "Hello reader."
        assert "model" not in server.requests[0].body
        settings.EMBEDDED_MODEL_PATH = "/models/SmolLM3-Q4_K_M.gguf"
        assert (get_client().name, get_client().model) == ("embedded", "SmolLM3-Q4_K_M")


def test_elasticsearch_with_dense_vectors_leaves_the_model_to_others(
    settings: Settings,
) -> None:
    settings.CHAT_COMPLETIONS_URL = ""
    settings.ELASTICSEARCH_URL = "http://127.0.0.1:9200"
    settings.ELASTICSEARCH_VECTORS = "dense_vector"
    assert isinstance(get_client(), OpenAIChatClient)
