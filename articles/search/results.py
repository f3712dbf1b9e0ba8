"""An engine's answer joined with the rows of the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from django.db.models import FETCH_PEERS
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _

from articles.models import Article, Author, Category
from articles.passages import in_context
from articles.search.base import Facet, SearchQuery, SearchResult

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
    """One value to filter by; `parameter` is what it adds to the address of the page."""

    value: str
    label: str
    count: int
    selected: bool
    parameter: str


@dataclass(frozen=True, slots=True)
class FacetGroup:
    """A facet with its values, those with most articles first."""

    name: Facet
    label: str | Promise
    values: Sequence[FacetValue]


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

    @cached_property
    def facets(self) -> list[FacetGroup]:
        """The facets that have something to choose."""
        labels: dict[Facet, Mapping[str, str]] = {
            "category": {page.slug: page.shown_name for page in Category.objects.order_by()},
            "author": dict(Author.objects.order_by().values_list("slug", "name")),
            "language": {code: str(name) for code, name in Article.Language.choices},
        }
        return [
            FacetGroup(
                facet,
                FACET_LABELS[facet],
                [
                    FacetValue(
                        value=value,
                        label=labels.get(facet, {}).get(value, value),
                        count=count,
                        selected=self.query.filters.get(facet) == value,
                        parameter=f"{facet}={quote(value)}",
                    )
                    for value, count in counts.items()
                ],
            )
            for facet, counts in self.result.facets.items()
            if counts
        ]
