"""Remote control of a stand-in in a process of its own: below ``/_standin``, without a key, JSON in
and out.

GET  /_standin                 {"violations": […], "requests": 12, "open_streams": 0,
"disconnected": false, …} POST /_standin/script          {"steps": ["text", 0.5, {"cut": true},
{"error": "message"}, {"http": 429}]} POST /_standin/faults          {"kind": "status", "status":
429, "times": 2, "when": "bulk"} POST /_standin/set             {"license": "basic", "chat": "cold",
"delay": 0.02} POST /_standin/reset           forgets violations, requests, scripts and faults
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.standin.errors import Json
from tests.standin.faults import Fault
from tests.standin.messages import Request, Response
from tests.standin.steps import Cut, ErrorEvent, HttpError, NoDone, Raw, Split, Stall, Step, Usage

if TYPE_CHECKING:
    from tests.standin.app import App

PREFIX = "/_standin"


def step(value: Any) -> Step:
    """A step from JSON: text and numbers are themselves, everything else is an object with one
    name.
    """
    if isinstance(value, str | int | float):
        return value
    ((name, given),) = value.items()
    plain: dict[str, Step] = {"cut": Cut(), "stall": Stall(), "no_done": NoDone(), "usage": Usage()}
    if name in plain:
        return plain[name]
    if name == "split":
        return Split(given)
    if name == "raw":
        return Raw(given.encode())
    if name == "error":
        return ErrorEvent(given)
    if name == "http":
        return HttpError(**given) if isinstance(given, dict) else HttpError(int(given))
    raise ValueError(f"unknown step {name}")


def _state(app: App) -> Json:
    return {
        "violations": app.violations,
        "requests": len(app.requests),
        "routes": [record.route for record in app.requests],
        "chat_requests": app.chat.requests,
        "open_streams": app.chat.open_streams,
        "disconnected": app.chat.disconnected_at is not None,
        "indices": {name: len(index.searchable) for name, index in app.cluster.indices.items()},
    }


def _set(app: App, body: Json) -> None:
    if "license" in body:
        app.cluster.license = body["license"]
    if "delay" in body:
        app.chat.delay = float(body["delay"])
    if body.get("chat") == "cold":
        app.chat.cold(body.get("calls", 1))
    elif "chat" in body:
        app.chat.state = body["chat"]


def handle(app: App, request: Request) -> Response:
    action = request.path.removeprefix(PREFIX).strip("/")
    body: Json = json.loads(request.raw) if request.raw else {}
    if action == "script":
        app.chat.script([step(item) for item in body["steps"]])
    elif action == "faults":
        fault = Fault(body["kind"], float(body.get("seconds", 0)), int(body.get("status", 0)))
        app.faults.add(fault, times=body.get("times", 1), when=body.get("when"))
    elif action == "set":
        _set(app, body)
    elif action == "reset":
        app.violations.clear()
        app.requests.clear()
        app.faults.clear()
        app.chat.reset()
        app.chat.streams.clear()
    elif action:
        return Response(404, {"error": f"no action {action}", "status": 404})
    return Response(body=_state(app))
