"""Articles with their authors and categories, and what the search index keeps of them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from articles.index_models import (
    ArticleChunk,
    EmbeddedIndex,
    IndexedArticle,
    OutboxEntry,
    ReindexRun,
)
from articles.managers import ArticleQuerySet

__all__ = [
    "Article",
    "ArticleChunk",
    "Author",
    "Category",
    "EmbeddedIndex",
    "IndexedArticle",
    "NamedPage",
    "OutboxEntry",
    "PreviousSlug",
    "ReindexRun",
    "StarterQuestion",
]


class NamedPage(models.Model):
    """A name with a page of its own that lists articles."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    slug = models.SlugField(_("slug"), max_length=100, unique=True)

    class Meta:
        abstract = True
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def shown_name(self) -> str:
        """The name for a reader of the page, in the language of the page where there is one."""
        return self.name


class Author(NamedPage):
    bio = models.TextField(
        _("biography"), blank=True, help_text=_("One or two sentences, in English.")
    )

    class Meta(NamedPage.Meta):
        verbose_name = _("author")
        verbose_name_plural = _("authors")

    def get_absolute_url(self) -> str:
        return reverse("articles:author", args=[self.slug])

    def get_feed_url(self) -> str:
        return reverse("articles:author_feed", args=[self.slug])


class Category(NamedPage):
    """`name` is English, and what the index and the model are told; pages show `shown_name`."""

    spanish_name = models.CharField(
        _("Spanish name"),
        max_length=100,
        blank=True,
        help_text=_("For pages in Spanish; without it they show the English name."),
    )

    class Meta(NamedPage.Meta):
        verbose_name = _("category")
        verbose_name_plural = _("categories")

    def get_absolute_url(self) -> str:
        return reverse("articles:category", args=[self.slug])

    def get_feed_url(self) -> str:
        return reverse("articles:category_feed", args=[self.slug])

    @property
    def shown_name(self) -> str:
        return self.spanish_name if self.shown_language == "es" else self.name

    @property
    def shown_language(self) -> str:
        """Of `shown_name`, for its `lang` attribute."""
        spanish = (get_language() or "").startswith("es")
        return "es" if spanish and self.spanish_name else "en"


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
    def revision(self) -> str:
        """Another one after every save that readers could see, a renamed author's included.

        Not after `loaddata`, which writes `updated_at` as it stands in the file.
        """
        return f"{self.pk}-{self.updated_at.timestamp()}"

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
