"""Questions that found no article are logged, too: editors want to know them most of all.

The other questions come into the log with their cards (`service`); these never have any.
"""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import DatabaseError, transaction

from articles.search.asked import nothing_found
from recommendations.models import Outcome, QueryLog

logger = logging.getLogger(__name__)


def note(question: str, language: str, engine: str, **kwargs: object) -> None:
    """Log the question; a reader's page never fails because of it."""
    if not settings.QUERY_LOG_DAYS:
        return
    try:
        with transaction.atomic():
            QueryLog.objects.create(
                question=question[:500],
                language=language,
                hits=[],
                engine=engine,
                total_ms=0,
                outcome=Outcome.EXCERPTS,
            )
    except DatabaseError:
        logger.exception("The question could not be logged.")


def connect() -> None:
    nothing_found.connect(note, dispatch_uid="note_unanswered_question")
