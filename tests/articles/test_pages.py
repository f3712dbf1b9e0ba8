"""The reader's pages."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from articles.models import Article, Author, Category
from tests.conftest import MakeArticle

pytestmark = pytest.mark.django_db

LISTS = [
    "/",
    "/categories/product/",
    "/authors/maeve-holloway/",
    "/archive/2026/",
    "/archive/2026/1/",
]


@pytest.fixture
def hidden(make_article: MakeArticle) -> list[Article]:
    return [
        make_article(title="A hidden draft", status=Article.Status.DRAFT),
        make_article(title="A hidden future", date=timezone.localdate() + timedelta(days=3)),
    ]


def text(client: Client, path: str, **extra: Any) -> str:
    response = client.get(path, **extra)
    assert response.status_code == 200, path
    return b"".join(response).decode() if response.streaming else response.content.decode()


@pytest.mark.parametrize("path", [*LISTS, "/feeds/articles.atom", "/sitemap.xml"])
def test_only_public_articles_are_listed(
    client: Client, make_article: MakeArticle, hidden: list[Article], path: str
) -> None:
    shown = make_article(title="Plainly visible", slug="plainly-visible")
    page = text(client, path)
    assert shown.get_absolute_url() in page
    assert "A hidden" not in page


@pytest.mark.parametrize("path", LISTS)
def test_list_costs_few_queries_however_long(
    client: Client, make_article: MakeArticle, django_assert_max_num_queries: Any, path: str
) -> None:
    for _number in range(30):
        make_article()
    with django_assert_max_num_queries(5):
        text(client, path)


def test_newest_article_comes_first_and_pages_follow(
    client: Client, make_article: MakeArticle
) -> None:
    for day in range(1, 15):
        make_article(title=f"Day {day}.", date=date(2026, 1, day))
    first = text(client, "/")
    assert first.index("Day 14.") < first.index("Day 13.")
    assert "Day 2." not in first
    assert "Day 2." in text(client, "/?page=2")


@pytest.mark.parametrize(
    "path",
    [
        "/?page=0",
        "/?page=abc",
        "/?page=99",
        "/articles/unknown/",
        "/categories/unknown/",
        "/authors/unknown/",
        "/archive/2026/13/",
        "/archive/0/",
        "/feeds/categories/unknown.atom",
        "/nowhere/",
    ],
)
def test_unknown_address_is_404_with_a_page(
    client: Client, make_article: MakeArticle, path: str
) -> None:
    make_article()
    response = client.get(path)
    assert response.status_code == 404
    assert b"</html>" in response.content


def test_article_shows_its_content_and_its_translated_title(
    client: Client, make_article: MakeArticle
) -> None:
    article = make_article(
        title="Título", translated_title="Its title", language="es", content="Un *texto*."
    )
    page = text(client, article.get_absolute_url())
    assert "<em>texto</em>" in page
    assert "Its title" in page
    assert 'lang="es"' in page


def test_article_leads_to_its_older_and_newer_neighbours(
    client: Client, make_article: MakeArticle, hidden: list[Article]
) -> None:
    first = make_article(title="First of one day")
    second = make_article(title="Second of one day")
    third = make_article(title="Of a later day", date=date(2026, 2, 1))

    def neighbours(article: Article) -> tuple[Article | None, Article | None]:
        context = client.get(article.get_absolute_url()).context
        return context["older"], context["newer"]

    assert neighbours(first) == (None, second)
    assert neighbours(second) == (first, third)
    assert neighbours(third) == (second, None)


def test_changed_slug_redirects_for_good(client: Client, make_article: MakeArticle) -> None:
    article = make_article(slug="old")
    article.slug = "new"
    article.save()
    response = client.get("/articles/old/")
    assert (response.status_code, response.headers["Location"]) == (301, "/articles/new/")


def test_changed_slug_of_a_draft_gives_nothing_away(
    client: Client, make_article: MakeArticle
) -> None:
    article = make_article(slug="old", status=Article.Status.DRAFT)
    article.slug = "secret-plan"
    article.save()
    assert client.get("/articles/old/").status_code == 404


def test_unpublished_article_is_previewed_by_staff_only_and_never_cached(
    client: Client, make_article: MakeArticle, admin_client: Client, hidden: list[Article]
) -> None:
    for article in hidden:
        path = article.get_absolute_url()
        assert client.get(path).status_code == 404
        response = admin_client.get(path)
        assert response.status_code == 200
        assert "no-store" in response.headers["Cache-Control"]
    client.force_login(User.objects.create_user("reader"))
    assert client.get(hidden[0].get_absolute_url()).status_code == 404


def test_feed_of_a_category_holds_its_articles_only(
    client: Client, make_article: MakeArticle
) -> None:
    make_article(title="Of this one", category="Security")
    make_article(title="Of another one")
    page = text(client, "/feeds/categories/security.atom")
    assert "Of this one" in page and "Of another one" not in page
    assert "<feed" in page


@pytest.mark.parametrize(
    "path",
    ["/feeds/articles.atom", "/feeds/categories/se-curity.atom", "/feeds/authors/ann-ex.atom"],
)
def test_feed_stands_whatever_was_pasted(
    client: Client, make_article: MakeArticle, path: str
) -> None:
    make_article(title="A\x0btitle", content="Some\x0cwords\x01")
    Author.objects.update(name="Ann\x1fEx", slug="ann-ex")
    Category.objects.update(name="Se\x08curity", slug="se-curity")
    entry = ElementTree.fromstring(text(client, path)).find("{*}entry")  # noqa: S314  (ours)
    assert entry is not None
    assert entry.findtext("{*}title") == "A title"
    assert "Some words" in (entry.findtext("{*}summary") or "")


def test_archive_leads_to_the_next_period_that_has_articles(
    client: Client, make_article: MakeArticle
) -> None:
    for day in (date(2022, 5, 1), date(2025, 3, 2), date(2025, 9, 3)):
        make_article(date=day)
    make_article(date=date(2025, 6, 1), status=Article.Status.DRAFT)
    links = {
        path: re.findall(r'rel="(prev|next)"\s+href="(/archive/[^"]*)"', text(client, path))
        for path in ("/archive/2022/", "/archive/2025/", "/archive/2025/3/", "/archive/2025/9/")
    }
    assert links == {
        "/archive/2022/": [("next", "/archive/2025/")],
        "/archive/2025/": [("prev", "/archive/2022/")],
        "/archive/2025/3/": [("prev", "/archive/2022/5/"), ("next", "/archive/2025/9/")],
        "/archive/2025/9/": [("prev", "/archive/2025/3/")],
    }


@pytest.mark.parametrize("right", ["view_article", "change_article"])
def test_who_may_change_an_article_may_preview_it(
    client: Client, make_article: MakeArticle, right: str
) -> None:
    draft = make_article(status=Article.Status.DRAFT)
    editor = User.objects.create_user("editor", is_staff=True)
    client.force_login(editor)
    assert client.get(draft.get_absolute_url()).status_code == 404
    editor.user_permissions.add(Permission.objects.get(codename=right))
    assert client.get(draft.get_absolute_url()).status_code == 200


def test_sitemap_lists_pages_with_their_last_change(
    client: Client, make_article: MakeArticle
) -> None:
    make_article()
    Category.objects.create(name="Empty", slug="empty")
    page = text(client, "/sitemap.xml")
    assert "http://testserver/categories/product/" in page
    assert "/categories/empty/" not in page
    assert "<lastmod>" in page


def test_robots_name_the_sitemap(client: Client) -> None:
    page = text(client, "/robots.txt")
    assert "Sitemap: http://testserver/sitemap.xml" in page
    assert "Disallow: /recommendations/" in page


def test_policy_forbids_inline_code(client: Client, make_article: MakeArticle) -> None:
    make_article()
    response = client.get(reverse("articles:list"))
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
