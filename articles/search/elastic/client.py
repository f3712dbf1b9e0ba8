"""The one Elasticsearch client of a process: time limits, retries, and errors in words."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit, urlunsplit

import urllib3
from django.conf import settings
from elastic_transport import SerializationError, TransportError, Urllib3HttpNode
from elasticsearch import ApiError, Elasticsearch

from articles.search.base import SearchError
from articles.search.breaker import Breaker
from articles.search.elastic import errors

CONNECT_SECONDS = 1.5
BACKGROUND_SECONDS = 30.0  # a read that nobody waits for
# How long a server that did not answer is left alone: readers are served by keyword meanwhile,
# background work comes back sooner.
READER_REST = 10.0
BACKGROUND_REST = 1.0
# More than a process has threads: the pool makes those above the number wait without a limit.
CONNECTIONS = 256
UNAVAILABLE = (502, 503, 504)


class BoundedNode(Urllib3HttpNode):
    """A connection whose `request_timeout` bounds connecting and waiting together.

    urllib3 takes a plain number for each of the two, which doubles the limit of a save.
    """

    def perform_request(self, *args: Any, **kwargs: Any) -> Any:
        seconds = kwargs.get("request_timeout")
        if isinstance(seconds, int | float):
            connect = min(seconds, CONNECT_SECONDS)
            kwargs["request_timeout"] = urllib3.Timeout(total=seconds, connect=connect)
        return super().perform_request(*args, **kwargs)


class Cluster:
    """Access to Elasticsearch. Its methods give a client for one kind of work.

    What fails inside their `with` block comes out as a `SearchError` with a sentence; the API key
    and the user part of the address are in none of them.
    """

    def __init__(self, url: str, api_key: str = "", *, ca_certs: str = "") -> None:
        self._url = url.strip()
        self._api_key = api_key.strip()
        self._ca_certs = ca_certs
        self.breaker = Breaker()
        self.reader_rest = READER_REST
        self.background_rest = BACKGROUND_REST

    @classmethod
    def from_settings(cls) -> Self:
        return cls(
            settings.ELASTICSEARCH_URL,
            settings.ELASTICSEARCH_API_KEY,
            ca_certs=settings.ELASTICSEARCH_CA_CERTS,
        )

    @contextmanager
    def reader(self) -> Iterator[Elasticsearch]:
        """For somebody who waits: short, and repeated once where that costs no time."""
        options = {"max_retries": 1, "retry_on_status": UNAVAILABLE, "retry_on_timeout": False}
        seconds = settings.ELASTICSEARCH_TIMEOUT
        with self._guarded(seconds, self.reader_rest, options) as client:
            yield client

    @contextmanager
    def background(self) -> Iterator[Elasticsearch]:
        """For reads of the commands: patient, repeated after a timeout too."""
        statuses = (429, *UNAVAILABLE)
        options = {"max_retries": 3, "retry_on_status": statuses, "retry_on_timeout": True}
        with self._guarded(BACKGROUND_SECONDS, self.background_rest, options) as client:
            yield client

    @contextmanager
    def writer(self, seconds: float | None = None) -> Iterator[Elasticsearch]:
        """For writes, which the client never repeats by itself; with `seconds` somebody waits.

        One that takes too long does not open the breaker: the cluster may have been embedding, or
        an editor's time was nearly over, and readers would be served by keyword for that.
        """
        limit = settings.ELASTICSEARCH_BULK_TIMEOUT if seconds is None else seconds
        rest = self.background_rest if seconds is None else self.reader_rest
        with self._guarded(limit, rest, {"max_retries": 0}, opens=False) as client:
            yield client

    @contextmanager
    def _guarded(
        self, seconds: float, rest: float, options: dict[str, Any], *, opens: bool = True
    ) -> Iterator[Elasticsearch]:
        if not self.breaker.allows(rest):
            raise SearchError(
                "Elasticsearch did not answer a moment ago, so it is left alone for some seconds. "
                "Check the load of the cluster and the network on the way to it."
            )
        started = time.monotonic()
        try:
            yield self._client.options(request_timeout=seconds, **options)
        except (ApiError, SerializationError) as error:
            self.breaker.answered()
            raise self.error(errors.from_exception(error, seconds)) from error
        except TransportError as error:
            if opens:
                self.breaker.failed(time.monotonic() - started)
            raise self.error(errors.from_exception(error, seconds)) from error
        self.breaker.answered()

    def error(self, sentence: str) -> SearchError:
        """The error to raise. Servers quote keys they do not like, and the text goes to the log."""
        if self._api_key:
            sentence = sentence.replace(self._api_key, "•••")
        return SearchError(re.sub(r"(?<=://)[^/@\s]+@", "", sentence))

    @cached_property
    def _client(self) -> Elasticsearch:
        if not re.fullmatch(r"[!-~]*", self._api_key):  # the error of http.client would quote it
            raise SearchError("ELASTICSEARCH_API_KEY holds a space or a character beyond ASCII.")
        if self._ca_certs and not Path(self._ca_certs).is_file():
            raise SearchError(f"ELASTICSEARCH_CA_CERTS names {self._ca_certs}, which is no file.")
        try:
            parts = urlsplit(self._url)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError("it does not begin with http:// or https:// and a host name")
            options: dict[str, Any] = {}
            if self._api_key:
                options["api_key"] = self._api_key
            elif parts.username:
                options["basic_auth"] = (unquote(parts.username), unquote(parts.password or ""))
            if self._ca_certs:
                options["ca_certs"] = self._ca_certs
            return Elasticsearch(
                urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])),
                node_class=BoundedNode,
                connections_per_node=CONNECTIONS,
                **options,
            )
        except ValueError as error:
            raise self.error(
                f"ELASTICSEARCH_URL cannot be used ({error}). It is something like "
                "https://search.example.com:9200."
            ) from None
