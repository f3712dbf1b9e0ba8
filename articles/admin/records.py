"""Authors, categories and starter questions; and what the site writes itself, to look at only."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from articles.models import Author, Category, OutboxEntry, ReindexRun, StarterQuestion


@admin.register(Author)
class NamedPageAdmin(admin.ModelAdmin[Author | Category]):
    list_display = ["name", "slug"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}


@admin.register(Category)
class CategoryAdmin(NamedPageAdmin):
    list_display = ["name", "spanish_name", "slug"]
    search_fields = ["name", "spanish_name"]


@admin.register(StarterQuestion)
class StarterQuestionAdmin(admin.ModelAdmin[StarterQuestion]):
    list_display = ["question", "language", "position"]
    list_filter = ["language"]


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Records that the site writes and people only read."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(OutboxEntry)
class OutboxEntryAdmin(ReadOnlyAdmin):
    list_display = ["article_id", "version", "created_at", "due_at", "attempts", "error"]


@admin.register(ReindexRun)
class ReindexRunAdmin(ReadOnlyAdmin):
    list_display = ["started_at", "finished_at", "state", "indexed", "total", "failed", "message"]
