"""Writing many documents at once, with external versions: an older write never wins.

https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from math import inf

from elasticsearch import ApiError, Elasticsearch
from elasticsearch.helpers import streaming_bulk

from articles.search.base import Document, SearchError
from articles.search.elastic import errors
from articles.search.elastic.client import UNAVAILABLE, Cluster
from articles.search.elastic.mapping import Json
from articles.search.elastic.vectors import Vectors
from articles.search.encoders import NOT_REACHED, EncoderError, OutOfTime

REQUEST_BYTES = 8 * 1024 * 1024
BUSY = (HTTPStatus.TOO_MANY_REQUESTS, *UNAVAILABLE)
FIRST_PAUSE, LAST_PAUSE = 0.5, 8.0  # seconds before a repetition; doubled each time
RETRIES, PATIENT_RETRIES = 2, 6
RECONNECTS = (1.0, 2.0, 4.0, 8.0)  # seconds before each


def index_actions(
    documents: Sequence[Document], vectors: Vectors, deadline: float = inf
) -> tuple[list[Json], dict[int, str]]:
    """The writes of these documents, and those that could not be prepared with the reason.

    `deadline` is on `time.monotonic`'s clock: preparing takes long where vectors are computed here.
    """
    actions: list[Json] = []
    failures: dict[int, str] = {}
    for document in documents:
        if time.monotonic() >= deadline:
            failures[document.pk] = NOT_REACHED
            continue
        try:
            source = vectors.source(document, deadline)
        except EncoderError as error:
            failures[document.pk] = str(error)
        except OutOfTime:
            failures[document.pk] = NOT_REACHED
        else:
            actions.append(_action("index", document.pk, document.version) | {"_source": source})
    return actions, failures


def delete_action(pk: int, version: int) -> Json:
    return _action("delete", pk, version)


def _action(kind: str, pk: int, version: int) -> Json:
    # `gte`: the same version may be written again, which repairs a document without a new one.
    return {
        "_op_type": kind,
        "_id": str(pk),
        "version": version,
        "version_type": "external_gte",
    }


def write(
    cluster: Cluster,
    actions: Sequence[Json],
    index: str,
    request_documents: int,
    *,
    seconds: float | None = None,
    patient: bool = False,
) -> dict[int, str]:
    """Write documents; the failed ones by primary key with the reason.

    A document of which a newer version stands, and the removal of a missing one, are successes.
    With `seconds` one attempt is made; otherwise what the cluster is too busy for is tried again.
    `patient` is for a rebuild, which needs all of them: it outlasts a broken connection too, and
    `index` is not an alias. Raises `SearchError` when nothing at all got through; part of it may
    have been carried out, and all of it may be repeated.
    """
    retries = 0 if seconds is not None else PATIENT_RETRIES if patient else RETRIES
    waiting = {int(action["_id"]): action for action in actions}
    answered: list[Json] = []
    for pause in [*RECONNECTS, None] if patient else [None]:
        try:
            with cluster.writer(seconds) as client:
                documents = list(waiting.values())
                for item in _send(client, documents, index, request_documents, retries, patient):
                    del waiting[int(item["_id"])]
                    answered.append(item)
            break
        except SearchError as error:
            if pause is not None and not isinstance(error.__cause__, ApiError):
                time.sleep(pause)
                continue
            if patient or not answered:
                raise
            # What was answered stays done; otherwise a slow cluster would start over for ever.
            return _failures(answered, cluster) | dict.fromkeys(waiting, str(error))
    return _failures(answered, cluster)


def _send(
    client: Elasticsearch,
    actions: Sequence[Json],
    index: str,
    request_documents: int,
    retries: int,
    patient: bool,
) -> Iterator[Json]:
    found = streaming_bulk(
        client,
        actions,
        chunk_size=request_documents,
        max_chunk_bytes=REQUEST_BYTES,
        raise_on_error=False,
        max_retries=retries,
        initial_backoff=FIRST_PAUSE,
        max_backoff=LAST_PAUSE,
        retry_on_status=BUSY,
        index=index,
        # Without it a write would create an index of that name, with a guessed mapping.
        require_alias=not patient,
    )
    for _ok, result in found:
        yield from result.values()


def _failures(results: Iterable[Json], cluster: Cluster) -> dict[int, str]:
    failures: dict[int, str] = {}
    for item in results:
        # A removal of a missing document has status 404 but no error.
        if "error" not in item or errors.is_stale(item):
            continue
        error = cluster.error(errors.from_answer(item["status"], item))
        if _concerns_all(item):
            raise error
        failures[int(item["_id"])] = str(error)
    return failures


def _concerns_all(item: Json) -> bool:
    """Whether every other document fails for the same reason: licence, key, no index."""
    refused = item["status"] in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    return refused or errors.is_missing_index(item)
