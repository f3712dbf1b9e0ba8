"""Writing the query log without ever failing the reader whose question it is."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import DatabaseError, transaction

from recommendations.models import QueryLog

logger = logging.getLogger(__name__)


def saved(row: QueryLog) -> bool:
    """Whether the row is in the log now: not where logging is off or the database refuses."""
    try:
        with transaction.atomic():
            if not settings.QUERY_LOG_DAYS:  # what was logged before that, is forgotten too
                QueryLog.objects.expired().delete()
                return False
            row.save(force_update=row.pk is not None)
    except QueryLog.NotUpdated:  # an editor has deleted it while the answer was written
        return False
    except DatabaseError:
        logger.exception("The question could not be logged.")
        return False
    return True
