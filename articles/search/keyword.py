"""Keyword search in the database: the last resort when the configured engine cannot answer.

It needs nothing but the article table, and orders by the share of the question's terms that an
article holds, words of the title first. It knows no meaning and no other language.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Q

from articles.markdown import plain_text
from articles.models import Article
from articles.search.base import FACETS, Facet, Hit, SearchQuery, SearchResult
from articles.search.chunks import split, terms

MAX_TERMS = 12
MAX_CANDIDATES = 300  # rows read and ranked in Python
TITLE_BONUS = 0.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that holds at least one term, with what ranking and facets need."""

    article: Article
    score: float

    def facet(self, facet: Facet) -> str:
        article = self.article
        match facet:
            case "category":
                return article.category.slug if article.category else ""
            case "author":
                return article.author.slug
            case "language":
                return article.language
            case "year":
                return str(article.date.year)

    def matches(self, filters: Mapping[Facet, str], but: Facet | None = None) -> bool:
        return all(self.facet(f) == value for f, value in filters.items() if f != but)


class KeywordEngine:
    """Answers questions only; there is no index to write to."""

    name = "keyword"

    def search(self, query: SearchQuery, *, degraded: str = "") -> SearchResult:
        wanted = list(dict.fromkeys(terms(query.text)))[:MAX_TERMS]
        candidates = _candidates(wanted, query.text)
        facets = {
            facet: dict(
                Counter(
                    c.facet(facet) for c in candidates if c.matches(query.filters, but=facet)
                ).most_common()
            )
            for facet in FACETS
        }
        found = [c for c in candidates if c.matches(query.filters)]
        if query.sort == "date":
            found.sort(key=lambda c: (c.article.date, c.article.pk), reverse=True)
        page = found[query.offset : query.offset + query.limit]
        hits = [Hit(c.article.pk, c.score, _passage(c.article, wanted)) for c in page]
        return SearchResult(hits, len(found), facets, self.name, degraded)


def _candidates(wanted: list[str], text: str) -> list[Candidate]:
    if not wanted:
        return []
    condition = Q()
    for word in {*wanted, *(word.casefold() for word in text.split() if len(word) > 3)}:
        condition |= Q(title__icontains=word) | Q(translated_title__icontains=word)
        condition |= Q(content__icontains=word)
    rows = Article.objects.published().for_list().filter(condition)[:MAX_CANDIDATES]
    scored = (Candidate(row, _score(row, wanted)) for row in rows)
    return sorted((c for c in scored if c.score > 0), key=lambda c: (-c.score, -c.article.pk))


def _score(article: Article, wanted: list[str]) -> float:
    """Share of the terms found in the article, plus half that share for its titles."""
    title = set(terms(f"{article.title} {article.translated_title}"))
    everywhere = title | set(terms(plain_text(article.content)))
    return (_found(wanted, everywhere) + TITLE_BONUS * _found(wanted, title)) / len(wanted)


def _found(wanted: Iterable[str], words: set[str]) -> int:
    return sum(term in words for term in wanted)


def _passage(article: Article, wanted: list[str]) -> str:
    passages = split(article.title, plain_text(article.content))
    return max(passages, key=lambda passage: _found(wanted, set(terms(passage))))
