"""The sitemap: every public article, category and author."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.sitemaps import Sitemap
from django.db.models import Max, Model, QuerySet
from django.urls import reverse

from articles.models import Article, Author, Category


class ArticleSitemap(Sitemap[Article]):
    def items(self) -> QuerySet[Article]:
        return Article.objects.published()

    def lastmod(self, item: Article) -> datetime:
        return item.updated_at


class NamedPageSitemap(Sitemap[Any]):
    """Pages of one model that have something to list, changed with their newest article."""

    def __init__(self, model: type[Model]) -> None:
        self.model = model

    def items(self) -> Any:
        public = Article.objects.published()
        return (
            self.model._default_manager.filter(articles__in=public)
            .annotate(changed_at=Max("articles__updated_at"))
            .order_by("pk")
        )

    def lastmod(self, item: Any) -> datetime:
        return item.changed_at  # type: ignore[no-any-return]


class HomeSitemap(Sitemap[str]):
    def items(self) -> list[str]:
        return ["articles:list"]

    def location(self, item: str) -> str:
        return reverse(item)


SITEMAPS = {
    "home": HomeSitemap,
    "articles": ArticleSitemap,
    "categories": NamedPageSitemap(Category),
    "authors": NamedPageSitemap(Author),
}
