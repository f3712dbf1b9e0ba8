"""Term-level queries: exact values, ranges and patterns. Source: reference section "Term-level
queries".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import partial
from operator import ge, gt, le, lt
from typing import Any

from tests.standin import dates
from tests.standin.errors import (
    ElasticsearchError,
    Json,
    NotImplementedHere,
    illegal_argument,
    query_shard,
)
from tests.standin.mapping import FLOATS, INTEGERS, TEXTS, Field
from tests.standin.parsing import Parsed
from tests.standin.query import Evaluator, Scores, Units, handles, listed, only
from tests.standin.values import convert


def term_value(found: Field, value: Any) -> Any:
    """A query's value as the field would index it."""
    if found.type in TEXTS:
        return str(value)
    try:
        return convert(Field(found.path, found.type, {}), value)
    except ElasticsearchError as error:
        raise query_shard(f"failed to create query: {error.reason}") from error


def with_value(units: Units, path: str, wanted: Callable[[Any], bool]) -> list[Parsed]:
    return [unit for unit in units if any(wanted(value) for value in unit.values.get(path, ()))]


def single(body: Json, key: str) -> tuple[str, Json]:
    """``{"field": "x"}`` and ``{"field": {"value": "x"}}`` are the same."""
    fields = {name: value for name, value in body.items() if name not in {"boost", "_name"}}
    ((path, value),) = fields.items()
    return path, value if isinstance(value, dict) else {key: value}


@handles("term")
def _term(evaluator: Evaluator, body: Json, units: Units) -> Scores:
    path, options = single(body, "value")
    only(options, "term", "value", "case_insensitive")
    return term(evaluator, path, options["value"], units, options.get("case_insensitive", False))


def term(evaluator: Evaluator, path: str, value: Any, units: Units, folded: bool = False) -> Scores:
    if path == "_id":
        return {unit: 1.0 for unit in units if unit.owner.id == str(value)}
    if path == "_index":
        return dict.fromkeys(units, 1.0) if evaluator.shard.index.name == value else {}
    found = evaluator.field(path)
    if found is None:
        return {}
    if found.type == "semantic_text":
        raise illegal_argument("semantic_text fields do not support term query", on_shard=True)
    wanted = term_value(found, value)
    if found.type in TEXTS:
        statistics = evaluator.shard.statistics(found.path, [wanted], units)
        return {
            unit: statistics.score(wanted, counts[wanted], len(unit.positions[found.path]))
            for unit in units
            if (counts := unit.terms.get(found.path)) and wanted in counts
        }
    if folded:
        low = str(wanted).lower()
        return dict.fromkeys(
            with_value(units, found.path, lambda item: str(item).lower() == low), 1.0
        )
    return dict.fromkeys(with_value(units, found.path, lambda item: bool(item == wanted)), 1.0)


@handles("terms")
def _terms(evaluator: Evaluator, body: Json, units: Units) -> Scores:
    ((path, values),) = (
        (key, value) for key, value in body.items() if key not in {"boost", "_name"}
    )
    if isinstance(values, dict):
        raise NotImplementedHere("terms lookup")
    matched = {unit for value in values for unit in term(evaluator, path, value, units)}
    return {unit: 1.0 for unit in units if unit in matched}


@handles("ids")
def _ids(evaluator: Evaluator, body: Json, units: Units) -> Scores:
    only(body, "ids", "values")
    wanted = set(map(str, listed(body.get("values"))))
    return {unit: 1.0 for unit in units if unit.owner.id in wanted}


@handles("exists")
def _exists(evaluator: Evaluator, body: Json, units: Units) -> Scores:
    only(body, "exists", "field")
    path = body["field"]
    if path in evaluator.mapping.semantic:
        return {unit: 1.0 for unit in units if unit.owner.chunks.get(path)}
    below = [
        name for name in evaluator.mapping.fields if name == path or name.startswith(f"{path}.")
    ]
    return {unit: 1.0 for unit in units if any(unit.has(name) for name in below)}


@handles("range")
def _range(evaluator: Evaluator, body: Json, units: Units) -> Scores:
    path, options = single(body, "gte")
    only(options, "range", "gt", "gte", "lt", "lte", "format", "from", "to", "relation")
    if "from" in options or "to" in options or options.get("time_zone"):
        raise NotImplementedHere("range with from, to or time_zone")
    found = evaluator.field(path)
    if found is None:
        return {}
    # The end comes first: partial(le, end)(item) asks whether end <= item.
    compare: dict[str, Callable[[Any, Any], bool]] = {"gt": lt, "gte": le, "lt": gt, "lte": ge}
    checks = [
        partial(check, _end(evaluator, found, options, name))
        for name, check in compare.items()
        if options.get(name) is not None
    ]
    matched = with_value(units, found.path, lambda item: all(check(item) for check in checks))
    return dict.fromkeys(matched, 1.0)


def _end(evaluator: Evaluator, found: Field, options: Json, name: str) -> Any:
    value = options[name]
    if found.type == "date":
        formats = options.get("format") or found.parameters.get("format", dates.DEFAULT_FORMAT)
        try:
            up = name in {"gt", "lte"}
            return dates.bound(value, formats, up=up, now=evaluator.searching.now)
        except ElasticsearchError as error:
            raise ElasticsearchError(
                400, "parse_exception", error.reason, caused_by=error.caused_by, on_shard=True
            ) from error
    if found.type in INTEGERS | FLOATS:
        return float(value)
    return term_value(found, value)


def _pattern(evaluator: Evaluator, body: Json, units: Units, name: str) -> Scores:
    path, options = single(body, "value")
    only(options, name, "value", "wildcard", "case_insensitive", "rewrite")
    found = evaluator.field(path)
    if found is None:
        return {}
    text = str(options.get("value", options.get("wildcard")))
    glob = f"{re.sub(r'([*?[])', r'[\1]', text)}*" if name == "prefix" else text.replace("[", "[[]")
    folded = options.get("case_insensitive", False)

    def fits(item: str) -> bool:
        return fnmatchcase(item.lower(), glob.lower()) if folded else fnmatchcase(item, glob)

    if found.type in TEXTS:
        return {unit: 1.0 for unit in units if any(map(fits, unit.terms.get(found.path, ())))}
    return dict.fromkeys(with_value(units, found.path, lambda item: fits(str(item))), 1.0)


@handles("prefix")
def _prefix(evaluator: Evaluator, body: Json, units: Units) -> Scores:
    return _pattern(evaluator, body, units, "prefix")


@handles("wildcard")
def _wildcard(evaluator: Evaluator, body: Json, units: Units) -> Scores:
    return _pattern(evaluator, body, units, "wildcard")
