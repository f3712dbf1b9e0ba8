"""Cluster, licence and security: info, health, cat indices, licence, authenticate, reindex."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.standin import search
from tests.standin.cluster import Cluster
from tests.standin.contexts import by_scroll
from tests.standin.errors import ElasticsearchError, Json, NotImplementedHere
from tests.standin.indices import Index
from tests.standin.messages import Request, Response
from tests.standin.writes import Operation, apply, guard_of

if TYPE_CHECKING:
    from tests.standin.app import App

VERSION = "9.3.0"
TRIAL_DAYS = 30


def info(app: App, request: Request) -> Response:
    request.only()
    return Response(
        body={
            "name": "standin",
            "cluster_name": "standin",
            "cluster_uuid": app.cluster.uuid,
            "version": {
                "number": VERSION,
                "build_flavor": "default",
                "build_type": "docker",
                "build_hash": "17b451d8979a29e31935fe1eb901310350b30e62",
                "build_date": "2026-01-29T10:05:46.708397977Z",
                "build_snapshot": False,
                "lucene_version": "10.3.2",
                "minimum_wire_compatibility_version": "8.19.0",
                "minimum_index_compatibility_version": "8.0.0",
            },
            "tagline": "You Know, for Search",
        }
    )


def ping(app: App, request: Request) -> Response:
    request.only()
    return Response(200)


def _status(indices: list[Index]) -> str:
    """One node cannot hold a replica: yellow as soon as an index asks for one."""
    replicas = [index.render_settings()["index"]["number_of_replicas"] for index in indices]
    return "yellow" if any(count != "0" for count in replicas) else "green"


def health(app: App, request: Request) -> Response:
    """``wait_for_status`` does not wait here: what is not reached at once is answered as timed out
    (408).
    """
    request.only("wait_for_status", "level")
    with app.cluster.lock:
        indices = app.cluster.resolve(request.index)
    status = _status(indices)
    order = ["red", "yellow", "green"]
    wanted = request.query.get("wait_for_status", "red")
    late = order.index(status) < order.index(wanted)
    missing = len(indices) if status == "yellow" else 0
    body: Json = {
        "cluster_name": "standin",
        "status": status,
        "timed_out": late,
        "number_of_nodes": 1,
        "number_of_data_nodes": 1,
        "active_primary_shards": len(indices),
        "active_shards": len(indices),
        "relocating_shards": 0,
        "initializing_shards": 0,
        "unassigned_shards": missing,
        "unassigned_primary_shards": 0,
        "delayed_unassigned_shards": 0,
        "number_of_pending_tasks": 0,
        "number_of_in_flight_fetch": 0,
        "task_max_waiting_in_queue_millis": 0,
        "active_shards_percent_as_number": 100.0 * len(indices) / max(len(indices) + missing, 1),
    }
    return Response(408 if late else 200, body)


def cat_indices(app: App, request: Request) -> Response:
    request.only("format", "h", "v", "s", "bytes")
    with app.cluster.lock:
        rows = [
            {
                "health": _status([index]),
                "status": "open",
                "index": index.name,
                "uuid": index.uuid,
                "pri": "1",
                "rep": index.render_settings()["index"]["number_of_replicas"],
                "docs.count": str(len(index.searchable)),
                "docs.deleted": "0",
                "store.size": "1kb",
                "pri.store.size": "1kb",
                "dataset.size": "1kb",
            }
            for index in app.cluster.resolve(request.index)
        ]
    columns = (
        request.query["h"].split(",") if "h" in request.query else list(rows[0]) if rows else []
    )
    rows = [{name: row.get(name, "") for name in columns} for row in rows]
    accept = request.headers.get("accept", "")
    if request.query.get("format") == "json" or "json" in accept.split(",")[0]:
        return Response(body=rows)
    lines = [" ".join(row.values()) for row in rows]
    if request.flag("v"):
        lines.insert(0, " ".join(columns))
    text = "".join(f"{line}\n" for line in lines)
    return Response(body=text, content_type="text/plain; charset=UTF-8")


def _license(cluster: Cluster) -> Json:
    issued = 1_700_000_000_000
    body: Json = {
        "status": "active",
        "uid": "00000000-0000-4000-8000-000000000000",
        "type": cluster.license,
        "issue_date": "2023-11-14T22:13:20.000Z",
        "issue_date_in_millis": issued,
        "max_nodes": 1000,
        "max_resource_units": None,
        "issued_to": "standin",
        "issuer": "elasticsearch",
        "start_date_in_millis": -1,
    }
    if cluster.license == "enterprise":
        body |= {"max_nodes": None, "max_resource_units": 10}
    if cluster.license != "basic":
        expiry = round(time.time() * 1000) + TRIAL_DAYS * 86_400_000
        moment = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(expiry / 1000))
        body |= {"expiry_date": moment, "expiry_date_in_millis": expiry}
    return body


def get_license(app: App, request: Request) -> Response:
    request.only()
    return Response(body={"license": _license(app.cluster)})


def basic_status(app: App, request: Request) -> Response:
    request.only()
    return Response(body={"eligible_to_start_basic": app.cluster.license != "basic"})


def start_trial(app: App, request: Request) -> Response:
    request.only("acknowledge", "type")
    if not request.flag("acknowledge"):
        text = "Operation failed: Needs acknowledgement."
        body = {"acknowledged": False, "trial_was_started": False, "error_message": text}
        return Response(403, body)
    if app.cluster.trial_used:
        text = "Operation failed: Trial was already activated."
        body = {"acknowledged": True, "trial_was_started": False, "error_message": text}
        return Response(403, body)
    app.cluster.license, app.cluster.trial_used = "trial", True
    return Response(body={"acknowledged": True, "trial_was_started": True, "type": "trial"})


def start_basic(app: App, request: Request) -> Response:
    request.only("acknowledge")
    if app.cluster.license == "basic":
        text = "Operation failed: Current license is basic."
        body = {"acknowledged": True, "basic_was_started": False, "error_message": text}
        return Response(403, body)
    app.cluster.license = "basic"
    return Response(body={"acknowledged": True, "basic_was_started": True})


def authenticate(app: App, request: Request) -> Response:
    request.only()
    key = app.security.authenticate(request.headers.get("authorization"), request.path)
    realm = {"name": "_es_api_key", "type": "_es_api_key"}
    return Response(
        body={
            "username": "elastic",
            "roles": [],
            "full_name": None,
            "email": None,
            "metadata": {},
            "enabled": True,
            "authentication_realm": realm,
            "lookup_realm": realm,
            "authentication_type": "api_key",
            "api_key": {"id": key.id, "name": key.id},
        }
    )


def reindex(app: App, request: Request) -> Response:
    """From an index into another one, as it is searchable now."""
    request.only("refresh", "wait_for_completion", "requests_per_second")
    source, target = request.body["source"], request.body["dest"]
    if request.body.get("script") or source.keys() - {"index", "query", "size", "_source"}:
        raise NotImplementedHere("reindex with a script or remote source")
    if target.keys() - {"index", "version_type", "op_type"}:
        raise NotImplementedHere("reindex into a pipeline")
    started = time.monotonic()
    names = source["index"]
    view = search.views(app.cluster, ",".join(names) if isinstance(names, list) else names)
    found = search.run(
        app.cluster, view, {"query": source.get("query", {"match_all": {}}), "size": 0}
    )
    counts = {"created": 0, "updated": 0}
    failures: list[Any] = []
    for hit in found.hits:
        document = hit.unit.owner
        options: Json = {}
        if str(target.get("version_type", "internal")).startswith("external"):
            options = {"version": document.version, "version_type": target["version_type"]}
        guard = guard_of(options, create=target.get("op_type") == "create")
        operation = Operation("index", target["index"], document.id, document.source, guard)
        try:
            outcome = apply(app.cluster, operation)
            counts[outcome.body["result"]] += 1
        except ElasticsearchError as error:
            failures.append(
                {
                    "index": target["index"],
                    "id": document.id,
                    "cause": error.cause(),
                    "status": error.status,
                }
            )
    if request.refresh == "true":
        app.cluster.refresh(app.cluster.resolve(target["index"]))
    body = {
        **by_scroll(started, found.total),
        **counts,
        "deleted": 0,
        "version_conflicts": sum(failure["status"] == 409 for failure in failures),
        "failures": failures,
    }
    return Response(409 if failures else 200, body)
