"""Chat completion streams: bytes, scripts, errors, clients that hang up."""

from __future__ import annotations

import json
import time
import zlib
from typing import Any

import pytest
import requests

from tests.standin import frames
from tests.standin.chat import ModelState
from tests.standin.standin import StandIn
from tests.standin.steps import (
    Cut,
    ErrorEvent,
    HttpError,
    NoDone,
    Raw,
    Sleep,
    Split,
    Stall,
    Text,
    Usage,
)

NAME = "hugging-face-smollm3-3b"
BOM = b"\xef\xbb\xbf"


@pytest.fixture
def es(elasticsearch_standin: StandIn) -> StandIn:
    elasticsearch_standin.add_chat_endpoint(NAME)
    return elasticsearch_standin


def ask(es: StandIn, body: dict[str, Any] | None = None, **options: Any) -> requests.Response:
    body = body or {"messages": [{"role": "user", "content": "Article 1: Charts. Answer in JSON"}]}
    headers = {"Authorization": f"ApiKey {es.api_key}", **options.pop("headers", {})}
    name = options.pop("name", NAME)
    return requests.post(
        f"{es.url}/_inference/chat_completion/{name}/_stream",
        json=body,
        headers=headers,
        stream=True,
        timeout=options.pop("timeout", 10),
        **options,
    )


def text_of(raw: bytes) -> str:
    """What a correct reader makes of the stream."""
    found = ""
    for line in raw.decode().replace("\ufeff", "").split("\n"):
        if line.startswith("data: ") and line != "data: [DONE]":
            for choice in json.loads(line.removeprefix("data: ")).get("choices", []):
                found += choice["delta"]["content"]
    return found


def test_frames_are_exact_to_the_byte(es: StandIn) -> None:
    es.chat.script(["Se actualizó", Usage(3, 2)])
    answer = ask(es, headers={"Accept-Encoding": "identity"})
    model = b'"model":"HuggingFaceTB/SmolLM3-3B","object":"chat.completion.chunk"'
    assert answer.content == (
        BOM + b'event: message\ndata: {"id":"chatcmpl-0","choices":[{"delta":{"content":"'
        b'Se actualiz\xc3\xb3","role":"assistant"},"index":0}],' + model + b"}\n\n"
        + BOM + b'event: message\ndata: {"id":"chatcmpl-0","choices":[],' + model
        + b',"usage":{"completion_tokens":2,"prompt_tokens":3,"total_tokens":5}}\n\n'
        + BOM + b"event: message\ndata: [DONE]\n\n"
    )  # fmt: skip
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["Transfer-Encoding"] == "chunked"


def test_decoding_with_the_guessed_charset_spoils_the_text(es: StandIn) -> None:
    es.chat.script(["autenticación"])
    lines = [line for line in ask(es).iter_lines(decode_unicode=True) if "content" in line]
    assert "autenticaciÃ³n" in lines[0]


def test_compressed_streams_are_flushed_frame_by_frame(es: StandIn) -> None:
    es.chat.script(["one", 0.3, "two"])
    answer = ask(es, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    raw = answer.raw.read1(decode_content=False) if hasattr(answer.raw, "read1") else b""
    first = zlib.decompressobj(wbits=31).decompress(raw)
    assert text_of(first + frames.DONE) == "one"
    answer.close()


def test_the_default_model_writes_about_the_articles_of_the_prompt(es: StandIn) -> None:
    prompt = (
        'Answer with a JSON array of {"article_number": 1, "title": "…", "recommendation": "…"}.\n'
        "Article 1: REST API v2\nContent: Faster answers. More text.\n\n"
        "Article 2:\nTitle: Autenticación\nContent: Cambie sus claves.\n"
    )
    raw = ask(es, {"messages": [{"role": "user", "content": prompt}]}).content
    text = text_of(raw)
    assert text.startswith("<think>\n\n</think>\n\n```json\n")
    cards = json.loads(text.split("```json\n")[1].rstrip("`"))
    assert [card["article_number"] for card in cards] == [1, 2]
    assert cards[1]["title"] == "Autenticación"
    assert "Cambie sus claves." in cards[1]["recommendation"]
    assert raw.count(BOM) == raw.count(b"event: message")
    plain = {"messages": [{"role": "user", "content": "Article 7: Soup\nText: Tomato. Basil."}]}
    assert text_of(ask(es, plain).content).endswith("This article covers Soup. Tomato.")
    empty = {"messages": [{"role": "user", "content": "Say something in JSON"}]}
    assert '"article_number": 5' in text_of(ask(es, empty).content)


@pytest.mark.parametrize("field", ["response_format", "max_tokens", "stream", "seed"])
def test_unknown_fields_of_the_body_are_violations(loose: StandIn, field: str) -> None:
    loose.add_chat_endpoint(NAME)
    answer = ask(loose, {"messages": [{"role": "user", "content": "x"}], field: 1})
    assert answer.status_code == 400
    assert answer.json()["error"]["root_cause"]
    assert f"'{field}' was unexpected" in loose.violations[0]
    assert loose.chat.requests == []


def test_errors_before_the_first_chunk_are_frames_with_their_status(es: StandIn) -> None:
    missing = ask(es, name="missing")
    assert (missing.status_code, missing.headers["Content-Type"]) == (404, "text/event-stream")
    assert missing.content == BOM + (
        b'event: error\ndata: {"error":{"code":"not_found",'
        b'"message":"Inference endpoint not found [missing]",'
        b'"type":"resource_not_found_exception"}}\n\n'
    )
    es.chat.cold()
    cold = ask(es)
    assert cold.status_code == 400
    assert b"status [503]" in cold.content
    states: list[tuple[ModelState, int]] = [("bad_key", 401), ("rate_limited", 429)]
    for state, status in states:
        es.chat.state = state
        assert ask(es).status_code == status
    es.chat.state = "warm"
    es.license = "basic"
    assert ask(es).status_code == 403
    assert b"non-compliant for [inference]" in ask(es).content


def test_rejections_of_the_rest_layer_are_ordinary_json(es: StandIn) -> None:
    wrong = ask(es, headers={"Authorization": "ApiKey bm86bm8="})
    assert (wrong.status_code, wrong.headers["Content-Type"]) == (401, "application/json")
    es.chat.script([HttpError(403, "action is unauthorized", sse=False)])
    assert ask(es).json()["error"]["type"] == "security_exception"
    es.chat.script([HttpError(429)])
    assert ask(es).content.startswith(BOM + b"event: error")


def test_errors_in_the_middle_end_the_stream_under_200(es: StandIn) -> None:
    es.chat.script(["one", ErrorEvent("upstream died", code=None), "never"])
    answer = ask(es)
    assert answer.status_code == 200
    assert answer.content.endswith(
        b'event: error\ndata: {"error":{"message":"upstream died","type":"hugging_face_error"}}\n\n'
    )
    assert b"never" not in answer.content


def test_streams_may_end_without_done_or_be_cut(es: StandIn) -> None:
    es.chat.script(["one", NoDone()])
    assert not ask(es).content.endswith(frames.DONE)
    es.chat.script(["one", Cut()])
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        _ = ask(es).content
    es.chat.script([Raw(b": comment\r\n\r\n"), Text("x", finish_reason="stop")])
    assert b'"finish_reason":"stop","index":0' in ask(es).content


def test_a_frame_may_be_split_inside_a_character(es: StandIn) -> None:
    es.chat.script([Split("migración", pause=0.2)])
    answer = ask(es, headers={"Accept-Encoding": "identity"})
    pieces = list(answer.iter_content(chunk_size=None))
    with pytest.raises(UnicodeDecodeError):
        pieces[0].decode()
    assert text_of(b"".join(pieces)) == "migración"


def test_deltas_arrive_as_they_are_written(es: StandIn) -> None:
    es.chat.script(["one", Sleep(0.3), "two"])
    started = time.monotonic()
    pieces = ask(es, headers={"Accept-Encoding": "identity"}).iter_content(chunk_size=None)
    assert b"one" in next(pieces)
    assert time.monotonic() - started < 0.25
    assert b"two" in next(pieces)
    assert time.monotonic() - started > 0.25
    es.chat.always(lambda body: [str(len(body["messages"]))])
    assert text_of(ask(es).content) == "1"


@pytest.mark.parametrize("step", [Stall(), Sleep(30)])
def test_a_client_that_hangs_up_is_noticed(es: StandIn, step: Stall | Sleep) -> None:
    es.chat.script(["one", step])
    answer = ask(es)
    pieces = answer.iter_content(1)
    next(pieces)
    assert es.chat.open_streams == 1
    left = time.monotonic()
    answer.close()
    while es.chat.open_streams and time.monotonic() < left + 2:
        time.sleep(0.01)
    assert es.chat.open_streams == 0
    assert es.chat.disconnected_at is not None
    assert es.chat.disconnected_at - left < 0.5
    assert es.chat.streams[0].prompt.startswith("Article 1")


def test_stopping_the_server_ends_open_streams(es: StandIn) -> None:
    es.chat.script(["one", Stall()])
    answer = ask(es)
    pieces = answer.iter_content(1)
    next(pieces)
    es.stop()
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        list(pieces)
    es.start()
    assert es.chat.open_streams == 0


def test_completions_are_cut_at_the_limit_of_tokens(es: StandIn) -> None:
    body = {"messages": [{"role": "user", "content": "JSON"}], "max_completion_tokens": 3}
    assert b'"finish_reason":"length"' in ask(es, body).content
