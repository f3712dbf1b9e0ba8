"""The reader of event streams: fields, line ends, byte order marks, and bodies cut anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations.inference.errors import InferenceError
from recommendations.inference.sse import EventTooLarge, ServerSentEvent, read_events

BOM = b"\xef\xbb\xbf"
LINE_ENDS = [b"\n", b"\r\n", b"\r"]


def events(*chunks: bytes) -> list[ServerSentEvent]:
    return list(read_events(chunks))


def chunk(text: str) -> bytes:
    body = {"choices": [{"delta": {"content": text}, "index": 0}]}
    return json.dumps(body, ensure_ascii=False).encode()


ELASTICSEARCH_BODY = b"".join(
    BOM + b"event: message\ndata: " + data + b"\n\n"
    for data in (
        chunk("autenticación 😀"),
        b'{"choices":[],"usage":{"total_tokens":3}}',
        b"[DONE]",
    )
)


def test_event_has_its_name_data_and_id() -> None:
    assert events(b"event: card\nid: 7\ndata: hello\n\n") == [ServerSentEvent("card", "hello", "7")]


def test_event_without_a_name_is_a_message() -> None:
    assert events(b"data: hello\n\n") == [ServerSentEvent("message", "hello", "")]


def test_name_belongs_to_one_event_and_the_id_to_all_that_follow() -> None:
    body = b"event: card\nid: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n"
    assert events(body) == [
        ServerSentEvent("card", "a", "7"),
        ServerSentEvent("message", "b", "7"),
        ServerSentEvent("message", "c", ""),
    ]


def test_several_data_lines_are_joined_by_line_breaks() -> None:
    assert [event.data for event in events(b"data: a\ndata:\ndata: b\n\n")] == ["a\n\nb"]


@pytest.mark.parametrize(
    ("line", "data"),
    [
        (b"data:a", "a"),
        (b"data: a", "a"),
        (b"data:  a ", " a "),
        (b"data", ""),
        (b"data: a:b", "a:b"),
    ],
)
def test_one_leading_space_is_removed(line: bytes, data: str) -> None:
    assert [event.data for event in events(line + b"\n\n")] == [data]


def test_event_without_data_is_dropped_with_its_name() -> None:
    assert events(b"event: card\n\ndata: a\n\n") == [ServerSentEvent("message", "a", "")]


def test_comments_and_unknown_fields_are_ignored() -> None:
    body = b": ping\n\n:\nretry: 5\nDATA: no\n data: no\ndata: a\n: ping\nnonsense\n\n"
    assert [event.data for event in events(body)] == ["a"]


def test_id_with_nul_is_ignored() -> None:
    assert events(b"id: 7\nid: 8\0\ndata: a\n\n") == [ServerSentEvent("message", "a", "7")]


def test_unfinished_last_event_is_not_emitted() -> None:
    assert [event.data for event in events(b"data: a\n\ndata: b\n")] == ["a"]
    assert [event.data for event in events(b"data: a\n\ndata: b")] == ["a"]
    assert events() == []


def test_byte_order_mark_before_every_event_is_stripped() -> None:
    read = events(ELASTICSEARCH_BODY)
    assert [event.event for event in read] == ["message"] * 3
    assert json.loads(read[0].data)["choices"][0]["delta"]["content"] == "autenticación 😀"
    assert read[-1].data == "[DONE]"


def test_byte_order_mark_is_stripped_after_comments_and_alone() -> None:
    body = BOM + b"\n" + BOM + b": ping\n" + BOM + BOM + b"data: a\n\n"
    assert [event.data for event in events(body)] == ["a"]


def test_byte_order_mark_inside_data_is_kept() -> None:
    assert [event.data for event in events(b"data: a" + BOM + b"b\n\n")] == ["a\ufeffb"]


def test_error_event_of_elasticsearch_has_its_name() -> None:
    body = BOM + b'event: error\ndata: {"error":{"code":"x","message":"m","type":"t"}}\n\n'
    assert [event.event for event in events(body)] == ["error"]


def test_invalid_utf8_becomes_replacement_characters() -> None:
    assert [event.data for event in events(b"data: a\xff\xc3\n\n")] == ["a\ufffd\ufffd"]


@pytest.mark.parametrize("end", LINE_ENDS)
def test_every_line_end_of_the_specification_is_one(end: bytes) -> None:
    assert [event.data for event in events(end.join([b"data: a", b"data: b", b"", b""]))] == [
        "a\nb"
    ]


def test_carriage_return_and_line_feed_in_two_chunks_are_one_line_end() -> None:
    assert [event.data for event in events(b"data: a\r", b"\ndata: b\r", b"", b"\n\r", b"\n")] == [
        "a\nb"
    ]


def test_other_line_separators_are_text() -> None:
    text = "a\x0b\x0c\x1c\x85\u2028b"
    assert [event.data for event in events(f"data: {text}\n\n".encode())] == [text]


@pytest.mark.parametrize("body", [ELASTICSEARCH_BODY, ELASTICSEARCH_BODY.replace(b"\n", b"\r\n")])
def test_body_cut_at_every_position_reads_the_same(body: bytes) -> None:
    whole = events(body)
    assert len(whole) == 3
    for cut in range(len(body) + 1):
        assert events(body[:cut], body[cut:]) == whole
    assert events(*(body[place : place + 1] for place in range(len(body)))) == whole


def test_event_is_emitted_before_the_next_chunk_is_awaited() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"data: a\n\nda"
        pytest.fail("read on before the event was handed out")

    assert next(read_events(chunks())).data == "a"


@pytest.mark.parametrize("end", [b"\n\n", b"\r\r"])
def test_event_ends_with_its_blank_line_whatever_follows(end: bytes) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"data: a" + end
        pytest.fail("read on before the event was handed out")

    assert next(read_events(chunks())).data == "a"


def test_endless_line_is_refused_before_it_fills_the_memory() -> None:
    taken = 0

    def chunks() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 1000

    with pytest.raises(EventTooLarge, match="10000 bytes"):
        list(read_events(chunks(), max_event_bytes=10_000))
    assert taken == 11


def test_event_of_endless_lines_is_refused() -> None:
    def chunks() -> Iterator[bytes]:
        while True:
            yield b"data: 123\n"

    with pytest.raises(EventTooLarge, match="1000 bytes"):
        list(read_events(chunks(), max_event_bytes=1000))


def test_bound_is_for_one_event_and_endless_keep_alives_are_fine() -> None:
    body = b"data: 123\n\n: ping\n" * 1000
    assert len(list(read_events([body], max_event_bytes=20))) == 1000
    assert [e.data for e in read_events([b"data: 1234\n\n"], max_event_bytes=10)] == ["1234"]
    with pytest.raises(EventTooLarge):
        list(read_events([b"data: 12345\n\n"], max_event_bytes=10))


def test_default_bound_is_one_mebibyte() -> None:
    data = b"x" * (1024 * 1024 - 6)
    assert len(events(b"data: " + data + b"\n\n")) == 1
    with pytest.raises(EventTooLarge):
        events(b"data: " + data + b"y\n\n")


def test_too_large_an_event_is_an_inference_error() -> None:
    assert issubclass(EventTooLarge, InferenceError)


def specification(body: bytes) -> list[ServerSentEvent]:
    """The WHATWG algorithm over the whole body at once, with Elasticsearch's byte order marks."""
    lines = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[:-1]
    found, name, data, last_id, begun = [], "", list[str](), "", False
    for raw in lines:
        line = raw.decode("utf-8", "replace")
        line = line if begun else line.lstrip("\ufeff")
        if line == "":
            if data:
                found.append(ServerSentEvent(name or "message", "\n".join(data), last_id))
            name, data, begun = "", [], False
        elif not line.startswith(":"):
            begun = True
            key, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            if key == "data":
                data.append(value)
            elif key == "event":
                name = value
            elif key == "id" and "\0" not in value:
                last_id = value
    return found


FRAGMENTS = [
    *LINE_ENDS,
    b"\n\n",
    BOM,
    b"data",
    b"data:",
    b"data: ",
    b"event: x",
    b"id: 1",
    b"id: \0",
    b": ping",
    "é😀".encode(),
    b"\xff\xf0\x9f",
    b"[DONE]",
]
bodies = st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=3), max_size=40).map(b"".join)


@settings(max_examples=150)
@given(body=bodies, cuts=st.lists(st.integers(0, 120), max_size=12))
def test_any_body_cut_anywhere_reads_as_the_specification_says(
    body: bytes, cuts: list[int]
) -> None:
    places = sorted({0, len(body), *(min(cut, len(body)) for cut in cuts)})
    parts = [body[start:end] for start, end in pairwise(places)]
    assert events(*parts) == specification(body)
    assert events(*(bytes([byte]) for byte in body)) == specification(body)
