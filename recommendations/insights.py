"""What readers ask: the query log and the votes, counted.

Everything is counted in the database by the question as it was typed; different spellings of one
question (`kept.normalised`) are added up here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from articles.models import Article
from recommendations.kept import normalised
from recommendations.models import Outcome, QueryLog, Vote

PERIODS = 30, 90  # days; the log is kept for QUERY_LOG_DAYS, 90 unless set otherwise

# Answers without a model's words that were meant to have them. EXCERPTS is not among them: there
# excerpts are what the site is set to show. Nor is LEFT: the reader went before the answer ended.
EXCERPTS_ONLY = [
    Outcome.UNUSABLE,
    Outcome.BUSY,
    Outcome.UNAVAILABLE,
    Outcome.OVERLOADED,
    Outcome.REFUSED,
    Outcome.FAILED,
]
NOTHING = Q(hits=[])
# These may have come after some words of the model, which is an answer.
WORDLESS = Q(outcome__in=[Outcome.LATE, Outcome.BROKEN], first_words_ms=None)
EXCERPTS = (Q(outcome__in=EXCERPTS_ONLY) | WORDLESS) & ~NOTHING
THUMB_DOWN = Q(votes__value=Vote.Value.DOWN)
THUMB_UP = Q(votes__value=Vote.Value.UP)


@dataclass(slots=True)
class Question:
    """One question with how often it was asked, and how often each thing went wrong."""

    text: str
    asked: int = 0
    nothing: int = 0
    excerpts: int = 0
    up: int = 0
    down: int = 0
    last: datetime = field(default_factory=timezone.now)

    @property
    def problems(self) -> int:
        return self.nothing + self.excerpts + self.down


@dataclass(frozen=True, slots=True)
class Day:
    """`unanswered` of the `asked` questions found nothing, got excerpts only, or a thumb down.

    `up` and `down` are the thumbs on the answers of this day, also those given after midnight. So
    one day is about the same answers throughout, and all days together about those of the page.
    """

    day: date
    asked: int = 0
    unanswered: int = 0
    up: int = 0
    down: int = 0


@dataclass(frozen=True, slots=True)
class Insights:
    """All questions of the last `days` days, today included."""

    days: int

    @property
    def first_day(self) -> date:
        return timezone.localdate() - timedelta(days=self.days - 1)

    def log(self) -> QuerySet[QueryLog]:
        start = timezone.make_aware(datetime.combine(self.first_day, time()))
        return QueryLog.objects.filter(created_at__gte=start)

    def questions(self) -> list[Question]:
        """Every question, the most frequent first, of equals the one asked last."""
        rows = (
            self.log()
            .order_by()
            .values("question")
            .annotate(
                asked=Count("pk", distinct=True),
                nothing=Count("pk", filter=NOTHING, distinct=True),
                excerpts=Count("pk", filter=EXCERPTS, distinct=True),
                up=Count("votes", filter=THUMB_UP, distinct=True),
                down=Count("votes", filter=THUMB_DOWN, distinct=True),
                last=Max("created_at"),
            )
        )
        merged: dict[str, Question] = {}
        for row in rows.order_by("-last").iterator():
            # The newest spelling gives the text.
            entry = merged.setdefault(
                normalised(row["question"]), Question(row["question"], last=row["last"])
            )
            for name in ("asked", "nothing", "excerpts", "up", "down"):
                setattr(entry, name, getattr(entry, name) + row[name])
        return sorted(merged.values(), key=lambda entry: -entry.asked)

    def by_day(self) -> list[Day]:
        """One entry a day, also for days without a question."""
        counted = {
            row["day"]: Day(**row)
            for row in self.log()
            .order_by()
            .annotate(day=TruncDate("created_at"))
            .values("day")
            .annotate(
                asked=Count("pk", distinct=True),
                unanswered=Count("pk", filter=NOTHING | EXCERPTS | THUMB_DOWN, distinct=True),
                up=Count("votes", filter=THUMB_UP, distinct=True),
                down=Count("votes", filter=THUMB_DOWN, distinct=True),
            )
        }
        dates = (self.first_day + timedelta(days=number) for number in range(self.days))
        return [counted.get(day) or Day(day) for day in dates]

    def articles(self, limit: int) -> QuerySet[Any]:
        """Articles with votes in this period as `up` and `down`, the most thumbs down first."""
        here = Q(votes__log__in=self.log())
        return (
            Article.objects.filter(here)
            .annotate(
                up=Count("votes", filter=here & THUMB_UP, distinct=True),
                down=Count("votes", filter=here & THUMB_DOWN, distinct=True),
            )
            .order_by("-down", "-up", "title")[:limit]
        )


def without_good_answer(questions: Iterable[Question]) -> list[Question]:
    """Those that went wrong at least once, the most often wrong first."""
    return sorted(
        (entry for entry in questions if entry.problems), key=lambda entry: -entry.problems
    )
