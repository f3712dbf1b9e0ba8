"""How good the search is: recall@k and mean reciprocal rank over labelled queries.

Definitions as in Manning, Raghavan and Schütze, "Introduction to Information Retrieval", ch. 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from articles.search.base import SearchQuery, get_engine
from articles.search.language import detect_language
from articles.search.results import Answer

DEPTH = 10


class InvalidQuery(ValueError):
    """A labelled query that cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class LabelledQuery:
    """A question with the `source_id`s of the articles that answer it."""

    text: str
    relevant: frozenset[str]
    language: str

    @classmethod
    def parse(cls, row: object) -> LabelledQuery:
        if not isinstance(row, dict) or not isinstance(text := row.get("query"), str):
            raise InvalidQuery('an object with a text "query" is needed')
        ids = row.get("relevant_ids")
        if not isinstance(ids, list) or not ids or not all(isinstance(i, str | int) for i in ids):
            raise InvalidQuery('"relevant_ids" must be a list of one or more source ids')
        if not text.strip():
            raise InvalidQuery('"query" is empty')
        if not isinstance(language := row.get("language") or detect_language(text), str):
            raise InvalidQuery('"language" must be "en" or "es"')
        return cls(text, frozenset(map(str, ids)), language)


@dataclass(frozen=True, slots=True)
class Judged:
    """A query with the source ids of its hits, best first."""

    query: LabelledQuery
    found: Sequence[str]

    def recall(self, k: int) -> float:
        """Share of the relevant articles among the first `k` hits."""
        return len(self.query.relevant & set(self.found[:k])) / min(len(self.query.relevant), k)

    @property
    def reciprocal_rank(self) -> float:
        """1 / rank of the first relevant hit within ten, else 0."""
        ranks = (n for n, found in enumerate(self.found[:DEPTH], 1) if found in self.query.relevant)
        return 1 / next(ranks, float("inf"))


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over `queries` questions, each from 0 to 1."""

    queries: int
    recall_at_1: float
    recall_at_5: float
    mrr_at_10: float

    @classmethod
    def over(cls, judged: Iterable[Judged]) -> Scores:
        rows = list(judged)
        return cls(
            len(rows),
            fmean(row.recall(1) for row in rows),
            fmean(row.recall(5) for row in rows),
            fmean(row.reciprocal_rank for row in rows),
        )


def judge(query: LabelledQuery) -> Judged:
    """Ask the configured engine itself, without a fallback; raises `SearchError`."""
    question = SearchQuery(query.text, limit=DEPTH)
    answer = Answer(question, get_engine().search(question))
    return Judged(query, [found.article.source_id or "" for found in answer.found])
