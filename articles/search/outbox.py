"""The outbox: changes that wait for the search engine, and the one way they get there.

`sync` looks at a row as it is now and makes the index agree with it, so it may run twice, late or
in any order. An entry is removed only after the engine took the state that it announced.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from datetime import time as clock
from functools import partial
from typing import Self

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.utils import timezone

from articles.models import Article, OutboxEntry
from articles.search.base import Document, SearchError, get_engine
from articles.search.documents import built_ahead, to_documents

logger = logging.getLogger(__name__)

BATCH = 100  # articles in one call of the engine
FIRST_RETRY = timedelta(seconds=2)
LAST_RETRY = timedelta(minutes=10)
MOST_ATTEMPTS = 32_767  # what the column holds; counted no further

_deferred: ContextVar[bool] = ContextVar("outbox_deferred", default=False)


@contextmanager
def deferred() -> Iterator[None]:
    """No attempt after each commit in this block; the caller drains in bulk at its end."""
    token = _deferred.set(True)
    try:
        yield
    finally:
        _deferred.reset(token)


def changed(pks: Sequence[int], *, version: int = 0) -> None:
    """Note that these articles changed; after the commit, try once to update the index."""
    OutboxEntry.objects.enqueue(pks, version=version)
    attempt_after_commit(pks)


def attempt_after_commit(pks: Sequence[int]) -> None:
    if not _deferred.get():
        transaction.on_commit(partial(attempt, pks), robust=True)


def attempt(pks: Sequence[int]) -> None:
    """One short attempt for a change just committed; what fails stays in the outbox.

    All of it takes `SYNC_ATTEMPT_SECONDS` at most, because an editor is waiting.
    """
    deadline = time.monotonic() + settings.SYNC_ATTEMPT_SECONDS
    for pk in pks:
        seconds = deadline - time.monotonic()
        if seconds <= 0 or sync([pk], seconds=seconds):
            return


def attempt_waiting() -> None:
    """`attempt` for everything that is due, after a `deferred` block that an editor waits for."""
    transaction.on_commit(partial(drain, seconds=settings.SYNC_ATTEMPT_SECONDS), robust=True)


def waiting(*, retry_now: bool = True) -> Q:
    """The entries a drain takes: those that are due and, with `retry_now`, all that once failed.

    What is left out are scheduled articles, whose entry falls due on their publication date.
    """
    due = Q(due_at__lte=timezone.now())
    return due | Q(attempts__gt=0) if retry_now else due


def drain(*, seconds: float | None = None, retry_now: bool = False) -> None:
    """Sync every article that waits, in batches; with `seconds`, stop after that time."""
    deadline = None if seconds is None else time.monotonic() + seconds
    with closing(built_ahead(_batches(retry_now=retry_now))) as batches:
        for changes, documents in batches:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return
            changes.settle(_write(documents, changes.removals, left))


def _batches(*, retry_now: bool) -> Iterator[tuple[Changes, Iterable[Article]]]:
    last = 0
    while True:
        entries = OutboxEntry.objects.filter(waiting(retry_now=retry_now), article_id__gt=last)
        pks = list(
            entries.order_by("article_id").values_list("article_id", flat=True).distinct()[:BATCH]
        )
        if not pks:
            return
        last = pks[-1]
        changes = Changes.read(pks)
        yield changes, changes.public


def sync(pks: Sequence[int], *, seconds: float | None = None) -> Mapping[int, str]:
    """Make the index agree with these articles as their rows are now.

    Returns the failed primary keys with the reason. Failures are noted in the outbox with the
    time of the next try; none is raised.
    """
    changes = Changes.read(pks)
    failures = _write(to_documents(changes.public), changes.removals, seconds)
    changes.settle(failures)
    return failures


@dataclass(frozen=True, slots=True)
class Changes:
    """Outbox entries of some articles, and what the index must hold of those now.

    The entries are read before the rows, so a row is never older than what its entry announced; one
    that changes afterwards has another entry. `removals` are primary keys with their versions.
    """

    entries: Sequence[OutboxEntry]
    public: Sequence[Article]
    removals: Mapping[int, int]
    scheduled: Sequence[Article]

    @classmethod
    def read(cls, pks: Sequence[int]) -> Self:
        entries = list(OutboxEntry.objects.filter(article_id__in=pks))
        rows = Article.objects.for_list().in_bulk([entry.article_id for entry in entries])
        removals = {pk: row.version for pk, row in rows.items() if not row.is_public}
        for entry in entries:
            if entry.article_id not in rows:
                removals[entry.article_id] = max(removals.get(entry.article_id, 0), entry.version)
        return cls(
            entries,
            public=[row for row in rows.values() if row.is_public],
            removals=removals,
            scheduled=[row for row in rows.values() if row.is_scheduled],
        )

    def settle(self, failures: Mapping[int, str]) -> None:
        """Remove the entries of what the engine took; the others get the time of their next try."""
        with transaction.atomic():
            done = [entry.pk for entry in self.entries if entry.article_id not in failures]
            OutboxEntry.objects.filter(pk__in=done).delete()
            _schedule(row for row in self.scheduled if row.pk not in failures)
            _postpone([entry for entry in self.entries if entry.article_id in failures], failures)


def _write(
    documents: Sequence[Document], removals: Mapping[int, int], seconds: float | None
) -> dict[int, str]:
    failures: dict[int, str] = {}
    try:
        engine = get_engine()
        if documents:
            failures |= engine.index(documents, seconds=seconds)
        if removals:
            failures |= engine.delete(removals, seconds=seconds)
    except (SearchError, DatabaseError) as error:
        # The engine is down or refuses. The save that led here has been committed and must stay
        # unharmed; the entries stay in the outbox until `sync_index` gets through.
        logger.warning("The search index is behind: %s", error)
        reached = {*removals, *(document.pk for document in documents)}
        failures = dict.fromkeys(reached, str(error)) | failures
    return failures


def _schedule(rows: Iterable[Article]) -> None:
    """An article with a future date comes back to the index on the day it becomes public."""
    OutboxEntry.objects.bulk_create(
        OutboxEntry(
            article_id=row.pk, due_at=timezone.make_aware(datetime.combine(row.date, clock()))
        )
        for row in rows
    )


def _postpone(entries: Sequence[OutboxEntry], failures: Mapping[int, str]) -> None:
    for entry in entries:
        delay = min(FIRST_RETRY * 2 ** min(entry.attempts, 20), LAST_RETRY)
        entry.attempts = min(entry.attempts + 1, MOST_ATTEMPTS)
        entry.due_at = timezone.now() + delay
        entry.error = failures[entry.article_id]
    OutboxEntry.objects.bulk_update(entries, ["attempts", "due_at", "error"])
