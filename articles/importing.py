"""Articles from JSON documents in the format of the original data set.

A document is `{id, title: {original, translated_title}, author, date, category, content}`, with
`language`, `status` and `slug` as optional additions. `id` is kept as `source_id`; importing the
same file twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from articles.models import Article, Author, Category, NamedPage

Outcome = Literal["created", "updated", "unchanged"]


class InvalidDocument(ValueError):
    """The document cannot become an article; the text says why."""


@dataclass(frozen=True, slots=True)
class ImportedArticle:
    """A checked document."""

    source_id: str
    title: str
    translated_title: str
    author: str
    category: str
    date: date
    content: str
    language: str
    status: str
    slug: str

    @classmethod
    def parse(cls, document: object) -> ImportedArticle:
        """Raises `InvalidDocument` naming the first field that is missing or wrong."""
        if not isinstance(document, Mapping):
            raise InvalidDocument("it is not a JSON object")
        title = document.get("title")
        if not isinstance(title, Mapping):
            raise InvalidDocument('"title" must be an object with "original"')
        source_id = document.get("id")
        translated = _text(title, "translated_title", required=False)
        return cls(
            source_id=str(source_id) if type(source_id) is int else _text(document, "id"),
            title=_text(title, "original"),
            translated_title=translated,
            author=_text(document, "author"),
            category=_text(document, "category"),
            date=_date(document),
            content=_text(document, "content"),
            language=_text(document, "language", required=False) or ("es" if translated else "en"),
            status=_text(document, "status", required=False) or Article.Status.PUBLISHED,
            slug=_text(document, "slug", required=False),
        )

    def store(self) -> Outcome:
        """Create or update the article with this `source_id`; raises `InvalidDocument`."""
        try:
            with transaction.atomic():
                return self._store()
        except ValidationError as error:
            raise InvalidDocument("; ".join(error.messages)) from error

    def _store(self) -> Outcome:
        article = Article.objects.filter(source_id=self.source_id).first()
        created = article is None
        article = article or Article(source_id=self.source_id)
        values = {
            "title": self.title,
            "translated_title": self.translated_title,
            "language": self.language,
            "author": _named(Author, self.author),
            "category": _named(Category, self.category),
            "content": self.content,
            "date": self.date,
            "status": self.status,
            "slug": self.slug or article.slug or Article(title=self.title).free_slug(),
        }
        if not created and all(getattr(article, name) == new for name, new in values.items()):
            return "unchanged"
        for name, new in values.items():
            setattr(article, name, new)
        article.full_clean()
        article.save()
        return "created" if created else "updated"


def _text(document: Mapping[str, Any], key: str, *, required: bool = True) -> str:
    value = document.get(key)
    if value is None and not required:
        return ""
    if value is None:
        raise InvalidDocument(f'"{key}" is missing')
    if not isinstance(value, str):
        raise InvalidDocument(f'"{key}" must be text, not {type(value).__name__}')
    value = value.replace("\0", "").strip()
    try:
        value.encode()
    except UnicodeEncodeError as error:
        half = ascii(error.object[error.start])
        raise InvalidDocument(f'"{key}" holds half a character, {half}') from error
    if not value and required:
        raise InvalidDocument(f'"{key}" is empty')
    return value


def _date(document: Mapping[str, Any]) -> date:
    text = _text(document, "date")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidDocument(f'"date" must look like 2026-03-31, not {text!r}') from error


def _named[Page: NamedPage](model: type[Page], name: str) -> Page:
    """The author or category of that name, made if there is none."""
    manager = model._default_manager
    if found := manager.filter(name__iexact=name).first():
        return found
    stem = slugify(name)[:90] or model.__name__.lower()
    slug, number = stem, 1
    while manager.filter(slug=slug).exists():
        number += 1
        slug = f"{stem}-{number}"
    page = model(name=name, slug=slug)
    page.full_clean()
    page.save()
    return page
