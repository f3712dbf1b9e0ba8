"""Lists to look at: what was asked, and which answers are kept."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import URLPattern, path

from recommendations import insight_views
from recommendations.models import KeptAnswer, QueryLog


class ReadOnlyAdmin(admin.ModelAdmin[Model]):
    date_hierarchy = "created_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(QueryLog)
class QueryLogAdmin(ReadOnlyAdmin):
    list_display = [
        "question",
        "outcome",
        "created_at",
        "first_words_ms",
        "total_ms",
        "model",
    ]
    list_filter = ["outcome", "language", "engine", "writer", "model"]
    search_fields = ["question"]

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view
        return [
            path("insights/", page(insight_views.insights), name="recommendations_insights"),
            path(
                "insights/export/",
                page(insight_views.export_csv),
                name="recommendations_insights_export",
            ),
            *super().get_urls(),
        ]


@admin.register(KeptAnswer)
class KeptAnswerAdmin(ReadOnlyAdmin):
    """Deleting a row makes the next reader's question go to the model again."""

    list_display = ["question", "model", "created_at"]
    list_filter = ["model"]
    search_fields = ["question"]
