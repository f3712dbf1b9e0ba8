"""Health and readiness."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from articles.models import OutboxEntry
from articles.search.base import get_engine
from tests.conftest import MakeArticle

pytestmark = pytest.mark.django_db


def test_healthz_asks_nobody(client: Client) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok")


def test_readyz_names_each_part(client: Client, make_article: MakeArticle) -> None:
    body = client.get("/readyz").json()
    assert set(body) == {"database", "search", "model", "outbox"}
    assert body["database"] == {"status": "ok", "reason": ""}
    assert all(part["status"] in {"ok", "degraded", "down"} for part in body.values())


def test_dead_search_and_a_full_outbox_are_not_a_dead_site(
    client: Client, make_article: MakeArticle, settings: Settings
) -> None:
    make_article()
    OutboxEntry.objects.create(article_id=1, attempts=1)
    response = client.get("/readyz")
    body = response.json()
    assert response.status_code == 200
    assert body["search"]["status"] == "down"
    assert "reindex" in body["search"]["reason"]
    assert body["outbox"]["status"] == "degraded"
    assert "sync_index" in body["outbox"]["reason"]


def test_change_that_waits_long_is_reported(client: Client) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    OutboxEntry.objects.create(article_id=1, due_at=long_ago)
    assert client.get("/readyz").json()["outbox"]["status"] == "degraded"


def test_site_without_a_database_is_not_ready(client: Client, settings: Settings) -> None:
    get_engine.cache_clear()
    with connection.execute_wrapper(_refuse):
        response = client.get("/readyz")
    body = response.json()
    assert response.status_code == 503
    assert body["database"]["status"] == "down"
    assert body["outbox"]["status"] == "down"


def _refuse(*args: object) -> None:
    from django.db import OperationalError

    raise OperationalError("the server closed the connection")
