"""Vector search: ``knn`` as a query, as a top-level section and below ``semantic``.

Sources: ``KnnVectorQueryBuilder`` (k, num_candidates, filters on parents),
``DenseVectorFieldMapper`` (scores), ``SemanticTextFieldMapper.semanticQuery`` (k is the request's
``size``, at least 10), elastic/elasticsearch#138989 (filters beside a semantic query apply before
the k nearest are taken, since 9.3). The search is exact here: quantisation and the HNSW graph are
left out, so recall is perfect.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.standin.errors import (
    Json,
    NotImplementedHere,
    illegal_argument,
    non_compliant,
    query_shard,
    resource_not_found,
    validation,
)
from tests.standin.mapping import Field
from tests.standin.parsing import Parsed
from tests.standin.query import Evaluator, Scores, Units, handles, listed, only
from tests.standin.reader import Candidates
from tests.standin.vectors import Vector

DEFAULT_SIZE = 10
MOST_CANDIDATES = 10_000


def similarity_scores(matrix: Vector, vector: Vector, similarity: str) -> tuple[Vector, Vector]:
    """Raw similarities and the scores made of them."""
    if similarity == "l2_norm":
        distances = np.linalg.norm(matrix - vector, axis=1).astype(np.float32)
        return -distances, np.asarray(1 / (1 + distances**2), dtype=np.float32)
    products: Vector = np.asarray(matrix @ vector, dtype=np.float32)
    if similarity == "max_inner_product":
        scores = np.where(products < 0, 1 / (1 - products), products + 1)
        return products, scores.astype(np.float32)
    return products, np.asarray((1 + products) / 2, dtype=np.float32)


def nearest(
    candidates: Candidates,
    scores: Vector,
    allowed: set[Parsed] | None,
    k: int,
    *,
    by_parent: bool = False,
) -> Scores:
    """The k best; of several chunks of one document only the best counts (diversifying search).

    ``allowed``: what the filters left, None where there is none.
    """
    found: Scores = {}
    groups: set[Parsed] = set()
    for row in np.argsort(-scores, kind="stable").tolist():
        if len(groups) >= k:
            break
        owner = candidates.owners[row]
        if allowed is not None and owner not in allowed:
            continue
        group = owner.parent if by_parent and owner.parent is not None else owner
        if group not in groups:
            groups.add(group)
            found[owner] = float(scores[row])
    return found


def query_vector(evaluator: Evaluator, body: Json, found: Field) -> Vector:
    builder = body.get("query_vector_builder")
    if (builder is None) == ("query_vector" not in body):
        raise illegal_argument(
            "either [query_vector_builder] or [query_vector] must be provided"
            if builder is None
            else "cannot provide both [query_vector_builder] and [query_vector]"
        )
    if builder is not None:
        options = builder.get("text_embedding")
        if options is None:
            raise NotImplementedHere(f"query_vector_builder {builder}")
        model = options.get("model_id")
        if model is None:
            if found.type != "semantic_text":
                raise illegal_argument("[model_id] must not be null.")
            model = found.search_inference_id
        return embed_query(evaluator, model, options["model_text"])
    if not isinstance(body["query_vector"], list):
        raise NotImplementedHere("query_vector as text")
    vector = np.asarray(body["query_vector"], dtype=np.float32)
    dims = found.parameters.get("dims", 384)
    if len(vector) != dims:
        raise query_shard(
            "failed to create query: The query vector has a different number of dimensions"
            f" [{len(vector)}]"
            f" than the document vectors [{dims}]."
        )
    length = float(np.linalg.norm(vector))
    if found.parameters.get("similarity", "cosine") != "cosine":
        return vector
    if length == 0.0:
        raise query_shard(
            "failed to create query: The [cosine] similarity does not support vectors with zero"
            " magnitude."
        )
    return vector / np.float32(length)


def embed_query(evaluator: Evaluator, inference_id: str, text: str) -> Vector:
    """The coordinating node asks the endpoint: licence, existence, then the model."""
    cluster = evaluator.searching.cluster
    if not cluster.inference_allowed:
        raise non_compliant("inference")
    endpoint = cluster.endpoints.get(inference_id)
    if endpoint is None:
        raise resource_not_found(f"Inference endpoint not found [{inference_id}]")
    return endpoint.encoder(cluster.vectors).query(text)


def _allowed(
    evaluator: Evaluator, units: Units, filters: list[Json], automatic: bool
) -> set[Parsed]:
    """The documents left by ``filter`` (on parents or on the nested objects) and by the clauses
    beside.
    """
    allowed = set(units)
    roots = evaluator.shard.roots
    checks = [(True, query) for query in filters] + (evaluator.prefilters if automatic else [])
    for wanted, query in checks:
        kept, evaluator.prefilters = evaluator.prefilters, []
        try:
            found = evaluator.matches(query, roots)
            if evaluator.nested_path is not None:
                found |= evaluator.matches(query, units)
        finally:
            evaluator.prefilters = kept
        allowed = {unit for unit in allowed if (unit in found or root(unit) in found) == wanted}
    return allowed


def root(unit: Parsed) -> Parsed:
    while unit.parent is not None:
        unit = unit.parent
    return unit


def semantic(evaluator: Evaluator, found: Field, text: str, units: Units) -> Scores:
    """A semantic query: at most max(size, 10) documents of a shard, each by its best chunk."""
    vector = embed_query(evaluator, found.search_inference_id, text)
    candidates = evaluator.shard.semantic(found.path)
    if not candidates.owners:
        return {}
    allowed = _allowed(evaluator, units, [], automatic=True)
    endpoint = evaluator.searching.cluster.endpoints.get(found.search_inference_id)
    if endpoint is not None and endpoint.is_sparse:
        # Sparse models have no k: every document that shares a token with the question is a hit.
        scores = candidates.matrix @ vector * 10
        hits = nearest(candidates, scores, allowed, len(candidates.owners))
        return {unit: score for unit, score in hits.items() if score > 0}
    size = evaluator.searching.size
    k = max(DEFAULT_SIZE if size is None else size, DEFAULT_SIZE)
    _, scores = similarity_scores(candidates.matrix, vector, "cosine")
    return nearest(candidates, scores, allowed, k)


@handles("semantic")
def _semantic(evaluator: Evaluator, body: Json, units: Units) -> Scores:
    only(body, "semantic", "field", "query")
    found = evaluator.field(body["field"])
    if found is None:
        return {}
    if found.type != "semantic_text":
        raise illegal_argument(
            f"Field [{found.path}] of type [{found.type}] does not support semantic queries",
            on_shard=True,
        )
    return semantic(evaluator, found, body["query"], units)


def check_sizes(body: Json) -> None:
    """``KnnVectorQueryBuilder``'s own limits."""
    k, candidates = body.get("k"), body.get("num_candidates")
    if k is not None and k < 1:
        raise illegal_argument("[k] must be greater than 0")
    if candidates is not None and candidates > MOST_CANDIDATES:
        raise illegal_argument(f"[num_candidates] cannot exceed [{MOST_CANDIDATES}]")
    if k is not None and candidates is not None and candidates < k:
        raise illegal_argument("[num_candidates] cannot be less than [k]")


def search(evaluator: Evaluator, body: Json, units: Units, k: int) -> Scores:
    """The k nearest of ``units`` (documents, or nested objects inside a nested query)."""
    found = evaluator.field(body["field"])
    if found is None:
        return {}
    if found.type not in {"dense_vector", "semantic_text"}:
        raise query_shard(
            "failed to create query: [knn] queries are only supported on [dense_vector] fields"
        )
    vector = query_vector(evaluator, body, found)
    filters = listed(body.get("filter"))
    if found.type == "semantic_text":
        candidates = evaluator.shard.semantic(found.path)
    else:
        candidates = evaluator.shard.vectors(found)
    if not candidates.owners:
        return {}
    allowed = _allowed(evaluator, units, filters, automatic=False)
    raw, scores = similarity_scores(
        candidates.matrix, vector, str(found.parameters.get("similarity", "cosine"))
    )
    if body.get("similarity") is not None:
        near = raw >= body["similarity"]
        allowed &= {owner for owner, keep in zip(candidates.owners, near, strict=True) if keep}
    hits = nearest(candidates, scores, allowed, k, by_parent=found.nested is not None)
    boost = float(body.get("boost", 1.0))
    return {unit: score * boost for unit, score in hits.items()}


@handles("knn")
def _knn(evaluator: Evaluator, body: Json, units: Units) -> Scores:
    """As a query, ``knn`` on a nested field works inside ``nested`` only; outside it finds
    nothing.
    """
    only(
        body, "knn", "field", "query_vector", "query_vector_builder", "k", "num_candidates",
        "filter", "similarity",
        "rescore_vector", "visit_percentage",
    )  # fmt: skip
    check_sizes(body)
    size = evaluator.searching.size
    k = body.get("k")
    if k is None:
        k = DEFAULT_SIZE if size is None or size < 0 else size
        k = min(k, body.get("num_candidates", k))
    hits = search(evaluator, {**body, "boost": 1.0}, units, max(k, 1))
    allowed = set(units)
    return {unit: score for unit, score in hits.items() if unit in allowed}


def section(evaluator: Evaluator, body: Json) -> Scores:
    """The top-level ``knn`` section: each document once, by its best chunk."""
    if "k" in body and "num_candidates" in body and body["num_candidates"] < body["k"]:
        raise validation("[num_candidates] cannot be less than [k]")
    found = evaluator.field(body["field"])
    path = found.nested if found is not None else None
    size = evaluator.searching.size
    k = body.get("k", DEFAULT_SIZE if size is None or size < 0 else max(size, 1))
    check_sizes({**body, "k": k} if "k" in body else body)
    if path is None:
        return search(evaluator, body, evaluator.shard.roots, k)
    outer, evaluator.nested_path = evaluator.nested_path, path
    try:
        hits = search(evaluator, body, evaluator.shard.children(path), k)
    finally:
        evaluator.nested_path = outer
    return {root(unit): score for unit, score in hits.items()}


def best_chunks(
    evaluator: Evaluator, path: str, body: Any, unit: Parsed
) -> list[tuple[Parsed, float]]:
    """``inner_hits`` of a knn search: every chunk of a document with its own score, best first."""
    found = evaluator.field(body["field"])
    if found is None:
        return []
    vector = query_vector(evaluator, body, found)
    children = [child for child in unit.nested.get(path, ()) if found.path in child.vectors]
    if not children:
        return []
    matrix = np.stack([child.vectors[found.path] for child in children])
    _, scores = similarity_scores(matrix, vector, str(found.parameters.get("similarity", "cosine")))
    ranked = zip(children, scores.tolist(), strict=True)
    return sorted(ranked, key=lambda item: -item[1])
