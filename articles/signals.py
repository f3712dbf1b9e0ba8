"""Saves and deletions become outbox entries in the same transaction. Nothing here may raise."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_save, pre_delete

from articles.models import Article, Author, Category
from articles.search import outbox
from articles.search.names import forget_names


def article_saved(instance: Article, raw: bool = False, **kwargs: Any) -> None:
    if raw:  # loaddata: related rows may not be there yet; `reindex` follows
        return
    outbox.changed([instance.pk])


def article_deleted(instance: Article, **kwargs: Any) -> None:
    """Before the row is gone, because the instance may be older than its row."""
    stored = Article.objects.filter(pk=instance.pk).values_list("version", flat=True).first()
    # One above the last saved version, so that the removal wins over every earlier write.
    outbox.changed([instance.pk], version=(stored or instance.version) + 1)


def name_saved(
    sender: type[Author] | type[Category],
    instance: Author | Category,
    created: bool,
    raw: bool = False,
    **kwargs: Any,
) -> None:
    """A renamed author or category changes the documents of all its articles."""
    transaction.on_commit(partial(forget_names, sender))
    if raw or created:
        return
    articles = Article.objects.filter(**{sender.__name__.lower(): instance})
    pks = list(articles.values_list("pk", flat=True))
    if pks:
        articles.update()  # counts the versions up and fills the outbox
        outbox.attempt_after_commit(pks)


def connect() -> None:
    post_save.connect(article_saved, sender=Article, dispatch_uid="article_saved")
    pre_delete.connect(article_deleted, sender=Article, dispatch_uid="article_deleted")
    for model in (Author, Category):
        post_save.connect(name_saved, sender=model, dispatch_uid=f"{model.__name__}_saved")
