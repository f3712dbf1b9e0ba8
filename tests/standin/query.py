"""The query DSL on one shard: a query and the documents it looks at become documents with scores.

Compound queries stand here, the others in termlevel.py, fulltext.py and knn.py. Source: reference
section "Query DSL". A query or an option that is missing here is answered 501 and counted as a
violation of the stand-in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.standin.errors import Json, NotImplementedHere, query_shard
from tests.standin.mapping import Field
from tests.standin.parsing import Parsed
from tests.standin.reader import Shard

if TYPE_CHECKING:
    from tests.standin.cluster import Cluster

Scores = dict[Parsed, float]
Units = Sequence[Parsed]


@dataclass
class Searching:
    """What one search request shares over all its shards."""

    cluster: Cluster
    # ``size`` of the request: how many neighbours a semantic query takes. ``from`` does not count.
    size: int | None = None
    # ``_name`` of a query -> what it matched.
    named: dict[str, set[Parsed]] = field(default_factory=dict)
    runtime: Json = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


Handler = Callable[["Evaluator", Any, Units], Scores]
HANDLERS: dict[str, Handler] = {}
# Queries whose options stand below the name of a field.
BY_FIELD = {
    "match",
    "match_phrase",
    "match_phrase_prefix",
    "match_bool_prefix",
    "term",
    "range",
    "prefix",
    "wildcard",
}


def handles(name: str) -> Callable[[Handler], Handler]:
    """Registers the function that evaluates a query."""

    def register(handler: Handler) -> Handler:
        HANDLERS[name] = handler
        return handler

    return register


class Evaluator:
    """Evaluates queries on one shard."""

    def __init__(self, shard: Shard, searching: Searching) -> None:
        self.shard = shard
        self.searching = searching
        self.mapping = shard.mapping
        # Clauses beside a semantic query in its ``bool``s (since 9.3 they filter before the k
        # nearest are taken).
        self.prefilters: list[tuple[bool, Json]] = []
        self.nested_path: str | None = None

    def run(self, query: Json | None, units: Units) -> Scores:
        if query is None:
            return dict.fromkeys(units, 1.0)
        ((name, body),) = query.items()
        handler = HANDLERS.get(name)
        if handler is None:
            raise NotImplementedHere(f"query {name}")
        scores = handler(self, body, units)
        options = body if isinstance(body, dict) else {}
        if name in BY_FIELD and len(options) == 1:
            inner = next(iter(options.values()))
            options = inner if isinstance(inner, dict) else {}
        boost = float(options.get("boost", 1.0))
        if boost != 1.0:
            scores = {unit: score * boost for unit, score in scores.items()}
        if options.get("_name"):
            self.searching.named.setdefault(options["_name"], set()).update(scores)
        return scores

    def matches(self, query: Json | None, units: Units) -> set[Parsed]:
        return set(self.run(query, units))

    def field(self, path: str) -> Field | None:
        return self.mapping.field(path)


def only(body: Json, where: str, *known: str) -> None:
    """Refuses options that the stand-in would otherwise ignore in silence."""
    unknown = body.keys() - set(known) - {"boost", "_name"}
    if unknown:
        raise NotImplementedHere(f"{where}: {', '.join(sorted(unknown))}")


def listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


@handles("match_all")
def _match_all(evaluator: Evaluator, body: Json, units: Units) -> Scores:
    only(body, "match_all")
    return dict.fromkeys(units, 1.0)


@handles("match_none")
def _match_none(evaluator: Evaluator, body: Json, units: Units) -> Scores:
    return {}


def holds_vectors(evaluator: Evaluator, query: Any) -> bool:
    """Whether a clause searches by vectors; such a clause never filters another one in advance."""
    if isinstance(query, list):
        return any(holds_vectors(evaluator, item) for item in query)
    if not isinstance(query, dict):
        return False
    if "knn" in query or "semantic" in query:
        return True
    match = query.get("match")
    if isinstance(match, dict) and any(path in evaluator.mapping.semantic for path in match):
        return True
    return any(holds_vectors(evaluator, value) for value in query.values())


def required_should(wanted: Any, count: int, default: int) -> int:
    """``minimum_should_match``: ``2``, ``-1``, ``75%`` or ``-25%``."""
    if wanted is None:
        return default
    text = str(wanted).strip()
    if not re.fullmatch(r"-?\d+%?", text):
        raise NotImplementedHere(f"minimum_should_match {wanted}")
    number = int(text.rstrip("%"))
    if text.endswith("%"):
        number = int(count * number / 100)
    return max(number if number >= 0 else count + number, 0)


@handles("bool")
def _bool(evaluator: Evaluator, body: Json, units: Units) -> Scores:
    only(body, "bool", "must", "filter", "should", "must_not", "minimum_should_match")
    must, filters = listed(body.get("must")), listed(body.get("filter"))
    should, excluded = listed(body.get("should")), listed(body.get("must_not"))
    if evaluator.nested_path is None:
        added = [
            (True, clause) for clause in must + filters if not holds_vectors(evaluator, clause)
        ]
        added += [(False, clause) for clause in excluded if not holds_vectors(evaluator, clause)]
    else:
        added = []
    evaluator.prefilters += added
    try:
        scores = dict.fromkeys(units, 0.0)
        for clause in must:
            found = evaluator.run(clause, units)
            scores = {unit: scores[unit] + found[unit] for unit in scores if unit in found}
        for clause in filters:
            kept = evaluator.matches(clause, units)
            scores = {unit: score for unit, score in scores.items() if unit in kept}
        for clause in excluded:
            dropped = evaluator.matches(clause, units)
            scores = {unit: score for unit, score in scores.items() if unit not in dropped}
        if should:
            optional = [evaluator.run(clause, units) for clause in should]
            default = 0 if must or filters else 1
            least = required_should(body.get("minimum_should_match"), len(should), default)
            counted = {}
            for unit, score in scores.items():
                hits = [found[unit] for found in optional if unit in found]
                if len(hits) >= least:
                    counted[unit] = score + sum(hits)
            scores = counted
    finally:
        del evaluator.prefilters[len(evaluator.prefilters) - len(added) :]
    return scores


@handles("constant_score")
def _constant_score(evaluator: Evaluator, body: Json, units: Units) -> Scores:
    only(body, "constant_score", "filter")
    return dict.fromkeys(evaluator.run(body["filter"], units), 1.0)


@handles("dis_max")
def _dis_max(evaluator: Evaluator, body: Json, units: Units) -> Scores:
    only(body, "dis_max", "queries", "tie_breaker")
    found = [evaluator.run(query, units) for query in body["queries"]]
    return best_of(found, body.get("tie_breaker", 0.0))


def best_of(found: list[Scores], tie_breaker: float) -> Scores:
    scores: Scores = {}
    for unit in {unit: None for part in found for unit in part}:
        parts = [part[unit] for part in found if unit in part]
        scores[unit] = max(parts) + tie_breaker * (sum(parts) - max(parts))
    return scores


@handles("boosting")
def _boosting(evaluator: Evaluator, body: Json, units: Units) -> Scores:
    only(body, "boosting", "positive", "negative", "negative_boost")
    scores = evaluator.run(body["positive"], units)
    demoted = evaluator.matches(body["negative"], list(scores))
    return {
        unit: score * body["negative_boost"] if unit in demoted else score
        for unit, score in scores.items()
    }


@handles("nested")
def _nested(evaluator: Evaluator, body: Json, units: Units) -> Scores:
    only(body, "nested", "path", "query", "score_mode", "ignore_unmapped", "inner_hits")
    path = body["path"]
    if path not in evaluator.mapping.nested:
        if body.get("ignore_unmapped"):
            return {}
        raise query_shard(f"[nested] failed to find nested object under path [{path}]")
    outer, evaluator.nested_path = evaluator.nested_path, path
    try:
        found = evaluator.run(body["query"], evaluator.shard.children(path))
    finally:
        evaluator.nested_path = outer
    allowed = set(units)
    grouped: dict[Parsed, list[float]] = {}
    for child, score in found.items():
        parent = child.parent
        while parent is not None and parent not in allowed:
            parent = parent.parent
        if parent is not None:
            grouped.setdefault(parent, []).append(score)
    combine: dict[str, Callable[[list[float]], float]] = {
        "avg": lambda scores: sum(scores) / len(scores),
        "max": max,
        "min": min,
        "sum": sum,
        "none": lambda scores: 0.0,
    }
    chosen = combine[body.get("score_mode", "avg")]
    return {parent: chosen(scores) for parent, scores in grouped.items()}
