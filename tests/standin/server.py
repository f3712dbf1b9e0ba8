"""The sockets: HTTP/1.1 with keep-alive, chunked and compressed answers, and connections that die
on command.

Header names and media types as ``RestController`` and ``Netty4HttpServerTransport`` of
elastic/elasticsearch send them.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import select
import socket
import struct
import threading
import traceback
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.standin import control
from tests.standin.app import JSON_TYPE, App
from tests.standin.errors import ConnectionCut, SimpleError
from tests.standin.messages import Request, Response

# Bodies above this size go out in HTTP chunks, as search answers of a real cluster do.
CHUNKED_FROM = 16_384
GZIP_LEVEL = 3


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(
        self, address: tuple[str, int], app: App, *, compression: bool, controlled: bool
    ) -> None:
        self.app = app
        self.compression = compression
        self.controlled = controlled
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of the tests; anything else was reported by ``Handler``."""

    def close_connections(self) -> None:
        with self._lock:
            found = list(self._connections)
        for connection in found:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    # Headers and body leave in one packet; waiting for an acknowledgement would cost 40 ms.
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the log is ``es.requests``."""

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET

    def _serve(self) -> None:
        try:
            self._answer(self._read())
        except ConnectionCut as cut:
            self._cut(reset=str(cut).startswith("reset"))
        except OSError:
            self.close_connection = True
        except Exception:  # noqa: BLE001  # a bug in the stand-in has to fail the test, not hide
            trace = traceback.format_exc()
            self.server.app.violations.append(f"bug in the stand-in: {self.path}: {trace}")
            self.close_connection = True

    def _read(self) -> Request:
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        raw = b""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            raw = self._read_chunks()
        elif "content-length" in headers:
            raw = self.rfile.read(int(headers["content-length"]))
        if headers.get("content-encoding") == "gzip":
            raw = gzip.decompress(raw)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        return Request(self.command, url.path, query, headers, raw, client_gone=self._client_gone)

    def _read_chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def _answer(self, request: Request) -> None:
        app = self.server.app
        if self.server.controlled and request.path.startswith(control.PREFIX):
            self._send(request, control.handle(app, request))
            return
        try:
            response = app.handle(request)
        except ConnectionCut:
            raise
        except Exception:  # noqa: BLE001  # a bug in the stand-in has to fail the test, not to hang it
            trace = traceback.format_exc()
            app.violations.append(f"{request.method} {request.path}: bug in the stand-in: {trace}")
            response = Response(500, SimpleError(500, trace).body())
        self._send(request, response)

    def _send(self, request: Request, response: Response) -> None:
        if response.stream is not None:
            self._stream(request, response)
            return
        body, kind = b"", response.content_type
        if isinstance(response.body, str):
            body = response.body.encode()
        elif response.body is not None:
            body = json.dumps(response.body, ensure_ascii=False, separators=(",", ":")).encode()
            compatible = "vnd.elasticsearch" in request.headers.get("accept", "")
            kind = kind or (JSON_TYPE if compatible else "application/json")
        compressed = bool(body) and self._compresses(request)
        if compressed:
            body = gzip.compress(body, GZIP_LEVEL)
        self._head(response, kind, compressed)
        if self.command == "HEAD":
            body = b""
        if len(body) > CHUNKED_FROM:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for start in range(0, len(body), CHUNKED_FROM):
                self._chunk(body[start : start + CHUNKED_FROM])
            self._chunk(b"")
        else:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        self.wfile.flush()

    def _head(self, response: Response, kind: str | None, compressed: bool) -> None:
        self.send_response_only(response.status)
        self.send_header("X-elastic-product", "Elasticsearch")
        if kind:
            self.send_header("content-type", kind)
        if compressed:
            self.send_header("content-encoding", "gzip")
        for name, value in response.headers.items():
            self.send_header(name, value)

    def _compresses(self, request: Request) -> bool:
        """``http.compression`` is on by default without TLS, for event streams too."""
        return self.server.compression and "gzip" in request.headers.get("accept-encoding", "")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _stream(self, request: Request, response: Response) -> None:
        """Each piece leaves at once; compressed ones are flushed one by one, as Netty does."""
        squeeze = zlib.compressobj(GZIP_LEVEL, wbits=31) if self._compresses(request) else None
        self._head(response, response.content_type, squeeze is not None)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if response.stream is None:
            raise AssertionError("a stream without its pieces")
        with contextlib.closing(response.stream) as pieces:
            for piece in pieces:
                data = piece
                if squeeze is not None:
                    data = squeeze.compress(piece) + squeeze.flush(zlib.Z_SYNC_FLUSH)
                self._chunk(data)
                self.wfile.flush()
        if squeeze is not None:
            self._chunk(squeeze.flush())
        self._chunk(b"")
        self.wfile.flush()

    def _client_gone(self) -> bool:
        """Whether the other side has closed; nothing is taken from what it may have sent."""
        try:
            readable, _, _ = select.select([self.connection], [], [], 0)
            return bool(readable) and self.connection.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True

    def _cut(self, *, reset: bool) -> None:
        """Ends the connection: by a reset, or without the rest of the answer."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.flush()
        if reset:
            with contextlib.suppress(OSError):
                self.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                self.connection.close()
