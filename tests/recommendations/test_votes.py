"""Thumbs on cards: stored with the answer, never in the reader's way."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import signing
from django.db import connection
from django.test import Client
from django.urls import reverse

from articles.models import Article
from recommendations.models import Outcome, QueryLog, Vote
from recommendations.votes import SALT, signed_log
from tests.conftest import MakeArticle

pytestmark = pytest.mark.django_db

VOTE = reverse("recommendations:vote")


@pytest.fixture
def article(make_article: MakeArticle) -> Article:
    return make_article()


@pytest.fixture
def log(article: Article) -> QueryLog:
    return QueryLog.objects.create(
        question="passkeys", hits=[article.pk], outcome=Outcome.WRITTEN, total_ms=1
    )


def vote(log: QueryLog, article: Article, value: int = 1, but: dict[str, str] | None = None) -> int:
    data: dict[str, Any] = {"log": signed_log(log.pk), "article": article.pk, "value": value}
    # As a browser that sends no token: the signed id is the proof.
    return Client(enforce_csrf_checks=True).post(VOTE, data | (but or {})).status_code


def stored() -> list[tuple[int, int, int]]:
    return list(Vote.objects.values_list("log", "article", "value"))


def test_vote_is_stored_with_its_answer_and_article(log: QueryLog, article: Article) -> None:
    assert vote(log, article) == 204
    assert stored() == [(log.pk, article.pk, 1)]


def test_second_vote_on_the_same_card_replaces_the_first(log: QueryLog, article: Article) -> None:
    vote(log, article, 1)
    vote(log, article, -1)
    assert stored() == [(log.pk, article.pk, -1)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"log": "1"},
        {"log": signing.dumps(1, salt="another purpose")},
        {"log": ""},
        {"article": "x"},
        {"article": "-1"},
        {"value": "2"},
        {"value": "0"},
        {"value": ""},
    ],
)
def test_forged_or_impossible_vote_is_refused(
    log: QueryLog, article: Article, wrong: dict[str, str]
) -> None:
    assert vote(log, article, but=wrong) == 400
    assert not stored()


def test_page_of_last_year_cannot_vote(log: QueryLog, article: Article) -> None:
    value = signing.b64_encode(signing.JSONSerializer().dumps(log.pk)).decode()
    text = f"{value}:{signing.b62_encode(1_700_000_000)}"  # with a time long ago
    token = f"{text}:{signing.TimestampSigner(salt=SALT).signature(text)}"
    assert vote(log, article, but={"log": token}) == 400


def test_vote_on_an_article_without_a_card_or_not_public_changes_nothing(
    log: QueryLog, article: Article, make_article: MakeArticle
) -> None:
    assert vote(log, make_article()) == 204
    article.status = Article.Status.DRAFT
    article.save()
    assert vote(log, article) == 204
    assert not stored()


def test_vote_on_a_deleted_answer_is_no_error(log: QueryLog, article: Article) -> None:
    gone = QueryLog(pk=log.pk)
    vote(log, article)
    log.delete()
    assert not stored()
    assert vote(gone, article) == 204


@pytest.mark.django_db(transaction=True)
def test_database_that_cannot_store_it_does_not_trouble_the_reader(
    log: QueryLog, article: Article, caplog: pytest.LogCaptureFixture
) -> None:
    with connection.cursor() as cursor:
        name = connection.ops.quote_name(Vote._meta.db_table)
        cursor.execute(f"ALTER TABLE {name} RENAME TO hidden")
        try:
            assert vote(log, article) == 204
        finally:
            cursor.execute(f"ALTER TABLE hidden RENAME TO {name}")
    assert "could not be stored" in caplog.text


def test_nothing_is_stored_by_a_get(client: Client) -> None:
    assert client.get(VOTE).status_code == 405
