"""A chat server that the settings point to, three articles that were found, and free slots."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from recommendations.hits import ArticleHit
from recommendations.slots import slots
from tests.conftest import MakeArticle
from tests.recommendations.chat_server import ChatServer


@pytest.fixture(autouse=True)
def nothing_leaks() -> Iterator[None]:
    """After each test every slot is free and no reading thread is left."""
    slots.cache_clear()
    yield
    semaphore = slots()
    assert semaphore._value == semaphore._initial_value  # type: ignore[attr-defined]
    slots.cache_clear()
    end = time.monotonic() + 3
    while any(thread.name == "model-answer" for thread in threading.enumerate()):
        assert time.monotonic() < end, "a reading thread has leaked"
        time.sleep(0.01)


@pytest.fixture
def chat(settings: Settings) -> Iterator[ChatServer]:
    """The model server of the settings; says one sentence until told otherwise."""
    with ChatServer() as server:
        settings.CHAT_COMPLETIONS_URL = server.url
        settings.CHAT_MODEL = "test-model"
        yield server


@pytest.fixture
def hits(make_article: MakeArticle) -> list[ArticleHit]:
    """Three found articles: English, Spanish, English."""
    keys = make_article(
        title="Passkeys for everyone",
        content="# Passkeys\n\nSign in with your finger. It takes **12 seconds** to set up.",
        author="Ana Ruiz",
        category="Security",
    )
    copias = make_article(
        title="Copias de seguridad",
        translated_title="Backups",
        language="es",
        content="Las copias de seguridad se hacen cada noche y se guardan 30 días.",
        author="Ana Ruiz",
        category="Security",
    )
    charts = make_article(
        title="Charts", content="Draw a heat map of your data.", category="Product"
    )
    return [
        ArticleHit(keys, "Sign in with your finger."),
        ArticleHit(copias, "Las copias de seguridad se hacen cada noche."),
        ArticleHit(charts, ""),
    ]
