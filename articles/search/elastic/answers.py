"""A question as searches of one `_msearch`, and their responses as a page of hits with facets.

A facet's counts ignore its own filter, so each filtered facet needs the nearest articles without
that filter too. Filters narrow the articles *before* the nearest are taken; filtering afterwards
would lose those of a rare category that are not among the nearest of all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from http import HTTPStatus

from django.utils.translation import gettext as _

from articles.search.base import (
    FACETS,
    Facet,
    Hit,
    SearchError,
    SearchQuery,
    SearchResult,
)
from articles.search.elastic import errors
from articles.search.elastic.client import Cluster
from articles.search.elastic.mapping import FACET_FIELDS, Json
from articles.search.elastic.vectors import Question, Vectors

FOREIGN = (
    "The index behind INDEX_NAME was not built by this site. Choose another INDEX_NAME, then run "
    "manage.py reindex."
)

type Filters = Mapping[Facet, str]


def searches(question: Question, filters: Filters, window: int) -> list[Json]:
    """The search for the hits first, then those for what the facets count, then the extras."""
    return [
        question.body(_terms(filters), window),
        *(question.body(_terms(some), window, with_passages=False) for some in _wider(filters)),
        *question.extras(),
    ]


def _wider(filters: Filters) -> Iterator[Filters]:
    """Without each filter, and without any: whether a question has an answer at all is not a
    matter of filters."""
    for own in filters:
        yield {facet: value for facet, value in filters.items() if facet != own}
    if len(filters) > 1:
        yield {}


def _terms(filters: Filters) -> list[Json]:
    return [{"term": {FACET_FIELDS[facet]: value}} for facet, value in filters.items()]


def result(
    responses: Sequence[Json],
    query: SearchQuery,
    question: Question,
    vectors: Vectors,
    name: str,
) -> SearchResult:
    """What the responses to `searches` mean."""
    count = len(responses) - len(question.extras())
    responses, extras = responses[:count], responses[count:]
    rows = by_pk(responses)
    scores = question.scores(rows, responses, extras)
    main = {pk: row for pk, row in by_pk(responses[:1]).items() if pk in scores}
    if query.sort == "date":
        order = sorted(main, key=lambda pk: (_day(main[pk]), pk), reverse=True)
    else:
        order = sorted(main, key=lambda pk: -scores[pk])
    page = order[query.offset : query.offset + query.limit]
    return SearchResult(
        [Hit(pk, scores[pk], vectors.passage(main[pk])) for pk in page],
        len(main),
        _facets([rows[pk] for pk in scores], query.filters),
        name,
        _missing_part(responses),
    )


def by_pk(responses: Sequence[Json]) -> dict[int, Json]:
    """The hits of all responses, each article once, as the first of them has it."""
    rows: dict[int, Json] = {}
    for response in responses:
        for row in response["hits"]["hits"]:
            if not row.get("_source", {}).keys() >= set(FACET_FIELDS.values()):
                raise SearchError(FOREIGN)
            rows.setdefault(pk_of(row), row)
    return rows


def pk_of(row: Json) -> int:
    try:
        return int(row["_id"])
    except ValueError:
        raise SearchError(FOREIGN) from None


def check(responses: Sequence[Json], cluster: Cluster) -> None:
    """Raises `SearchError` if one of the searches failed: they do so under status 200."""
    for response in responses:
        if "error" in response:
            status = response.get("status", HTTPStatus.INTERNAL_SERVER_ERROR)
            raise cluster.error(errors.from_answer(status, response))


def _day(row: Json) -> date:
    return date.fromisoformat(row["_source"]["date"])


def _facets(rows: Sequence[Json], filters: Filters) -> dict[Facet, dict[str, int]]:
    """Counted here and not by an aggregation, over the same articles as `total`."""
    values = [{facet: row["_source"][FACET_FIELDS[facet]] for facet in FACETS} for row in rows]
    counts = {}
    for facet in FACETS:
        others = {other: value for other, value in filters.items() if other != facet}
        counted = Counter(found[facet] for found in values if others.items() <= found.items())
        counts[facet] = dict(counted.most_common())
    return counts


def _missing_part(responses: Sequence[Json]) -> str:
    if any(response["timed_out"] or response["_shards"]["failed"] for response in responses):
        return _("Part of the search index is not available right now; articles may be missing.")
    return ""
