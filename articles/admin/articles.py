"""Editing articles: list, form, bulk actions."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.forms import Script
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from articles.admin import assistant, badges, index_status, panel
from articles.admin.form import ArticleForm
from articles.models import Article
from articles.search import outbox


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin[Article]):
    form = ArticleForm
    list_display = ["title", "state", "index", "topic", "date"]
    list_filter = [
        index_status.PublicationFilter,
        index_status.IndexStateFilter,
        "language",
        "category",
        "author",
    ]
    list_select_related = ["category", "author"]
    list_per_page = 50
    date_hierarchy = "date"
    search_fields = ["title", "translated_title", "content"]
    prepopulated_fields = {"slug": ["title"]}
    readonly_fields = ["index", "version", "source_id", "created_at", "updated_at"]
    actions = ["publish", "unpublish"]
    fieldsets = [
        (None, {"fields": ["title", "translated_title", "slug", "language", "content"]}),
        (_("Publication"), {"fields": ["author", "category", "date", "status"]}),
        (_("Record"), {"fields": [*readonly_fields], "classes": ["collapse"]}),
    ]

    class Media:  # on the list too, where the answer to a save may appear
        js: ClassVar[list[Script]] = [Script("admin-site/drafts.js", defer=True)]

    def get_urls(self) -> list[URLPattern]:
        return [*assistant.urls(), *panel.urls(), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Article]:
        return index_status.with_index_state(super().get_queryset(request))

    def view_on_site(self, article: Article) -> str:
        return article.get_absolute_url()

    @admin.display(description=_("state"), ordering="status")
    def state(self, article: Article) -> SafeString:
        """What readers see of it, with the way to its page."""
        label = _("View") if article.is_public else _("Preview")
        page = format_html('<a href="{}">{}</a>', article.get_absolute_url(), label)
        return format_html("{} {}", badges.publication(article), page)

    @admin.display(description=_("search index"), ordering="index_state")
    def index(self, article: Article) -> SafeString:
        return index_status.show(article)

    @admin.display(description=_("category"), ordering="category")
    def topic(self, article: Article) -> SafeString:
        """Three in one column, so that the list needs no scrolling sideways on a laptop."""
        category = article.category or badges.badge("due", _("none yet"))
        return format_html(
            '{}<span class="quiet line">{} · {}</span>',
            category,
            article.get_language_display(),
            article.author,
        )

    @admin.action(description=_("Publish selected articles"), permissions=["change"])
    def publish(self, request: HttpRequest, articles: QuerySet[Article]) -> None:
        changed = self._set_status(request, articles, Article.Status.PUBLISHED)
        text = ngettext("%d article published.", "%d articles published.", changed)
        self.message_user(request, text % changed)

    @admin.action(description=_("Unpublish selected articles"), permissions=["change"])
    def unpublish(self, request: HttpRequest, articles: QuerySet[Article]) -> None:
        changed = self._set_status(request, articles, Article.Status.DRAFT)
        text = ngettext("%d article unpublished.", "%d articles unpublished.", changed)
        self.message_user(request, text % changed)

    def _set_status(
        self, request: HttpRequest, articles: QuerySet[Article], status: Article.Status
    ) -> int:
        """Save each article as the form would: validated, versioned, logged and synced.

        Each is read when its turn comes, and nothing but its status is written: another editor may
        have saved it meanwhile.
        """
        changed = 0
        with outbox.deferred():
            for pk in list(articles.exclude(status=status).values_list("pk", flat=True)):
                try:
                    with transaction.atomic():
                        article = Article.objects.select_for_update().get(pk=pk)
                        article.status = status
                        article.full_clean()
                        article.save(update_fields=["status"])
                        self.log_change(request, article, [{"changed": {"fields": ["status"]}}])
                except Article.DoesNotExist:
                    continue
                except ValidationError as error:
                    reason = f"{article}: {' '.join(error.messages)}"
                    self.message_user(request, reason, messages.ERROR)
                else:
                    changed += 1
        outbox.attempt_waiting()
        return changed

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Article]) -> None:
        with outbox.deferred():  # one attempt for all of them
            super().delete_queryset(request, queryset)
        outbox.attempt_waiting()
