"""A scriptable OpenAI-compatible server on loopback: the only double in these tests.

with ChatServer() as server:
    server.reply(*deltas("Hello", " reader"))        # for every request from now on
    server.reply(Stall(5), before_headers=True)      # silent, as a full queue is
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class Stall:
    """Silence for some seconds; ends early when the client leaves."""

    seconds: float


class Cut:
    """Close the connection in the middle of the answer."""


type Step = bytes | Stall | Cut


@dataclass
class Reply:
    steps: Iterable[Step]
    status: int = 200
    content_type: str = "text/event-stream"
    headers: dict[str, str] = field(default_factory=dict)
    before_headers: float = 0.0
    chunked: bool = True


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


def frame(data: object, event: str = "", bom: bool = False) -> bytes:
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    name = f"event: {event}\n" if event else ""
    return (b"\xef\xbb\xbf" if bom else b"") + f"{name}data: {text}\n\n".encode()


def delta(text: str | None, finish: str | None = None, **fields: Any) -> bytes:
    choice = {"delta": {"content": text, "role": "assistant"}, "index": 0, "finish_reason": finish}
    return frame({"id": "1", "object": "chat.completion.chunk", "choices": [choice], **fields})


def deltas(*texts: str, finish: str = "stop", done: bool = True) -> list[bytes]:
    frames = [*(delta(text) for text in texts), delta(None, finish)]
    return [*frames, DONE] if done else frames


def endless(text: str, every: float = 0.02) -> Iterator[Step]:
    while True:
        yield delta(text)
        yield Stall(every)


class ClientLeft(Exception):
    """The other side closed the connection."""


class ChatServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[Request] = []
        self.left: list[float] = []  # when clients went away before their answer was complete
        self.active = 0
        self.replies: list[Reply] = []
        self.health = (200, b'{"status": "ok"}')
        self.health_pause = 0.0  # before each of its bytes
        self.started = threading.Event()
        self.reply(*deltas("Hello reader."))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def reply(self, *steps: Step, **options: Any) -> None:
        """Answer so, from now on."""
        self.replies = [Reply(steps, **options)]

    def reply_each(self, *replies: Sequence[Step]) -> None:
        """Answer one request after the other so; the last reply repeats."""
        self.replies = [Reply(steps) for steps in replies]

    def next_reply(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that leaves is what is tested

    def wait_until_left(self, seconds: float) -> float:
        """Seconds until a client has left."""
        begin = time.monotonic()
        while not self.left:
            if time.monotonic() - begin > seconds:
                raise AssertionError(f"no client left within {seconds} seconds")
            time.sleep(0.005)
        return self.left[0] - begin

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ChatServer

    def do_GET(self) -> None:
        self.server.requests.append(Request(self.path, dict(self.headers), {}))
        status, body = self.server.health
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not self.server.health_pause:
            self.wfile.write(body)
            return
        with contextlib.suppress(ConnectionError):
            for byte in body:
                time.sleep(self.server.health_pause)
                self.wfile.write(bytes([byte]))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(Request(self.path, dict(self.headers), body))
        reply = self.server.next_reply()
        self.close_connection = True
        self.server.active += 1
        self.server.started.set()
        try:
            self.answer(reply)
        except (ClientLeft, ConnectionError):
            self.server.left.append(time.monotonic())
        finally:
            self.server.active -= 1

    def answer(self, reply: Reply) -> None:
        self.stall(reply.before_headers)
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for step in reply.steps:
            if isinstance(step, Cut):
                return
            if isinstance(step, Stall):
                self.stall(step.seconds)
            else:
                self.send(step, reply.chunked)
        if reply.chunked:
            self.wfile.write(b"0\r\n\r\n")

    def send(self, data: bytes, chunked: bool) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data)

    def stall(self, seconds: float) -> None:
        readable = seconds and select.select([self.connection], [], [], seconds)[0]
        if readable and not self.connection.recv(1, socket.MSG_PEEK):
            raise ClientLeft

    def log_message(self, *args: Any) -> None:
        pass
