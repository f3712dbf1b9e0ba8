"""``_source`` filtering, ``filter_path`` and what is left out of ``_source`` by itself.

Sources: the reference pages "Retrieve selected fields", "Common options" (``filter_path``), and
"Dense vector": since 9.2 vectors are not in ``_source`` unless asked for with ``exclude_vectors:
false``.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from tests.standin.errors import Json, NotImplementedHere
from tests.standin.mapping import Mapping


def _matches(path: str, patterns: list[str]) -> bool:
    """A pattern takes its whole subtree: ``title`` includes ``title.original``."""
    return any(
        fnmatchcase(path, pattern) or fnmatchcase(path, f"{pattern}.*") for pattern in patterns
    )


def _may_contain(path: str, patterns: list[str]) -> bool:
    """Whether something below ``path`` could be included."""
    return any(
        pattern.startswith(f"{path}.")
        or ("*" in pattern and fnmatchcase(f"{path}.", pattern.split("*")[0] + "*"))
        for pattern in patterns
    )


def _filter(body: Any, prefix: str, includes: list[str], excludes: list[str]) -> Any:
    if isinstance(body, list):
        # Objects that lose all they have go, as XContentMapValues.filter lets them.
        kept_items = [_filter(item, prefix, includes, excludes) for item in body]
        pairs = zip(body, kept_items, strict=True)
        return [item for before, item in pairs if item != {} or before == {}]
    if not isinstance(body, dict):
        return body
    kept: Json = {}
    for name, value in body.items():
        path = f"{prefix}.{name}" if prefix else name
        if excludes and _matches(path, excludes):
            continue
        included = not includes or _matches(path, includes)
        holds_objects = isinstance(value, dict) or (
            isinstance(value, list) and any(isinstance(item, dict) for item in value)
        )
        if holds_objects and (included or _may_contain(path, includes)):
            inner = _filter(value, path, [] if included else includes, excludes)
            if included or inner:
                kept[name] = inner
        elif included:
            kept[name] = value
    return kept


def _list(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def source(body: Json, wanted: Any, mapping: Mapping) -> Json | None:
    """``_source`` as a request asks for it: True, False, a name, names, or
    ``includes``/``excludes``.
    """
    if wanted is False or wanted == "false":
        return None
    includes: list[str] = []
    excludes: list[str] = []
    keep_vectors = False
    if isinstance(wanted, dict):
        includes = _list(wanted.get("includes", wanted.get("include")))
        excludes = _list(wanted.get("excludes", wanted.get("exclude")))
        keep_vectors = wanted.get("exclude_vectors") is False
    elif isinstance(wanted, str | list) and wanted != "true":
        includes = _list(wanted)
    if not keep_vectors:
        vectors = [path for path, field in mapping.fields.items() if field.type == "dense_vector"]
        excludes = [*excludes, *vectors]
    if not includes and not excludes:
        return body
    filtered: Json = _filter(body, "", includes, excludes)
    return filtered


def source_parameters(query: dict[str, str]) -> Any:
    """The same from the parameters of a get or search."""
    wanted = query.get("_source")
    includes = query.get("_source_includes")
    excludes = query.get("_source_excludes")
    vectors = query.get("_source_exclude_vectors")
    if includes is None and excludes is None and vectors is None:
        if wanted in {None, "true", "false"}:
            return None if wanted is None else wanted == "true"
        return str(wanted).split(",")
    body: Json = {}
    if includes:
        body["includes"] = includes.split(",")
    if excludes:
        body["excludes"] = excludes.split(",")
    if vectors == "false":
        body["exclude_vectors"] = False
    return body


def filter_path(body: Any, paths: str) -> Any:
    """``filter_path=hits.hits._id,took``; exclusions (``-…``) and ``**`` are not implemented."""
    patterns = paths.split(",")
    if any(pattern.startswith("-") or "**" in pattern for pattern in patterns):
        raise NotImplementedHere(f"filter_path {paths}")
    return _filter(body, "", patterns, []) if isinstance(body, dict | list) else body
