"""Questions of the pages to the engine, with the keyword engine as last resort."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.db import DatabaseError
from django.utils.translation import gettext as _

from articles.search.base import Hit, SearchError, SearchQuery, SearchResult, get_engine
from articles.search.keyword import KeywordEngine

logger = logging.getLogger(__name__)


def search(query: SearchQuery) -> SearchResult:
    """The configured engine's answer, or one by keyword alone that says so in `degraded`."""
    try:
        return get_engine().search(query)
    except (SearchError, DatabaseError) as error:
        logger.error("Search falls back to keywords: %s", error)
        notice = _(
            "The search by meaning is not available right now; these results match your words only."
        )
        return KeywordEngine().search(query, degraded=notice)


def related(pk: int, limit: int) -> Sequence[Hit]:
    """Articles near this one in meaning; none when the engine cannot answer."""
    try:
        return get_engine().related(pk, limit)
    except (SearchError, DatabaseError) as error:
        logger.warning("No related articles: %s", error)
        return []
