"""Errors as Elasticsearch words them.

Shapes: ``ElasticsearchException.generateFailureXContent`` (``root_cause``, ``type``, ``reason``,
``status``). Reasons are taken from the exception classes of elastic/elasticsearch named beside each
function.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class ElasticsearchError(Exception):
    """A failure with its HTTP status and the fields of its JSON body."""

    def __init__(
        self,
        status: int,
        type_: str,
        reason: str,
        *,
        extra: Json | None = None,
        caused_by: Json | None = None,
        root_cause: list[Json] | None = None,
        on_shard: bool = False,
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.type = type_
        self.reason = reason
        self.extra = extra or {}
        self.caused_by = caused_by
        self.root_cause = root_cause
        # Raised by a shard, not by the coordinating node: a search wraps it.
        self.on_shard = on_shard

    def cause(self) -> Json:
        """The object below ``error``, as it also stands in a bulk item or in ``caused_by``."""
        body: Json = {"type": self.type, "reason": self.reason, **self.extra}
        if self.caused_by is not None:
            body["caused_by"] = self.caused_by
        return body

    def body(self) -> Json:
        first = {"type": self.type, "reason": self.reason, **self.extra}
        return {
            "error": {"root_cause": self.root_cause or [first], **self.cause()},
            "status": self.status,
        }


class SimpleError(ElasticsearchError):
    """``RestResponse.createSimpleErrorResponse``: ``error`` is a bare string."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, "simple", reason)

    def body(self) -> Json:
        return {"error": self.reason, "status": self.status}


class NotImplementedHere(Exception):
    """Valid for Elasticsearch, unknown to the stand-in: answered 501 and counted as a violation."""


class ConnectionCut(Exception):
    """The fault script says the connection dies here."""


def illegal_argument(reason: str, *, on_shard: bool = False) -> ElasticsearchError:
    return ElasticsearchError(400, "illegal_argument_exception", reason, on_shard=on_shard)


def parsing(reason: str) -> ElasticsearchError:
    return ElasticsearchError(400, "parsing_exception", reason)


def status_exception(status: int, reason: str, caused_by: Json | None = None) -> ElasticsearchError:
    return ElasticsearchError(status, "status_exception", reason, caused_by=caused_by)


def validation(*problems: str) -> ElasticsearchError:
    """``ActionRequestValidationException``."""
    text = "".join(f"{number}: {problem};" for number, problem in enumerate(problems, 1))
    return ElasticsearchError(
        400, "action_request_validation_exception", f"Validation Failed: {text}"
    )


def index_not_found(name: str, *, note: str = "") -> ElasticsearchError:
    """``IndexNotFoundException``."""
    return ElasticsearchError(
        404,
        "index_not_found_exception",
        f"no such index [{name}]{note}",
        extra={
            "resource.type": "index_or_alias",
            "resource.id": name,
            "index_uuid": "_na_",
            "index": name,
        },
    )


def resource_not_found(reason: str) -> ElasticsearchError:
    return ElasticsearchError(404, "resource_not_found_exception", reason)


def version_conflict(index: str, uuid: str, id_: str, explanation: str) -> ElasticsearchError:
    """``VersionConflictEngineException``: ``[{id}]: version conflict, {explanation}``."""
    return ElasticsearchError(
        409,
        "version_conflict_engine_exception",
        f"[{id_}]: version conflict, {explanation}",
        extra={"index_uuid": uuid, "shard": "0", "index": index},
    )


def strict_mapping(field: str, within: str) -> ElasticsearchError:
    """``StrictDynamicMappingException``; the parser's position is not reproduced."""
    return ElasticsearchError(
        400,
        "strict_dynamic_mapping_exception",
        f"[1:1] mapping set to strict, dynamic introduction of [{field}] within [{within}]"
        " is not allowed",
    )


def document_parsing(reason: str, cause: ElasticsearchError | None = None) -> ElasticsearchError:
    return ElasticsearchError(
        400,
        "document_parsing_exception",
        f"[1:1] {reason}",
        caused_by=cause.cause() if cause else None,
    )


def mapper_parsing(reason: str) -> ElasticsearchError:
    """A bad mapping in a create request: the reason is repeated as its own cause."""
    cause: Json = {"type": "mapper_parsing_exception", "reason": reason}
    return ElasticsearchError(
        400,
        "mapper_parsing_exception",
        f"Failed to parse mapping: {reason}",
        caused_by=cause,
        root_cause=[cause],
    )


def non_compliant(feature: str) -> ElasticsearchError:
    """``LicenseUtils.newComplianceException``."""
    return ElasticsearchError(
        403,
        "security_exception",
        f"current license is non-compliant for [{feature}]",
        extra={"license.expired.feature": feature},
    )


def shard_failure(index: str, uuid: str, cause: ElasticsearchError) -> ElasticsearchError:
    """``SearchPhaseExecutionException``: what a failure on every shard looks like to the client."""
    inner = cause.cause()
    if cause.type == "query_shard_exception":
        inner |= {"index_uuid": uuid, "index": index}
    return ElasticsearchError(
        cause.status,
        "search_phase_execution_exception",
        "all shards failed",
        extra={
            "phase": "query",
            "grouped": True,
            "failed_shards": [{"shard": 0, "index": index, "node": "standin", "reason": inner}],
        },
        caused_by={**inner, "caused_by": dict(inner)} if cause.type.startswith("illegal") else None,
        root_cause=[inner],
    )


def query_shard(reason: str) -> ElasticsearchError:
    return ElasticsearchError(400, "query_shard_exception", reason, on_shard=True)


def context_missing(context: int) -> ElasticsearchError:
    """A point in time or scroll that is closed, expired or was never opened."""
    inner = {
        "type": "search_context_missing_exception",
        "reason": f"No search context found for id [{context}]",
    }
    return ElasticsearchError(
        404,
        "search_phase_execution_exception",
        "all shards failed",
        extra={
            "phase": "query",
            "grouped": True,
            "failed_shards": [{"shard": -1, "index": None, "reason": inner}],
        },
        caused_by=inner,
        root_cause=[inner],
    )
