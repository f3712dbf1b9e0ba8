"""From ``_source`` to what is indexed: values, terms, vectors and nested documents of one document.

Follows ``DocumentParser`` and the field mappers of elastic/elasticsearch; the parser's position in
the text (``[1:42]``) is not reproduced.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.standin import dates
from tests.standin.errors import (
    ElasticsearchError,
    Json,
    NotImplementedHere,
    document_parsing,
    illegal_argument,
    strict_mapping,
)
from tests.standin.mapping import TEXTS, Field, Mapping
from tests.standin.values import convert
from tests.standin.vectors import Vector

DYNAMIC_STRING: Json = {
    "type": "text",
    "fields": {"keyword": {"type": "keyword", "ignore_above": 256}},
}


@dataclass(eq=False)
class Parsed:
    """The indexed side of a document, or of one nested object of it (``offset`` in its array)."""

    values: dict[str, list[Any]] = field(default_factory=dict)
    terms: dict[str, Counter[str]] = field(default_factory=dict)
    # Terms in their order; as many as the field is long.
    positions: dict[str, list[str]] = field(default_factory=dict)
    vectors: dict[str, Vector] = field(default_factory=dict)
    nested: dict[str, list[Parsed]] = field(default_factory=dict)
    source: Any = None
    offset: int = 0
    parent: Parsed | None = None
    # The document this belongs to (indices.Document; untyped here, because that module imports this
    # one).
    owner: Any = None

    def own(self, document: Any) -> None:
        self.owner = document
        for children in self.nested.values():
            for child in children:
                child.own(document)

    def has(self, path: str) -> bool:
        return path in self.values or path in self.terms or path in self.vectors


@dataclass
class _Parser:
    mapping: Mapping
    id: str
    added: dict[str, Json] = field(default_factory=dict)

    def object(self, body: Json, path: str, into: Parsed) -> None:
        for name, value in body.items():
            self.value(_dotted(name, value), path, into) if "." in name else self.value(
                {name: value}, path, into
            )

    def value(self, pair: Json, prefix: str, into: Parsed) -> None:
        ((name, value),) = pair.items()
        path = f"{prefix}.{name}" if prefix else name
        if path in self.mapping.objects:
            self._object(path, value, into)
            return
        found = self.mapping.fields.get(path) or self._dynamic(path, name, prefix, value)
        if found is None:
            return
        if isinstance(found, str):
            self._object(path, value, into)
            return
        self._leaf(found, value, into)

    def _object(self, path: str, value: Any, into: Parsed) -> None:
        definition = self.mapping.objects[path]
        if value is None or definition.get("enabled") is False:
            return
        items = value if isinstance(value, list) else [value]
        for item in items:
            if item is None:
                continue
            if not isinstance(item, dict):
                cause = illegal_argument(
                    f"object mapping for [{path}] tried to parse field [{path}] as object,"
                    " but found a concrete value"
                )
                raise document_parsing(cause.reason)
            if definition.get("type") == "nested":
                below = into.nested.setdefault(path, [])
                child = Parsed(source=item, offset=len(below), parent=into)
                below.append(child)
                self.object(item, path, child)
            else:
                self.object(item, path, into)

    def _dynamic(self, path: str, name: str, prefix: str, value: Any) -> Field | str | None:
        """A field that the mapping does not know: added, ignored or refused, as ``dynamic``
        says.
        """
        dynamic = str(self.mapping.objects[prefix]["dynamic"]).lower()
        if dynamic == "strict":
            raise strict_mapping(name, prefix or "_doc")
        if dynamic == "runtime":
            raise NotImplementedHere("dynamic: runtime")
        kind = _guess(value)
        if dynamic == "false" or kind is None:
            return None
        body: Json = {"properties": {name: kind}}
        for part in reversed(prefix.split(".") if prefix else []):
            body = {"properties": {part: body}}
        self.mapping.merge(body)
        self.added[path] = kind
        return path if "properties" in kind else self.mapping.fields[path]

    def _leaf(self, found: Field, value: Any, into: Parsed) -> None:
        if found.type == "semantic_text":
            return
        if found.type == "alias":
            raise document_parsing(f"Cannot write to a field alias [{found.path}].")
        if found.type == "dense_vector":
            if value is not None:
                into.vectors[found.path] = self._vector(found, value)
            return
        items = list(_flat(value))
        for item in items:
            self._item(found, item, into)
            for target in found.copy_to:
                other = self.mapping.fields.get(target)
                if other is not None and other.type != "semantic_text":
                    self._item(other, item, into)
        for sub in self.mapping.multi_fields.get(found.path, ()):
            for item in items:
                self._item(sub, item, into)

    def _item(self, found: Field, item: Any, into: Parsed) -> None:
        if item is None:
            item = found.parameters.get("null_value")
            if item is None:
                return
        try:
            value = convert(found, item)
        except ElasticsearchError as error:
            if found.parameters.get("ignore_malformed"):
                return
            raise document_parsing(
                f"failed to parse field [{found.path}] of type [{found.type}] in document with id"
                f" '{self.id}'. Preview of field's value: '{item}'",
                error,
            ) from error
        if found.type in TEXTS:
            terms = self.mapping.analyzer(found)(value)
            into.terms.setdefault(found.path, Counter()).update(terms)
            into.positions.setdefault(found.path, []).extend(terms)
        elif value is not None:
            into.values.setdefault(found.path, []).append(value)

    def _vector(self, found: Field, value: Any) -> Vector:
        dims = found.parameters.get("dims")
        if not isinstance(value, list) or not all(isinstance(item, int | float) for item in value):
            raise document_parsing(
                f"failed to parse field [{found.path}] of type [dense_vector] in document with id"
                f" '{self.id}'"
            )
        if dims is None:
            self.mapping.merge(_nest(found.path, {"type": "dense_vector", "dims": len(value)}))
        elif len(value) != dims:
            raise document_parsing(
                "failed to parse",
                illegal_argument(
                    f"The [dense_vector] field [{found.path}] in doc [document with id"
                    f" '{self.id}'] has"
                    f" {'more' if len(value) > dims else 'fewer'} dimensions than defined in the"
                    f" mapping [{dims}]"
                ),
            )
        vector = np.asarray(value, dtype=np.float32)
        length = float(np.linalg.norm(vector))
        similarity = found.parameters.get("similarity", "cosine")
        if similarity == "cosine" and length == 0.0:
            raise document_parsing(
                "failed to parse",
                illegal_argument(
                    "The [cosine] similarity does not support vectors with zero magnitude."
                    f" Preview of invalid vector: {value[:5]}"
                ),
            )
        return vector / np.float32(length) if similarity == "cosine" else vector


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _dotted(name: str, value: Any) -> Json:
    """``{"a.b": 1}`` means ``{"a": {"b": 1}}``."""
    first, _, rest = name.partition(".")
    return {first: _dotted(rest, value) if rest else value}


def _nest(path: str, leaf: Json) -> Json:
    body = leaf
    for part in reversed(path.split(".")):
        body = {"properties": {part: body}}
    return body


def _guess(value: Any) -> Json | None:
    """Dynamic mapping: the type that a first value stands for."""
    for item in _flat(value):
        if isinstance(item, dict):
            return {"properties": {}}
        if isinstance(item, bool):
            return {"type": "boolean"}
        if isinstance(item, int):
            return {"type": "long"}
        if isinstance(item, float):
            return {"type": "float"}
        if isinstance(item, str):
            return {"type": "date"} if _looks_like_date(item) else DYNAMIC_STRING
    return None


def _looks_like_date(text: str) -> bool:
    """Date detection; digits alone are never taken for a date (``DynamicFieldsBuilder``)."""
    try:
        dates.parse(text, "strict_date_optional_time")
    except ElasticsearchError:
        return False
    return not text.isdigit()


def parse(mapping: Mapping, id_: str, source: Json) -> Parsed:
    """Parses a document; unknown fields extend the mapping where ``dynamic`` allows it."""
    parsed = Parsed(source=source)
    _Parser(mapping, id_).object(source, "", parsed)
    return parsed
