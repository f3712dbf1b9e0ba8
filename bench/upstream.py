"""A fake model server whose sentences say when they were sent, for `relay.py`.

    python bench/upstream.py PORT

Every completion is the JSON array of five cards with three sentences each, one small delta after
the other. The delta that completes a sentence carries its end, the white space behind it, and a
word that spells this machine's monotonic clock: "… zzbcdefghijabcd. "
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

CARDS, SENTENCES = 5, 3
PAUSE = 0.04  # seconds between two deltas: 25 tokens a second
BEGINNING = ["This", " article", " tells", " you", " calmly", " what", " to", " look", " at"]
DIGITS, LETTERS = b"0123456789", b"abcdefghij"
STAMP = re.compile(rb"zz([a-j]{6,20})(?=\.)")
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
)


def spelled(nanoseconds: int) -> str:
    """Letters, because the site shows no number that the article does not have."""
    return "zz" + str(nanoseconds).encode().translate(bytes.maketrans(DIGITS, LETTERS)).decode()


def read(stamp: bytes) -> int:
    return int(stamp.translate(bytes.maketrans(LETTERS, DIGITS)))


def deltas() -> Iterator[str | None]:
    """Text; None stands for the end of a sentence with the clock in it."""
    yield "["
    for number in range(1, CARDS + 1):
        yield f'{{"article_number": {number}, "title": "A title", "recommendation": "'
        for _sentence in range(SENTENCES):
            yield from BEGINNING
            yield None
        yield '"},' if number < CARDS else '"}]'


def chunk(data: str) -> bytes:
    frame = f"data: {data}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(frame), frame)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, asyncio.IncompleteReadError):  # readers leave when they have all
        await answer(reader, writer)
    writer.close()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    if length := re.search(rb"content-length: *(\d+)", head, re.IGNORECASE):
        await reader.readexactly(int(length[1]))
    writer.write(HEAD)
    due = time.monotonic()
    for text in deltas():
        due += PAUSE
        await asyncio.sleep(due - time.monotonic())
        content = text if text is not None else f" {spelled(time.monotonic_ns())}. "
        delta = {"choices": [{"index": 0, "delta": {"content": content}}]}
        writer.write(chunk(json.dumps(delta)))
    writer.write(chunk("[DONE]") + b"0\r\n\r\n")
    await writer.drain()


async def main(port: int) -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", port, backlog=256)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
