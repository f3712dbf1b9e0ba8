"""Writing one document: what index, create, update and delete have in common with the items of a
bulk.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.standin import semantic
from tests.standin.errors import (
    ElasticsearchError,
    Json,
    NotImplementedHere,
    index_not_found,
    status_exception,
    validation,
)
from tests.standin.indices import PRIMARY_TERM, Entry, Guard, Index
from tests.standin.messages import SHARDS

if TYPE_CHECKING:
    from tests.standin.cluster import Cluster


@dataclass(frozen=True)
class Operation:
    """One write: ``action`` is index, create, update or delete."""

    action: str
    index: str
    id: str | None
    body: Any = None
    guard: Guard = field(default_factory=Guard)
    require_alias: bool = False
    in_bulk: bool = False


@dataclass(frozen=True)
class Outcome:
    status: int
    index: Index
    body: Json


def guard_of(options: Json, *, create: bool = False) -> Guard:
    """From the parameters of a request or the metadata line of a bulk item."""

    def whole(name: str) -> int | None:
        value = options.get(name)
        return None if value is None else int(value)

    version_type = str(options.get("version_type", "internal"))
    return Guard(
        version=whole("version"),
        version_type="external" if version_type == "external_gt" else version_type,
        seq_no=whole("if_seq_no"),
        primary_term=whole("if_primary_term"),
        create=create,
    )


def _outcome(index: Index, id_: str, entry: Entry, result: str) -> Outcome:
    statuses = {"created": 201, "not_found": 404}
    return Outcome(
        statuses.get(result, 200),
        index,
        {
            "_index": index.name,
            "_id": id_,
            "_version": entry.version,
            "result": result,
            "_shards": {name: SHARDS[name] for name in ("total", "successful", "failed")},
            "_seq_no": entry.seq_no,
            "_primary_term": PRIMARY_TERM,
        },
    )


def apply(cluster: Cluster, operation: Operation) -> Outcome:
    """Carries out a write. Raises an ``ElasticsearchError`` that a bulk turns into the item's
    error.
    """
    if operation.action == "delete":
        return _delete(cluster, operation)
    if operation.action == "update":
        return _update(cluster, operation)
    return _index(cluster, operation)


def _target(cluster: Cluster, operation: Operation) -> Index:
    """A write creates a missing index; a delete only where external versioning needs a tombstone to
    live in (``TransportBulkAction``, "auto create")."""
    known = operation.index in cluster.indices or cluster.alias_targets(operation.index)
    if operation.action == "delete" and not known and not operation.guard.external:
        raise index_not_found(operation.index)
    return cluster.write_index(operation.index, require_alias=operation.require_alias)


def _index(cluster: Cluster, operation: Operation) -> Outcome:
    problems = operation.guard.problems(operation.id)
    if problems:
        raise validation(*problems)
    with cluster.lock:
        index = _target(cluster, operation)
        id_ = operation.id if operation.id is not None else cluster.new_id()
    if id_ == "":
        raise ElasticsearchError(
            400,
            "illegal_argument_exception",
            "if _id is specified it must not be empty",
        )
    # Embedding takes long: other requests go on meanwhile.
    chunks = semantic.chunks(cluster, index.mapping, operation.body)
    with cluster.lock:
        if index.name not in cluster.indices:
            index = _target(cluster, operation)
        entry, created = index.put(id_, copy.deepcopy(operation.body), operation.guard, chunks)
        return _outcome(index, id_, entry, "created" if created else "updated")


def _delete(cluster: Cluster, operation: Operation) -> Outcome:
    if operation.id is None:
        raise validation("id is missing")
    with cluster.lock:
        index = _target(cluster, operation)
        entry, found = index.delete(operation.id, operation.guard)
        return _outcome(index, operation.id, entry, "deleted" if found else "not_found")


def merged(old: Any, new: Any) -> Any:
    """``XContentHelper.update``: objects are merged, everything else is replaced."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return copy.deepcopy(new)
    result = dict(old)
    for key, value in new.items():
        result[key] = merged(old.get(key), value)
    return result


def _update(cluster: Cluster, operation: Operation) -> Outcome:
    body: Json = operation.body
    if operation.id is None:
        raise validation("id is missing")
    if operation.guard.version is not None or operation.guard.external:
        raise validation(
            "internal versioning can not be used for optimistic concurrency control."
            " Please use `if_seq_no` and `if_primary_term` instead"
        )
    if "script" not in body and "doc" not in body:
        raise validation("script or doc is missing")
    with cluster.lock:
        index = _target(cluster, operation)
        document = index.get(operation.id)
    if "script" in body:
        # ShardBulkInferenceActionFilter; the update API itself turns a script into a whole document
        # first.
        if operation.in_bulk and index.mapping.semantic:
            raise status_exception(
                400,
                "Cannot apply update with a script on indices that contain [semantic_text]"
                " field(s)",
            )
        raise NotImplementedHere("scripted updates")
    if document is not None:
        source = merged(document.source, body["doc"])
        if body.get("detect_noop", True) and source == document.source:
            with cluster.lock:
                return _outcome(index, operation.id, index.entries[operation.id], "noop")
        guard = operation.guard
        if guard.seq_no is None:
            guard = Guard(seq_no=document.seq_no, primary_term=PRIMARY_TERM)
        return _index(cluster, Operation("index", index.name, operation.id, source, guard))
    if body.get("doc_as_upsert") or "upsert" in body:
        source = body["doc"] if body.get("doc_as_upsert") else body["upsert"]
        create = Guard(create=True)
        return _index(cluster, Operation("create", index.name, operation.id, source, create))
    raise ElasticsearchError(
        404,
        "document_missing_exception",
        f"[{operation.id}]: document missing",
        extra={"index_uuid": index.uuid, "shard": "0", "index": index.name},
    )
