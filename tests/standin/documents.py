"""The document APIs: index, create, get, exists, source, delete, update, mget and bulk."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, Any

from tests.standin import filtering
from tests.standin.errors import (
    ConnectionCut,
    ElasticsearchError,
    Json,
    NotImplementedHere,
    resource_not_found,
    validation,
    version_conflict,
)
from tests.standin.indices import PRIMARY_TERM, Index
from tests.standin.messages import Request, Response
from tests.standin.writes import Operation, Outcome, apply, guard_of

if TYPE_CHECKING:
    from tests.standin.app import App

VERSIONING = ("version", "version_type", "if_seq_no", "if_primary_term")


def _refreshed(app: App, outcome: Outcome, refresh: str) -> Response:
    """``refresh=true`` shows in the answer as ``forced_refresh``; ``wait_for`` waits."""
    if refresh == "true":
        app.cluster.refresh([outcome.index])
        outcome.body["forced_refresh"] = True
    elif refresh == "wait_for":
        app.cluster.wait_for_refresh(outcome.index)
    return Response(outcome.status, outcome.body)


def _write(app: App, request: Request, action: str, *, create: bool = False) -> Response:
    request.only(*VERSIONING, "refresh", "op_type", "require_alias", "retry_on_conflict")
    operation = Operation(
        action,
        request.parameters["index"],
        request.parameters.get("id"),
        request.body,
        guard_of(dict(request.query), create=create),
        request.flag("require_alias"),
    )
    return _refreshed(app, apply(app.cluster, operation), request.refresh)


def index(app: App, request: Request) -> Response:
    return _write(app, request, "index", create=request.query.get("op_type") == "create")


def create(app: App, request: Request) -> Response:
    return _write(app, request, "create", create=True)


def delete(app: App, request: Request) -> Response:
    return _write(app, request, "delete")


def update(app: App, request: Request) -> Response:
    return _write(app, request, "update")


def _got(index: Index, id_: str, wanted: Any, query: dict[str, str]) -> Json:
    document = index.get(id_)
    if document is None:
        return {"_index": index.name, "_id": id_, "found": False}
    version = query.get("version")
    if version is not None and int(version) != document.version:
        raise version_conflict(
            index.name,
            index.uuid,
            id_,
            f"current version [{document.version}] is different than the one provided [{version}]",
        )
    body: Json = {
        "_index": index.name,
        "_id": id_,
        "_version": document.version,
        "_seq_no": document.seq_no,
        "_primary_term": PRIMARY_TERM,
        "found": True,
    }
    source = filtering.source(document.source, wanted, index.mapping)
    if source is not None:
        body["_source"] = copy.deepcopy(source)
    return body


def get(app: App, request: Request) -> Response:
    request.only(
        "_source", "_source_includes", "_source_excludes", "_source_exclude_vectors", "realtime",
        "refresh", "version", "version_type",
    )  # fmt: skip
    with app.cluster.lock:
        index = app.cluster.single_index(request.parameters["index"])
        wanted = filtering.source_parameters(request.query)
        body = _got(index, request.parameters["id"], wanted, request.query)
    return Response(200 if body["found"] else 404, body)


def exists(app: App, request: Request) -> Response:
    return Response(get(app, request).status)


def get_source(app: App, request: Request) -> Response:
    answer = get(app, request)
    if answer.status == 404:
        raise resource_not_found(
            f"Document not found [{request.parameters['index']}]/[{request.parameters['id']}]"
        )
    return Response(body=answer.body["_source"])


def mget(app: App, request: Request) -> Response:
    request.only("_source", "_source_includes", "_source_excludes", "realtime", "refresh")
    wanted = [{"_id": id_} for id_ in request.body.get("ids", [])] + request.body.get("docs", [])
    if not wanted:
        raise validation("no documents to get")
    default = filtering.source_parameters(request.query)
    docs = []
    with app.cluster.lock:
        for item in wanted:
            name = item.get("_index", request.index)
            if name is None:
                raise validation("index is missing for doc 0")
            try:
                index = app.cluster.single_index(name)
                docs.append(_got(index, item["_id"], item.get("_source", default), {}))
            except ElasticsearchError as error:
                cause = {"root_cause": [error.cause()], **error.cause()}
                docs.append({"_index": name, "_id": item["_id"], "error": cause})
    return Response(body={"docs": docs})


def _operations(request: Request) -> list[Operation]:
    """Pairs of lines to writes; the shape was checked before."""
    lines = iter(request.body)
    found = []
    for line in lines:
        ((action, options),) = line.items()
        name = options.get("_index", request.index)
        if name is None:
            raise validation("index is missing")
        if options.get("pipeline") or options.get("dynamic_templates"):
            raise NotImplementedHere("pipeline or dynamic_templates in a bulk")
        found.append(
            Operation(
                action,
                name,
                options.get("_id"),
                None if action == "delete" else next(lines),
                guard_of(options, create=action == "create"),
                bool(options.get("require_alias", request.flag("require_alias"))),
                in_bulk=True,
            )
        )
    return found


def _item(app: App, request: Request, operation: Operation) -> tuple[Json, Index | None]:
    try:
        rejected = app.faults.reject_item(request)
        if rejected:
            raise rejected
        outcome = apply(app.cluster, operation)
    except ElasticsearchError as error:
        failed = {
            "_index": operation.index,
            "_id": operation.id,
            "status": error.status,
            "error": error.cause(),
        }
        return {operation.action: failed}, None
    return {operation.action: {**outcome.body, "status": outcome.status}}, outcome.index


def bulk(app: App, request: Request) -> Response:
    """Items succeed and fail one by one under HTTP 200 (reference page "Bulk API")."""
    request.only("refresh", "require_alias")
    started = time.monotonic()
    operations = _operations(request)
    if not operations:
        raise validation("no requests added")
    last = len(operations)
    if request.cut_after is not None:
        last = round(last * request.cut_after)
    items, touched = [], {}
    for operation in operations[:last]:
        if app.stopping.is_set():
            raise ConnectionCut("stopped in a bulk")
        item, index = _item(app, request, operation)
        items.append(item)
        if index is not None:
            touched[index.name] = index
    if request.cut_after is not None:
        raise ConnectionCut("die_in_bulk")
    if request.refresh == "true":
        app.cluster.refresh(list(touched.values()))
        for item in items:
            for body in item.values():
                if "error" not in body:
                    body["forced_refresh"] = True
    elif request.refresh == "wait_for":
        for index in touched.values():
            app.cluster.wait_for_refresh(index)
    failed = any("error" in body for item in items for body in item.values())
    took = round((time.monotonic() - started) * 1000)
    return Response(body={"errors": failed, "took": took, "items": items})
