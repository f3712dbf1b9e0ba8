"""``semantic_text``: which texts of a document are embedded, and by which endpoint.

Source: ``ShardBulkInferenceActionFilter`` of elastic/elasticsearch. Each value of each source field
(the field itself and all that ``copy_to`` it) is chunked by itself; the licence is asked for a
document, never for a mapping.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.standin import chunking
from tests.standin.errors import (
    ElasticsearchError,
    Json,
    non_compliant,
    resource_not_found,
    status_exception,
)
from tests.standin.indices import Chunk
from tests.standin.mapping import Field, Mapping

if TYPE_CHECKING:
    from tests.standin.cluster import Cluster

# Values of one field are joined by one character in the offsets.
SEPARATOR = 1


def extract(source: Any, path: str) -> Any:
    """``XContentMapValues.extractValue``: follows dots through objects, lists and dotted keys."""
    if not path:
        return source
    if isinstance(source, list):
        found = [extract(item, path) for item in source]
        return [item for item in found if item is not None] or None
    if not isinstance(source, dict):
        return None
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        key = ".".join(parts[:length])
        if key in source:
            return extract(source[key], ".".join(parts[length:]))
    return None


def _values(field: Field, value: Any) -> list[str]:
    """``SemanticTextUtils.nodeStringValues``."""
    if isinstance(value, list):
        return [text for item in value if item is not None for text in _values(field, item)]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, str | int | float):
        return [str(value)]
    raise status_exception(
        400,
        f"Invalid format for field [{field.path}], expected [String|Number|Boolean]"
        f" got [{type(value).__name__}]",
    )


def chunks(cluster: Cluster, mapping: Mapping, source: Json) -> dict[str, list[Chunk]]:
    """All chunks of a document with their vectors, by semantic field. Slow: call it without the
    lock.
    """
    return {
        path: found
        for path, field in mapping.semantic.items()
        if (found := _field_chunks(cluster, mapping, field, source))
    }


def _field_chunks(cluster: Cluster, mapping: Mapping, field: Field, source: Json) -> list[Chunk]:
    pieces: list[tuple[str, str, int, int]] = []
    asked = False
    for origin in mapping.sources_of(field.path):
        value = extract(source, origin.path)
        if value is None:
            continue
        asked = True
        offset = 0
        for text in _values(field, value):
            for span in chunking.chunk(text, field.parameters.get("chunking_settings")):
                piece = text[span.start : span.end]
                pieces.append((origin.path, piece, offset + span.start, offset + span.end))
            offset += len(text) + SEPARATOR
    if not asked:
        return []
    if not cluster.inference_allowed:
        raise non_compliant("inference")
    endpoint = cluster.endpoints.get(field.inference_id)
    if endpoint is None:
        raise resource_not_found(
            f"Inference id [{field.inference_id}] not found for field [{field.path}]"
        )
    try:
        vectors = endpoint.encoder(cluster.vectors).passages([piece[1] for piece in pieces])
    except ElasticsearchError as error:
        raise ElasticsearchError(
            error.status,
            "exception",
            f"Exception when running inference id [{field.inference_id}] on field [{field.path}]",
            caused_by=error.cause(),
        ) from error
    # The first document writes the model's settings into the mapping.
    mapping.model_settings.setdefault(field.path, endpoint.model_settings())
    return [Chunk(*piece, vector) for piece, vector in zip(pieces, vectors, strict=True)]
