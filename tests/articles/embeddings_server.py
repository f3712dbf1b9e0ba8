"""A server of embeddings on loopback: `POST /v1/embeddings`."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

type Answer = Callable[[dict[str, Any]], tuple[int, bytes]]


class EmbeddingsServer(ThreadingHTTPServer):
    """`POST /v1/embeddings` with vectors of three values, or whatever `answer` says."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer: Answer = vectors
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: EmbeddingsServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, dict(self.headers), body))
        status, reply = self.server.answer(body)
        with contextlib.suppress(ConnectionError):  # the client may have given up
            self.send_response(status)
            self.send_header("Content-Length", str(len(reply)))
            if status == 307:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(reply)

    def log_message(self, *args: object) -> None:
        """Nothing on the console of the tests."""


def data(*embeddings: object) -> bytes:
    items = [{"index": n, "embedding": embedding} for n, embedding in enumerate(embeddings)]
    return json.dumps({"object": "list", "data": items}).encode()


def vectors(body: dict[str, Any]) -> tuple[int, bytes]:
    return 200, data(*([len(text), 1, 0] for text in body["input"]))


@contextmanager
def serving() -> Iterator[EmbeddingsServer]:
    with EmbeddingsServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
