"""The reader's language: chosen once, kept, and told to caches and to screen readers."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from articles.models import Category
from tests.conftest import MakeArticle

pytestmark = pytest.mark.django_db

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
ATOM = {"atom": "http://www.w3.org/2005/Atom"}


@pytest.fixture
def spanish(client: Client) -> Client:
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "es"
    return client


def test_choice_leads_back_to_the_page_with_its_question_and_is_remembered(client: Client) -> None:
    page = "http://testserver/search/?q=backups&language=es"
    response = client.post(reverse("set_language"), {"language": "es"}, headers={"referer": page})
    assert response.headers["Location"] == page
    assert response.cookies[settings.LANGUAGE_COOKIE_NAME]["max-age"] == 365 * 24 * 60 * 60
    assert '<html lang="es">' in client.get(reverse("articles:search")).content.decode()


def test_switch_names_the_other_language_in_its_own_words(client: Client) -> None:
    page = " ".join(client.get(reverse("articles:list")).content.decode().split())
    assert 'value="es" lang="es">Español</button>' in page


def test_choice_wins_over_the_browsers_wish(spanish: Client) -> None:
    response = spanish.get(reverse("articles:list"), headers={"accept-language": "en"})
    assert response.headers["Content-Language"] == "es"


@pytest.mark.parametrize(
    "path", ["/", "/search/", "/search/suggestions/?q=se", "/opensearch.xml", "/nowhere/"]
)
def test_caches_are_told_what_the_language_depends_on(client: Client, path: str) -> None:
    varies = client.get(path).headers["Vary"]
    assert "Cookie" in varies
    assert "Accept-Language" in varies


def test_topic_has_a_name_in_each_language_and_says_which(
    spanish: Client, make_article: MakeArticle
) -> None:
    article = make_article(category="Security")
    make_article(category="Craft")
    Category.objects.filter(name="Security").update(spanish_name="Seguridad")
    for path in ("/", article.get_absolute_url(), "/categories/security/"):
        page = spanish.get(path).content.decode()
        assert 'lang="es">Seguridad<' in page
        assert ">Security<" not in page
    assert '<h1 lang="en">Craft</h1>' in spanish.get("/categories/craft/").content.decode()
    options = spanish.get(reverse("articles:suggestions"), {"q": "segu"}).content.decode()
    assert '<span lang="es">Seguridad</span>' in options
    assert str(Category.objects.get(name="Security")) == "Security"  # for index and model


def test_dates_are_written_as_the_language_does(spanish: Client, make_article: MakeArticle) -> None:
    article = make_article()
    assert "1 de enero de 2026" in spanish.get(article.get_absolute_url()).content.decode()
    assert "<h1>Enero de 2026</h1>" in spanish.get("/archive/2026/1/").content.decode()


@pytest.mark.parametrize("name", ["feed", "category_feed", "author_feed"])
def test_feed_is_the_same_for_everybody_and_each_entry_says_its_language(
    client: Client, make_article: MakeArticle, name: str
) -> None:
    make_article(title="Claves", language="es", category="Security", author="Inés Roldán")
    make_article(title="Keys", category="Security", author="Inés Roldán")
    slug = {"category_feed": ["security"], "author_feed": ["ines-roldan"]}.get(name, [])
    path = reverse(f"articles:{name}", args=slug)
    in_english, in_spanish = (
        client.get(path, headers={"accept-language": language}) for language in ("en", "es")
    )
    assert in_english.content == in_spanish.content
    feed = ElementTree.fromstring(in_english.content)  # noqa: S314  (our own)
    entries = feed.findall("atom:entry", ATOM)
    languages = {entry.findtext("atom:title", "", ATOM): entry.get(XML_LANG) for entry in entries}
    assert languages == {"Claves": "es", "Keys": "en"}


def test_feed_of_an_author_holds_only_theirs_and_is_named_on_their_page(
    client: Client, make_article: MakeArticle
) -> None:
    make_article(title="Hers", author="Inés Roldán")
    make_article(title="His", author="Callum Reyes")
    path = reverse("articles:author_feed", args=["ines-roldan"])
    feed = client.get(path).content.decode()
    assert "<title>Hers</title>" in feed
    assert "<title>His</title>" not in feed
    page = client.get(reverse("articles:author", args=["ines-roldan"])).content.decode()
    assert page.count(f'href="{path}"') == 2
