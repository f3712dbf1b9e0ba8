"""Reading all versions of an index in the order of primary keys.

A point in time keeps the view while pages are read, and `search_after` has no limit of depth.
https://www.elastic.co/docs/reference/elasticsearch/rest-apis/paginate-search-results
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from articles.search.base import SearchError
from articles.search.elastic.answers import pk_of
from articles.search.elastic.client import Cluster
from articles.search.elastic.mapping import Json

logger = logging.getLogger(__name__)

PAGE = 5000  # documents; the cluster's default limit is 10,000
KEEP_ALIVE = "2m"


def versions(cluster: Cluster, index: str, filters: Sequence[Json]) -> Iterator[tuple[int, int]]:
    """(primary key, version) of every document, ascending; nothing where there is no index."""
    with cluster.background() as client:
        if not client.indices.exists(index=index):
            return
        client.indices.refresh(index=index)  # so that the last write counts
        pit = client.open_point_in_time(index=index, keep_alive=KEEP_ALIVE)["id"]
    try:
        last: list[Any] | None = None
        while rows := _page(cluster, pit, filters, last):
            yield from ((pk_of(row), row["_version"]) for row in rows)
            last = rows[-1]["sort"]
    finally:
        _close(cluster, pit)


def _page(
    cluster: Cluster, pit: str, filters: Sequence[Json], last: list[Any] | None
) -> list[Json]:
    with cluster.background() as client:
        found = client.search(
            pit={"id": pit, "keep_alive": KEEP_ALIVE},
            query={"bool": {"filter": list(filters)}},
            sort=[{"pk": "asc"}],
            search_after=last,
            size=PAGE,
            source=False,
            version=True,
            track_total_hits=False,
        )
    rows: list[Json] = found["hits"]["hits"]
    return rows


def _close(cluster: Cluster, pit: str) -> None:
    try:
        with cluster.background() as client:
            client.close_point_in_time(id=pit)
    except SearchError as error:  # it closes by itself when its time is over
        logger.info("A point in time stays open for %s: %s", KEEP_ALIVE, error)
