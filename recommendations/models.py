"""What was asked and how it was answered, and answers that can be given again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from articles.models import Article


class RetainedQuerySet(models.QuerySet[Any]):
    def expired(self) -> Self:
        """Rows older than the model's retention."""
        return self.filter(created_at__lt=timezone.now() - self.model.retention())


class Retained(models.Model):
    """A row that is deleted after its time, when the next one is saved."""

    days_setting: ClassVar[str]  # the setting that says how long

    created_at = models.DateTimeField(_("created at"), default=timezone.now, db_index=True)

    objects = RetainedQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["-created_at", "-pk"]

    def save(self, *args: Any, **kwargs: Any) -> None:
        is_new = self._state.adding
        super().save(*args, **kwargs)
        if is_new:
            type(self).objects.expired().delete()

    @classmethod
    def retention(cls) -> timedelta:
        return timedelta(days=getattr(settings, cls.days_setting))

    @property
    def is_expired(self) -> bool:
        return self.created_at < timezone.now() - self.retention()


class Outcome(models.TextChoices):
    """How an answer ended, in the query log."""

    OPEN = "open", _("not finished: being written, or ended with the server")
    WRITTEN = "written", _("written by a model, every card")
    PARTLY = "partly", _("written by a model, some cards are excerpts")
    KEPT = "kept", _("given again from a kept answer")
    UNUSABLE = "unusable", _("excerpts, the model wrote nothing that can be shown")
    EXCERPTS = "excerpts", _("excerpts, as configured")
    NOTHING = "nothing", _("no article was found")
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

    days_setting = "QUERY_LOG_DAYS"

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
        verbose_name_plural = _("questions asked")

    def __str__(self) -> str:
        return self.question


class Vote(models.Model):
    """A reader's thumb on one card of an answer. Nothing about who voted; deleted with the log."""

    class Value(models.IntegerChoices):
        UP = 1, _("thumb up")
        DOWN = -1, _("thumb down")

    log = models.ForeignKey(
        QueryLog, models.CASCADE, related_name="votes", verbose_name=_("question")
    )
    article = models.ForeignKey(
        Article, models.CASCADE, related_name="votes", verbose_name=_("article")
    )
    value = models.SmallIntegerField(_("thumb"), choices=Value)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = _("vote")
        verbose_name_plural = _("votes")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["log", "article"], name="one_vote_a_card"),
            models.CheckConstraint(condition=models.Q(value__in=[1, -1]), name="vote_up_or_down"),
        ]

    def __str__(self) -> str:
        values = {"thumb": self.get_value_display(), "article": self.article_id}
        return gettext("%(thumb)s for article %(article)s") % values


class KeptAnswer(Retained):
    """A complete answer of a model, given again for the same question.

    `cards` is a list of `{article, sentences}`, best first; a sentence is its text and language.
    """

    days_setting = "KEPT_ANSWER_DAYS"

    key = models.CharField(max_length=64, unique=True)
    question = models.CharField(_("question"), max_length=500)
    model = models.CharField(_("model"), max_length=200)
    cards = models.JSONField(_("cards"))

    class Meta(Retained.Meta):
        verbose_name = _("kept answer")
        verbose_name_plural = _("kept answers")

    def __str__(self) -> str:
        return self.question
