"""Atom feeds of the newest articles, all of them and by category."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.feedgenerator import Atom1Feed
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from articles.markdown import render
from articles.models import Article, Category

LENGTH = 20


class ArticlesFeed(Feed[Article, None]):
    feed_type = Atom1Feed

    def title(self, obj: Any) -> str:
        return settings.SITE_NAME

    def link(self, obj: Any) -> str:
        return reverse("articles:list")

    def items(self, obj: Any) -> QuerySet[Article]:
        return Article.objects.published().for_list()[:LENGTH]

    def item_title(self, item: Article) -> str:
        return item.title

    def item_description(self, item: Article) -> SafeString:
        return render(item.content)

    def item_author_name(self, item: Article) -> str:
        return item.author.name

    def item_pubdate(self, item: Article) -> datetime:
        return timezone.make_aware(datetime.combine(item.date, time()))

    def item_updateddate(self, item: Article) -> datetime:
        return item.updated_at

    def item_categories(self, item: Article) -> list[str]:
        return [str(item.category)]


class CategoryFeed(ArticlesFeed):
    """The articles of one category."""

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return get_object_or_404(Category, slug=kwargs["slug"])

    def title(self, obj: Any) -> str:
        return _("%(site)s: %(category)s") % {"site": settings.SITE_NAME, "category": obj.name}

    def link(self, obj: Any) -> str:
        return str(obj.get_absolute_url())

    def items(self, obj: Any) -> QuerySet[Article]:
        return Article.objects.published().for_list().filter(category=obj)[:LENGTH]
