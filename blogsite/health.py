"""Is the process alive, and what can it reach?"""

from __future__ import annotations

from datetime import timedelta

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from articles.models import OutboxEntry
from articles.search.base import SearchError, get_engine
from recommendations.inference.base import model_status

LATE_AFTER_SECONDS = 300


@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process lives; nobody is asked anything."""
    return HttpResponse("ok", content_type="text/plain")


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Each part is "ok", "degraded" or "down", with the reason; 503 without a database."""
    parts = {"database": database(), "model": model_status()}
    if parts["database"][0] == "ok":
        parts |= {"search": search(), "outbox": outbox()}
    else:  # each would wait for it anew
        parts |= dict.fromkeys(("search", "outbox"), ("down", "It needs the database."))
    body = {name: {"status": state, "reason": reason} for name, (state, reason) in parts.items()}
    return JsonResponse(body, status=503 if parts["database"][0] == "down" else 200)


def database() -> tuple[str, str]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return "down", f"The database does not answer: {error}"
    return "ok", ""


def search() -> tuple[str, str]:
    try:
        status = get_engine().status()
    except (SearchError, DatabaseError) as error:
        return "down", str(error)
    return status.state, status.reason


def outbox() -> tuple[str, str]:
    try:
        late = timezone.now() - timedelta(seconds=LATE_AFTER_SECONDS)
        failing = OutboxEntry.objects.filter(attempts__gt=0).count()
        waiting = OutboxEntry.objects.filter(due_at__lte=late).count()
    except DatabaseError as error:
        return "down", f"The outbox cannot be read: {error}"
    if failing or waiting:
        return "degraded", f"{failing or waiting} changes wait for the index; run sync_index."
    return "ok", ""
