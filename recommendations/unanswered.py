"""Questions that found no article are logged, too: editors want to know them most of all.

The other questions come into the log with their cards (`service`); these never have any.
"""

from __future__ import annotations

from articles.search.asked import nothing_found
from recommendations import query_log
from recommendations.models import Outcome, QueryLog


def note(question: str, language: str, engine: str, **kwargs: object) -> None:
    """Log the question; a reader's page never fails because of it."""
    query_log.saved(
        QueryLog(
            question=question[:500],
            language=language,
            engine=engine,
            total_ms=0,
            outcome=Outcome.NOTHING,
        )
    )


def connect() -> None:
    nothing_found.connect(note, dispatch_uid="note_unanswered_question")
