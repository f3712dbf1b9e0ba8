"""Search with its contexts: ``_search``, points in time and scrolls.

Sources: reference pages "Paginate search results", "Point in time API", "Scroll API".
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from tests.standin import search
from tests.standin.cluster import Context
from tests.standin.errors import (
    ElasticsearchError,
    Json,
    context_missing,
    illegal_argument,
    validation,
)
from tests.standin.indices import PRIMARY_TERM, Guard
from tests.standin.messages import Request, Response, shards

if TYPE_CHECKING:
    from tests.standin.app import App

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds(text: str) -> float:
    """``5m``, ``30s`` …"""
    found = re.fullmatch(r"(\d+)(ms|s|m|h|d)", text)
    if not found:
        raise illegal_argument(
            f"failed to parse setting [keep_alive] with value [{text}] as a time value:"
            " unit is missing or unrecognized"
        )
    return int(found[1]) * _SECONDS[found[2]]


def _open(app: App, prefix: str, context: Context) -> str:
    with app.cluster.lock:
        key = f"{prefix}{app.cluster.new_id()}"
        app.cluster.contexts[key] = context
    return key


def _context(app: App, key: str) -> Context:
    context = app.cluster.contexts.get(key)
    if context is None or context.expires < time.monotonic():
        app.cluster.contexts.pop(key, None)
        raise context_missing(abs(hash(key)) % 1000)
    return context


def run_search(app: App, request: Request) -> Response:
    request.only(*search.PARAMETERS)
    body = search.merged_body(request)
    search.check(body, scroll="scroll" in request.query)
    if "scroll" in request.query:
        return _start_scroll(app, request, body)
    if "pit" in body:
        return _in_point_in_time(app, request, body)
    view = search.views(app.cluster, request.index, request)
    answer = search.one(app.cluster, view, body)
    if request.flag("rest_total_hits_as_int") and "total" in answer["hits"]:
        answer["hits"]["total"] = answer["hits"]["total"]["value"]
    return Response(body=answer)


def _in_point_in_time(app: App, request: Request, body: Json) -> Response:
    if request.index:
        raise validation(
            "[indices] cannot be used with point in time. Do not specify any index with point in"
            " time."
        )
    context = _context(app, body["pit"]["id"])
    if "keep_alive" in body["pit"]:
        context.expires = time.monotonic() + seconds(body["pit"]["keep_alive"])
    answer = search.one(app.cluster, context.shards, body)
    return Response(body={"pit_id": body["pit"]["id"], **answer})


def open_point_in_time(app: App, request: Request) -> Response:
    request.only("keep_alive", "allow_partial_search_results")
    keep_alive = request.query.get("keep_alive")
    if keep_alive is None:
        raise validation("[keep_alive] is not specified")
    view = search.views(app.cluster, request.index, request)
    context = Context(view, time.monotonic() + seconds(keep_alive))
    return Response(body={"id": _open(app, "pit-", context), "_shards": shards(len(view))})


def close_point_in_time(app: App, request: Request) -> Response:
    freed = app.cluster.contexts.pop(request.body["id"], None) is not None
    return Response(200 if freed else 404, {"succeeded": True, "num_freed": int(freed)})


def _start_scroll(app: App, request: Request, body: Json) -> Response:
    view = search.views(app.cluster, request.index, request)
    started = time.monotonic()
    found = search.run(app.cluster, view, body)
    size = body.get("size", 10)
    expires = time.monotonic() + seconds(request.query["scroll"])
    context = Context(view, expires, found, body, size, position=size)
    answer = search.answer(found, body, len(view), found.hits[:size], started)
    return Response(body={"_scroll_id": _open(app, "scroll-", context), **answer})


def scroll(app: App, request: Request) -> Response:
    request.only("scroll", "scroll_id", "rest_total_hits_as_int")
    body: Json = {**request.query, **request.parameters, **(request.body or {})}
    if not body.get("scroll_id"):
        raise validation("scrollId is missing")
    context = _context(app, body["scroll_id"])
    if body.get("scroll"):
        context.expires = time.monotonic() + seconds(body["scroll"])
    start = context.position
    context.position += context.size
    if context.found is None:
        raise AssertionError("a scroll without its search")
    page = context.found.hits[start : start + context.size]
    answer = search.answer(context.found, context.body, len(context.shards), page, time.monotonic())
    answer.pop("aggregations", None)
    return Response(body={"_scroll_id": body["scroll_id"], **answer})


def clear_scroll(app: App, request: Request) -> Response:
    wanted = request.parameters.get("scroll_id") or (request.body or {}).get("scroll_id", "_all")
    known = [key for key in app.cluster.contexts if key.startswith("scroll-")]
    keys = known if wanted == "_all" else wanted.split(",") if isinstance(wanted, str) else wanted
    freed = sum(app.cluster.contexts.pop(key, None) is not None for key in keys)
    return Response(200 if freed or not keys else 404, {"succeeded": True, "num_freed": freed})


def delete_by_query(app: App, request: Request) -> Response:
    """Deletes what a search sees now; a document that changed since is a version conflict."""
    request.only(
        "refresh", "conflicts", "scroll_size", "wait_for_completion", "requests_per_second"
    )
    started = time.monotonic()
    with app.cluster.lock:
        view = search.views(app.cluster, request.index, request)
        found = search.run(app.cluster, view, {"query": request.body["query"], "size": 0})
        deleted = conflicts = 0
        failures = []
        for hit in found.hits:
            document = hit.unit.owner
            index = app.cluster.indices[document.index]
            try:
                index.delete(document.id, Guard(seq_no=document.seq_no, primary_term=PRIMARY_TERM))
                deleted += 1
            except ElasticsearchError as error:
                conflicts += 1
                failures.append(
                    {
                        "index": document.index,
                        "id": document.id,
                        "cause": error.cause(),
                        "status": 409,
                    }
                )
    if request.refresh == "true":
        app.cluster.refresh([item.index for item in view])
    proceed = request.query.get("conflicts") == "proceed"
    body = {
        **by_scroll(started, found.total),
        "deleted": deleted,
        "version_conflicts": conflicts,
        "failures": [] if proceed else failures,
    }
    return Response(409 if failures and not proceed else 200, body)


def by_scroll(started: float, total: int) -> Json:
    """What delete by query and reindex report."""
    return {
        "took": round((time.monotonic() - started) * 1000),
        "timed_out": False,
        "total": total,
        "batches": 1,
        "noops": 0,
        "retries": {"bulk": 0, "search": 0},
        "throttled_millis": 0,
        "requests_per_second": -1.0,
        "throttled_until_millis": 0,
    }
