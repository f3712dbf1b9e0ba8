"""Query sets of the content models: what is public, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

if TYPE_CHECKING:
    from articles.models import Article


class ArticleQuerySet(models.QuerySet["Article"]):
    """Every way of reading and of changing many articles at once."""

    def published(self) -> Self:
        """The one spelling of "public": published, and not dated in the future.

        Pages, feeds, the sitemap, indexing and the re-reading of search hits all use it.
        """
        return self.filter(status="published", date__lte=timezone.localdate())

    def for_list(self) -> Self:
        """With all that a line in a list shows, in one query."""
        return self.select_related("author", "category")

    def in_order_of(self, pks: Sequence[int]) -> list[Article]:
        """The articles with these primary keys, in this order; missing ones are left out."""
        rows = self.order_by().in_bulk(pks)
        return [rows[pk] for pk in pks if pk in rows]

    def before(self, article: Article) -> Self:
        """What is older, the newest first; of one day the primary keys decide, as in lists."""
        earlier = Q(date__lt=article.date) | Q(date=article.date, pk__lt=article.pk)
        return self.filter(earlier).order_by("-date", "-pk")

    def after(self, article: Article) -> Self:
        """What is newer, the oldest first."""
        later = Q(date__gt=article.date) | Q(date=article.date, pk__gt=article.pk)
        return self.filter(later).order_by("date", "pk")

    # `update` and `bulk_create` send no signals. Without these overrides the index would
    # silently keep what it had; with them the change waits in the outbox like any other.

    def update(self, **kwargs: Any) -> int:
        from articles.models import OutboxEntry

        with transaction.atomic(using=self.db):
            pks = list(self.values_list("pk", flat=True))  # before: the filter may match no more
            kwargs.setdefault("version", F("version") + 1)
            kwargs.setdefault("updated_at", timezone.now())
            updated = super().update(**kwargs)
            OutboxEntry.objects.enqueue(pks)
        return updated

    update.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[Article], *args: Any, **kwargs: Any) -> list[Article]:
        from articles.models import OutboxEntry

        with transaction.atomic(using=self.db):
            created = super().bulk_create(objs, *args, **kwargs)
            OutboxEntry.objects.enqueue([article.pk for article in created])
        return created


class OutboxQuerySet(models.QuerySet["Any"]):
    """Changes that the search index has not seen yet."""

    def due(self) -> Self:
        return self.filter(due_at__lte=timezone.now())

    def enqueue(self, article_ids: Iterable[int], *, version: int = 0) -> None:
        """Note that these articles changed; call it in the transaction of the change.

        `version` is needed for deleted rows only, whose version cannot be looked up any more.
        """
        self.bulk_create(self.model(article_id=pk, version=version) for pk in article_ids)
