"""Suggestions while typing, in the page and in a browser's own search box."""

from __future__ import annotations

import json
from datetime import date
from xml.etree import ElementTree

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from articles.models import Article, Category, StarterQuestion
from articles.suggestions import suggest
from tests.conftest import MakeArticle

pytestmark = pytest.mark.django_db


@pytest.fixture
def articles(make_article: MakeArticle) -> list[Article]:
    return [
        make_article(title="Rotating keys", slug="keys", category="Security"),
        make_article(
            title="Una migración en español",
            translated_title="A migration in Spanish",
            slug="migracion",
            language="es",
            category="Operations",
        ),
        make_article(title="Secret migration", status=Article.Status.DRAFT, category="Drafts"),
        make_article(title="Migration of tomorrow", date=date(2999, 1, 1)),
    ]


def texts(typed: str) -> list[str]:
    return [suggestion.text for suggestion in suggest(typed)]


@pytest.mark.parametrize(
    "typed",
    ["migracion", "MIGRACIÓN", "Migraciôn", "espanol", "ESPAÑ", "spanish migra", "una es", "mi"],
)
def test_words_may_begin_alike_in_either_title_with_any_accent(
    articles: list[Article], typed: str
) -> None:
    assert texts(typed) == ["Una migración en español"]


@pytest.mark.parametrize(
    "typed",
    ["", "m", "  m ", "grac", "keys migra", "(", ".*", "[a", "\\", "%", "\0\0", "🙂🙂", "x" * 9000],
)
def test_what_fits_nothing_suggests_nothing(articles: list[Article], typed: str) -> None:
    assert texts(typed) == []


def test_topics_have_public_articles_and_starter_questions_are_asked(
    client: Client, articles: list[Article]
) -> None:
    Category.objects.create(name="Secrets of nobody", slug="nobody")
    StarterQuestion.objects.create(question="How do I keep secrets & keys?", language="en")
    assert [(item.kind, item.url) for item in suggest("sec")] == [
        ("topic", "/categories/security/"),
        ("question", "/search/?q=How+do+I+keep+secrets+%26+keys%3F"),
    ]
    assert texts("dra") == []


def test_list_is_short_and_newest_first_in_three_queries(
    make_article: MakeArticle, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        make_article(title=f"Post {number}", category=f"Post office {number}")
        StarterQuestion.objects.create(question=f"Which post? {number}", language="en")
    with django_assert_num_queries(3):
        found = texts("post")
    assert len(found) == 9
    assert found[0] == "Post 11"


def test_options_are_links_in_their_own_language(client: Client, articles: list[Article]) -> None:
    response = client.get("/search/suggestions/", {"q": "migra"})
    html = response.content.decode()
    assert 'role="option"' in html
    assert '<span lang="es">Una migración en español</span>' in html
    assert 'lang="en">A migration in Spanish</span>' in html
    assert "private" in response["Cache-Control"]
    spanish = client.get("/search/suggestions/?q=migra", headers={"Accept-Language": "es"})
    assert b"A migration in Spanish" not in spanish.content


def test_browser_gets_the_same_as_json(client: Client, articles: list[Article]) -> None:
    response = client.get("/search/suggestions.json", {"q": "key"})
    assert response["Content-Type"] == "application/x-suggestions+json"
    address = "http://testserver/articles/keys/"
    assert json.loads(response.content) == ["key", ["Rotating keys"], [""], [address]]


def test_description_names_site_search_and_suggestions(client: Client, settings: Settings) -> None:
    settings.SITE_NAME = "Bits & pieces of a very long name"
    assert b'rel="search"' in client.get("/").content
    response = client.get("/opensearch.xml")
    assert response["Content-Type"] == "application/opensearchdescription+xml"
    root = ElementTree.fromstring(response.content)  # noqa: S314  (our own)
    names = {"o": "http://a9.com/-/spec/opensearch/1.1/"}
    assert root.findtext("o:ShortName", namespaces=names) == "Bits & pieces of"
    assert [url.get("template") for url in root.findall("o:Url", names)] == [
        "http://testserver/search/?q={searchTerms}",
        "http://testserver/search/suggestions.json?q={searchTerms}",
        "http://testserver/opensearch.xml",
    ]
