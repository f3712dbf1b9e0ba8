"""Highlighting. Sources: ``SemanticTextHighlighter`` (whole chunks, no tags, the best ones first
cut then put back into text order unless ``order: score``; five fragments by default) and the
reference page "Highlighting" (unified)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from tests.standin import chunking, knn
from tests.standin.errors import Json, NotImplementedHere
from tests.standin.fulltext import weighted
from tests.standin.mapping import TEXTS, Field
from tests.standin.query import Evaluator
from tests.standin.semantic import extract
from tests.standin.sorting import Hit
from tests.standin.vectors import Vector

FRAGMENTS = 5
FRAGMENT_SIZE = 100
OPTIONS = {
    "type", "number_of_fragments", "fragment_size", "order", "pre_tags", "post_tags",
    "require_field_match",
    "no_match_size", "fields", "highlight_query", "encoder", "boundary_scanner",
}  # fmt: skip


def clauses(query: Any) -> Iterator[tuple[str, Json]]:
    """Every leaf query below a query, negated ones left out."""
    if isinstance(query, list):
        for item in query:
            yield from clauses(item)
    elif isinstance(query, dict):
        for name, body in query.items():
            if name in LEAVES:
                yield name, body
            elif name != "must_not":
                yield from clauses(body)


LEAVES = {
    "match",
    "multi_match",
    "term",
    "terms",
    "match_phrase",
    "match_phrase_prefix",
    "semantic",
    "knn",
    "match_all",
}


def _searched(evaluator: Evaluator, name: str, body: Json) -> Iterator[tuple[str, str]]:
    """(field, text) pairs that a leaf query looks for."""
    if name == "semantic":
        yield body["field"], body["query"]
    elif name == "multi_match":
        for path in weighted(evaluator, body.get("fields", ["*"])):
            yield path, body["query"]
    elif name in {"match", "term", "terms", "match_phrase", "match_phrase_prefix"}:
        for path, value in body.items():
            if isinstance(value, dict):
                value = value.get("query", value.get("value"))
            if path not in {"boost", "_name"}:
                for item in value if isinstance(value, list) else [value]:
                    yield path, str(item)


class Highlighter:
    """Highlights the hits of one search on one shard; ``queries`` are all queries that found
    them.
    """

    def __init__(self, evaluator: Evaluator, body: Json, queries: list[Any]) -> None:
        self._evaluator = evaluator
        self._options = {key: value for key, value in body.items() if key != "fields"}
        fields = body["fields"]
        parts = fields if isinstance(fields, list) else [fields]
        self._fields = [(name, options or {}) for part in parts for name, options in part.items()]
        for options in [self._options, *(options for _, options in self._fields)]:
            if options.keys() - OPTIONS or "highlight_query" in options:
                raise NotImplementedHere(f"highlight options {sorted(options)}")
        self._clauses = list(clauses(queries))

    def highlight(self, hit: Hit) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for pattern, own in self._fields:
            options = {**self._options, **own}
            for path, mapped in self._evaluator.mapping.fields.items():
                if not fnmatchcase(path, pattern):
                    continue
                snippets: list[str] = []
                if mapped.type == "semantic_text":
                    if options.get("type", "semantic") == "semantic":
                        snippets = self._chunks(mapped, hit, options)
                elif mapped.type in TEXTS and options.get("type") != "semantic":
                    snippets = self._fragments(mapped, hit, options)
                if snippets:
                    found[path] = snippets
        return found

    def _vectors(self, found: Field) -> list[Vector]:
        vectors = []
        for name, body in self._clauses:
            if name == "knn" and body.get("field") == found.path:
                vectors.append(knn.query_vector(self._evaluator, body, found))
            for path, text in _searched(self._evaluator, name, body):
                if path == found.path:
                    inference_id = found.search_inference_id
                    vectors.append(knn.embed_query(self._evaluator, inference_id, text))
        return vectors

    def _chunks(self, found: Field, hit: Hit, options: Json) -> list[str]:
        chunks = hit.unit.owner.chunks.get(found.path, [])
        vectors = self._vectors(found)
        if not chunks:
            return []
        if vectors:
            matrix = np.stack([chunk.vector for chunk in chunks])
            scores = np.max([matrix @ vector for vector in vectors], axis=0).tolist()
        elif any(name == "match_all" for name, _ in self._clauses):
            scores = [1.0] * len(chunks)
        else:
            return []
        wanted = options.get("number_of_fragments", FRAGMENTS)
        ranked = sorted(range(len(chunks)), key=lambda number: -scores[number])[: wanted or 1]
        if options.get("order") != "score":
            ranked.sort()
        return [chunks[number].text for number in ranked]

    def _terms(self, found: Field, options: Json) -> set[str]:
        analyze = self._evaluator.mapping.analyzer(found, search=True)
        anywhere = options.get("require_field_match") is False
        terms: set[str] = set()
        for name, body in self._clauses:
            for path, text in _searched(self._evaluator, name, body):
                if anywhere or path == found.path:
                    terms.update(analyze(text))
        return terms

    def _fragments(self, found: Field, hit: Hit, options: Json) -> list[str]:
        terms = self._terms(found, options)
        value = extract(hit.unit.owner.source, found.parent or found.path)
        if value is None:
            return []
        text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
        analyze = self._evaluator.mapping.analyzer(found)
        matches = [
            match
            for match in re.finditer(r"\w+(?:['’]\w+)?", text)
            if terms & set(analyze(match.group()))
        ]
        if not matches:
            return [text[: options["no_match_size"]]] if options.get("no_match_size") else []
        before = (options.get("pre_tags") or ["<em>"])[0]
        after = (options.get("post_tags") or ["</em>"])[0]
        wanted = options.get("number_of_fragments", FRAGMENTS)
        spans = [(0, len(text))]
        if wanted:
            spans = _spans(text, options.get("fragment_size", FRAGMENT_SIZE))
        pieces = []
        for start, end in spans:
            inside = [match for match in matches if start <= match.start() < end]
            if inside:
                pieces.append((len(inside), start, _mark(text, start, end, inside, before, after)))
        best = sorted(pieces, key=lambda piece: -piece[0])[: wanted or 1]
        if options.get("order") != "score":
            best.sort(key=lambda piece: piece[1])
        return [piece[2] for piece in best]


def _spans(text: str, size: int) -> list[tuple[int, int]]:
    """Whole sentences put together until a fragment is full."""
    spans: list[tuple[int, int]] = []
    for span in chunking.sentences(text):
        if spans and span.end - spans[-1][0] <= size:
            spans[-1] = (spans[-1][0], span.end)
        else:
            spans.append((span.start, span.end))
    return spans


def _mark(
    text: str, start: int, end: int, inside: list[re.Match[str]], before: str, after: str
) -> str:
    pieces, position = [], start
    for match in inside:
        pieces += [text[position : match.start()], before, match.group(), after]
        position = match.end()
    return "".join([*pieces, text[position:end]]).strip()
