"""The recommendations app: cards that a language model writes beside the search results."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RecommendationsConfig(AppConfig):
    name = "recommendations"
    verbose_name = _("Recommendations")

    def ready(self) -> None:
        from recommendations import checks, unanswered  # noqa: F401  (checks register themselves)

        unanswered.connect()
