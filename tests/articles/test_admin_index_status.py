"""Index status and publication in the list of articles."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from articles.models import Article, OutboxEntry
from articles.search import outbox
from tests.conftest import MakeArticle

pytestmark = pytest.mark.django_db

CHANGELIST = reverse("admin:articles_article_changelist")


@pytest.fixture
def in_each_state(make_article: MakeArticle) -> dict[str, Article]:
    """Articles whose outbox entries say: seen, not yet seen, failed; and one of the future."""
    with outbox.deferred():
        articles = {name: make_article(title=f"The {name} one") for name in ("seen", "due", "bad")}
        articles["future"] = make_article(
            title="The future one", date=timezone.localdate() + timedelta(days=9)
        )
        articles["draft"] = make_article(title="The draft one", status=Article.Status.DRAFT)
    entries = OutboxEntry.objects
    entries.exclude(article_id__in=[articles["due"].pk, articles["bad"].pk]).delete()
    later = timezone.now() + timedelta(days=9)
    entries.create(article_id=articles["future"].pk, due_at=later)
    entries.filter(article_id=articles["bad"].pk).update(
        attempts=2, error="<the cluster> refuses", due_at=later
    )
    return articles


def listed(client: Client, **query: str) -> str:
    response = client.get(CHANGELIST, query)
    assert response.status_code == 200
    return response.content.decode()


def titles(client: Client, **query: str) -> set[str]:
    page = listed(client, **query)
    return {name for name in ("seen", "due", "bad", "future", "draft") if f"The {name} one" in page}


def test_column_says_how_far_the_index_is_and_why(
    admin_client: Client, in_each_state: dict[str, Article]
) -> None:
    page = listed(admin_client)
    assert 'badge--good">in step' in page
    assert 'badge--due">waiting' in page
    assert 'badge--bad">failed' in page
    assert "&lt;the cluster&gt; refuses" in page
    assert "Drafts and scheduled articles are not in the index." in page


@pytest.mark.parametrize(
    ("value", "expected"),
    [("in-step", {"seen", "future", "draft"}), ("waiting", {"due"}), ("failed", {"bad"})],
)
def test_list_is_filtered_by_index_state(
    admin_client: Client, in_each_state: dict[str, Article], value: str, expected: set[str]
) -> None:
    assert titles(admin_client, index=value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("public", {"seen", "due", "bad"}), ("scheduled", {"future"}), ("draft", {"draft"})],
)
def test_list_is_filtered_by_publication(
    admin_client: Client, in_each_state: dict[str, Article], value: str, expected: set[str]
) -> None:
    assert titles(admin_client, publication=value) == expected


def test_unknown_filter_values_are_no_error(
    admin_client: Client, in_each_state: dict[str, Article]
) -> None:
    assert titles(admin_client, publication="nonsense") == {*in_each_state}
    assert titles(admin_client, index="nonsense") == set()


def test_badges_tell_draft_and_scheduled_with_its_day(
    admin_client: Client, in_each_state: dict[str, Article]
) -> None:
    page = listed(admin_client)
    assert 'badge--off">draft' in page
    assert "Appears on" in page
    assert 'badge--good">published' in page


def test_status_costs_no_query_an_article(
    admin_client: Client,
    in_each_state: dict[str, Article],
    make_article: MakeArticle,
    django_assert_num_queries: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as few:
        listed(admin_client)
    for _number in range(10):
        make_article()
    with django_assert_num_queries(len(few)):
        listed(admin_client)


def test_change_page_shows_the_reason_of_a_failure(
    admin_client: Client, in_each_state: dict[str, Article]
) -> None:
    path = reverse("admin:articles_article_change", args=[in_each_state["bad"].pk])
    assert "&lt;the cluster&gt; refuses" in admin_client.get(path).content.decode()
