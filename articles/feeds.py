"""Atom feeds of the newest articles: all of them, by category, by author.

A feed is the same for everybody, whatever language its reader's browser asks for, so that any cache
may keep it: its own few words are names, and each entry says the language of its article.
"""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.feedgenerator import Atom1Feed

from articles.markdown import render
from articles.models import Article, Author, Category, NamedPage

LENGTH = 20

# Pasted text may bring them along. XML 1.0 cannot hold them, not even escaped, and one would take
# the whole feed down: https://www.w3.org/TR/xml/#charsets
_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def xml_text(text: str) -> str:
    return _NOT_XML.sub(" ", text)


class ArticleAtom(Atom1Feed):
    def item_attributes(self, item: dict[str, Any]) -> dict[str, str]:
        return {"xml:lang": item["language"]}


class ArticlesFeed(Feed[Article, None]):
    feed_type = ArticleAtom
    language = settings.LANGUAGE_CODE

    def title(self, obj: Any) -> str:
        return settings.SITE_NAME

    def link(self, obj: Any) -> str:
        return reverse("articles:list")

    def items(self, obj: Any) -> QuerySet[Article]:
        return Article.objects.published().for_list()[:LENGTH]

    def item_title(self, item: Article) -> str:
        return xml_text(item.title)

    def item_description(self, item: Article) -> str:
        return xml_text(render(item.content))

    def item_author_name(self, item: Article) -> str:
        return xml_text(item.author.name)

    def item_pubdate(self, item: Article) -> datetime:
        return timezone.make_aware(datetime.combine(item.date, time()))

    def item_updateddate(self, item: Article) -> datetime:
        return item.updated_at

    def item_categories(self, item: Article) -> list[str]:
        return [xml_text(str(item.category))]

    def item_extra_kwargs(self, item: Article) -> dict[str, Any]:
        return {"language": item.language}


class NamedPageFeed(ArticlesFeed):
    """The articles of one category or one author."""

    model: ClassVar[type[NamedPage]]
    field: ClassVar[str]

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return get_object_or_404(self.model, slug=kwargs["slug"])

    def title(self, obj: Any) -> str:
        return xml_text(f"{settings.SITE_NAME}: {obj.name}")

    def link(self, obj: Any) -> str:
        return str(obj.get_absolute_url())

    def items(self, obj: Any) -> QuerySet[Article]:
        return Article.objects.published().for_list().filter(**{self.field: obj})[:LENGTH]


class CategoryFeed(NamedPageFeed):
    model, field = Category, "category"


class AuthorFeed(NamedPageFeed):
    model, field = Author, "author"
