"""What Elasticsearch and the way to it can answer, as sentences that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from elastic_transport import ConnectionTimeout, SerializationError, TlsError, TransportError
from elasticsearch import ApiError, UnsupportedProductError

MAX_CAUSE, MAX_REASON = 200, 500  # characters of one cause, and of all; some quote whole values

LICENCE = (
    "The licence of this Elasticsearch cluster does not include inference, which semantic_text "
    "needs (Enterprise or trial). Set ELASTICSEARCH_VECTORS=dense_vector, which works with every "
    "licence, then run manage.py reindex."
)
RETRIEVERS = (
    "The licence of this Elasticsearch cluster does not include rrf and linear retrievers "
    "(Enterprise or trial). Leave ELASTICSEARCH_HYBRID empty."
)
NO_INDEX = "Elasticsearch holds no search index yet; run manage.py reindex."
NO_ENDPOINT = (
    "Elasticsearch does not know the inference endpoint ({reason}). Set "
    "ELASTICSEARCH_EMBEDDING_ENDPOINT to one that GET _inference lists, then run manage.py reindex."
)

_SENTENCES: dict[int, str] = {
    400: "Elasticsearch refuses the request ({reason}). If the index was built with other "
    "settings, run manage.py reindex.",
    401: "Elasticsearch does not accept the credentials ({reason}). Create an API key and set "
    "ELASTICSEARCH_API_KEY.",
    403: "Elasticsearch forbids this ({reason}). Look for a write block or a full disk on the "
    "cluster.",
    404: "Elasticsearch does not know this ({reason}). Check that ELASTICSEARCH_URL is the address "
    "of a cluster of version 9.3 or later.",
    409: "Elasticsearch reports a conflict ({reason}). Something else changes the same object; "
    "try again in a moment.",
    413: "Elasticsearch finds the request too large ({reason}). Shorten the article, or raise "
    "http.max_content_length.",
    429: "Elasticsearch has too much to do or too little disk ({reason}). It is tried again later; "
    "if this stays, give the cluster more resources.",
    502: "A proxy cannot reach Elasticsearch ({reason}). Check that the cluster runs.",
    503: "Elasticsearch is not ready ({reason}). Wait until GET _cluster/health is yellow or "
    "green.",
    504: "Elasticsearch did not answer its proxy in time ({reason}). Check the load of the "
    "cluster.",
}
_OTHER = "Elasticsearch answered with status {status} ({reason}). Its log says more."


def from_exception(error: ApiError | TransportError, seconds: float) -> str:
    """The sentence for what the client raised; `seconds` is the time limit that the request had."""
    if isinstance(error, UnsupportedProductError):
        return "The server at ELASTICSEARCH_URL is not Elasticsearch. Check the address."
    if isinstance(error, ApiError):
        return from_answer(error.status_code, error.body)
    if isinstance(error, ConnectionTimeout):
        return (
            f"Elasticsearch did not answer within {seconds:.3g} seconds. Check the load of the "
            "cluster and the network on the way to it."
        )
    if isinstance(error, TlsError):
        return (
            f"There is no TLS connection to Elasticsearch ({error.message}). Set "
            "ELASTICSEARCH_CA_CERTS to the certificate of the cluster's authority, or check "
            "whether ELASTICSEARCH_URL should begin with http."
        )
    if isinstance(error, SerializationError):
        return (
            "The server at ELASTICSEARCH_URL sends something else than JSON. Check the address, "
            "and what a proxy on the way answers."
        )
    return (
        f"Elasticsearch cannot be reached ({_innermost(error)}). Check ELASTICSEARCH_URL and that "
        "the cluster runs."
    )


def from_answer(status: int, body: Any) -> str:
    """The sentence for an HTTP status, or the status of one item, with its JSON body."""
    reason = reason_of(body)
    if status == HTTPStatus.FORBIDDEN:
        if is_licence(body):
            return LICENCE if "[inference]" in reason else RETRIEVERS
        if "unauthorized" in reason:
            return (
                f"The API key lacks a privilege ({reason}). Grant it, or set another "
                "ELASTICSEARCH_API_KEY; docs/elasticsearch.md lists what is needed."
            )
    if status == HTTPStatus.NOT_FOUND:
        if is_missing_index(body):
            return NO_INDEX
        if "inference" in reason.lower():
            return NO_ENDPOINT.format(reason=reason)
    return _SENTENCES.get(status, _OTHER).format(reason=reason, status=status)


def is_licence(body: Any) -> bool:
    return "license is non-compliant" in reason_of(body)


def is_missing_index(body: Any) -> bool:
    return _type_of(body) == "index_not_found_exception"


def is_stale(body: Any) -> bool:
    """Whether a write was refused because a newer version stands."""
    return _type_of(body) == "version_conflict_engine_exception"


def reason_of(body: Any) -> str:
    """The reasons in an error body, outermost first, each once."""
    error = body.get("error", body) if isinstance(body, dict) else body
    reasons = dict.fromkeys(_reasons(error))
    return "; ".join(reasons)[:MAX_REASON] or "no reason given"


def _reasons(error: Any) -> Iterator[str]:
    """`error` is an object with nested causes, or a bare string (REST layer, proxies)."""
    if isinstance(error, str):
        text = " ".join(error.split())
        yield text if len(text) <= MAX_CAUSE else text[: MAX_CAUSE - 1] + "…"
    elif isinstance(error, dict):
        yield from _reasons(error.get("reason") or error.get("type"))
        for cause in error.get("root_cause") or ():
            yield from _reasons(cause)
        yield from _reasons(error.get("caused_by"))


def _type_of(body: Any) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    return str(error.get("type", "")) if isinstance(error, dict) else ""


def _innermost(error: BaseException) -> str:
    """The reason below the wrappers of urllib3, such as "[Errno 111] Connection refused"."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return str(error) or type(error).__name__
