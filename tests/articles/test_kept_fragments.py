"""Rendered pieces of pages are kept in the process, and never shown when they are out of date."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from articles.markdown import render
from articles.models import Article, Author, Category
from tests.conftest import MakeArticle

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = ["/", "/articles/how-we-rotate-keys/", "/search/?q=rotate+keys"]

# Each with what must be on every page afterwards, and what must be gone.
CHANGES: dict[str, tuple[Callable[[Article], object], str, str]] = {
    "title": (lambda it: edit(it, title="How keys are rotated"), "How keys are", "How we rotate"),
    "author": (lambda it: edit(it.author, name="Noor Haddad"), "Noor Haddad", "Maeve Holloway"),
    "category": (lambda it: edit(it.category, name="Craft"), ">Craft</a>", ">Product</a>"),
    "address of the category": (
        lambda it: edit(it.category, slug="craft"),
        "/categories/craft/",
        "/categories/product/",
    ),
    "many at once": (
        lambda it: Article.objects.filter(pk=it.pk).update(date="2025-05-06"),
        "May 6, 2025",
        "Jan. 2, 2026",
    ),
    "language": (
        lambda it: edit(it, language="es", translated_title="Rotating keys"),
        ">Rotating keys</p>",
        'lang="en">How we',
    ),
    "length": (lambda it: edit(it, content="Rotate keys. " * 330), "3 min read", "1 min read"),
}


def edit(row: object, **fields: object) -> None:
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()  # type: ignore[attr-defined]


@pytest.fixture
def article(make_article: MakeArticle) -> Article:
    return make_article(
        title="How we rotate keys",
        slug="how-we-rotate-keys",
        content="We rotate keys every month, and nobody notices.",
        date="2026-01-02",
    )


def page(client: Client, path: str, language: str = "en") -> str:
    response = client.get(path, headers={"accept-language": language})
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("change", CHANGES)
def test_change_is_on_the_next_page(
    client: Client, article: Article, path: str, change: str
) -> None:
    act, new, old = CHANGES[change]
    before = page(client, path)
    assert old in before
    assert new not in before
    act(article)
    after = page(client, path)
    assert new in after
    assert old not in after.replace("/articles/how-we-rotate-keys/", "")


@pytest.mark.parametrize("path", PAGES)
def test_each_language_has_its_own(client: Client, article: Article, path: str) -> None:
    assert "Jan. 2, 2026" in page(client, path)
    spanish = page(client, path, "es")
    assert "2 de enero de 2026" in spanish
    assert "Inglés" in spanish
    assert "Pie de página" in spanish
    assert "Jan. 2, 2026" in page(client, path)


def test_item_shows_in_each_list_what_that_list_wants(client: Client, article: Article) -> None:
    for _visit in range(2):
        assert "item--lead" in page(client, "/")
        assert "item--lead" not in page(client, "/archive/2026/")
        assert "/authors/maeve-holloway/" in page(client, "/categories/product/")
        author_s = page(client, "/authors/maeve-holloway/")
        assert "/categories/product/" in author_s
        assert 'href="/authors/maeve-holloway/"' not in author_s


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    sources: list[str] = []

    def counted(source: str) -> str:
        sources.append(source)
        return render(source)

    monkeypatch.setattr("articles.templatetags.articles.render", counted)
    return sources


def test_markdown_of_a_list_is_rendered_once(
    client: Client, article: Article, rendered: list[str]
) -> None:
    page(client, "/")
    assert rendered
    del rendered[:]
    page(client, "/")
    assert rendered == []
    page(client, "/", "es")
    assert rendered


def test_biography_and_spanish_name_are_kept_as_long_as_they_are_true(
    client: Client, article: Article
) -> None:
    address = article.get_absolute_url()
    page(client, address, "es")
    edit(article.author, bio="Keeps bees.")
    assert "Keeps bees." in page(client, address, "es")
    edit(article.category, spanish_name="Oficio")
    for path in PAGES:
        assert ">Oficio</a>" in page(client, path, "es")


def test_second_search_reads_no_names(client: Client, make_article: MakeArticle) -> None:
    for number in range(3):
        make_article(
            content="We rotate keys every month, and nobody notices.",
            author=Author.objects.create(name=f"Author {number}", slug=f"author-{number}"),
            category=Category.objects.create(name=f"Topic {number}", slug=f"topic-{number}"),
        )
    path, counts = "/search/?q=rotate+keys", []
    page(client, path)
    caches["template_fragments"].clear()
    for _visit in range(2):
        with CaptureQueriesContext(connection) as queries:
            page(client, path)
        counts.append(len(queries))
    assert counts[1] == counts[0] - 4  # authors and categories, of the hits and of the filters
