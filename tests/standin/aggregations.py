"""Aggregations, as far as a faceted search needs them. Source: reference section "Aggregations".

Here: terms, filter, filters, missing, global, nested, reverse_nested, range and date_range;
histograms and metrics are in histograms.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.standin import dates
from tests.standin.errors import Json, NotImplementedHere, illegal_argument
from tests.standin.mapping import TEXTS, Field
from tests.standin.parsing import Parsed
from tests.standin.query import Evaluator, only
from tests.standin.sorting import fielddata_disabled

# The one script a faceted search by year needs: {"year": {"type": "long", "script":
# "emit(doc['date'].value.getYear())"}}.
_YEAR = re.compile(
    r"\s*emit\(\s*doc\[['\"]([\w.]+)['\"]\]\.value\.(?:getYear\(\)|year)\s*\)\s*;?\s*"
)


@dataclass(frozen=True)
class Group:
    """The documents (or nested objects) of one bucket, by shard."""

    members: list[tuple[Evaluator, list[Parsed]]]

    @property
    def count(self) -> int:
        return sum(len(units) for _, units in self.members)

    def narrowed(self, keep: Callable[[Evaluator, list[Parsed]], Iterable[Parsed]]) -> Group:
        return Group(
            [(evaluator, list(keep(evaluator, units))) for evaluator, units in self.members]
        )


Handler = Callable[[Json, Json, Group], Json]
HANDLERS: dict[str, Handler] = {}


def aggregates(name: str) -> Callable[[Handler], Handler]:
    """Registers the function that computes an aggregation."""

    def register(handler: Handler) -> Handler:
        HANDLERS[name] = handler
        return handler

    return register


def run(specifications: Json, group: Group) -> Json:
    """``{"name": {"terms": {…}, "aggs": {…}}}`` to ``{"name": {"buckets": […]}}``."""
    results: Json = {}
    for name, body in specifications.items():
        below = body.get("aggs", body.get("aggregations", {}))
        ((kind, options),) = (
            (key, value)
            for key, value in body.items()
            if key not in {"aggs", "aggregations", "meta"}
        )
        handler = HANDLERS.get(kind)
        if handler is None:
            raise NotImplementedHere(f"aggregation {kind}")
        results[name] = handler(options, below, group)
        if "meta" in body:
            results[name]["meta"] = body["meta"]
    return results


def bucket_of(group: Group, below: Json) -> Json:
    return {"doc_count": group.count, **run(below, group)}


def _runtime_year(evaluator: Evaluator, path: str) -> str | None:
    definition = evaluator.searching.runtime.get(path)
    if definition is None:
        return None
    script = definition.get("script", {})
    text = script if isinstance(script, str) else script.get("source", "")
    found = _YEAR.fullmatch(text)
    if not found:
        raise NotImplementedHere(f"runtime field script {text!r}")
    return found[1]


def field_of(group: Group, path: str) -> Field | None:
    """The field of an aggregation; text has no field data. Unmapped fields give empty results."""
    for evaluator, _ in group.members:
        if _runtime_year(evaluator, path):
            return Field(path, "long", {})
        found = evaluator.field(path)
        if found is not None:
            if found.type in TEXTS | {"semantic_text", "dense_vector"}:
                raise fielddata_disabled(path, evaluator.shard.index.name)
            return found
    return None


def values_of(evaluator: Evaluator, unit: Parsed, path: str) -> list[Any]:
    date = _runtime_year(evaluator, path)
    if date:
        return [dates.moment(value).year for value in unit.values.get(date, ())]
    found = evaluator.field(path)
    return unit.values.get(found.path, []) if found else []


def by_value(group: Group, path: str) -> dict[Any, Group]:
    """Documents by value; one with several values is in several groups."""
    keys: dict[Any, list[list[Parsed]]] = {}
    for number, (evaluator, units) in enumerate(group.members):
        for unit in units:
            for value in dict.fromkeys(values_of(evaluator, unit, path)):
                keys.setdefault(value, [[] for _ in group.members])[number].append(unit)
    return {
        key: Group([(group.members[n][0], units) for n, units in enumerate(lists)])
        for key, lists in keys.items()
    }


def _key(found: Field, value: Any, formats: str | None = None) -> Json:
    if found.type == "date":
        shown = formats or found.parameters.get("format")
        return {"key": value, "key_as_string": dates.render(value, shown)}
    if found.type == "boolean":
        return {"key": int(value), "key_as_string": str(value).lower()}
    return {"key": value}


def _selected(options: Json, key: Any) -> bool:
    """``include`` and ``exclude``: a list of values or a pattern."""

    def fits(rule: Any) -> bool:
        if isinstance(rule, list):
            return key in rule
        if isinstance(rule, dict):
            raise NotImplementedHere("partitions in a terms aggregation")
        return bool(re.fullmatch(rule, str(key)))

    return ("include" not in options or fits(options["include"])) and not (
        "exclude" in options and fits(options["exclude"])
    )


@aggregates("terms")
def _terms(options: Json, below: Json, group: Group) -> Json:
    only(
        options, "terms", "field", "size", "min_doc_count", "order", "include", "exclude",
        "missing", "format",
        "shard_size", "show_term_doc_count_error", "value_type",
    )  # fmt: skip
    size, least = options.get("size", 10), options.get("min_doc_count", 1)
    if size <= 0:
        raise illegal_argument(f"[size] must be greater than 0. Found [{size}] in [terms]")
    found = field_of(group, options["field"])
    empty: Json = {"doc_count_error_upper_bound": 0, "sum_other_doc_count": 0, "buckets": []}
    if found is None or least == 0:
        if least == 0:
            raise NotImplementedHere("min_doc_count 0 in a terms aggregation")
        return empty
    groups = by_value(group, options["field"])
    if "missing" in options:
        raise NotImplementedHere("missing in a terms aggregation")
    buckets = []
    for value, members in groups.items():
        key = _key(found, value, options.get("format"))
        if members.count >= least and _selected(options, key.get("key_as_string", key["key"])):
            buckets.append({**key, **bucket_of(members, below)})
    buckets.sort(key=lambda bucket: bucket["key"])
    for name, direction in reversed(_orders(options.get("order", {"_count": "desc"}))):
        buckets.sort(key=partial(_ordinal, name), reverse=direction == "desc")
    rest = sum(bucket["doc_count"] for bucket in buckets[size:])
    return {**empty, "sum_other_doc_count": rest, "buckets": buckets[:size]}


def _orders(order: Any) -> list[tuple[str, str]]:
    parts = order if isinstance(order, list) else [order]
    return [(name, str(way)) for part in parts for name, way in part.items()]


def _ordinal(name: str, bucket: Json) -> Any:
    if name in {"_count", "_key"}:
        return bucket[{"_count": "doc_count", "_key": "key"}[name]]
    metric, _, part = name.partition(".")
    value: Any = bucket[metric][part or "value"]
    return value if value is not None else float("-inf")


@aggregates("filter")
def _filter(options: Json, below: Json, group: Group) -> Json:
    return bucket_of(group.narrowed(lambda evaluator, units: evaluator.run(options, units)), below)


@aggregates("filters")
def _filters(options: Json, below: Json, group: Group) -> Json:
    only(options, "filters", "filters")
    named = options["filters"]
    if isinstance(named, list):
        return {"buckets": [_filter(query, below, group) for query in named]}
    return {"buckets": {name: _filter(query, below, group) for name, query in named.items()}}


@aggregates("missing")
def _missing(options: Json, below: Json, group: Group) -> Json:
    path = options["field"]
    field_of(group, path)
    return bucket_of(
        group.narrowed(
            lambda evaluator, units: [
                unit for unit in units if not values_of(evaluator, unit, path)
            ]
        ),
        below,
    )


@aggregates("global")
def _global(options: Json, below: Json, group: Group) -> Json:
    """Every document of the indices, whatever the query."""
    return bucket_of(group.narrowed(lambda evaluator, units: evaluator.shard.roots), below)


@aggregates("nested")
def _nested(options: Json, below: Json, group: Group) -> Json:
    path = options["path"]
    return bucket_of(
        group.narrowed(
            lambda evaluator, units: [
                child for unit in units for child in unit.nested.get(path, ())
            ]
        ),
        below,
    )


@aggregates("reverse_nested")
def _reverse_nested(options: Json, below: Json, group: Group) -> Json:
    def parents(evaluator: Evaluator, units: list[Parsed]) -> Iterable[Parsed]:
        return dict.fromkeys(unit.owner.parsed for unit in units)

    return bucket_of(group.narrowed(parents), below)


def keyed(options: Json, buckets: list[Json]) -> Any:
    if not options.get("keyed"):
        return buckets
    return {bucket.get("key_as_string", bucket["key"]): bucket for bucket in buckets}
