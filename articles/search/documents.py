"""Article row to search document."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

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


def to_documents(articles: Iterable[Article]) -> list[Document]:
    documents = []
    for article in articles:
        documents.append(to_document(article))
        time.sleep(0)  # in `built_ahead`, the other thread may have an answer to read
    return documents


def built_ahead[Batch](
    batches: Iterable[tuple[Batch, Iterable[Article]]],
) -> Generator[tuple[Batch, list[Document]]]:
    """Each batch with its articles' documents, one batch ahead of what the caller works on.

    Markdown becomes text at about a millisecond an article, nearly half of what a cluster takes to
    store it, so a thread does it while the caller waits for the cluster. That thread asks neither
    database nor cluster: rows are read by the caller's thread, with their authors and categories.
    """
    with ThreadPoolExecutor(1, "documents") as worker:
        before: tuple[Batch, Future[list[Document]]] | None = None
        for batch, articles in batches:
            building = worker.submit(to_documents, articles)
            if before:
                yield before[0], before[1].result()
            before = batch, building
        if before:
            yield before[0], before[1].result()
