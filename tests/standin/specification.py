"""Every request is checked against the official Elasticsearch 9.3 specification.

Source: ``elasticsearch-9.3.schema.json`` (see README.md). ``check_request`` returns the violations
of a request, ``check_response`` those of an answer; both are empty in the good case and cost well
under a millisecond.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
from jsonschema.exceptions import best_match

from tests.standin.compiled import Check, Compiler, Schema

SCHEMA_FILE = Path(__file__).with_name("elasticsearch-9.3.schema.json")
JSON_TYPES = ("application/json", "application/vnd.elasticsearch+json")
NDJSON_TYPES = ("application/x-ndjson", "application/vnd.elasticsearch+x-ndjson")

# Routes that share one path: the service named in the body decides (docs of PUT _inference).
PUT_INFERENCE = {
    "hugging_face": "inference.put_hugging_face",
    "elasticsearch": "inference.put_elasticsearch",
    "openai": "inference.put_openai",
}


@dataclass
class Route:
    """One endpoint of the specification with its compiled checks."""

    name: str
    media_types: list[str]
    body_required: bool
    body_schema: Schema | None
    response_schema: Schema | None
    path: dict[str, Check]
    query: dict[str, Check]
    body: Check | None
    response: Check | None
    cached_parameters: dict[tuple[str, str], bool] = field(default_factory=dict)

    @property
    def takes_lines(self) -> bool:
        return "application/x-ndjson" in self.media_types

    def accepts(self, parameter: str, text: str) -> bool:
        """A parameter is a string in a URL: it is valid if any reading of it is."""
        key = (parameter, text)
        if key not in self.cached_parameters:
            check = self.path.get(parameter) or self.query[parameter]
            self.cached_parameters[key] = any(check(value) for value in readings(text))
        return self.cached_parameters[key]


@dataclass(frozen=True)
class Match:
    """Where a request goes: a known route, one only named by the specification, or nowhere."""

    route: Route | None
    parameters: dict[str, str]
    other: str | None = None
    allowed: tuple[str, ...] = ()


def readings(text: str) -> list[Any]:
    """What a parameter's text may stand for: string, boolean (empty means true), number, list."""
    found: list[Any] = [text]
    if text in {"true", "false", ""}:
        found.append(text != "false")
    try:
        found.append(int(text))
    except ValueError:
        with contextlib.suppress(ValueError):
            found.append(float(text))
    found.append(text.split(","))
    return found


def _segments(path: str) -> int:
    return path.strip("/").count("/")


def _pattern(template: str) -> re.Pattern[str]:
    """``{index}`` takes one segment; a name that starts with an underscore is never an index or
    alias.
    """
    parts = []
    for segment in template.strip("/").split("/"):
        if segment.startswith("{"):
            name = segment.strip("{}")
            first = "(?!_)" if name == "index" else ""
            parts.append(f"(?P<{name}>{first}[^/]+)")
        else:
            parts.append(re.escape(segment))
    return re.compile("/" + "/".join(parts) + "/?")


class Specification:
    def __init__(self, document: Schema) -> None:
        self._definitions: dict[str, Schema] = document["$defs"]
        compiler = Compiler(self._definitions)
        self.routes: dict[str, Route] = {}
        # By number of segments, so that a request meets a few dozen patterns and not all of them.
        self._paths: dict[int, list[tuple[re.Pattern[str], frozenset[str], str]]] = {}
        for entry in document["routes"]:
            route = self._route(compiler, entry)
            self.routes[route.name] = route
            for url in entry["urls"]:
                self._add_path(url["path"], url["methods"], route.name)
        for path, methods, name in document["other_routes"]:
            self._add_path(path, methods, f"other:{name}")
        # Literal segments win over variables, known routes over the others.
        for group in self._paths.values():
            group.sort(key=lambda item: (item[0].pattern.count("(?P<"), "other:" in item[2]))
        self._lines = {
            name: compiler.compile({"$ref": f"#/$defs/{definition}"})
            for name, definition in LINE_DEFINITIONS.items()
        }
        self.error = compiler.compile(document["error"])

    def _add_path(self, path: str, methods: list[str], name: str) -> None:
        group = self._paths.setdefault(_segments(path), [])
        group.append((_pattern(path), frozenset(methods), name))

    @staticmethod
    def _route(compiler: Compiler, entry: Schema) -> Route:
        body, response = entry["body"], entry["response"]
        return Route(
            name=entry["name"],
            media_types=entry["request_media_type"] or [],
            body_required=entry["body_required"],
            body_schema=body,
            response_schema=response,
            path={name: compiler.compile(part) for name, part in entry["path"].items()},
            query={name: compiler.compile(part) for name, part in entry["query"].items()},
            body=compiler.compile(body) if body is not None else None,
            response=compiler.compile(response) if response is not None else None,
        )

    def match(self, method: str, path: str) -> Match:
        """``path`` still percent-encoded, so that a slash inside an id stays in its segment."""
        group = self._paths.get(_segments(path), [])
        for pattern, methods, name in group:
            found = pattern.fullmatch(path) if method in methods else None
            if found is None:
                continue
            parameters = {key: unquote(value) for key, value in found.groupdict().items()}
            if name.startswith("other:"):
                return Match(None, parameters, other=name.removeprefix("other:"))
            return Match(self.routes[name], parameters)
        allowed = {
            method for pattern, methods, _ in group if pattern.fullmatch(path) for method in methods
        }
        return Match(None, {}, allowed=tuple(sorted(allowed)))

    def narrow(self, route: Route, parameters: dict[str, str], body: Any) -> Route:
        """The most exact of the routes that share a path."""
        name = route.name
        if name.startswith("inference.put"):
            service = body.get("service") if isinstance(body, dict) else None
            name = PUT_INFERENCE.get(str(service), "inference.put")
        narrowed = self.routes[name]
        for old, new in zip(route.path, narrowed.path, strict=False):
            if old != new and old in parameters:
                parameters[new] = parameters.pop(old)
        return narrowed

    def check_request(
        self, route: Route, parameters: dict[str, str], query: dict[str, str], body: Any
    ) -> list[str]:
        problems = [
            f"path parameter {name}: {value!r} is not valid"
            for name, value in parameters.items()
            if name in route.path and not route.accepts(name, value)
        ]
        for name, value in query.items():
            if name not in route.query:
                problems.append(f"unrecognized parameter: [{name}]")
            elif not route.accepts(name, value):
                problems.append(f"parameter {name}: {value!r} is not valid")
        if body is None:
            if route.body_required:
                problems.append("request body is required")
        elif route.body is None or route.body_schema is None:
            problems.append("does not support having a body")
        elif route.takes_lines:
            problems += self._check_lines(route, body)
        elif not route.body(body):
            problems += self.explain(route.body_schema, body)
        return problems

    def _check_lines(self, route: Route, lines: list[Any]) -> list[str]:
        """A bulk body is judged line by line: an action, then the source that the action asks
        for.
        """
        expected = "action" if route.name == "bulk" else "header"
        for number, line in enumerate(lines, 1):
            problem = self._line_problem(expected, line)
            if problem:
                return [f"line {number}: {problem}"]
            expected = _after(expected, line)
        if expected not in {"action", "header"}:
            return [f"line {len(lines) + 1}: the {expected} is missing"]
        return []

    def _line_problem(self, expected: str, line: Any) -> str | None:
        if expected == "source":
            return None if isinstance(line, dict) else "the document must be an object"
        if self._lines[expected](line):
            return None
        return "; ".join(self.explain({"$ref": f"#/$defs/{LINE_DEFINITIONS[expected]}"}, line))

    def check_response(self, route: Route, status: int, body: Any) -> list[str]:
        if status >= 400:
            # 404 with an ordinary body (get, delete), and bare-string errors, stand beside
            # ErrorResponseBase.
            shaped = isinstance(body, dict) and isinstance(body.get("error"), dict)
            return [] if not shaped or self.error(body) else ["error body is not valid"]
        if route.response is None or route.response_schema is None or body is None:
            return []
        if isinstance(body, str) or route.response(body):
            return []
        return self.explain(route.response_schema, body)

    def explain(self, schema: Schema, value: Any) -> list[str]:
        """Words for what the compiled check refused; slow, and only reached on a violation."""
        validator = jsonschema.Draft202012Validator({**schema, "$defs": self._definitions})
        worst = best_match(validator.iter_errors(value))
        if worst is None:
            raise AssertionError(f"the compiled check and jsonschema disagree on {value!r:.500}")
        return [f"{worst.json_path}: {worst.message:.500}"]


LINE_DEFINITIONS = {
    "action": "req:_global.bulk.OperationContainer",
    "update": "req:_global.bulk.UpdateAction(__,__)",
    "header": "req:_global.msearch.MultisearchHeader",
    "search": "req:_global.search._types.SearchRequestBody",
}


def _after(expected: str, line: Any) -> str:
    """What the next line of a bulk or msearch body must be."""
    if expected == "action":
        action = next(iter(line))
        return {"delete": "action", "update": "update"}.get(action, "source")
    return {"header": "search", "search": "header"}.get(expected, "action")


@functools.cache
def load() -> Specification:
    """The specification, compiled once for the process."""
    return Specification(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))


def media_type(content_type: str) -> str:
    """The type without its parameters (``compatible-with``, ``charset``)."""
    return content_type.split(";")[0].strip().lower()
