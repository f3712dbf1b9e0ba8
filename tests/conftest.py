"""Shared fixtures: content of a few lines, and a clean engine for each test."""

from __future__ import annotations

import itertools
import json
import signal
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.utils.text import slugify
from hypothesis import settings as hypothesis_settings
from pytest_django import Settings

from articles.models import Article, Author, Category
from articles.search.base import get_engine

# A shell that starts the tests in the background has them, and the commands that they start, ignore
# Ctrl-C: a test that sends it would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No example fails for its time: the first one may load a lexer or a model.
hypothesis_settings.register_profile("untimed", deadline=None)
hypothesis_settings.load_profile("untimed")

FIXTURES = Path(__file__).parent.parent / "fixtures"

type MakeArticle = Callable[..., Article]

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def fresh_process_state(settings: Settings) -> Iterator[None]:
    """Engine, encoder choice and cache belong to the settings of one test."""
    # The real hasher takes a tenth of a second for each account that a test creates.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    get_engine.cache_clear()
    for cache in caches.all():
        cache.clear()
    yield
    get_engine.cache_clear()


@pytest.fixture
def make_article(db: None) -> MakeArticle:
    """Create a published English article; keyword arguments replace any field."""

    def make(**fields: Any) -> Article:
        number = next(_numbers)
        author = fields.pop("author", "Maeve Holloway")
        category = fields.pop("category", "Product")
        values = {
            "title": f"Article number {number}",
            "content": f"Some words about topic {number}.",
            "date": date(2026, 1, 1),
            "status": Article.Status.PUBLISHED,
            "author": Author.objects.get_or_create(name=author, slug=slugify(author))[0],
            "category": Category.objects.get_or_create(name=category, slug=slugify(category))[0],
        }
        return Article.objects.create(**values | fields)

    return make


def demo(name: str) -> Any:
    """A JSON file of the demo content."""
    return json.loads((FIXTURES / name).read_text(encoding="utf-8"))
