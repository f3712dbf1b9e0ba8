"""Sorting, and paging by ``search_after``. Sources: reference pages "Sort search results" and
"Paginate search results".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.standin import dates
from tests.standin.errors import Json, NotImplementedHere, illegal_argument, query_shard
from tests.standin.mapping import INTEGERS, TEXTS, Field
from tests.standin.parsing import Parsed
from tests.standin.reader import Shard

LONG_MAX, LONG_MIN = 2**63 - 1, -(2**63)


@dataclass(eq=False)
class Hit:
    """A document that a search found; ``sort`` holds its sort values, ``number`` its place in the
    shards.
    """

    shard: Shard
    unit: Parsed
    score: float
    number: int
    sort: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Key:
    """One sort criterion."""

    name: str
    descending: bool
    missing: Any = "_last"
    field: Field | None = None
    mode: str | None = None
    format: str | None = None
    value: Callable[[Hit], Any] = lambda hit: None

    def comparable(self, value: Any) -> tuple[int, Any]:
        """Missing values come last whatever the order, unless the request says ``_first``."""
        if value is None:
            last = self.missing != "_first"
            return (1 if last != self.descending else -1), 0
        return 0, value

    def after(self, value: Any, bound: Any) -> int:
        """1 if ``value`` comes after ``bound`` in this order, -1 before, 0 equal."""
        left, right = self.comparable(value), self.comparable(bound)
        if left == right:
            return 0
        return 1 if (left > right) != self.descending else -1

    def shown(self, value: Any) -> Any:
        """The value in ``sort``: numbers for what is missing, text where a format asks for it."""
        if value is None:
            if self.field is not None and self.field.type in INTEGERS | {"date"}:
                return LONG_MAX if (self.missing != "_first") != self.descending else LONG_MIN
            return None
        if self.format is not None:
            return dates.render(value, self.format)
        return value

    def given(self, value: Any) -> Any:
        """A value of ``search_after`` as the field compares it."""
        if value in (LONG_MAX, LONG_MIN):
            return None
        if self.field is not None and self.field.type == "date" and value is not None:
            formats = self.format or self.field.parameters.get("format", dates.DEFAULT_FORMAT)
            return dates.parse(value, formats) if isinstance(value, str) else int(value)
        if self.field is not None and self.field.type in INTEGERS and value is not None:
            return int(value)
        if self.name == "_score":
            return float(value)
        return value


def _entries(sort: Any) -> list[tuple[str, Json]]:
    found: list[tuple[str, Json]] = []
    for item in sort if isinstance(sort, list) else [sort]:
        if isinstance(item, str):
            found.append((item, {}))
            continue
        for name, options in item.items():
            found.append((name, {"order": options} if isinstance(options, str) else options or {}))
    return found


def _reader(found: Field, mode: str | None, descending: bool) -> Callable[[Hit], Any]:
    pick: dict[str, Callable[[list[Any]], Any]] = {
        "min": min,
        "max": max,
        "sum": sum,
        "avg": lambda values: sum(values) / len(values),
    }
    choose = pick[mode or ("max" if descending else "min")]

    def read(hit: Hit) -> Any:
        values = hit.unit.values.get(found.path)
        if not values:
            return None
        value = choose(values)
        return int(value) if isinstance(value, bool) else value

    return read


def fielddata_disabled(path: str, index: str) -> Exception:
    return illegal_argument(
        f"Fielddata is disabled on [{path}] in [{index}]. Text fields are not optimised for"
        " operations that require per-document field data like aggregations and sorting, so these"
        " operations are disabled by default. Please use a keyword field instead. Alternatively,"
        f" set fielddata=true on [{path}] in order to load field data by uninverting the inverted"
        " index."
        " Note that this can use significant memory.",
        on_shard=True,
    )


def _key(name: str, options: Json, shards: list[Shard]) -> Key:
    unknown = options.keys() - {"order", "missing", "unmapped_type", "mode", "format"}
    if unknown:
        raise NotImplementedHere(f"sort options {', '.join(sorted(unknown))}")
    order = str(options.get("order") or ("desc" if name == "_score" else "asc")).lower()
    descending = order == "desc"
    if name == "_score":
        return Key(name, descending, value=lambda hit: hit.score)
    if name in {"_doc", "_shard_doc"}:
        return Key(name, descending, value=lambda hit: hit.number)
    if name == "_id":
        raise illegal_argument(
            "Fielddata access on the _id field is disallowed, you can re-enable it by updating"
            " the dynamic cluster"
            " setting: indices.id_field_data.enabled",
            on_shard=True,
        )
    found = next((item for shard in shards if (item := shard.mapping.field(name))), None)
    missing, mode = options.get("missing", "_last"), options.get("mode")
    if found is None:
        if "unmapped_type" not in options and shards:
            raise query_shard(f"No mapping found for [{name}] in order to sort on")
        return Key(name, descending, missing)
    if found.type in TEXTS | {"semantic_text", "dense_vector"}:
        raise fielddata_disabled(name, shards[0].index.name)
    if missing not in ("_last", "_first"):
        raise NotImplementedHere("a value for missing in sort")
    if found.nested is not None:
        raise NotImplementedHere("sort by a nested field")
    read = _reader(found, mode, descending)
    return Key(name, descending, missing, found, mode, options.get("format"), read)


def keys(sort: Any, shards: list[Shard], *, point_in_time: bool) -> list[Key]:
    """The sort criteria; with a point in time ``_shard_doc`` breaks ties and shows in the sort
    values.
    """
    found = [_key(name, options, shards) for name, options in _entries(sort)] if sort else []
    if point_in_time and found and not any(key.name in {"_shard_doc", "_doc"} for key in found):
        found.append(_key("_shard_doc", {}, shards))
    return found


def arrange(hits: list[Hit], criteria: list[Key]) -> list[Hit]:
    """Sorts; equal documents keep their place in the index. Fills in ``Hit.sort``."""
    if not criteria:
        return sorted(hits, key=lambda hit: (-hit.score, hit.number))
    for hit in hits:
        hit.sort = [key.value(hit) for key in criteria]
    ordered = sorted(hits, key=lambda hit: hit.number)
    for position in range(len(criteria) - 1, -1, -1):
        key = criteria[position]
        ordered.sort(key=partial(_position, key, position), reverse=key.descending)
    return ordered


def _position(key: Key, position: int, hit: Hit) -> tuple[int, Any]:
    return key.comparable(hit.sort[position])


def behind(hits: list[Hit], criteria: list[Key], values: list[Any]) -> list[Hit]:
    """Only the hits after ``search_after``."""
    if len(values) != len(criteria):
        raise illegal_argument(
            f"search_after has {len(values)} value(s) but sort has {len(criteria)}."
        )
    bounds = [key.given(value) for key, value in zip(criteria, values, strict=True)]

    def later(hit: Hit) -> bool:
        for key, value, bound in zip(criteria, hit.sort, bounds, strict=True):
            side = key.after(value, bound)
            if side:
                return side > 0
        return False

    return [hit for hit in hits if later(hit)]
