"""Requests as the handlers see them, answers as they give them, and the log of both."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from tests.standin.errors import Json, NotImplementedHere, illegal_argument

# Parameters that change nothing a test could see.
HARMLESS = frozenset(
    [
        "timeout",
        "master_timeout",
        "wait_for_active_shards",
        "error_trace",
        "human",
        "pretty",
        "preference",
        "request_cache",
        "local",
        "allow_partial_search_results",
        "batched_reduce_size",
        "ccs_minimize_roundtrips",
        "max_concurrent_shard_requests",
        "pre_filter_shard_size",
        "search_type",
        "include_source_on_error",
        "list_executed_pipelines",
        "filter_path",
        "allow_no_indices",
        "ignore_unavailable",
        "expand_wildcards",
        "accept_enterprise",
    ]
)


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes = b""
    route: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    body: Any = None
    # Faults that a handler has to play itself.
    cut_after: float | None = None
    # Whether the client has hung up; the server knows.
    client_gone: Callable[[], bool] = lambda: False

    def flag(self, name: str, default: bool = False) -> bool:
        """An empty value counts as true (``?refresh``)."""
        value = self.query.get(name)
        return default if value is None else value != "false"

    def integer(self, name: str, default: int) -> int:
        return int(self.query[name]) if name in self.query else default

    def optional_integer(self, name: str) -> int | None:
        return int(self.query[name]) if name in self.query else None

    def only(self, *names: str) -> None:
        """Declares the parameters a handler knows, so that a gap of the stand-in is seen."""
        unknown = self.query.keys() - HARMLESS - set(names)
        if unknown:
            raise NotImplementedHere(f"parameter {', '.join(sorted(unknown))} of {self.route}")

    @property
    def index(self) -> str | None:
        return self.parameters.get("index")

    @property
    def refresh(self) -> str:
        """``false``, ``true`` or ``wait_for``."""
        value = self.query.get("refresh", "false") or "true"
        if value not in {"true", "false", "wait_for"}:
            raise illegal_argument(f"Unknown value for refresh: [{value}].")
        return value


@dataclass
class Response:
    """``body``: JSON (dict, list), text, or None for no body at all. ``stream`` sends HTTP chunks
    by itself.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str | None = None
    stream: Generator[bytes] | None = None
    # A fault: the work is done, the answer never arrives.
    dropped: bool = False


@dataclass
class Record:
    """One line of ``es.requests``. ``status`` is None where the connection died first."""

    method: str
    path: str
    route: str
    params: dict[str, str]
    body: Any
    status: int | None = None
    fault: str | None = None
    at: float = field(default_factory=time.monotonic)


def acknowledged(**more: Any) -> Response:
    return Response(body={"acknowledged": True, **more})


SHARDS: Json = {"total": 1, "successful": 1, "skipped": 0, "failed": 0}


def shards(count: int) -> Json:
    return {"total": count, "successful": count, "skipped": 0, "failed": 0}
