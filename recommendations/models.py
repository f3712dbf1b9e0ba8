"""What was asked and how it was answered, and answers that can be given again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

PRUNE_EVERY = 100  # rows; pruning with each of them would make every answer pay for it


class RetainedQuerySet(models.QuerySet[Any]):
    def expired(self) -> Self:
        """Rows older than the model's retention."""
        return self.filter(created_at__lt=timezone.now() - self.model.retention())


class Retained(models.Model):
    """A row that is deleted some time after it was written, when a later row is saved."""

    created_at = models.DateTimeField(_("created at"), default=timezone.now, db_index=True)

    objects = RetainedQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["-created_at", "-pk"]

    @classmethod
    def retention(cls) -> timedelta:
        raise NotImplementedError

    @property
    def is_expired(self) -> bool:
        return self.created_at < timezone.now() - self.retention()

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        if self.pk % PRUNE_EVERY == 0:
            type(self).objects.expired().delete()


class Outcome(models.TextChoices):
    """How an answer ended, in the query log."""

    WRITTEN = "written", _("written by a model, every card")
    PARTLY = "partly", _("written by a model, some cards are excerpts")
    KEPT = "kept", _("given again from a kept answer")
    UNUSABLE = "unusable", _("excerpts, the model wrote nothing that can be shown")
    EXCERPTS = "excerpts", _("excerpts, as configured")
    BUSY = "busy", _("excerpts, all slots were taken")
    UNAVAILABLE = "unavailable", _("the model could not be reached")
    OVERLOADED = "overloaded", _("the model was busy")
    REFUSED = "refused", _("the model refused")
    BROKEN = "broken", _("the model stopped in the middle")
    LATE = "late", _("the deadline passed")
    LEFT = "left", _("the reader left")
    FAILED = "failed", _("an error of this site, see its log")


class QueryLog(Retained):
    """One question and how it was answered. Nothing about who asked."""

    question = models.CharField(_("question"), max_length=500)
    language = models.CharField(_("language of the page"), max_length=10)
    hits = models.JSONField(_("found articles"), default=list, help_text=_("Primary keys."))
    engine = models.CharField(_("search engine"), max_length=50, blank=True)
    model = models.CharField(_("model"), max_length=200, blank=True)
    writer = models.CharField(_("writer"), max_length=50)
    first_words_ms = models.PositiveIntegerField(_("first words after (ms)"), null=True)
    total_ms = models.PositiveIntegerField(_("whole answer after (ms)"))
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome)

    class Meta(Retained.Meta):
        verbose_name = _("question")
        verbose_name_plural = _("query log")

    def __str__(self) -> str:
        return self.question

    @classmethod
    def retention(cls) -> timedelta:
        return timedelta(days=settings.QUERY_LOG_DAYS)


class KeptAnswer(Retained):
    """A complete answer of a model. `cards` is a list of `{article, kind, text}`, best first."""

    key = models.CharField(max_length=64, unique=True)
    question = models.CharField(_("question"), max_length=500)
    model = models.CharField(_("model"), max_length=200)
    cards = models.JSONField(_("cards"))

    class Meta(Retained.Meta):
        verbose_name = _("kept answer")
        verbose_name_plural = _("kept answers")

    def __str__(self) -> str:
        return self.question

    @classmethod
    def retention(cls) -> timedelta:
        return timedelta(days=settings.KEPT_ANSWER_DAYS)
