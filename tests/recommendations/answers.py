"""A model's answers as a server sends them, and what becomes of them."""

from __future__ import annotations

import json
from typing import Any

from recommendations.hits import ArticleHit
from recommendations.models import QueryLog
from recommendations.service import recommend
from tests.recommendations.chat_server import deltas
from tests.recommendations.reading import Page, read

TEXTS = [
    "Curious about passkeys? Start here.",
    "You will sleep better with these backups.",
    "Maps for you.",
]


def array(*texts: str, numbers: tuple[int, ...] = (1, 2, 3)) -> str:
    cards = [
        {"article_number": number, "title": f"Invented {number}", "recommendation": text}
        for number, text in zip(numbers, texts, strict=False)
    ]
    return json.dumps(cards, ensure_ascii=False, indent=1)


def pieces(text: str, size: int = 7) -> list[bytes]:
    return deltas(*(text[i : i + size] for i in range(0, len(text), size)))


def ask(hits: list[ArticleHit], question: str = "How do I sign in?", **options: Any) -> Page:
    return read(recommend(question, "en", hits, engine="embedded", **options))


def logged() -> QueryLog:
    log = QueryLog.objects.first()
    assert log is not None
    return log
