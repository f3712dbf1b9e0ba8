"""Ranges, histograms and metrics.

Here: range, date_range, histogram, date_histogram, value_count, cardinality, min, max, avg, sum
and stats.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.standin import dates
from tests.standin.aggregations import (
    Group,
    Handler,
    aggregates,
    bucket_of,
    by_value,
    field_of,
    keyed,
    values_of,
)
from tests.standin.errors import Json, NotImplementedHere
from tests.standin.mapping import Field
from tests.standin.parsing import Parsed
from tests.standin.query import Evaluator, only


def _buckets(
    options: Json,
    below: Json,
    group: Group,
    place: Callable[[Any], Any],
    following: Callable[[Any], Any],
    shown: Callable[[Any], Json],
) -> Json:
    """Buckets in the order of their keys; empty ones in between are there unless ``min_doc_count``
    says no.
    """
    members: dict[Any, Group] = {}
    for value, part in by_value(group, options["field"]).items():
        key = place(value)
        known = members.get(key)
        members[key] = part if known is None else _joined(known, part)
    least = options.get("min_doc_count", 0)
    buckets = []
    keys = sorted(members)
    key = keys[0] if keys else None
    while key is not None and key <= keys[-1]:
        part = members.get(key, Group([]))
        if part.count >= least:
            buckets.append({**shown(key), **bucket_of(part, below)})
        key = following(key)
    order = options.get("order", {"_key": "asc"})
    ((name, way),) = order.items()
    if name not in {"_key", "_count"}:
        raise NotImplementedHere("order by a metric in a histogram")
    if name == "_count":
        buckets.sort(key=lambda bucket: bucket["doc_count"])
    if way == "desc":
        buckets.reverse()
    return {"buckets": keyed(options, buckets)}


def _joined(left: Group, right: Group) -> Group:
    """A document whose values share a bucket is counted once."""
    return Group(
        [
            (evaluator, list(dict.fromkeys([*units, *more])))
            for (evaluator, units), (_, more) in zip(left.members, right.members, strict=True)
        ]
    )


@aggregates("date_histogram")
def _date_histogram(options: Json, below: Json, group: Group) -> Json:
    only(
        options, "date_histogram", "field", "calendar_interval", "fixed_interval", "format",
        "min_doc_count", "order",
        "keyed",
    )  # fmt: skip
    found = field_of(group, options["field"])
    if found is None:
        return {"buckets": []}
    fixed = "fixed_interval" in options
    interval = options["fixed_interval" if fixed else "calendar_interval"]
    formats = options.get("format") or found.parameters.get("format")
    return _buckets(
        options,
        below,
        group,
        lambda value: dates.bucket(value, interval, fixed=fixed),
        lambda key: dates.next_bucket(key, interval, fixed=fixed),
        lambda key: {"key_as_string": dates.render(key, formats), "key": key},
    )


@aggregates("histogram")
def _histogram(options: Json, below: Json, group: Group) -> Json:
    only(options, "histogram", "field", "interval", "min_doc_count", "order", "keyed", "offset")
    if options.get("offset"):
        raise NotImplementedHere("offset in a histogram")
    if field_of(group, options["field"]) is None:
        return {"buckets": []}
    width = float(options["interval"])
    return _buckets(
        options,
        below,
        group,
        lambda value: math.floor(value / width) * width,
        lambda key: key + width,
        lambda key: {"key": key},
    )


@aggregates("range")
@aggregates("date_range")
def _range(options: Json, below: Json, group: Group) -> Json:
    only(options, "range", "field", "ranges", "format", "keyed", "missing")
    found = field_of(group, options["field"])
    if found is None:
        raise NotImplementedHere("range aggregation on an unmapped field")
    formats = options.get("format") or found.parameters.get("format", dates.DEFAULT_FORMAT)
    is_date = found.type == "date"
    buckets = []
    for part in options["ranges"]:
        ends = {}
        for side in ("from", "to"):
            if part.get(side) is not None:
                ends[side] = (
                    dates.bound(part[side], formats, up=False) if is_date else float(part[side])
                )
        fits = partial(_inside, ends.get("from"), ends.get("to"))
        members = group.narrowed(partial(_with_value, options["field"], fits))
        shown = {
            side: dates.render(int(end), formats) if is_date else str(end)
            for side, end in ends.items()
        }
        bucket: Json = {
            "key": part.get("key", f"{shown.get('from', '*')}-{shown.get('to', '*')}"),
            **ends,
        }
        if is_date:
            bucket |= {f"{side}_as_string": text for side, text in shown.items()}
        buckets.append({**bucket, **bucket_of(members, below)})
    return {"buckets": keyed(options, buckets)}


def _inside(low: float | None, high: float | None, value: Any) -> bool:
    return (low is None or value >= low) and (high is None or value < high)


def _with_value(
    path: str, fits: Callable[[Any], bool], evaluator: Evaluator, units: list[Parsed]
) -> list[Parsed]:
    return [unit for unit in units if any(map(fits, values_of(evaluator, unit, path)))]


def _numbers(options: Json, group: Group) -> tuple[Field | None, list[Any]]:
    found = field_of(group, options["field"])
    values = [
        value
        for evaluator, units in group.members
        for unit in units
        for value in values_of(evaluator, unit, options["field"])
    ]
    return found, values


def _metric(name: str, compute: Callable[[list[Any]], float | None], empty: float | None) -> None:
    def handler(options: Json, below: Json, group: Group) -> Json:
        only(options, name, "field", "format")
        found, values = _numbers(options, group)
        result: Json = {"value": compute(values) if values else empty}
        if found is not None and found.type == "date" and name in {"min", "max"} and values:
            formats = options.get("format") or found.parameters.get("format")
            result["value_as_string"] = dates.render(result["value"], formats)
        return result

    _register(name, handler)


def _register(name: str, handler: Handler) -> None:
    aggregates(name)(handler)


_metric("min", lambda values: float(min(values)), None)
_metric("max", lambda values: float(max(values)), None)
_metric("sum", lambda values: float(sum(values)), 0.0)
_metric("avg", lambda values: sum(values) / len(values), None)
_metric("value_count", len, 0)


@aggregates("cardinality")
def _cardinality(options: Json, below: Json, group: Group) -> Json:
    only(options, "cardinality", "field", "precision_threshold")
    return {"value": len(set(_numbers(options, group)[1]))}


@aggregates("stats")
def _stats(options: Json, below: Json, group: Group) -> Json:
    only(options, "stats", "field")
    values = _numbers(options, group)[1]
    return {
        "count": len(values),
        "min": float(min(values)) if values else None,
        "max": float(max(values)) if values else None,
        "avg": sum(values) / len(values) if values else None,
        "sum": float(sum(values)),
    }
