"""Thumbs on cards: stored with the answer, never in the reader's way."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import signing
from django.db import connection
from django.http import HttpResponse
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


def post(
    log: QueryLog,
    article: Article,
    value: int = 1,
    but: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> HttpResponse:
    data: dict[str, Any] = {"log": signed_log(log.pk), "article": article.pk, "value": value}
    # As a browser that sends no token: the signed id is the proof.
    client = Client(enforce_csrf_checks=True, headers=headers)
    return client.post(VOTE, data | (but or {}))  # type: ignore[return-value]


def vote(log: QueryLog, article: Article, value: int = 1, but: dict[str, str] | None = None) -> int:
    response = post(log, article, value, but, {"HX-Request": "true"})
    assert response.content == b""
    return response.status_code


def stored() -> list[tuple[int, int, int]]:
    return list(Vote.objects.values_list("log", "article", "value"))


def test_vote_is_stored_with_its_answer_and_article(log: QueryLog, article: Article) -> None:
    assert vote(log, article) == 204
    assert stored() == [(log.pk, article.pk, 1)]


def test_second_vote_on_the_same_card_replaces_the_first(log: QueryLog, article: Article) -> None:
    vote(log, article, 1)
    vote(log, article, -1)
    assert stored() == [(log.pk, article.pk, -1)]


def test_vote_can_be_withdrawn_and_withdrawing_twice_is_no_error(
    log: QueryLog, article: Article, make_article: MakeArticle
) -> None:
    other = make_article()
    Vote.objects.create(log=log, article=other, value=-1)
    assert vote(log, article) == 204
    for _number in range(2):
        assert vote(log, article, 0) == 204
        assert stored() == [(log.pk, other.pk, -1)]


def test_vote_that_arrives_twice_is_still_there(log: QueryLog, article: Article) -> None:
    for _number in range(2):
        assert vote(log, article) == 204
        assert stored() == [(log.pk, article.pk, 1)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"log": "1"},
        {"log": signing.dumps(1, salt="another purpose")},
        {"log": ""},
        {"article": "x"},
        {"article": "-1"},
        {"article": str(2**63), "value": "0"},  # more than a column holds
        {"value": "2"},
        {"value": "0.5"},
        {"value": ""},
    ],
)
def test_forged_or_impossible_vote_is_refused(
    log: QueryLog, article: Article, wrong: dict[str, str]
) -> None:
    assert vote(log, article, but=wrong) == 400
    assert not stored()


@pytest.fixture
def old(log: QueryLog) -> dict[str, str]:
    """What a page of last year posts."""
    value = signing.b64_encode(signing.JSONSerializer().dumps(log.pk)).decode()
    text = f"{value}:{signing.b62_encode(1_700_000_000)}"  # with a time long ago
    token = f"{text}:{signing.TimestampSigner(salt=SALT).signature(text)}"
    return {"log": token}


def test_page_of_last_year_cannot_vote(
    log: QueryLog, article: Article, old: dict[str, str]
) -> None:
    assert vote(log, article, but=old) == 400


def test_vote_on_an_article_without_a_card_or_not_public_changes_nothing(
    log: QueryLog, article: Article, make_article: MakeArticle
) -> None:
    assert vote(log, make_article()) == 410
    article.status = Article.Status.DRAFT
    article.save()
    assert vote(log, article) == 410
    assert not stored()


def test_vote_on_an_article_that_is_public_no_longer_can_be_withdrawn(
    log: QueryLog, article: Article
) -> None:
    vote(log, article)
    article.status = Article.Status.DRAFT
    article.save()
    assert vote(log, article, 0) == 204
    assert not stored()


def test_vote_on_a_deleted_answer_is_gone(log: QueryLog, article: Article) -> None:
    gone = QueryLog(pk=log.pk)
    vote(log, article)
    log.delete()
    assert not stored()
    assert vote(gone, article) == 410


@pytest.mark.django_db(transaction=True)
def test_database_that_cannot_store_it_does_not_trouble_the_reader(
    log: QueryLog, article: Article, caplog: pytest.LogCaptureFixture
) -> None:
    with connection.cursor() as cursor:
        name = connection.ops.quote_name(Vote._meta.db_table)
        cursor.execute(f"ALTER TABLE {name} RENAME TO hidden")
        try:
            assert vote(log, article) == 503  # so the thumb shows nothing that is not there
            assert "could not be stored" in post(log, article).content.decode()
        finally:
            cursor.execute(f"ALTER TABLE hidden RENAME TO {name}")
    assert "could not be stored" in caplog.text


def test_nothing_is_stored_by_a_get(client: Client) -> None:
    assert client.get(VOTE).status_code == 405


# Without JavaScript


def test_page_thanks_and_its_button_withdraws_what_was_stored(
    log: QueryLog, article: Article
) -> None:
    response = post(log, article, -1)
    page = response.content.decode()
    assert response.status_code == 200
    assert "Thank you, stored." in page
    assert "This does not help" in page and "This helps" not in page
    assert stored() == [(log.pk, article.pk, -1)]
    withdrawal = dict(re.findall(r'name="(\w+)"\s+value="([^"]*)"', page))
    page = Client(enforce_csrf_checks=True).post(VOTE, withdrawal).content.decode()
    assert "Withdrawn." in page
    assert "<form" not in page
    assert not stored()


def test_page_is_in_the_language_of_the_reader(log: QueryLog, article: Article) -> None:
    page = post(log, article, headers={"Accept-Language": "es"}).content.decode()
    assert '<html lang="es"' in page
    assert "Gracias, voto guardado." in page


def test_page_says_why_nothing_was_stored(
    log: QueryLog, article: Article, old: dict[str, str], make_article: MakeArticle
) -> None:
    for response, status, sentence in (
        (post(log, article, but=old), 400, "This answer is too old to vote on."),
        (post(log, article, but={"value": "2"}), 400, "Select a valid choice."),
        (post(log, make_article()), 410, "This could not be stored."),
    ):
        page = response.content.decode()
        assert response.status_code == status
        assert sentence in page
        assert "Thank you" not in page and "<form" not in page


def test_page_may_stand_in_a_frame_of_the_site_only(log: QueryLog, article: Article) -> None:
    response = post(log, article)
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in response["Content-Security-Policy"]
