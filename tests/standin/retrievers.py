"""Retrievers: standard, knn, rrf and linear.

Sources: reference section "Retrievers", ``RRFRetrieverBuilder`` (score is the sum of weight /
(rank_constant + rank)), ``LinearRetrieverBuilder`` and ``MinMaxScoreNormalizer``. ``rrf`` and
``linear`` need an Enterprise or trial licence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from tests.standin import knn
from tests.standin.errors import (
    Json,
    NotImplementedHere,
    illegal_argument,
    non_compliant,
    validation,
)
from tests.standin.fulltext import weighted
from tests.standin.parsing import Parsed
from tests.standin.query import Evaluator, Scores, listed, only

RANK_CONSTANT = 60
RANK_WINDOW = 10


@dataclass
class Retrieved:
    """Scores of what a retriever ranks, everything that matched (for totals and aggregations), and
    its queries.
    """

    scores: Scores
    matched: Scores
    queries: list[Any] = field(default_factory=list)

    def ranking(self, window: int) -> list[tuple[Parsed, float]]:
        return sorted(self.scores.items(), key=lambda item: -item[1])[:window]


def retrieve(
    body: Json, evaluators: list[Evaluator], window: int, filters: list[Json]
) -> Retrieved:
    """Runs a retriever tree; ``filters`` come from the compound retrievers above."""
    ((name, options),) = body.items()
    filters = filters + listed(options.get("filter"))
    if name == "standard":
        found = _standard(options, evaluators, filters)
    elif name == "knn":
        found = _knn(options, evaluators, filters)
    elif name == "rrf":
        found = _rrf(options, evaluators, window, filters)
    elif name == "linear":
        found = _linear(options, evaluators, window, filters)
    else:
        raise NotImplementedHere(f"retriever {name}")
    least = options.get("min_score")
    if least is not None:
        found.scores = {unit: score for unit, score in found.scores.items() if score >= least}
        found.matched = {
            unit: score for unit, score in found.matched.items() if unit in found.scores
        }
    return found


def _standard(options: Json, evaluators: list[Evaluator], filters: list[Json]) -> Retrieved:
    only(options, "standard retriever", "query", "filter", "min_score")
    query = options.get("query", {"match_all": {}})
    if filters:
        query = {"bool": {"must": [query], "filter": filters}}
    scores: Scores = {}
    for evaluator in evaluators:
        scores |= evaluator.run(query, evaluator.shard.roots)
    return Retrieved(scores, scores, [query])


def _knn(options: Json, evaluators: list[Evaluator], filters: list[Json]) -> Retrieved:
    for required in ("k", "num_candidates"):
        if required not in options:
            raise illegal_argument(f"Required [{required}]")
    section = {key: value for key, value in options.items() if key not in {"min_score", "filter"}}
    if filters:
        section["filter"] = filters
    scores = knn_section(section, evaluators)
    return Retrieved(scores, scores, [{"knn": options}])


def knn_section(body: Json, evaluators: list[Evaluator]) -> Scores:
    """The k nearest of all shards together."""
    found: Scores = {}
    for evaluator in evaluators:
        found |= knn.section(evaluator, body)
    best = sorted(found.items(), key=lambda item: -item[1])
    size = evaluators[0].searching.size if evaluators else None
    k = body.get("k", knn.DEFAULT_SIZE if size is None or size < 0 else max(size, 1))
    return dict(best[:k])


def _window(options: Json, name: str, size: int) -> int:
    window = int(options.get("rank_window_size", max(RANK_WINDOW, size)))
    if window < size:
        raise validation(
            f"[{name}] requires [rank_window_size: {window}] be greater than or equal to [size:"
            f" {size}]"
        )
    return window


def _parts(options: Json, evaluators: list[Evaluator], name: str) -> list[Json]:
    """The inner retrievers; ``fields`` and ``query`` stand for one group of lexical and one of
    semantic fields.
    """
    if options.get("retrievers"):
        if "fields" in options or "query" in options:
            raise illegal_argument(
                f"[{name}] does not support [retrievers] together with [query] or [fields]"
            )
        return list(options["retrievers"])
    if "query" not in options:
        raise illegal_argument(f"[{name}] must provide [retrievers] or [query]")
    fields: dict[str, float] = {}
    for evaluator in evaluators:
        fields |= weighted(evaluator, options.get("fields", ["*"]))
    semantic = [
        path
        for path in fields
        if any(path in evaluator.mapping.semantic for evaluator in evaluators)
    ]
    lexical = [f"{path}^{boost}" for path, boost in fields.items() if path not in semantic]
    queries: list[Json] = [{"match": {path: {"query": options["query"]}}} for path in semantic]
    if lexical:
        queries.insert(
            0,
            {"multi_match": {"query": options["query"], "fields": lexical, "type": "most_fields"}},
        )
    return [{"standard": {"query": query}} for query in queries]


def _rrf(options: Json, evaluators: list[Evaluator], size: int, filters: list[Json]) -> Retrieved:
    only(
        options,
        "rrf",
        "retrievers",
        "rank_constant",
        "rank_window_size",
        "filter",
        "query",
        "fields",
        "min_score",
    )
    _licensed(evaluators, "Reciprocal Rank Fusion (RRF)")
    window = _window(options, "rrf", size)
    constant = options.get("rank_constant", RANK_CONSTANT)
    if constant < 1:
        raise illegal_argument("[rank_constant] must be greater or equal to [1] for [rrf]")
    combined = Retrieved({}, {})
    for part in _parts(options, evaluators, "rrf"):
        weight = 1.0
        if "retriever" in part:
            weight, part = float(part.get("weight", 1.0)), part["retriever"]
        found = retrieve(part, evaluators, window, filters)
        for rank, (unit, _) in enumerate(found.ranking(window), 1):
            combined.scores[unit] = combined.scores.get(unit, 0.0) + weight / (constant + rank)
        _add(combined, found)
    combined.scores = dict(combined.ranking(window))
    return combined


def _add(combined: Retrieved, found: Retrieved) -> None:
    combined.matched |= found.matched
    combined.queries += found.queries


def _linear(
    options: Json, evaluators: list[Evaluator], size: int, filters: list[Json]
) -> Retrieved:
    only(
        options,
        "linear",
        "retrievers",
        "rank_window_size",
        "filter",
        "query",
        "fields",
        "normalizer",
        "min_score",
    )
    _licensed(evaluators, "linear retriever")
    window = _window(options, "linear", size)
    combined = Retrieved({}, {})
    default = options.get("normalizer", "none")
    if "query" in options and default == "none":
        raise illegal_argument("[linear] [normalizer] must be provided when [query] is provided")
    for part in _parts(options, evaluators, "linear"):
        entry: Json = part if "retriever" in part else {"retriever": part}
        found = retrieve(entry["retriever"], evaluators, window, filters)
        ranked = found.ranking(window)
        scores = normalised([score for _, score in ranked], str(entry.get("normalizer", default)))
        for (unit, _), score in zip(ranked, scores, strict=True):
            more = float(entry.get("weight", 1.0)) * score
            combined.scores[unit] = combined.scores.get(unit, 0.0) + more
        _add(combined, found)
    combined.scores = dict(combined.ranking(window))
    return combined


def normalised(scores: list[float], normalizer: str) -> list[float]:
    if not scores or normalizer == "none":
        return scores
    if normalizer == "l2_norm":
        length = math.sqrt(sum(score * score for score in scores))
        return [score / length if length else 0.0 for score in scores]
    if normalizer != "minmax":
        raise illegal_argument(f"Unknown normalizer [{normalizer}]")
    low, high = min(scores), max(scores)
    # MinMaxScoreNormalizer: where all scores are equal, each counts as 1.
    return [(score - low) / (high - low) if high > low else 1.0 for score in scores]


def _licensed(evaluators: list[Evaluator], feature: str) -> None:
    if evaluators and not evaluators[0].searching.cluster.inference_allowed:
        raise non_compliant(feature)
