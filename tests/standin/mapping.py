"""Mappings: which fields an index has, and what may be changed later.

Checks beyond the specification follow the mapper classes of elastic/elasticsearch and the REST test
``10_semantic_text_field_mapping.yml``; each message is theirs.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tests.standin import analysis
from tests.standin.errors import (
    ElasticsearchError,
    Json,
    NotImplementedHere,
    illegal_argument,
    mapper_parsing,
)

# Up to 9.3 a ``semantic_text`` without ``inference_id`` means ELSER, which knows English only.
DEFAULT_INFERENCE_ID = ".elser-2-elasticsearch"
KEYWORDS = {"keyword", "constant_keyword", "wildcard", "version", "ip"}
TEXTS = {"text", "match_only_text", "search_as_you_type"}
INTEGERS = {"long", "integer", "short", "byte", "unsigned_long"}
FLOATS = {"double", "float", "half_float", "scaled_float"}
OTHERS = {
    "date",
    "boolean",
    "dense_vector",
    "semantic_text",
    "alias",
    "object",
    "nested",
    "flattened",
}
IMPLEMENTED = KEYWORDS | TEXTS | INTEGERS | FLOATS | OTHERS
FIXED_PARAMETERS = (
    "inference_id",
    "analyzer",
    "dims",
    "similarity",
    "format",
    "index",
    "doc_values",
)


@dataclass(frozen=True)
class Field:
    """One leaf of the mapping; ``nested`` is the path of the nested object it lives in."""

    path: str
    type: str
    parameters: Json
    nested: str | None = None
    parent: str | None = None

    @property
    def copy_to(self) -> list[str]:
        targets = self.parameters.get("copy_to", [])
        return [targets] if isinstance(targets, str) else list(targets)

    @property
    def inference_id(self) -> str:
        return str(self.parameters.get("inference_id", DEFAULT_INFERENCE_ID))

    @property
    def search_inference_id(self) -> str:
        return str(self.parameters.get("search_inference_id", self.inference_id))


class Mapping:
    """The fields of one index, kept both as the JSON that came in and flat by path."""

    def __init__(self, body: Json, settings: Json) -> None:
        if body.get("dynamic_templates") or body.get("runtime"):
            raise NotImplementedHere("dynamic_templates or runtime fields in a mapping")
        self._settings = settings
        self._head = {key: value for key, value in body.items() if key != "properties"}
        self.properties: Json = copy.deepcopy(body.get("properties", {}))
        # ``model_settings`` appear in a semantic_text mapping with its first document.
        self.model_settings: dict[str, Json] = {}
        self._flatten()

    def _flatten(self) -> None:
        self.fields: dict[str, Field] = {}
        self.objects: dict[str, Json] = {"": {"dynamic": self._head.get("dynamic", True)}}
        self._walk(self.properties, "", None)
        self.multi_fields: dict[str, list[Field]] = {}
        for field in self.fields.values():
            if field.parent:
                self.multi_fields.setdefault(field.parent, []).append(field)
        self.semantic = {
            path: field for path, field in self.fields.items() if field.type == "semantic_text"
        }
        self.nested = [path for path, body in self.objects.items() if body.get("type") == "nested"]

    def _walk(self, properties: Json, prefix: str, nested: str | None) -> None:
        for name, body in properties.items():
            path = f"{prefix}{name}"
            kind = body.get("type", "object")
            if not name or "." in name.strip("."):
                raise NotImplementedHere(f"field name {name!r} with dots in a mapping")
            if kind not in IMPLEMENTED:
                raise NotImplementedHere(f"field type {kind}")
            if kind in {"object", "nested"}:
                inherited = self.objects[prefix.rstrip(".")]["dynamic"]
                self.objects[path] = {"dynamic": inherited, **body}
                inside = path if kind == "nested" else nested
                self._walk(body.get("properties", {}), f"{path}.", inside)
                continue
            parameters = {
                key: value for key, value in body.items() if key not in {"type", "fields"}
            }
            field = Field(path, kind, parameters, nested)
            self._check(field, body)
            self.fields[path] = field
            for sub, definition in body.get("fields", {}).items():
                if definition["type"] == "semantic_text":
                    raise mapper_parsing(
                        f"Field [{sub}] of type [semantic_text] can't be used in multifields"
                    )
                rest = {key: value for key, value in definition.items() if key != "type"}
                below = Field(f"{path}.{sub}", definition["type"], rest, nested, parent=path)
                self._check(below, definition)
                self.fields[below.path] = below

    def _check(self, field: Field, body: Json) -> None:
        if field.type == "semantic_text":
            if body.get("fields"):
                raise illegal_argument(
                    f"semantic_text field [{field.path}] does not support multi-fields"
                )
            if field.copy_to:
                raise illegal_argument(
                    f"semantic_text field [{field.path}] does not support [copy_to]"
                )
            if field.nested:
                raise illegal_argument(f"semantic_text field [{field.path}] cannot be nested")
            for parameter in ("inference_id", "search_inference_id"):
                if body.get(parameter) == "":
                    raise mapper_parsing(
                        f"[{parameter}] on mapper [{field.path}] of type [semantic_text] must not"
                        " be empty"
                    )
        if field.type == "dense_vector" and not 0 < body.get("dims", 1) <= 4096:
            raise mapper_parsing(
                "The number of dimensions should be in the range [1, 4096] but was"
                f" [{body['dims']}]"
            )
        if field.type in TEXTS:
            for parameter in ("analyzer", "search_analyzer"):
                if parameter in body:
                    try:
                        analysis.find(body[parameter], self._settings)
                    except ElasticsearchError as error:
                        raise mapper_parsing(error.reason) from error

    def analyzer(self, field: Field, *, search: bool = False) -> analysis.Analyzer:
        name = field.parameters.get("analyzer", "standard")
        if search:
            name = field.parameters.get("search_analyzer", name)
        return analysis.find(name, self._settings)

    def field(self, path: str) -> Field | None:
        found = self.fields.get(path)
        if found is not None and found.type == "alias":
            return self.fields.get(found.parameters["path"])
        return found

    def matching(self, pattern: str) -> list[Field]:
        """Fields by name or by pattern (``title.*``)."""
        if "*" not in pattern:
            field = self.field(pattern)
            return [field] if field else []
        return [field for path, field in self.fields.items() if fnmatchcase(path, pattern)]

    def sources_of(self, target: str) -> list[Field]:
        """The fields whose values arrive in ``target``, itself included, in the order of the
        mapping.
        """
        return [
            field
            for field in self.fields.values()
            if field.path == target or target in field.copy_to
        ]

    def merge(self, body: Json) -> None:
        """``PUT /{index}/_mapping``: fields may be added, most parameters never change."""
        merged = copy.deepcopy(self.properties)
        _merge(merged, body.get("properties", {}), "")
        head = {key: value for key, value in body.items() if key != "properties"}
        fresh = Mapping({**self._head, **head, "properties": merged}, self._settings)
        # Searches read without a lock: each table is replaced whole.
        for table in (
            "_head",
            "properties",
            "fields",
            "objects",
            "multi_fields",
            "semantic",
            "nested",
        ):
            setattr(self, table, getattr(fresh, table))

    def render(self) -> Json:
        """As ``GET /{index}/_mapping`` answers: defaults that Elasticsearch adds are there too."""
        body = copy.deepcopy(self._head)
        if self.properties:
            body["properties"] = self._render(self.properties, "")
        return body

    def _render(self, properties: Json, prefix: str) -> Json:
        rendered: Json = {}
        for name, body in properties.items():
            path, out = f"{prefix}{name}", copy.deepcopy(body)
            if "properties" in out:
                out["properties"] = self._render(body["properties"], f"{path}.")
            if out.get("type") == "semantic_text":
                out.setdefault("inference_id", DEFAULT_INFERENCE_ID)
                if path in self.model_settings:
                    out["model_settings"] = self.model_settings[path]
            if out.get("type") == "dense_vector":
                out = {"index": True, "similarity": "cosine", **out}
                out.setdefault("index_options", _index_options(out.get("dims", 0)))
            rendered[name] = out
        return rendered


def _index_options(dims: int) -> Json:
    """Since 9.1 vectors of 384 dimensions and more are quantised to single bits and rescored."""
    if dims < 384:
        return {"type": "int8_hnsw", "m": 16, "ef_construction": 100}
    return {
        "type": "bbq_hnsw",
        "m": 16,
        "ef_construction": 100,
        "rescore_vector": {"oversample": 3.0},
    }


def _merge(old: Json, new: Json, prefix: str) -> None:
    for name, body in new.items():
        path = f"{prefix}{name}"
        if name not in old:
            old[name] = copy.deepcopy(body)
            continue
        before, after = old[name].get("type", "object"), body.get("type", "object")
        if before != after:
            raise illegal_argument(
                f"mapper [{path}] cannot be changed from type [{before}] to [{after}]"
            )
        for parameter in FIXED_PARAMETERS:
            was, becomes = old[name].get(parameter), body.get(parameter)
            if parameter == "inference_id" and before == "semantic_text":
                was, becomes = was or DEFAULT_INFERENCE_ID, becomes or DEFAULT_INFERENCE_ID
            if was != becomes and (parameter in body or parameter == "inference_id"):
                raise illegal_argument(
                    f"Mapper for [{path}] conflicts with existing mapper:\n"
                    f"\tCannot update parameter [{parameter}] from [{was}] to [{becomes}]"
                )
        _merge(old[name].setdefault("properties", {}), body.get("properties", {}), f"{path}.")
        _merge(old[name].setdefault("fields", {}), body.get("fields", {}), f"{path}.")
        for part in ("properties", "fields"):
            if not old[name][part]:
                del old[name][part]
        rest: Any = {
            key: value for key, value in body.items() if key not in {"properties", "fields"}
        }
        old[name].update(rest)
