"""From a request to its answer: specification, key, faults, handler, and a check of the answer
itself.
"""

from __future__ import annotations

import contextlib
import json
import threading
from typing import Any

from tests.standin import filtering, specification
from tests.standin.chat import Chat
from tests.standin.cluster import Cluster
from tests.standin.errors import (
    ConnectionCut,
    ElasticsearchError,
    NotImplementedHere,
    SimpleError,
)
from tests.standin.faults import Fault, Faults, error
from tests.standin.journal import Journal
from tests.standin.messages import Record, Request, Response
from tests.standin.routes import HANDLERS
from tests.standin.security import Security
from tests.standin.specification import Match, Route, media_type

JSON_TYPE = "application/vnd.elasticsearch+json;compatible-with=9"


class App:
    """The cluster without its sockets."""

    def __init__(self, cluster: Cluster, *, check_responses: bool = True) -> None:
        self.cluster = cluster
        self.chat = Chat()
        self.faults = Faults()
        self.security = Security()
        self.specification = specification.load()
        self.violations: list[str] = []
        self.requests: list[Record] = []
        self.check_responses = check_responses
        self.journal: Journal | None = None
        # Set while the server is down: whatever waits, wakes.
        self.stopping = threading.Event()

    def handle(self, request: Request) -> Response:
        """Answers a request. Raises ``ConnectionCut`` where a fault says that the connection
        dies.
        """
        record = Record(request.method, request.path, "", request.query, None)
        self.requests.append(record)
        try:
            response = self._handle(request, record)
        except ConnectionCut as cut:
            record.fault = str(cut)
            raise
        except ElasticsearchError as failure:
            response = Response(failure.status, failure.body())
        except NotImplementedHere as gap:
            self._violation(request, f"not implemented: {gap}")
            response = Response(501, SimpleError(501, f"not implemented: {gap}").body())
        record.status = response.status
        return response

    def _violation(self, request: Request, text: str) -> None:
        self.violations.append(f"{request.method} {request.path}: {text}")

    def _refuse(self, request: Request, status: int, type_: str, text: str) -> ElasticsearchError:
        self._violation(request, text)
        return ElasticsearchError(status, type_, text)

    def _handle(self, request: Request, record: Record) -> Response:
        match = self.specification.match(request.method, request.path)
        if match.route is None:
            raise self._no_route(request, match)
        self._check_versions(request)
        key = self.security.authenticate(request.headers.get("authorization"), request.path)
        record.body = request.body = self._parse(request, match.route)
        route = self.specification.narrow(match.route, match.parameters, request.body)
        request.route = record.route = route.name
        request.parameters = match.parameters
        problems = self.specification.check_request(
            route, request.parameters, request.query, request.body
        )
        if problems:
            for problem in problems:
                self._violation(request, problem)
            raise ElasticsearchError(400, _problem_type(route, problems), "; ".join(problems))
        self.security.authorize(key, route.name, request.index)
        fault = self.faults.next(request)
        if fault:
            record.fault = str(fault)
            self._suffer(fault, request)
        response = self._call(request, route)
        if fault and fault.kind == "drop":
            raise ConnectionCut(str(fault))
        return response

    def _call(self, request: Request, route: Route) -> Response:
        handler = HANDLERS.get(route.name)
        if handler is None:
            raise NotImplementedHere(f"route {route.name}")
        with self.journal.keep(request) if self.journal else contextlib.nullcontext():
            response = handler(self, request)
        if self.check_responses:
            for problem in self.specification.check_response(route, response.status, response.body):
                self._violation(request, f"response: {problem}")
        if request.query.get("filter_path"):
            response.body = filtering.filter_path(response.body, request.query["filter_path"])
        return response

    def replay(self, request: Request) -> None:
        """Carries out a journalled request again; what failed then fails again."""
        match = self.specification.match(request.method, request.path)
        if match.route is None:
            raise AssertionError(f"journal holds an unknown request {request.path}")
        request.body = self._parse(request, match.route)
        request.route = self.specification.narrow(match.route, match.parameters, request.body).name
        request.parameters = match.parameters
        with contextlib.suppress(ElasticsearchError, ConnectionCut):
            HANDLERS[request.route](self, request)

    def _no_route(self, request: Request, match: Match) -> Exception:
        if match.other:
            return NotImplementedHere(f"route {match.other}")
        uri, method = request.path, request.method
        if match.allowed:
            allowed = ", ".join(match.allowed)
            text = (
                f"Incorrect HTTP method for uri [{uri}] and method [{method}], allowed: [{allowed}]"
            )
            self._violation(request, text)
            return SimpleError(405, text)
        text = f"no handler found for uri [{uri}] and method [{method}]"
        self._violation(request, text)
        return SimpleError(400, text)

    def _check_versions(self, request: Request) -> None:
        """A 9.x node speaks versions 8 and 9 of the REST API (``RestRequest``)."""
        for name in ("accept", "content-type"):
            given = request.headers.get(name, "")
            version = given.partition("compatible-with=")[2]
            if version and version.strip() not in {"8", "9"}:
                text = f"{name} version must be either version 9 or 8, but found {version}"
                raise self._refuse(request, 400, "media_type_header_exception", text)

    def _parse(self, request: Request, route: Route) -> Any:
        """JSON, or the list of the lines of an NDJSON body."""
        if not request.raw:
            return None
        given = request.headers.get("content-type", "")
        lines = specification.NDJSON_TYPES if route.takes_lines else ()
        if media_type(given) not in (*specification.JSON_TYPES, *lines):
            text = f"Content-Type header [{given}] is not supported"
            self._violation(request, text)
            raise SimpleError(406, text)
        try:
            if not route.takes_lines:
                return _loads(request.raw)
            if not request.raw.endswith(b"\n"):
                text = "The bulk request must be terminated by a newline [\\n]"
                raise self._refuse(request, 400, "illegal_argument_exception", text)
            return [_loads(line) for line in request.raw.split(b"\n") if line.strip()]
        except ValueError as problem:
            raise self._refuse(
                request, 400, "x_content_parse_exception", f"body is not JSON: {problem}"
            ) from problem

    def _suffer(self, fault: Fault, request: Request) -> None:
        if fault.kind == "reset":
            raise ConnectionCut(str(fault))
        if fault.kind == "stall":
            if self.stopping.wait(fault.seconds):
                # Killed meanwhile: the request was never carried out.
                raise ConnectionCut("stopped")
        elif fault.kind == "status":
            raise error(fault.status)
        elif fault.kind == "die_in_bulk":
            request.cut_after = 0.5


def _no_constant(name: str) -> Any:
    raise ValueError(f"non-standard token {name!r}")


def _loads(raw: bytes) -> Any:
    """Strict: Python's own NaN and Infinity are not JSON."""
    return json.loads(raw, parse_constant=_no_constant)


def _problem_type(route: Route, problems: list[str]) -> str:
    if "body is required" in problems[0]:
        return "parse_exception"
    if problems[0].startswith(("unrecognized", "parameter", "path", "does not")):
        return "illegal_argument_exception"
    return (
        "x_content_parse_exception" if route.name.startswith("inference") else "parsing_exception"
    )
