"""Rules of the content models, held by the database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils import timezone

from articles.models import Article, Category, OutboxEntry, PreviousSlug
from tests.conftest import MakeArticle

pytestmark = pytest.mark.django_db


def test_published_leaves_out_drafts_and_future_dates(make_article: MakeArticle) -> None:
    today = timezone.localdate()
    shown = make_article(date=today)
    make_article(status=Article.Status.DRAFT)
    scheduled = make_article(date=today + timedelta(days=1))
    assert list(Article.objects.published()) == [shown]
    assert shown.is_public
    assert scheduled.is_scheduled and not scheduled.is_public


@pytest.mark.parametrize(
    "fields",
    [
        {"language": "fr"},
        {"status": "gone"},
        {"title": ""},
        {"translated_title": "An English title", "language": "en"},
        {"category": None},
        {"content": ""},
    ],
)
def test_database_refuses_an_impossible_article(
    make_article: MakeArticle, fields: dict[str, Any]
) -> None:
    article = make_article()
    for name, value in fields.items():
        setattr(article, name, value)
    with pytest.raises(ValidationError):
        article.full_clean()
    with pytest.raises(IntegrityError):
        article.save()


def test_draft_may_wait_for_its_category_and_content(make_article: MakeArticle) -> None:
    article = make_article()
    article.status, article.category, article.content = Article.Status.DRAFT, None, ""
    article.save()
    assert Article.objects.get(pk=article.pk).category is None


def test_version_grows_with_every_save(make_article: MakeArticle) -> None:
    article = make_article()
    assert article.version == 1
    article.save()
    assert article.version == 2
    article.save(update_fields=["title"])
    assert Article.objects.get(pk=article.pk).version == 3


def test_version_grows_with_a_queryset_update(make_article: MakeArticle) -> None:
    article = make_article()
    OutboxEntry.objects.all().delete()
    Article.objects.filter(pk=article.pk).update(title="Changed")
    article.refresh_from_db()
    assert (article.title, article.version) == ("Changed", 2)
    assert [entry.article_id for entry in OutboxEntry.objects.all()] == [article.pk]


def test_bulk_created_articles_wait_in_the_outbox(make_article: MakeArticle) -> None:
    model = make_article()
    OutboxEntry.objects.all().delete()
    copy = Article(title="Copy", slug="copy", author=model.author, content="x")
    Article.objects.bulk_create([copy])
    assert [entry.article_id for entry in OutboxEntry.objects.all()] == [copy.pk]


def test_slug_comes_from_the_title_and_stays_unique(make_article: MakeArticle) -> None:
    assert make_article(title="¿Qué pasó?").slug == "que-paso"
    assert make_article(title="Qué pasó").slug == "que-paso-2"
    assert make_article(title="!!!").slug == "article"


def test_changed_slug_is_remembered_until_another_article_takes_it(
    make_article: MakeArticle,
) -> None:
    article = make_article(slug="old")
    article.slug = "new"
    article.save()
    assert PreviousSlug.objects.get().article == article
    article.slug = "old"
    article.save()
    assert list(PreviousSlug.objects.values_list("slug", flat=True)) == ["new"]
    make_article(slug="new")
    assert not PreviousSlug.objects.exists()


def test_rows_come_back_in_the_order_of_their_keys(make_article: MakeArticle) -> None:
    first, second = make_article(), make_article()
    assert Article.objects.all().in_order_of([second.pk, 999_999, first.pk]) == [second, first]


def test_names_and_addresses(make_article: MakeArticle) -> None:
    article = make_article(slug="a", title="Título", language="es", translated_title="Title")
    assert article.english_title == "Title"
    assert str(article) == "Título"
    assert article.get_absolute_url() == "/articles/a/"
    assert article.author.get_absolute_url() == "/authors/maeve-holloway/"
    assert Category.objects.get().get_absolute_url() == "/categories/product/"
    assert str(article.author) == "Maeve Holloway"
