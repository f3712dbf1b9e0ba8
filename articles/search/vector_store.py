"""Writing passages with their vectors into the database, one generation of the index at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from django.db import transaction
from django.db.models import F

from articles.models import ArticleChunk, EmbeddedIndex, IndexedArticle
from articles.search.base import Document
from articles.search.chunks import split, terms, to_embed
from articles.search.encoders import NOT_REACHED, Encoder, EncoderError, OutOfTime, embed


@dataclass(frozen=True, slots=True)
class VectorStore:
    """The rows of one generation; `Rebuild` of the embedded engine and its everyday writer."""

    encoder: Encoder
    generation: int

    def index(
        self, documents: Sequence[Document], *, seconds: float | None = None
    ) -> dict[int, str]:
        deadline = inf if seconds is None else time.monotonic() + seconds
        failures: dict[int, str] = {}
        for document in documents:
            try:
                if not self._has(document):
                    self._store(document, deadline)
            except EncoderError as error:
                failures[document.pk] = str(error)
            except OutOfTime:
                failures[document.pk] = NOT_REACHED
        return failures

    def delete(
        self, versions: Mapping[int, int], *, seconds: float | None = None
    ) -> dict[int, str]:
        """Leave a deleted row behind, so that a late write of an older version does not win."""
        for pk, version in versions.items():
            with transaction.atomic():
                row = self._claim(pk, version)
                if row is not None:
                    row.deleted, row.terms = True, ""
                    row.save()
        return {}

    def versions(self) -> Iterator[tuple[int, int]]:
        rows = IndexedArticle.objects.filter(
            generation=self.generation, deleted=False, encoder=self.encoder.name
        )
        yield from rows.order_by("article_id").values_list("article_id", "version").iterator()

    def commit(self) -> None:
        with transaction.atomic():
            EmbeddedIndex.objects.filter(pk=1).update(generation=self.generation)
            IndexedArticle.objects.exclude(generation=self.generation).delete()

    def abort(self) -> None:
        IndexedArticle.objects.filter(generation=self.generation).delete()

    def _has(self, document: Document) -> bool:
        """Whether this version is there already, so that nothing needs to be embedded again."""
        return IndexedArticle.objects.filter(
            generation=self.generation,
            article_id=document.pk,
            encoder=self.encoder.name,
            version__gte=document.version,
            deleted=False,
        ).exists()

    def _store(self, document: Document, deadline: float) -> None:
        title = document.title
        passages = split(title, document.text)
        texts = [to_embed(title, passage, document.translated_title) for passage in passages]
        titles = list(filter(None, [title, document.translated_title]))
        # About a second for a long article, so not inside the transaction.
        found = embed(self.encoder, [*titles, *texts], document.language, deadline)
        vectors = found.astype("<f2")
        words = " ".join(
            [title, document.translated_title, document.author, document.category, document.text]
        )
        with transaction.atomic():
            row = self._claim(document.pk, document.version)
            if row is None:
                return
            row.deleted = False
            row.language = document.language
            row.category, row.author = document.category_slug, document.author_slug
            row.date = document.date
            row.terms = " ".join(sorted(set(terms(words))))
            row.title_vectors = vectors[: len(titles)].tobytes()
            row.save()
            ArticleChunk.objects.bulk_create(
                ArticleChunk(indexed=row, position=n, text=passage, vector=vector.tobytes())
                for n, (passage, vector) in enumerate(
                    zip(passages, vectors[len(titles) :], strict=True)
                )
            )

    def _claim(self, pk: int, version: int) -> IndexedArticle | None:
        """The emptied row for a write of this version, or None where a newer one stands.

        Counting up the one `EmbeddedIndex` row holds its lock until the commit, so writers queue
        and counters become visible in ascending order.
        """
        EmbeddedIndex.objects.get_or_create(pk=1)
        EmbeddedIndex.objects.filter(pk=1).update(counter=F("counter") + 1)
        counter = EmbeddedIndex.objects.values_list("counter", flat=True).get(pk=1)
        row = IndexedArticle.objects.filter(generation=self.generation, article_id=pk).first()
        if row is None:
            row = IndexedArticle(generation=self.generation, article_id=pk, version=0)
        elif row.encoder == self.encoder.name and row.version > version:
            return None
        else:
            row.chunks.all().delete()
        row.version, row.counter, row.encoder = version, counter, self.encoder.name
        return row
