"""Question to page: where the time goes, at 1,000 and 10,000 passages.

    python bench/search.py

Fills a throw-away SQLite database with generated articles (four passages each, random unit
vectors: scoring does not care what they mean) and asks real questions of the WSGI application, as
gunicorn does. Every figure is a median over the rounds of one run, so compare figures of one table
only. The first round, which fills what a process keeps, is not counted. "again" is a question whose
vector the process still has: another filter, another page, back.
"""

from __future__ import annotations

import os
import random
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
folder = tempfile.TemporaryDirectory()
os.environ |= {
    "DATABASE_URL": f"sqlite:///{folder.name}/bench.sqlite3",
    "DJANGO_SETTINGS_MODULE": "blogsite.settings",
    "DEBUG": "false",  # as readers have it: development looks for changed files and keeps queries
    "SECRET_KEY": secrets.token_urlsafe(50),
    "ALLOWED_HOSTS": "testserver",
    "ELASTICSEARCH_URL": "",
}

import django  # noqa: E402

django.setup()

import numpy as np  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.test import RequestFactory  # noqa: E402
from django.utils.crypto import get_random_string  # noqa: E402

from articles.models import (  # noqa: E402
    Article,
    ArticleChunk,
    Author,
    Category,
    EmbeddedIndex,
    IndexedArticle,
    OutboxEntry,
)
from articles.search.base import SearchQuery, get_engine  # noqa: E402
from articles.search.encoders import get_encoder, kept_vector  # noqa: E402
from articles.search.results import Answer  # noqa: E402

PASSAGES = 4
ROUNDS = 20
QUESTIONS = [
    "How do I rotate an API key without downtime?",
    "¿Cómo migro sin perder datos?",
    "Security and vulnerabilities",
    "charts for latency percentiles",
    "¿Qué pasa si un trabajo falla tres veces?",
]
WORDS = (
    "deploy branch index query token rotate cache region latency metric alert queue worker retry "
    "schema column backup restore chart filter flag cohort webhook tunnel secret session passkey"
).split()


def fill(articles: int) -> None:
    """`articles` public articles with their index rows, written straight into the tables."""
    for model in (ArticleChunk, IndexedArticle, Article, Author, Category, OutboxEntry):
        model._default_manager.all().delete()
    rng, words = np.random.default_rng(1), random.Random(1)  # noqa: S311
    encoder = get_encoder()
    # As many as the demo content has: each is a line among the filters.
    authors = [Author.objects.create(name=f"Author {n}", slug=f"author-{n}") for n in range(10)]
    categories = [Category.objects.create(name=f"Topic {n}", slug=f"topic-{n}") for n in range(6)]
    texts = [
        [" ".join(words.choices(WORDS, k=120)) for _ in range(PASSAGES)] for _ in range(articles)
    ]
    rows = Article.objects.bulk_create(
        Article(
            title=f"Article {n}",
            slug=f"article-{n}",
            author=authors[n % len(authors)],
            category=categories[n % len(categories)],
            language="es" if n % 3 == 0 else "en",
            content="\n\n".join(passages),
            status="published",
            date=date(2026, 11, 1) - timedelta(days=n % 700),
        )
        for n, passages in enumerate(texts)
    )
    OutboxEntry.objects.all().delete()
    state, _created = EmbeddedIndex.objects.get_or_create(pk=1)
    state.counter += 1
    state.save()
    vectors = rng.standard_normal((articles, PASSAGES + 1, encoder.dimensions)).astype(np.float32)
    # One direction in common with every question, so that all articles pass the cut-off: the worst
    # case for facets and sorting.
    common = np.mean([encoder.encode_query(question) for question in QUESTIONS], axis=0)
    vectors = vectors / np.sqrt(encoder.dimensions) + 1.5 * common / np.linalg.norm(common)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    stored = vectors.astype("<f2")
    indexed = IndexedArticle.objects.bulk_create(
        IndexedArticle(
            generation=state.generation,
            article_id=row.pk,
            version=row.version,
            counter=state.counter,
            encoder=encoder.name,
            language=row.language,
            category=categories[n % len(categories)].slug,
            author=authors[n % len(authors)].slug,
            date=row.date,
            terms=" ".join(sorted(set(row.content.split()))),
            title_vectors=block[-1].tobytes(),
        )
        for n, (row, block) in enumerate(zip(rows, stored, strict=True))
    )
    ArticleChunk.objects.bulk_create(
        (
            ArticleChunk(indexed=row, position=n, text=text, vector=vector.tobytes())
            for row, passages, block in zip(indexed, texts, stored, strict=True)
            for n, (text, vector) in enumerate(zip(passages, block[:-1], strict=True))
        ),
        batch_size=500,
    )


def milliseconds(action: Callable[[str], object], question: str) -> float:
    started = time.perf_counter()
    action(question)
    return (time.perf_counter() - started) * 1000


def measure(chunks: int) -> dict[str, float]:
    fill(chunks // PASSAGES)
    get_engine.cache_clear()
    engine, encoder, application = get_engine(), get_encoder(), get_wsgi_application()
    reader = RequestFactory(headers={"cookie": f"csrftoken={get_random_string(32)}"})
    asked = {text: reader.get("/search/", {"q": text}, secure=True).environ for text in QUESTIONS}

    def query(text: str) -> SearchQuery:
        return SearchQuery(text, limit=settings.SEARCH_PAGE_SIZE)

    def rows(text: str) -> None:
        answer = Answer(query(text), result)
        assert answer.found
        assert answer.facets

    def page(text: str) -> bytes:
        response = application(dict(asked[text]), lambda *head: len)
        try:
            return b"".join(response)
        finally:
            response.close()

    def search_anew(text: str) -> None:
        kept_vector.cache_clear()
        engine.search(query(text))

    def page_anew(text: str) -> None:
        kept_vector.cache_clear()
        page(text)

    result = engine.search(query(QUESTIONS[0]))
    assert page(QUESTIONS[0]).count(b"data-hit=") == settings.SEARCH_PAGE_SIZE
    actions: dict[str, Callable[[str], object]] = {
        "encoder": encoder.encode_query,
        "search": search_anew,
        "rows": rows,
        "whole": page_anew,
        "again": page,
    }
    # One after the other in each round, so that what else the machine does meets all of them.
    rounds = [
        {name: milliseconds(action, question) for name, action in actions.items()}
        for question in QUESTIONS * ROUNDS
    ][len(QUESTIONS) :]
    median = {name: statistics.median(times[name] for times in rounds) for name in actions}
    return {
        "encoder": median["encoder"],
        "scoring": statistics.median(times["search"] - times["encoder"] for times in rounds),
        "rows": median["rows"],
        "template": statistics.median(
            times["whole"] - times["search"] - times["rows"] for times in rounds
        ),
        "whole": median["whole"],
        "again": median["again"],
        "ratio": statistics.median(times["whole"] / times["search"] for times in rounds),
    }


def main() -> None:
    call_command("migrate", verbosity=0)
    settings.STATIC_ROOT = f"{folder.name}/static"
    call_command("collectstatic", verbosity=0)
    columns = ("encoder", "scoring", "rows", "template", "whole", "again")
    print(f"| passages | {' ms | '.join(columns)} ms | ratio |")
    print("|---" * (len(columns) + 2) + "|")
    for chunks in (1_000, 10_000):
        figures = measure(chunks)
        cells = [f"{figures[name]:.1f}" for name in columns]
        print(f"| {chunks:,} | {' | '.join(cells)} | {figures['ratio']:.2f} |")


if __name__ == "__main__":
    main()
