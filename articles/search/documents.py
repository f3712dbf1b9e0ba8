"""Article row to search document."""

from __future__ import annotations

from articles.markdown import plain_text
from articles.models import Article
from articles.search.base import Document


def to_document(article: Article) -> Document:
    """The document of a published article (its author and category are read)."""
    assert article.category is not None  # noqa: S101  (the database's own constraint)
    return Document(
        pk=article.pk,
        version=article.version,
        source_id=article.source_id or "",
        slug=article.slug,
        title=article.title,
        translated_title=article.translated_title,
        language=article.language,
        author=article.author.name,
        author_slug=article.author.slug,
        category=article.category.name,
        category_slug=article.category.slug,
        date=article.date,
        text=plain_text(article.content),
    )
