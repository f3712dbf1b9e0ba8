"""Full-text queries on text fields, scored with BM25. Source: reference section "Full text
queries".

``match`` on a ``semantic_text`` field is a semantic query
(``SemanticMatchQueryRewriteInterceptor``, since 8.18).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.standin.errors import ElasticsearchError, Json, NotImplementedHere, illegal_argument
from tests.standin.knn import semantic
from tests.standin.mapping import TEXTS, Field
from tests.standin.query import (
    Evaluator,
    Scores,
    Units,
    best_of,
    handles,
    only,
    required_should,
)
from tests.standin.termlevel import single, term


def _fuzziness(wanted: Any, text: str) -> int:
    """``AUTO`` allows one edit from three letters on, two from six."""
    if wanted is None:
        return 0
    if str(wanted).upper().startswith("AUTO"):
        return 0 if len(text) < 3 else 1 if len(text) < 6 else 2
    return int(wanted)


def _near(left: str, right: str, edits: int) -> bool:
    """Levenshtein distance of at most ``edits``."""
    if abs(len(left) - len(right)) > edits:
        return False
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        row, last = [i], row
        for j, b in enumerate(right, 1):
            row.append(min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b)))
    return row[-1] <= edits


def _expand(evaluator: Evaluator, found: Field, text: str, units: Units, edits: int) -> set[str]:
    if edits == 0:
        return {text}
    vocabulary = {word for unit in units for word in unit.terms.get(found.path, ())}
    return {word for word in vocabulary if _near(word, text, edits)}


def match_terms(
    evaluator: Evaluator, found: Field, terms: list[str], options: Json, units: Units
) -> Scores:
    """Analysed terms against one text field, joined by ``operator``."""
    choices = [
        _expand(evaluator, found, text, units, _fuzziness(options.get("fuzziness"), text))
        for text in terms
    ]
    everything = {text for choice in choices for text in choice}
    statistics = evaluator.shard.statistics(found.path, everything, units)
    every = str(options.get("operator", "or")).lower() == "and"
    least = (
        len(choices)
        if every
        else max(required_should(options.get("minimum_should_match"), len(choices), 1), 1)
    )
    scores: Scores = {}
    for unit in units:
        counts = unit.terms.get(found.path)
        if not counts:
            continue
        length = len(unit.positions[found.path])
        hits = [
            max(statistics.score(text, counts[text], length) for text in choice & counts.keys())
            for choice in choices
            if choice & counts.keys()
        ]
        if hits and len(hits) >= least:
            scores[unit] = sum(hits)
    return scores


def match_field(evaluator: Evaluator, path: str, text: Any, options: Json, units: Units) -> Scores:
    found = evaluator.field(path)
    if found is None:
        return {}
    if found.type == "semantic_text":
        return semantic(evaluator, found, str(text), units)
    if found.type not in TEXTS:
        try:
            return term(evaluator, path, text, units)
        except ElasticsearchError:
            if options.get("lenient"):
                return {}
            raise
    analyzer = evaluator.mapping.analyzer(found, search=True)
    terms = analyzer(str(text))
    if not terms:
        return dict.fromkeys(units, 1.0) if options.get("zero_terms_query") == "all" else {}
    return match_terms(evaluator, found, terms, options, units)


@handles("match")
def _match(evaluator: Evaluator, body: Json, units: Units) -> Scores:
    path, options = single(body, "query")
    only(
        options, "match", "query", "operator", "minimum_should_match", "fuzziness", "lenient",
        "zero_terms_query",
        "prefix_length", "max_expansions", "fuzzy_transpositions",
    )  # fmt: skip
    return match_field(evaluator, path, options["query"], options, units)


def _phrase_count(words: list[str], phrase: list[str], last_is_prefix: bool) -> int:
    count = 0
    for start in range(len(words) - len(phrase) + 1):
        window = words[start : start + len(phrase)]
        same = window[:-1] == phrase[:-1]
        last = window[-1].startswith(phrase[-1]) if last_is_prefix else window[-1] == phrase[-1]
        count += same and last
    return count


def phrase(
    evaluator: Evaluator, path: str, text: str, units: Units, *, prefix: bool = False
) -> Scores:
    found = evaluator.field(path)
    if found is None:
        return {}
    if found.type not in TEXTS:
        if found.type == "semantic_text":
            raise illegal_argument(
                f"Can only use phrase queries on text fields - not on [{path}] which is of type"
                " [semantic_text]",
                on_shard=True,
            )
        return term(evaluator, path, text, units)
    terms = evaluator.mapping.analyzer(found, search=True)(text)
    if not terms:
        return {}
    statistics = evaluator.shard.statistics(found.path, terms, units)
    weight = sum(statistics.weight(item) for item in terms)
    scores: Scores = {}
    for unit in units:
        words = unit.positions.get(found.path, [])
        count = _phrase_count(words, terms, prefix)
        if count:
            scores[unit] = weight * 2.2 * count / (count + 1.2)
    return scores


@handles("match_phrase")
def _match_phrase(evaluator: Evaluator, body: Json, units: Units) -> Scores:
    path, options = single(body, "query")
    only(options, "match_phrase", "query")
    return phrase(evaluator, path, options["query"], units)


@handles("match_phrase_prefix")
def _match_phrase_prefix(evaluator: Evaluator, body: Json, units: Units) -> Scores:
    path, options = single(body, "query")
    only(options, "match_phrase_prefix", "query", "max_expansions")
    return phrase(evaluator, path, options["query"], units, prefix=True)


@handles("match_bool_prefix")
def _match_bool_prefix(evaluator: Evaluator, body: Json, units: Units) -> Scores:
    path, options = single(body, "query")
    only(options, "match_bool_prefix", "query")
    return _bool_prefix(evaluator, path, options["query"], units)


def _bool_prefix(evaluator: Evaluator, path: str, text: str, units: Units) -> Scores:
    """Every term as it is, the last one as a prefix."""
    found = evaluator.field(path)
    if found is None or found.type not in TEXTS:
        return {}
    terms = evaluator.mapping.analyzer(found, search=True)(text)
    if not terms:
        return {}
    scores = match_terms(evaluator, found, terms[:-1], {}, units) if terms[:-1] else {}
    for unit in units:
        if any(word.startswith(terms[-1]) for word in unit.terms.get(found.path, ())):
            scores[unit] = scores.get(unit, 0.0) + 1.0
    return scores


def weighted(evaluator: Evaluator, patterns: Iterable[str]) -> dict[str, float]:
    """``["title.*^2", "content"]`` to paths and boosts."""
    found: dict[str, float] = {}
    for pattern in patterns:
        name, _, boost = pattern.partition("^")
        for item in evaluator.mapping.matching(name):
            if "*" not in name or item.type in TEXTS or item.type in {"keyword", "semantic_text"}:
                found[item.path] = float(boost or 1.0)
    return found


@handles("multi_match")
def _multi_match(evaluator: Evaluator, body: Json, units: Units) -> Scores:
    only(
        body, "multi_match", "query", "fields", "type", "operator", "minimum_should_match",
        "tie_breaker",
        "fuzziness", "lenient",
    )  # fmt: skip
    kind = body.get("type", "best_fields")
    fields = weighted(evaluator, body.get("fields", ["*"]))
    with_semantics = any(path in evaluator.mapping.semantic for path in fields)
    if with_semantics and kind not in {"best_fields", "most_fields"}:
        raise illegal_argument(
            f"multi_match query with type [{kind}] is not supported for semantic_text fields"
        )
    found: list[Scores] = []
    for path, boost in fields.items():
        if kind in {"phrase", "phrase_prefix"}:
            part = phrase(evaluator, path, body["query"], units, prefix=kind == "phrase_prefix")
        elif kind == "bool_prefix":
            part = _bool_prefix(evaluator, path, body["query"], units)
        elif kind in {"best_fields", "most_fields", "cross_fields"}:
            part = match_field(evaluator, path, body["query"], {**body, "lenient": True}, units)
        else:
            raise NotImplementedHere(f"multi_match of type {kind}")
        found.append({unit: score * boost for unit, score in part.items()})
    adds_up = kind in {"most_fields", "bool_prefix"}
    return best_of(found, 1.0 if adds_up else body.get("tie_breaker", 0.0))


@handles("simple_query_string")
def _simple_query_string(evaluator: Evaluator, body: Json, units: Units) -> Scores:
    """Only plain words: an operator in the text would need a parser."""
    only(body, "simple_query_string", "query", "fields", "default_operator")
    if any(sign in body["query"] for sign in '+|-"*()~'):
        raise NotImplementedHere("operators in simple_query_string")
    options = {"operator": body.get("default_operator", "or"), "lenient": True}
    fields = weighted(evaluator, body.get("fields", ["*"]))
    found = [match_field(evaluator, path, body["query"], options, units) for path in fields]
    return best_of(found, 1.0)
