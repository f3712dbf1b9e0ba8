"""The editors' side of the site. Importing the package registers everything with the admin."""

from __future__ import annotations

from articles.admin.articles import ArticleAdmin
from articles.admin.records import NamedPageAdmin, OutboxEntryAdmin, ReindexRunAdmin

__all__ = ["ArticleAdmin", "NamedPageAdmin", "OutboxEntryAdmin", "ReindexRunAdmin"]
