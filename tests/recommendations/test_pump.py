"""Reading in a thread of its own: keep-alives, deadline, cancelling; against real sockets."""

from __future__ import annotations

import time
from collections.abc import Generator

import pytest

from recommendations.inference import pump
from recommendations.inference.base import (
    Cancellation,
    ChatRequest,
    Message,
    ModelBusy,
    StreamBroken,
    TookTooLong,
    Usage,
    get_client,
)
from recommendations.inference.pump import pumped
from tests.recommendations.chat_server import ChatServer, Stall, delta, deltas, endless

REQUEST = ChatRequest([Message("user", "Hi")], 50)


def ask(seconds: float = 30) -> Generator[str | Usage | None]:
    return pumped(get_client(), REQUEST, time.monotonic() + seconds)


def test_whole_answer_comes_through(chat: ChatServer) -> None:
    chat.reply(*deltas("one", " two"))
    assert list(ask()) == ["one", " two", Usage(0, 0, "stop")]


def test_long_answer_waits_for_a_slow_reader(
    chat: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "PUT_SECONDS", 0.01)
    monkeypatch.setattr(pump, "QUEUE_SIZE", 2)
    chat.reply(*deltas(*"abcdefghij"))
    answer = ask()
    assert next(answer) == "a"
    time.sleep(0.1)
    assert "".join(item for item in answer if isinstance(item, str)) == "bcdefghij"


def test_silence_gives_pulses(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pump, "IDLE_SECONDS", 0.05)
    chat.reply(delta("one"), Stall(0.3), *deltas(" two"), before_headers=0.2)
    items = list(ask())
    assert items[:2] == [None, None]
    assert items.count(None) >= 5


def test_error_reaches_the_reader(chat: ChatServer) -> None:
    chat.reply(b'{"error": "slow down"}', status=429)
    with pytest.raises(ModelBusy, match="slow down"):
        list(ask())


def test_deadline_ends_a_silent_answer(chat: ChatServer) -> None:
    chat.reply(delta("one"), Stall(30))
    answer = ask(0.3)
    assert next(answer) == "one"
    with pytest.raises(TookTooLong):
        list(answer)
    assert chat.wait_until_left(1) < 1


def test_deadline_ends_an_answer_without_end(chat: ChatServer) -> None:
    chat.reply(*[step for _, step in zip(range(1000), endless("on ", 0.005), strict=False)])
    with pytest.raises(TookTooLong):
        list(ask(0.3))
    assert chat.wait_until_left(1) < 1


def test_closing_before_the_headers_stops_the_model_at_once(
    chat: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "IDLE_SECONDS", 0.05)
    chat.reply(before_headers=30)
    answer = ask()
    assert next(answer) is None
    assert chat.started.wait(2)
    answer.close()
    assert chat.wait_until_left(1) < 0.5


def test_closing_in_the_middle_stops_the_model_at_once(chat: ChatServer) -> None:
    chat.reply(delta("one"), Stall(30))
    answer = ask()
    assert next(answer) == "one"
    answer.close()
    assert chat.wait_until_left(1) < 0.5


def test_closing_while_the_queue_is_full_ends_the_thread(
    chat: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "QUEUE_SIZE", 1)
    chat.reply(*[delta("on ")] * 200, Stall(30))
    answer = ask()
    assert next(answer) == "on "
    answer.close()
    assert chat.wait_until_left(1) < 0.5


def test_cancelled_before_it_connects_sends_nothing_more(chat: ChatServer) -> None:
    cancel = Cancellation()
    cancel.cancel()
    with pytest.raises((StreamBroken, Exception)):
        list(get_client().stream(REQUEST, cancel))
    assert cancel.cancelled
    assert chat.requests == []


def test_cancelling_twice_or_after_the_end_is_harmless(chat: ChatServer) -> None:
    cancel = Cancellation()
    list(get_client().stream(REQUEST, cancel))
    cancel.cancel()
    cancel.cancel()
