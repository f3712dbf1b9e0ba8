"""What the search index keeps in the database: waiting changes, rebuilds, the embedded vectors."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from articles.managers import OutboxQuerySet


class OutboxEntry(models.Model):
    """A change of an article that the search index has not seen yet.

    Written in the transaction of the change, so that a rollback takes it back and a crash keeps
    it. Not a foreign key: the article may be gone.
    """

    article_id = models.PositiveBigIntegerField(_("article"), db_index=True)
    version = models.PositiveIntegerField(_("version"), default=0)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    due_at = models.DateTimeField(_("due at"), default=timezone.now, db_index=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    error = models.TextField(_("error"), blank=True)

    objects = OutboxQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name = _("waiting change")
        verbose_name_plural = _("waiting changes")

    def __str__(self) -> str:
        values = {"article": self.article_id, "version": self.version}
        return gettext("article %(article)s, version %(version)s") % values


class ReindexRun(models.Model):
    """One full rebuild of the index: its progress, its outcome, and the lock against a second."""

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    started_at = models.DateTimeField(_("started at"), auto_now_add=True)
    heartbeat_at = models.DateTimeField(_("last sign of life"), auto_now=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.RUNNING)
    total = models.PositiveIntegerField(_("articles to write"), default=0)
    indexed = models.PositiveIntegerField(_("articles written"), default=0)
    failed = models.PositiveIntegerField(_("articles failed"), default=0)
    message = models.TextField(_("message"), blank=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("reindex")
        verbose_name_plural = _("reindexes")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="running"), name="one_running_reindex"
            )
        ]

    def __str__(self) -> str:
        started = timezone.localtime(self.started_at)
        return gettext("reindex of %(time)s") % {"time": f"{started:%Y-%m-%d %H:%M}"}


class EmbeddedIndex(models.Model):
    """The one row that says which generation of the embedded index answers.

    `counter` grows with every write, so that each process sees in one query whether its matrix
    in memory is still true, and which articles to load again.
    """

    generation = models.PositiveIntegerField(default=1)
    counter = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"generation {self.generation}"


class IndexedArticle(models.Model):
    """What the embedded index knows of an article; a `deleted` row stops a late, older write."""

    generation = models.PositiveIntegerField()
    article_id = models.PositiveBigIntegerField()
    version = models.PositiveIntegerField()
    counter = models.PositiveBigIntegerField()
    deleted = models.BooleanField(default=False)
    encoder = models.CharField(max_length=200)
    language = models.CharField(max_length=2)
    category = models.CharField(max_length=100)
    author = models.CharField(max_length=100)
    date = models.DateField(null=True)
    terms = models.TextField()
    title_vectors = models.BinaryField(default=b"")  # like `ArticleChunk.vector`, one a title

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["generation", "article_id"], name="indexed_once_a_generation"
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["generation", "counter"], name="indexed_changed_since")
        ]

    def __str__(self) -> str:
        return f"article {self.article_id} version {self.version}"


class ArticleChunk(models.Model):
    """One passage of an indexed article with its vector (float16, little endian, as bytes)."""

    indexed = models.ForeignKey(IndexedArticle, models.CASCADE, related_name="chunks")
    position = models.PositiveSmallIntegerField()
    text = models.TextField()
    vector = models.BinaryField()

    class Meta:
        ordering = ["indexed", "position"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["indexed", "position"], name="chunk_position_once")
        ]

    def __str__(self) -> str:
        return self.text[:60]
