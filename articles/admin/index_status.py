"""How far the search index has seen each article: annotation, column and filter.

The state follows from the outbox alone: no entry that is due means that the index was told of the
article as it is now.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Subquery, Value, When
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from articles.admin.badges import badge
from articles.models import Article, OutboxEntry
from articles.search import outbox


class IndexState(models.TextChoices):
    IN_STEP = "in-step", _("in step")
    WAITING = "waiting", _("waiting")
    FAILED = "failed", _("failed")


NOT_SEARCHABLE = _("Drafts and scheduled articles are not in the index.")


def with_index_state(articles: QuerySet[Article]) -> QuerySet[Article]:
    """Annotate `index_state` and, where the last attempt failed, `index_error`; no query more."""
    entries = OutboxEntry.objects.filter(article_id=OuterRef("pk"))
    failed = entries.filter(attempts__gt=0)
    return articles.annotate(
        index_error=Subquery(failed.order_by("-pk").values("error")[:1]),
        index_state=Case(
            When(Exists(failed), then=Value(IndexState.FAILED)),
            When(Exists(entries.filter(outbox.waiting())), then=Value(IndexState.WAITING)),
            default=Value(IndexState.IN_STEP),
            output_field=models.CharField(),
        ),
    )


def show(article: Article) -> SafeString:
    """The badge of an article that `with_index_state` annotated, with the reason of a failure."""
    state = IndexState(getattr(article, "index_state", IndexState.IN_STEP))
    if state == IndexState.FAILED:
        reason = getattr(article, "index_error", "")
        return format_html(
            '{}<p class="reason" lang="en">{}</p>', badge("bad", state.label), reason
        )
    if state == IndexState.WAITING:
        return badge("due", state.label)
    if not article.is_public:
        return badge("off", state.label, title=NOT_SEARCHABLE)
    return badge("good", state.label)


class IndexStateFilter(admin.SimpleListFilter):
    title = _("search index")
    parameter_name = "index"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        return [(state.value, str(state.label)) for state in IndexState]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(index_state=self.value()) if self.value() else queryset


class PublicationFilter(admin.SimpleListFilter):
    """What readers see; "scheduled" is no status of its own but a date in the future."""

    title = _("publication")
    parameter_name = "publication"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        return [
            ("public", gettext("published")),
            ("scheduled", gettext("scheduled")),
            ("draft", gettext("draft")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        public = Article.objects.published().values("pk")
        match self.value():
            case "public":
                return queryset.filter(pk__in=public)
            case "scheduled":
                return queryset.filter(~Q(pk__in=public), status=Article.Status.PUBLISHED)
            case "draft":
                return queryset.filter(status=Article.Status.DRAFT)
        return queryset
