"""The search index at a glance, with the two things an editor can do about it."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib import admin, messages
from django.db import DatabaseError
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from articles.admin.access import allowed, for_staff_with
from articles.background import Job
from articles.models import Article, OutboxEntry, ReindexRun
from articles.search import outbox
from articles.search.base import EngineStatus, SearchError, get_engine
from articles.search.rebuild import ABANDONED_AFTER

logger = logging.getLogger(__name__)

SYNC = Job("sync_index")
# Few articles at once: the progress is written down after each chunk, and embedding one article
# takes up to a second.
REINDEX = Job("reindex", ("--chunk-size", "10"))

REASONS = 5  # failed changes that the panel shows

VIEW = "articles.view_article", "articles.change_article"
MAY_SYNC = ("articles.change_article",)
MAY_REINDEX = ("articles.add_reindexrun",)

ALREADY = gettext_lazy("A reindex is running already; wait until it has ended.")
ALREADY_SYNCING = gettext_lazy("The waiting changes are being written already.")


def engine_status() -> tuple[str, EngineStatus]:
    """The engine's name and state; a state "down" where it cannot even be made."""
    try:
        engine = get_engine()
        return engine.name, engine.status()
    except (SearchError, DatabaseError) as error:
        return "", EngineStatus("down", str(error), 0, "")


def running_reindex() -> ReindexRun | None:
    """The run under way; one whose process is gone holds nothing up."""
    alive = timezone.now() - ABANDONED_AFTER
    runs = ReindexRun.objects.filter(state=ReindexRun.State.RUNNING, heartbeat_at__gte=alive)
    return runs.first()


def state(request: HttpRequest) -> dict[str, Any]:
    """All that the panel shows."""
    engine, status = engine_status()
    entries = OutboxEntry.objects.filter(outbox.waiting())
    failed = entries.filter(attempts__gt=0)
    untried = entries.filter(attempts=0).values("article_id").distinct().count()
    run = running_reindex()
    syncing, reindexing = SYNC.is_running(), bool(run) or REINDEX.is_running()
    last_run = ReindexRun.objects.exclude(state=ReindexRun.State.RUNNING).first()
    return {
        "engine": engine,
        "status": status,
        "published": Article.objects.published().count(),
        "waiting": untried,
        "failed": failed.values("article_id").distinct().count(),
        "failures": newest_failures(failed),
        "now": timezone.now(),
        "run": run,
        "last_run": last_run,
        "syncing": syncing,
        "reindexing": reindexing,
        "working": syncing or reindexing,
        "problems": [] if syncing or reindexing else problems(last_run, bool(untried)),
        "may_sync": allowed(request.user, *MAY_SYNC),
        "may_reindex": allowed(request.user, *MAY_REINDEX),
    }


def newest_failures(failed: QuerySet[OutboxEntry]) -> list[tuple[OutboxEntry, Article | None]]:
    """The newest failed entry of some articles, each with its article unless that was deleted."""
    newest = failed.order_by().values("article_id").annotate(newest=Max("pk")).order_by("-newest")
    entries = OutboxEntry.objects.in_bulk(row["newest"] for row in newest[:REASONS])
    articles = Article.objects.in_bulk(entry.article_id for entry in entries.values())
    ordered = sorted(entries.values(), key=lambda entry: -entry.pk)
    return [(entry, articles.get(entry.article_id)) for entry in ordered]


def problems(last_run: ReindexRun | None, untried: bool) -> list[str]:
    """What the processes said that failed before they could write it into a row."""
    found = [REINDEX.failure(since=last_run.started_at if last_run else None)]
    if last_run and last_run.message and last_run.message in found:
        found = []  # the row says it already
    if untried:
        found.append(SYNC.failure())
    return [sentence for sentence in found if sentence]


@require_safe
@for_staff_with(*VIEW)
def panel(request: HttpRequest) -> HttpResponse:
    context = admin.site.each_context(request) | state(request)
    context |= {"title": _("Search index"), "is_tool": True}
    return render(request, "admin/articles/search_index.html", context)


@require_safe
@for_staff_with(*VIEW)
def status(request: HttpRequest) -> HttpResponse:
    """The part of the panel that changes; it asks for itself again while something runs."""
    return render(request, "admin/articles/_search_index.html", state(request))


@require_POST
@for_staff_with(*MAY_SYNC)
def sync(request: HttpRequest) -> HttpResponse:
    return begin(request, SYNC, _("The waiting changes are being written to the index."))


@require_POST
@for_staff_with(*MAY_REINDEX)
def reindex(request: HttpRequest) -> HttpResponse:
    if running_reindex():
        messages.error(request, ALREADY)
        return redirect("admin:articles_search_index")
    return begin(request, REINDEX, _("A new index is being built; the old one answers meanwhile."))


def begin(request: HttpRequest, job: Job, success: str) -> HttpResponse:
    """Start the job and go back to the panel, which follows it."""
    try:
        if job.start():
            logger.info("%s started by %s", job.command, request.user)
            messages.success(request, success)
        else:
            messages.error(request, ALREADY if job is REINDEX else ALREADY_SYNCING)
    except OSError as error:
        reason = _("The process cannot be started: %(reason)s") % {"reason": error}
        messages.error(request, reason)
    return redirect("admin:articles_search_index")


def urls() -> list[URLPattern]:
    page = admin.site.admin_view
    return [
        path("search-index/", page(panel), name="articles_search_index"),
        path("search-index/status/", status, name="articles_search_index_status"),
        path("search-index/sync/", page(sync), name="articles_search_index_sync"),
        path("search-index/reindex/", page(reindex), name="articles_search_index_reindex"),
    ]
