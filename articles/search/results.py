"""An engine's answer joined with the rows of the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from django.db.models import FETCH_PEERS
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _

from articles.models import Article, Author, Category
from articles.passages import in_context
from articles.search.base import Facet, SearchQuery, SearchResult
from articles.search.names import names_of

FACET_LABELS: Mapping[Facet, str | Promise] = {
    "category": _("Topic"),
    "author": _("Author"),
    "language": _("Language"),
    "year": _("Year"),
}


@dataclass(frozen=True)
class FoundArticle:
    """A hit with its row. `passage` is the part of the article that answers best."""

    article: Article
    score: float
    passage: str

    @cached_property
    def shown_passage(self) -> str:
        """The passage for people, never so short that it says nothing."""
        return in_context(self.article, self.passage)


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value to filter by; `address` is the page's with it chosen, or no longer.

    Dozens stand on a page, so all is text as the page shows it: Django asks for the reader's
    number format anew for each number. `id` lets htmx keep the focus.
    """

    id: str
    label: str
    count: str
    selected: bool
    address: str


@dataclass(frozen=True, slots=True)
class FacetGroup:
    """A facet with its values, those with most articles first."""

    label: str | Promise
    values: Sequence[FacetValue]


def address_of(query: SearchQuery) -> str:
    """The query string of the first page that answers `query`."""
    parameters: dict[str, str] = {"q": query.text} | dict(query.filters)
    if query.sort != "relevance":
        parameters["sort"] = query.sort
    return f"?{urlencode(parameters)}"


@dataclass(frozen=True)
class Answer:
    """One page of an answer: `found` in hit order, `facets` with names for people."""

    query: SearchQuery
    result: SearchResult

    @cached_property
    def found(self) -> list[FoundArticle]:
        """Hits whose row is still public; an index may lag behind the database."""
        hits = {hit.pk: hit for hit in self.result.hits}
        # Authors and categories are read when a template wants them, for all hits at once; the
        # lines that show them are mostly kept (`articles/_hits.html`).
        articles = Article.objects.published().fetch_mode(FETCH_PEERS)
        rows = articles.in_order_of(list(hits))
        return [FoundArticle(row, hits[row.pk].score, hits[row.pk].passage) for row in rows]

    @property
    def by_relevance(self) -> str:
        """The address of the same question with the best articles first."""
        return address_of(replace(self.query, sort="relevance"))

    @property
    def by_date(self) -> str:
        """The address of the same question with the newest articles first."""
        return address_of(replace(self.query, sort="date"))

    @property
    def unfiltered(self) -> str:
        """The address of the same question without any filter."""
        return address_of(replace(self.query, filters={}))

    def address_without(self, facet: Facet) -> str:
        """The address of the same question without this filter."""
        others = {name: value for name, value in self.query.filters.items() if name != facet}
        return address_of(replace(self.query, filters=others))

    @cached_property
    def facets(self) -> list[FacetGroup]:
        """The facets that have something to choose."""
        groups = []
        for facet, counts in self.result.facets.items():
            labels = _labels(facet, counts.keys())
            chosen, others = self.query.filters.get(facet), self.address_without(facet)
            values = [
                FacetValue(
                    id=f"facet-{facet}-{value}",
                    label=labels.get(value, value),
                    count=str(count),
                    selected=value == chosen,
                    address=others if value == chosen else f"{others}&{facet}={quote(value)}",
                )
                for value, count in counts.items()
            ]
            if values:
                groups.append(FacetGroup(FACET_LABELS[facet], values))
        return groups


def _labels(facet: Facet, values: Set[str]) -> Mapping[str, str]:
    match facet:
        case "category":
            return names_of(Category, values)
        case "author":
            return names_of(Author, values)
        case "language":
            return {code: str(name) for code, name in Article.Language.choices}
        case "year":
            return {}
