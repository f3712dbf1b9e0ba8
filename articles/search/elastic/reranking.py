"""The embedded engine's ranking for candidates that kNN found: titles and words count too.

How much a word weighs depends on how many articles hold it. Elasticsearch counts that, over all
articles and by language; the articles themselves stay where they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from articles.search import ranking
from articles.search.elastic.mapping import Json

MAX_LANGUAGES = 50


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article near the question: the cosines of its best passage and of its title."""

    pk: int
    passage: float
    title: float
    language: str


@dataclass(frozen=True, slots=True)
class WordCounts:
    """The articles of one language: how many there are, and how many of them hold each word."""

    articles: int
    holding: Mapping[str, int] = field(default_factory=dict)


def holders(words: Sequence[str], size: int) -> Json:
    """The aggregation that tells which of a search's hits hold which word."""
    pks: Json = {"pks": {"terms": {"field": "pk", "size": size}}}
    return {"words": {"filters": {"filters": _by_word(words)}, "aggs": pks}}


def read_holders(words: Sequence[str], responses: Sequence[Json]) -> dict[str, set[int]]:
    held: dict[str, set[int]] = {word: set() for word in words}
    for response in responses if words else ():
        for word, bucket in response["aggregations"]["words"]["buckets"].items():
            held[word].update(int(found["key"]) for found in bucket["pks"]["buckets"])
    return held


def word_counts(words: Sequence[str], filters: Sequence[Json]) -> Json:
    """The search that counts, over all articles, how many of each language hold each word."""
    words_of: Json = {"words": {"filters": {"filters": _by_word(words)}}}
    languages: Json = {"terms": {"field": "language", "size": MAX_LANGUAGES}, "aggs": words_of}
    return {
        "size": 0,
        "query": {"bool": {"filter": list(filters)}},
        "aggs": {"languages": languages},
    }


def read_word_counts(responses: Sequence[Json]) -> dict[str, WordCounts]:
    return {
        language["key"]: WordCounts(
            language["doc_count"],
            {word: found["doc_count"] for word, found in language["words"]["buckets"].items()},
        )
        for response in responses
        for language in response["aggregations"]["languages"]["buckets"]
    }


def rerank(
    candidates: Sequence[Candidate],
    words: Sequence[str],
    held: Mapping[str, set[int]],
    counts: Mapping[str, WordCounts],
    cutoff: float,
) -> dict[int, float]:
    """The scores of the candidates that answer, by primary key."""
    languages = [candidate.language for candidate in candidates]
    rows = {word: [row for row, c in enumerate(candidates) if c.pk in held[word]] for word in words}
    # Articles that are no candidates have rows too, behind the others: the weights of words and
    # the means of a language depend on how many there are, not on which.
    for language, count in counts.items():
        start = len(languages)
        unseen = max(count.articles - languages.count(language), 0)
        for word, total in count.holding.items():
            known = sum(languages[row] == language for row in rows[word] if row < len(candidates))
            rows[word] += range(start, start + min(max(total - known, 0), unseen))
        languages += [language] * unseen
    index = {word: np.array(found, dtype=np.intp) for word, found in rows.items()}
    signals = ranking.Signals(
        passages=_padded([c.passage for c in candidates], len(languages)),
        titles=_padded([c.title for c in candidates], len(languages)),
        shares=ranking.lexical_shares(words, index, len(languages)),
        languages=np.array(languages, dtype=np.str_),
    )
    scores = signals.scores
    shown = ranking.found(scores, signals.evidence, cutoff)
    return {c.pk: float(scores[row]) for row, c in enumerate(candidates) if shown[row]}


def _padded(cosines: Sequence[float], length: int) -> ranking.Floats:
    """With -1, as far away as can be, for the articles that are no candidates."""
    padded = np.full(length, -1.0, dtype=np.float32)
    padded[: len(cosines)] = cosines
    return padded


def _by_word(words: Sequence[str]) -> Json:
    return {word: {"term": {"terms": word}} for word in words}
