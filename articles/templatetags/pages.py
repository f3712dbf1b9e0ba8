"""Tags for what stands around the content: addresses, metadata, filters, archives."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import unquote

from django import template
from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template import Context
from django.urls import reverse
from django.utils.html import json_script
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from articles.forms import SearchForm
from articles.models import Article, NamedPage, StarterQuestion
from articles.search.base import FACETS
from articles.search.results import Answer
from articles.templatetags.articles import excerpt

register = template.Library()


class Chip(NamedTuple):
    """A filter that is set, as the reader sees it; `address` is without it."""

    label: str
    address: str


@register.simple_tag(takes_context=True)
def absolute_url(context: Context, path: str) -> str:
    """`path` with the site's scheme and host in front."""
    request: HttpRequest = context["request"]
    return request.build_absolute_uri(path)


@register.simple_tag
def chosen_filters(answer: Answer, form: SearchForm) -> list[Chip]:
    """The filters of a valid form, also those that leave nothing to find."""
    languages = dict(Article.Language.choices)
    chosen = ((facet, form.cleaned_data.get(facet)) for facet in FACETS)
    return [
        Chip(
            value.shown_name if isinstance(value, NamedPage) else str(languages.get(value, value)),
            answer.address_without(facet),
        )
        for facet, value in chosen
        if value
    ]


@register.simple_tag
def starter_questions() -> QuerySet[StarterQuestion]:
    """Those in the language of the page."""
    return StarterQuestion.objects.filter(language=(get_language() or "en")[:2])


@register.simple_tag
def archive_years() -> list[date]:
    """The years that have public articles, newest first."""
    return list(Article.objects.published().dates("date", "year", order="DESC"))


@register.filter
def words_of_address(path: str) -> str:
    """The words in an address, for a search that may find what it once led to."""
    last = "".join([part for part in unquote(path).split("/") if part][-1:])
    name = re.sub(r"\.[A-Za-z0-9]{2,5}$", "", last)
    return " ".join(re.findall(r"[^\W_]+", name))[:100]


@register.simple_tag(takes_context=True)
def json_ld(context: Context, article: Article) -> SafeString:
    """The article as schema.org data; a data block, which the content security policy allows."""
    request: HttpRequest = context["request"]
    address = request.build_absolute_uri(article.get_absolute_url())
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "BlogPosting",
        "headline": article.title,
        "description": excerpt(article),
        "inLanguage": article.language,
        "datePublished": article.date.isoformat(),
        "dateModified": article.updated_at.isoformat(timespec="seconds"),
        "mainEntityOfPage": address,
        "image": request.build_absolute_uri(reverse("articles:share_image", args=[article.slug])),
        "author": {
            "@type": "Person",
            "name": article.author.name,
            "url": request.build_absolute_uri(article.author.get_absolute_url()),
        },
        "publisher": {"@type": "Organization", "name": settings.SITE_NAME},
    }
    if article.translated_title:
        data["alternativeHeadline"] = article.translated_title
    if article.category:
        data["articleSection"] = article.category.name
    # json_script escapes "<", ">" and "&"; only its type is not the one search engines read.
    script = json_script(data).replace("application/json", "application/ld+json", 1)
    return mark_safe(script)  # noqa: S308
