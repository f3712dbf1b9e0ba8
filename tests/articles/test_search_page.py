"""The search page, with the embedded engine behind it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from articles.models import Article, StarterQuestion
from articles.search.base import get_engine
from tests.articles.conformance import BACKUPS, CHARTS, PASSKEYS
from tests.conftest import MakeArticle

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def articles(make_article: MakeArticle) -> list[Article]:
    return [make_article(**fields) for fields in (PASSKEYS, BACKUPS, CHARTS)]


def ask(client: Client, question: str, **query: Any) -> tuple[str, list[int]]:
    response = client.get("/search/", {"q": question, **query})
    assert response.status_code == 200
    page = response.content.decode()
    return page, [int(pk) for pk in re.findall(r'data-hit="(\d+)"', page)]


def test_question_lists_hits_in_rank_order_with_their_passages(
    client: Client, articles: list[Article]
) -> None:
    page, hits = ask(client, "How do I log in without a password?")
    assert hits[0] == articles[0].pk
    assert "nothing to steal" in page
    assert re.search(r'id="recommendations"[^>]*sse-connect="/recommendations/stream/', page, re.S)


def test_question_in_spanish_finds_english_articles(
    client: Client, articles: list[Article]
) -> None:
    assert ask(client, "entrar sin contraseña")[1][0] == articles[0].pk


def test_off_topic_question_says_so_and_calls_no_model(
    client: Client, articles: list[Article]
) -> None:
    page, hits = ask(client, "A recipe for potato soup with leeks")
    assert hits == []
    assert "Nothing here matches" in page
    assert "sse-connect" not in page


@pytest.mark.parametrize("question", ["", "A recipe for potato soup with leeks"])
def test_empty_page_offers_questions_in_the_language_of_the_page(
    client: Client, articles: list[Article], question: str
) -> None:
    StarterQuestion.objects.create(question="How do I keep secrets?", language="en")
    StarterQuestion.objects.create(question="¿Cómo guardo secretos?", language="es")
    page, _ = ask(client, question)
    assert 'href="/search/?q=How%20do%20I%20keep%20secrets%3F"' in page
    assert "secretos" not in page


@pytest.mark.parametrize(
    "question",
    [
        "",
        "   ",
        "?!.,;:",
        "\u202eabc\u202c",
        "🙂🙂🙂",
        "שלום עולם",
        "x" * 400,
        "%00",
        "' OR 1=1 --",
    ],
)
def test_strange_question_gives_a_page(
    client: Client, articles: list[Article], question: str
) -> None:
    page, _hits = ask(client, question)
    assert "</html>" in page


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"q": "x" * 401}, "Your question has 401 characters"),
        ({"q": "a\0b"}, "Null characters"),
        ({"q": "a", "category": "unknown"}, "There is no such category"),
        ({"q": "a", "author": "unknown"}, "There is no such author"),
        ({"q": "a", "language": "fr"}, "Articles are in English"),
        ({"q": "a", "year": "next"}, "The year is a number"),
        ({"q": "a", "sort": "size"}, "sorted by relevance or by date"),
    ],
)
def test_bad_input_gets_a_sentence(
    client: Client, articles: list[Article], query: dict[str, str], sentence: str
) -> None:
    response = client.get("/search/", query)
    assert response.status_code == 200
    assert sentence in response.content.decode()
    assert b"sse-connect" not in response.content


@pytest.mark.parametrize("page", ["0", "-1", "abc", "2", "99999999"])
def test_page_of_results_that_does_not_exist_is_404(
    client: Client, articles: list[Article], page: str
) -> None:
    assert client.get("/search/", {"q": "passwords", "page": page}).status_code == 404


def test_filter_narrows_the_hits(client: Client, articles: list[Article]) -> None:
    _page, hits = ask(client, "password backup charts", language="es")
    assert hits == [articles[1].pk]


def test_unpublished_article_vanishes_even_when_the_index_lags(
    client: Client, articles: list[Article]
) -> None:
    Article.objects.filter(pk=articles[0].pk).update(status=Article.Status.DRAFT)
    _page, hits = ask(client, "How do I log in without a password?")
    assert articles[0].pk not in hits


def test_page_may_be_restored_but_not_shared(client: Client, articles: list[Article]) -> None:
    response = client.get("/search/", {"q": "passwords"})
    assert "private" in response.headers["Cache-Control"]
    assert "no-cache" in response.headers["Cache-Control"]
    assert "HX-Request" in response.headers["Vary"]


def test_keywords_answer_when_the_engine_cannot(
    client: Client, articles: list[Article], settings: Settings
) -> None:
    settings.EMBEDDINGS_URL = "http://127.0.0.1:9/v1/embeddings"
    settings.EMBEDDINGS_MODEL = "model"
    get_engine.cache_clear()
    page, hits = ask(client, "passkey")
    assert hits == [articles[0].pk]
    assert "match your words only" in page


def test_question_costs_few_queries(
    client: Client, articles: list[Article], django_assert_max_num_queries: Any
) -> None:
    ask(client, "passwords")
    with django_assert_max_num_queries(7):
        ask(client, "passwords")
