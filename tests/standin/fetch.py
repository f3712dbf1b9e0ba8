"""The fetch phase: what of a hit is sent back. Sources: reference pages "Retrieve selected fields",
"Retrieve inner hits".
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.standin import dates, filtering, knn
from tests.standin.errors import Json, NotImplementedHere
from tests.standin.highlight import Highlighter
from tests.standin.indices import PRIMARY_TERM
from tests.standin.parsing import Parsed
from tests.standin.query import Evaluator, only
from tests.standin.semantic import extract
from tests.standin.sorting import Hit, Key

INNER_SIZE = 3


@dataclass
class Fetcher:
    """Renders the hits of one search."""

    body: Json
    evaluators: dict[int, Evaluator]
    criteria: list[Key]
    # Every query that found the hits: for highlights and inner hits.
    queries: list[Any]
    with_scores: bool

    def __post_init__(self) -> None:
        self._highlighters = {
            key: Highlighter(evaluator, self.body["highlight"], self.queries)
            for key, evaluator in self.evaluators.items()
            if "highlight" in self.body
        }
        self._inner = list(_inner_hit_queries(self.queries))

    def fetch(self, hit: Hit) -> Json:
        evaluator = self.evaluators[id(hit.shard)]
        document = hit.unit.owner
        out: Json = {
            "_index": document.index,
            "_id": document.id,
            "_score": hit.score if self.with_scores else None,
        }
        if self.body.get("version"):
            out["_version"] = document.version
        if self.body.get("seq_no_primary_term"):
            out |= {"_seq_no": document.seq_no, "_primary_term": PRIMARY_TERM}
        wanted = self.body.get("_source", not self.body.get("stored_fields"))
        source = filtering.source(document.source, wanted, evaluator.mapping)
        if source is not None:
            out["_source"] = copy.deepcopy(source)
        fields = self._fields(evaluator, hit.unit)
        if fields:
            out["fields"] = fields
        if "highlight" in self.body:
            found = self._highlighters[id(hit.shard)].highlight(hit)
            if found:
                out["highlight"] = found
        if self.criteria:
            out["sort"] = [
                key.shown(value) for key, value in zip(self.criteria, hit.sort, strict=True)
            ]
        named = [name for name, units in evaluator.searching.named.items() if hit.unit in units]
        if named:
            out["matched_queries"] = named
        if self._inner:
            out["inner_hits"] = {
                name: self._inner_hits(evaluator, hit, path, query, options)
                for name, path, query, options in self._named_inner(evaluator)
            }
        return out

    def _fields(self, evaluator: Evaluator, unit: Parsed) -> Json:
        fields: Json = {}
        for wanted in [*self.body.get("fields", []), *self.body.get("docvalue_fields", [])]:
            options = {"field": wanted} if isinstance(wanted, str) else wanted
            only(options, "fields", "field", "format", "include_unmapped")
            for found in evaluator.mapping.matching(options["field"]):
                values = field_values(evaluator, unit, found.path, options.get("format"))
                if values:
                    _place(fields, found.path, found.nested, values, unit)
        return fields

    def _named_inner(self, evaluator: Evaluator) -> Iterator[tuple[str, str, Json, Json]]:
        for path, query, options in self._inner:
            if path is None:
                found = evaluator.field(query["knn"]["field"])
                path = found.nested if found is not None else None
            if path is not None:
                yield options.get("name", path), path, query, options

    def _inner_hits(
        self, evaluator: Evaluator, hit: Hit, path: str, query: Json, options: Json
    ) -> Json:
        only(options, "inner_hits", "name", "size", "from", "_source", "fields", "docvalue_fields")
        vectors = _only_knn(query)
        if vectors is not None:
            ranked = knn.best_chunks(evaluator, path, vectors, hit.unit)
        else:
            ranked = _ranked_children(evaluator, path, query, hit.unit)
        start = options.get("from", 0)
        shown = ranked[start : start + options.get("size", INNER_SIZE)]
        return {
            "hits": {
                "total": {"value": len(ranked), "relation": "eq"},
                "max_score": ranked[0][1] if ranked else None,
                "hits": [
                    self._inner_hit(evaluator, path, child, score, options)
                    for child, score in shown
                ],
            }
        }

    def _inner_hit(
        self, evaluator: Evaluator, path: str, child: Parsed, score: float, options: Json
    ) -> Json:
        document = child.owner
        out: Json = {
            "_index": document.index,
            "_id": document.id,
            "_nested": {"field": path, "offset": child.offset},
            "_score": score,
        }
        wrapped: Json = child.source
        for part in reversed(path.split(".")):
            wrapped = {part: wrapped}
        source = filtering.source(wrapped, options.get("_source", True), evaluator.mapping)
        if source is not None:
            out["_source"] = copy.deepcopy(extract(source, path) or {})
        fields = Fetcher(options, {}, [], [], True)._fields(evaluator, child)
        if fields:
            out["fields"] = fields
        return out


def field_values(evaluator: Evaluator, unit: Parsed, path: str, formats: str | None) -> list[Any]:
    """Values as ``fields`` shows them: always a list, dates in the format of the mapping or of the
    request.
    """
    found = evaluator.mapping.fields[path]
    if found.type == "semantic_text":
        if formats == "chunks":
            chunks: dict[str, list[str]] = {}
            for chunk in unit.owner.chunks.get(path, ()):
                chunks.setdefault(chunk.source_field, []).append(chunk.text)
            return [chunks] if chunks else []
        value = extract(unit.owner.source, path)
        return value if isinstance(value, list) else [] if value is None else [value]
    holders = [unit]
    if found.nested is not None and path not in unit.values and path not in unit.terms:
        holders = list(unit.nested.get(found.nested, ()))
    values: list[Any] = []
    for holder in holders:
        if found.type == "date":
            shown = formats or found.parameters.get("format")
            values += [dates.render(value, shown) for value in holder.values.get(path, ())]
        elif path in holder.terms or found.type == "dense_vector":
            inner = path.removeprefix(f"{found.nested}.") if holder.parent is not None else path
            value = extract(holder.source, found.parent or inner)
            values += value if isinstance(value, list) else [] if value is None else [value]
        else:
            values += holder.values.get(path, [])
    return values


def _place(fields: Json, path: str, nested: str | None, values: list[Any], unit: Parsed) -> None:
    """Nested fields are grouped below the path of their object."""
    if nested is None:
        fields[path] = values
        return
    leaf = path.removeprefix(f"{nested}.")
    objects = fields.setdefault(nested, [{} for _ in values])
    if unit.parent is not None or len(objects) != len(values):
        objects[0].setdefault(leaf, []).extend(values)
        return
    for item, value in zip(objects, values, strict=True):
        item.setdefault(leaf, []).append(value)


def _inner_hit_queries(query: Any) -> Iterator[tuple[str | None, Json, Json]]:
    """(path, query, options) of every ``inner_hits``; the path of a knn section follows from its
    field.
    """
    if isinstance(query, list):
        for item in query:
            yield from _inner_hit_queries(item)
    elif isinstance(query, dict):
        for name, body in query.items():
            if name == "nested" and isinstance(body, dict) and "inner_hits" in body:
                yield body["path"], body["query"], body["inner_hits"]
            elif name == "knn" and isinstance(body, dict) and "inner_hits" in body:
                yield None, {"knn": body}, body["inner_hits"]
            elif name != "inner_hits":
                yield from _inner_hit_queries(body)


def _only_knn(query: Json) -> Json | None:
    """The knn clause of an inner query; its chunks are scored one by one."""
    if "knn" in query:
        body: Json = query["knn"]
        return body
    if "bool" in query:
        parts = query["bool"].get("must", [])
        for part in parts if isinstance(parts, list) else [parts]:
            if "knn" in part:
                raise NotImplementedHere("inner_hits of a bool around a knn query")
    return None


def _ranked_children(
    evaluator: Evaluator, path: str, query: Json, unit: Parsed
) -> list[tuple[Parsed, float]]:
    outer, evaluator.nested_path = evaluator.nested_path, path
    try:
        scores = evaluator.run(query, evaluator.shard.children(path))
    finally:
        evaluator.nested_path = outer
    mine = [(child, score) for child, score in scores.items() if child.owner is unit.owner]
    return sorted(mine, key=lambda item: (-item[1], item[0].offset))
