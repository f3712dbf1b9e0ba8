"""One POST whose answer is read as it arrives, bounded in time and size, and can be cancelled.

A session of its own for each request: a shared pool would not tell which of its sockets serves
which reader, and the handshake it saves is nothing beside the seconds that a model thinks.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from threading import Timer
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from django.conf import settings
from requests.adapters import HTTPAdapter

from recommendations.inference.cancellation import Cancellation
from recommendations.inference.errors import InferenceError, ModelUnavailable, StreamBroken, masked

CONNECT_SECONDS = 5.0
STATUS_SECONDS = 1.0
READ_BYTES = 16 * 1024
MAX_STREAM_BYTES = 4 * 1024 * 1024  # about 20,000 tokens with the JSON around them
MAX_ERROR_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Server:
    """Where to post, what to show at the door, and what an operator should look at if it fails."""

    url: str
    hint: str
    authorization: str = field(default="", repr=False)
    ca_certs: str = ""  # file of the server's own authority; the public ones where it is empty

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.authorization.rpartition(" ")[2],)

    def says(self, text: str) -> str:
        """A sentence for the log, with the address it is about and the hint, without secrets."""
        return masked(f"{self.url}: {text} {self.hint}", *self.secrets)


class CancellableAdapter(HTTPAdapter):
    """Tells a `Cancellation` about the connection's socket as soon as it is connected.

    The request then waits for its headers, which a server with one slot sends only when its queue
    comes to us; there is no response object yet that could be closed.
    """

    def __init__(self, cancel: Cancellation) -> None:
        self.cancel = cancel
        super().__init__(max_retries=0)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        if is_loopback(request.url or ""):
            kwargs["proxies"] = {}  # the environment's proxy variables are meant for the outside
        return super().send(request, *args, **kwargs)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        cancel = self.cancel

        class WatchedConnection(type(pool).ConnectionCls):  # type: ignore[misc]
            def connect(self) -> None:
                super().connect()
                cancel.watch(self.sock)

        pool.ConnectionCls = WatchedConnection
        return pool


def session_for(server: Server, cancel: Cancellation) -> requests.Session:
    session = requests.Session()
    # Without an `auth` of ours, requests would replace the header with one found in a `.netrc`.
    session.auth = authorize(server.authorization)
    session.headers["Accept-Encoding"] = "identity"  # bodies are read raw
    for scheme in ("http://", "https://"):
        session.mount(scheme, CancellableAdapter(cancel))
    return session


def authorize(
    authorization: str,
) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    def add_header(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if authorization:
            request.headers["Authorization"] = authorization
        return request

    return add_header


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def post(
    server: Server, payload: Mapping[str, Any], cancel: Cancellation
) -> Iterator[requests.Response]:
    """The response of a POST, its headers read and its body not."""
    with session_for(server, cancel) as session:
        try:
            response = session.post(
                server.url,
                json=payload,
                headers={"Accept": "text/event-stream"},
                timeout=(CONNECT_SECONDS, settings.RECOMMENDATION_READ_TIMEOUT),
                verify=server.ca_certs or None,  # of the session it would lose to the environment
                stream=True,
                allow_redirects=False,
            )
        except (requests.RequestException, OSError, ValueError) as error:
            raise unreachable(server, error) from None  # the chain would quote the address
        with closing(response):
            yield response


def unreachable(server: Server, error: Exception) -> InferenceError:
    if isinstance(error, requests.ReadTimeout):
        seconds = settings.RECOMMENDATION_READ_TIMEOUT
        return ModelUnavailable(server.says(f"no answer within {seconds:g} seconds."))
    if isinstance(error, requests.ConnectTimeout):
        return ModelUnavailable(server.says(f"no connection within {CONNECT_SECONDS:g} seconds."))
    return ModelUnavailable(server.says(f"cannot be reached ({innermost(error)})."))


def innermost(error: BaseException) -> str:
    """The reason at the bottom of the wrappers, such as "[Errno 111] Connection refused"."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return f"{type(error).__name__}: {error}"


def body_chunks(response: requests.Response, server: Server) -> Generator[bytes]:
    """The body as it arrives, without waiting for a buffer to fill; at most `MAX_STREAM_BYTES`."""
    size = 0
    try:
        while data := response.raw.read1(READ_BYTES):
            size += len(data)
            if size > MAX_STREAM_BYTES:
                raise StreamBroken(server.says(f"sent more than {MAX_STREAM_BYTES} bytes."))
            yield data
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise StreamBroken(server.says(f"the answer broke off ({error}).")) from None


def error_body(response: requests.Response) -> bytes:
    """The first bytes of an error's body; what can be read of it, never an exception."""
    try:
        return bytes(response.raw.read(MAX_ERROR_BYTES))
    except (urllib3.exceptions.HTTPError, OSError):
        return b""


@contextmanager
def cancelled_after(seconds: float) -> Iterator[Cancellation]:
    """For a server that sends a byte at a time: the limits of requests are those of one read."""
    cancel = Cancellation()
    timer = Timer(seconds, cancel.cancel)
    timer.daemon = True
    timer.start()
    try:
        yield cancel
    finally:
        timer.cancel()


def get(server: Server, url: str) -> tuple[int, bytes]:
    """Status and start of the body of a quick question about the server's health."""
    with cancelled_after(3 * STATUS_SECONDS) as cancel, session_for(server, cancel) as session:
        try:
            response = session.get(
                url,
                timeout=(STATUS_SECONDS, STATUS_SECONDS),
                verify=server.ca_certs or None,
                stream=True,
                allow_redirects=False,
            )
        except (requests.RequestException, OSError, ValueError) as error:
            raise ModelUnavailable(
                server.says(f"cannot be reached ({innermost(error)}).")
            ) from None
        with closing(response):
            return response.status_code, error_body(response)
