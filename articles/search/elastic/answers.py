"""A question as searches of one `_msearch`, and their responses as a page of hits with facets.

A facet's counts ignore its own filter, so each filtered facet needs a search without that filter.
Filters narrow the documents *before* the nearest are taken; filtering afterwards would lose
articles of a rare category that are not among the nearest of all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from articles.search.elastic.vectors import Finder, Vectors

FACET_VALUES = 100
FOREIGN = (
    "The index behind INDEX_NAME was not built by this site. Choose another INDEX_NAME, then run "
    "manage.py reindex."
)


def searches(finder: Finder, filters: Mapping[Facet, str], window: int) -> list[Json]:
    """The search for the hits, then one for each filtered facet."""
    unfiltered = [facet for facet in FACETS if facet not in filters]
    bodies = [finder(_terms(filters), window) | {"aggs": _aggregations(unfiltered)}]
    for own in filters:
        others = {facet: value for facet, value in filters.items() if facet != own}
        counted = finder(_terms(others), window) | {"aggs": _aggregations([own])}
        # Its `size` stays: it decides how many neighbours are taken and counted.
        counted.pop("highlight", None)
        bodies.append(counted | {"_source": False})
    return bodies


def _terms(filters: Mapping[Facet, str]) -> list[Json]:
    return [{"term": {FACET_FIELDS[facet]: value}} for facet, value in filters.items()]


def _aggregations(facets: Sequence[Facet]) -> Json:
    return {
        facet: {"terms": {"field": FACET_FIELDS[facet], "size": FACET_VALUES}} for facet in facets
    }


def result(
    responses: Sequence[Json], query: SearchQuery, vectors: Vectors, cluster: Cluster, name: str
) -> SearchResult:
    """Raises `SearchError` if one of the searches failed."""
    for response in responses:
        if "error" in response:
            status = response.get("status", HTTPStatus.INTERNAL_SERVER_ERROR)
            raise cluster.error(errors.from_answer(status, response))
    rows = responses[0]["hits"]["hits"]
    if query.sort == "date":
        rows = sorted(rows, key=_newest_first, reverse=True)
    page = rows[query.offset : query.offset + query.limit]
    return SearchResult(
        [hit(row, vectors) for row in page],
        len(rows),
        _facets(responses),
        name,
        _missing_part(responses),
    )


def hit(row: Json, vectors: Vectors) -> Hit:
    return Hit(pk_of(row), float(row["_score"]), vectors.passage(row))


def pk_of(row: Json) -> int:
    try:
        return int(row["_id"])
    except ValueError:
        raise SearchError(FOREIGN) from None


def _newest_first(row: Json) -> tuple[date, int]:
    return date.fromisoformat(row["_source"]["date"]), pk_of(row)


def _facets(responses: Sequence[Json]) -> dict[Facet, dict[str, int]]:
    found = {
        name: {bucket["key"]: bucket["doc_count"] for bucket in aggregation["buckets"]}
        for response in responses
        for name, aggregation in response.get("aggregations", {}).items()
    }
    return {facet: found.get(facet, {}) for facet in FACETS}


def _missing_part(responses: Sequence[Json]) -> str:
    if any(response["timed_out"] or response["_shards"]["failed"] for response in responses):
        return _("Part of the search index is not available right now; articles may be missing.")
    return ""
