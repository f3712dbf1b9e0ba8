"""Which index serves: the alias `INDEX_NAME` over indices named after the time they were built."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from http import HTTPStatus

from elasticsearch import Elasticsearch, NotFoundError

from articles.search.base import SearchError
from articles.search.elastic.mapping import Json

logger = logging.getLogger(__name__)

TAKEN = (
    "{alias} is an index of its own, so it cannot be the alias of the index that this site "
    "builds. Choose another INDEX_NAME, or delete that index if nothing needs it; then run "
    "manage.py reindex."
)


def new_name(alias: str) -> str:
    return f"{alias}-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"


def serving(client: Elasticsearch, alias: str) -> list[str]:
    """The indices behind the alias: one, or none before the first reindex."""
    try:
        return sorted(client.indices.get_alias(name=alias).body)
    except NotFoundError:
        return []


def serves(client: Elasticsearch, index: str, alias: str) -> bool:
    return index in serving(client, alias)


def check_free(client: Elasticsearch, alias: str) -> None:
    """Raises `SearchError` if the alias' name belongs to an index."""
    if not serving(client, alias) and client.indices.exists(index=alias):
        raise SearchError(TAKEN.format(alias=alias))


def swap(client: Elasticsearch, alias: str, new: str) -> None:
    """Let `new` serve and remove what served before, in one step that readers cannot see."""
    actions: list[Json] = [{"add": {"index": new, "alias": alias}}]
    actions += [{"remove_index": {"index": old}} for old in serving(client, alias) if old != new]
    client.indices.update_aliases(actions=actions)


def remove_leftovers(client: Elasticsearch, alias: str) -> None:
    """Half-built indices of processes that were killed; only one reindex runs at a time."""
    own = re.compile(rf"{re.escape(alias)}-\d{{8}}-\d{{6}}-\d{{6}}")
    found = client.options(ignore_status=HTTPStatus.NOT_FOUND).indices.get_alias(index=f"{alias}-*")
    for index, about in found.body.items():
        if own.fullmatch(index) and not about["aliases"]:
            client.indices.delete(index=index, ignore_unavailable=True)
            logger.info("Removed %s, which a stopped reindex had left behind.", index)
