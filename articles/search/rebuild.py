"""Full reindex without a gap, and the comparison of index and database.

The new index is built beside the serving one. Changes made meanwhile are found by comparing the
versions in the new index with those in the database, so nothing depends on when they came in.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from articles.models import Article, OutboxEntry, ReindexRun
from articles.search import outbox
from articles.search.base import Rebuild, SearchEngine, SearchError, get_engine
from articles.search.documents import built_ahead, to_documents

logger = logging.getLogger(__name__)

ABANDONED_AFTER = timedelta(minutes=5)
PROGRESS_SECONDS = 2.0
HEARTBEAT_SECONDS = 60.0
CATCH_UP_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Difference:
    """What index and database do not agree on, as primary keys; `orphaned` with the versions."""

    missing: Sequence[int]
    stale: Sequence[int]
    orphaned: Mapping[int, int]
    indexed: int  # documents in the index

    def __bool__(self) -> bool:
        return bool(self.missing or self.stale or self.orphaned)


@dataclass(slots=True)
class Report:
    """`documents` are in the index; `failures` are not, by primary key with the reason."""

    documents: int = 0
    seconds: float = 0.0
    failures: dict[int, str] = field(default_factory=dict)


class AlreadyRunning(SearchError):
    """Another reindex holds the lock."""


def compare(index: SearchEngine | Rebuild) -> Difference:
    """Compare ids and versions in both directions; reads, and changes nothing."""
    indexed = dict(index.versions())
    public = dict(Article.objects.published().order_by().values_list("pk", "version"))
    return Difference(
        missing=sorted(public.keys() - indexed.keys()),
        stale=sorted(pk for pk in public.keys() & indexed.keys() if public[pk] != indexed[pk]),
        orphaned={pk: indexed[pk] for pk in sorted(indexed.keys() - public.keys())},
        indexed=len(indexed),
    )


def reindex(
    chunk_size: int = 100, progress: Callable[[int, int], None] = lambda done, total: None
) -> Report:
    """Build a new index and let it serve; if that fails, the old one keeps serving.

    Articles that could not be written do not stop the others; they wait in the outbox. `progress`
    is called with the documents written so far and their total. Raises `SearchError` when the
    engine cannot build an index or takes no article at all, `AlreadyRunning` when another reindex
    is under way.
    """
    engine = get_engine()
    run = _lock()
    started = time.monotonic()
    try:
        with _heartbeat(run):
            report = _build(engine, run, chunk_size, progress)
    except BaseException as error:  # Ctrl-C too must release the lock
        _finish(run, ReindexRun.State.FAILED, str(error) or type(error).__name__)
        raise
    report.seconds = time.monotonic() - started
    _finish(run, ReindexRun.State.DONE, "")
    # What was saved between the last look at the new index and its first answer went to the old
    # index only; it is queued again.
    difference = compare(engine)
    behind = {*difference.missing, *difference.stale}
    OutboxEntry.objects.enqueue(sorted(behind - report.failures.keys()))
    # Scheduled articles come in on their day; after `loaddata` nothing else knows of it.
    finished = Article.objects.filter(status=Article.Status.PUBLISHED)
    scheduled = finished.filter(date__gt=timezone.localdate())
    OutboxEntry.objects.enqueue(scheduled.values_list("pk", flat=True))
    for pk, version in difference.orphaned.items():  # its row may be gone, and its version with it
        OutboxEntry.objects.enqueue([pk], version=version + 1)
    outbox.drain()
    # What could not be written has lost its place in the old index, and waits for another try.
    failed = behind & report.failures.keys()
    waiting = OutboxEntry.objects.filter(article_id__in=failed).values_list("article_id", flat=True)
    OutboxEntry.objects.enqueue(sorted(failed.difference(waiting)))
    return report


def _build(
    engine: SearchEngine, run: ReindexRun, chunk_size: int, progress: Callable[[int, int], None]
) -> Report:
    report = Report()
    target = engine.begin_rebuild()
    try:
        run.total = Article.objects.published().count()
        noted = time.monotonic()
        with closing(built_ahead((page, page) for page in _pages(chunk_size))) as pages:
            for _page, documents in pages:
                report.failures |= target.index(documents)
                run.indexed += len(documents)
                run.failed = len(report.failures)
                progress(run.indexed, max(run.total, run.indexed))
                if time.monotonic() - noted > PROGRESS_SECONDS:
                    run.save()
                    noted = time.monotonic()
        report.documents = _catch_up(target, report.failures)
        if report.failures and not report.documents:
            # Serving an empty index instead of the old one would help nobody.
            reason = next(iter(report.failures.values()))
            raise SearchError(f"Not one article could be written. {reason}")
        target.commit()
    except BaseException:
        target.abort()
        raise
    return report


@contextmanager
def _heartbeat(run: ReindexRun) -> Iterator[None]:
    """Signs of life from a thread, because a chunk of long articles can take many minutes."""
    ended = threading.Event()

    def beat() -> None:
        row = ReindexRun.objects.filter(pk=run.pk, state=ReindexRun.State.RUNNING)
        while not ended.wait(HEARTBEAT_SECONDS):
            with suppress(DatabaseError):  # the next one may get through
                row.update(heartbeat_at=timezone.now())
        connection.close()

    thread = threading.Thread(target=beat, name="reindex-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _pages(size: int) -> Iterator[list[Article]]:
    """All public articles by ascending primary key, without OFFSET.

    Keyset paging neither skips nor repeats a row when the table changes meanwhile.
    """
    last = 0
    rows = Article.objects.published().for_list().order_by("pk")
    while page := list(rows.filter(pk__gt=last)[:size]):
        last = page[-1].pk
        yield page


def _catch_up(target: Rebuild, failures: dict[int, str]) -> int:
    """Repeat what changed while the index was being built; returns the number of documents."""
    for _round in range(CATCH_UP_ROUNDS):
        difference = compare(target)
        wanted = {*difference.missing, *difference.stale} - failures.keys()
        if not wanted and not difference.orphaned:
            return difference.indexed
        rows = Article.objects.published().for_list().in_bulk(wanted)
        failures |= target.index(to_documents(rows.values()))
        gone = dict(Article.objects.filter(pk__in=difference.orphaned).values_list("pk", "version"))
        target.delete(
            {pk: gone.get(pk, version + 1) for pk, version in difference.orphaned.items()}
        )
    return sum(1 for _document in target.versions())


def _lock() -> ReindexRun:
    """The row that only one running reindex can have; one abandoned by a dead process is closed."""
    running = ReindexRun.objects.filter(state=ReindexRun.State.RUNNING)
    running.filter(heartbeat_at__lt=timezone.now() - ABANDONED_AFTER).update(
        state=ReindexRun.State.FAILED, message="The process ended.", finished_at=timezone.now()
    )
    try:
        with transaction.atomic():
            return ReindexRun.objects.create()
    except IntegrityError as error:
        raise AlreadyRunning(
            "Another reindex is running; wait for it, or try again in "
            f"{ABANDONED_AFTER.seconds // 60} minutes if its process died."
        ) from error


def _finish(run: ReindexRun, state: str, message: str) -> None:
    run.state, run.message, run.finished_at = state, message, timezone.now()
    run.save()
