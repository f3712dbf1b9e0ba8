"""Articles with their authors and categories, and what the search index keeps of them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from articles.managers import ArticleQuerySet, OutboxQuerySet


class NamedPage(models.Model):
    """A name with a page of its own that lists articles."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    slug = models.SlugField(_("slug"), max_length=100, unique=True)

    class Meta:
        abstract = True
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Author(NamedPage):
    bio = models.TextField(_("biography"), blank=True, help_text=_("One or two sentences."))

    class Meta(NamedPage.Meta):
        verbose_name = _("author")
        verbose_name_plural = _("authors")

    def get_absolute_url(self) -> str:
        return reverse("articles:author", args=[self.slug])


class Category(NamedPage):
    class Meta(NamedPage.Meta):
        verbose_name = _("category")
        verbose_name_plural = _("categories")

    def get_absolute_url(self) -> str:
        return reverse("articles:category", args=[self.slug])


class Article(models.Model):
    """One article in one language; `version` grows with every change that readers could see."""

    class Language(models.TextChoices):
        ENGLISH = "en", _("English")
        SPANISH = "es", _("Spanish")

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        PUBLISHED = "published", _("published")

    source_id = models.CharField(
        _("source id"),
        max_length=100,
        unique=True,
        null=True,
        blank=True,
        editable=False,
        help_text=_("The id in the file that the article was imported from."),
    )
    slug = models.SlugField(_("slug"), max_length=200, unique=True)
    title = models.CharField(_("title"), max_length=250, help_text=_("In the article's language."))
    translated_title = models.CharField(
        _("English title"), max_length=250, blank=True, help_text=_("For Spanish articles only.")
    )
    language = models.CharField(
        _("language"), max_length=2, choices=Language, default=Language.ENGLISH
    )
    author = models.ForeignKey(
        Author, models.PROTECT, related_name="articles", verbose_name=_("author")
    )
    category = models.ForeignKey(
        Category,
        models.PROTECT,
        related_name="articles",
        verbose_name=_("category"),
        null=True,
        blank=True,
        help_text=_("A draft can wait for its category."),
    )
    content = models.TextField(_("content"), help_text=_("Markdown."))
    date = models.DateField(
        _("publication date"),
        default=timezone.localdate,
        db_index=True,
        help_text=_("A published article with a future date appears on that day."),
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = ArticleQuerySet.as_manager()

    class Meta:
        verbose_name = _("article")
        verbose_name_plural = _("articles")
        ordering = ["-date", "-pk"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["status", "-date", "-id"], name="article_newest_published"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(language__in=["en", "es"]),
                name="article_language_known",
                violation_error_message=_("The language is English or Spanish."),
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "published"]),
                name="article_status_known",
                violation_error_message=_("An article is a draft or published."),
            ),
            models.CheckConstraint(
                condition=~Q(title="") & ~Q(slug=""),
                name="article_title_and_slug_filled",
                violation_error_message=_("An article needs a title and a slug."),
            ),
            models.CheckConstraint(
                condition=Q(translated_title="") | ~Q(language="en"),
                name="article_english_needs_no_translation",
                violation_error_message=_("An English article has no separate English title."),
            ),
            models.CheckConstraint(
                condition=Q(status="draft") | (Q(category__isnull=False) & ~Q(content="")),
                name="article_published_is_complete",
                violation_error_message=_("Choose a category and write content before publishing."),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, count the version up and leave a redirect behind when the slug changed."""
        if not self.slug:
            self.slug = self.free_slug()
        with transaction.atomic():
            old_slug = None
            if not self._state.adding:
                rows = Article.objects.filter(pk=self.pk)
                old_slug = rows.values_list("slug", flat=True).first()
                self.version = F("version") + 1
                if (fields := kwargs.get("update_fields")) is not None:
                    kwargs["update_fields"] = {*fields, "version", "updated_at"}
            super().save(*args, **kwargs)
            PreviousSlug.objects.filter(slug=self.slug).delete()
            if old_slug and old_slug != self.slug:
                PreviousSlug.objects.create(slug=old_slug, article=self)

    def get_absolute_url(self) -> str:
        return reverse("articles:article", args=[self.slug])

    @property
    def english_title(self) -> str:
        """The title for an English sentence about this article."""
        return self.translated_title or self.title

    @property
    def is_public(self) -> bool:
        """The row's answer to `ArticleQuerySet.published()`."""
        return self.status == self.Status.PUBLISHED and self.date <= timezone.localdate()

    @property
    def is_scheduled(self) -> bool:
        return self.status == self.Status.PUBLISHED and self.date > timezone.localdate()

    def free_slug(self) -> str:
        """A slug from the title that no other article has."""
        stem = slugify(self.title)[:180] or "article"
        slug, number = stem, 1
        while Article.objects.exclude(pk=self.pk).filter(slug=slug).exists():
            number += 1
            slug = f"{stem}-{number}"
        return slug


class PreviousSlug(models.Model):
    """An address an article once had; the article view redirects from it for good."""

    slug = models.SlugField(max_length=200, unique=True)
    article = models.ForeignKey(Article, models.CASCADE, related_name="previous_slugs")

    def __str__(self) -> str:
        return self.slug


class StarterQuestion(models.Model):
    """A question that the home page offers to a reader who has none yet."""

    question = models.CharField(_("question"), max_length=100, unique=True)
    language = models.CharField(_("language"), max_length=2, choices=Article.Language)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        ordering = ["position", "pk"]
        verbose_name = _("starter question")
        verbose_name_plural = _("starter questions")

    def __str__(self) -> str:
        return self.question


class OutboxEntry(models.Model):
    """A change of an article that the search index has not seen yet.

    Written in the transaction of the change, so that a rollback takes it back and a crash keeps
    it. Not a foreign key: the article may be gone.
    """

    article_id = models.PositiveBigIntegerField(db_index=True)
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(default=timezone.now, db_index=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)

    objects = OutboxQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name = _("waiting change")
        verbose_name_plural = _("waiting changes")

    def __str__(self) -> str:
        return f"article {self.article_id} version {self.version}"


class ReindexRun(models.Model):
    """One full rebuild of the index: its progress, its outcome, and the lock against a second."""

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    started_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField(auto_now=True)
    finished_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    total = models.PositiveIntegerField(default=0)
    indexed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    message = models.TextField(blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="running"), name="one_running_reindex"
            )
        ]

    def __str__(self) -> str:
        return f"reindex of {self.started_at:%Y-%m-%d %H:%M}"


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
