"""Answers that are given again, rows that are deleted in time, and a database that fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone
from pytest_django import Settings

from recommendations.hits import ArticleHit
from recommendations.models import KeptAnswer, Outcome, QueryLog
from recommendations.rendering import event_stream
from recommendations.service import recommend
from tests.recommendations.answers import TEXTS, array, ask, logged, pieces
from tests.recommendations.chat_server import ChatServer
from tests.recommendations.reading import read

pytestmark = pytest.mark.django_db


def test_complete_answer_is_given_again_without_the_model(
    chat: ChatServer, hits: list[ArticleHit]
) -> None:
    chat.reply(*pieces(array(*TEXTS)))
    ask(hits, "How do I sign in?")
    KeptAnswer.objects.update(created_at=timezone.now() - timedelta(hours=3))
    page = ask(hits, "  how do I  SIGN in")
    assert page.texts() == TEXTS
    assert page.kinds() == ["kept"] * 3
    assert "3\xa0hours ago" in page.status
    assert page.complete
    assert len(chat.requests) == 1
    assert logged().outcome == Outcome.KEPT


def test_kept_answer_speaks_the_language_of_the_page(
    chat: ChatServer, hits: list[ArticleHit]
) -> None:
    chat.reply(*pieces(array(*TEXTS)))
    ask(hits, "Q?")
    page = read(recommend("Q?", "es", hits))
    assert page.status.startswith("Un modelo de lenguaje acaba de escribir")
    KeptAnswer.objects.update(created_at=timezone.now() - timedelta(hours=3))
    page = read(recommend("Q?", "es", hits))
    assert "hace 3\xa0horas" in page.status


@pytest.mark.parametrize(
    "change",
    [
        "question",
        "article",
        "articles",
        "passage",
        "model",
        "writer",
        "sampling",
        "guard",
        "fresh",
        "age",
        "off",
    ],
)
def test_kept_answer_is_not_given_for_something_else(
    chat: ChatServer,
    hits: list[ArticleHit],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    chat.reply(*pieces(array(*TEXTS)))
    ask(hits, "Q?")
    question, options = "Q?", {}
    if change == "question":
        question = "Another one?"
    elif change == "article":
        hits[0].article.content += " More."
        hits[0].article.save()
        hits[0].article.refresh_from_db()
    elif change == "articles":
        hits.reverse()
    elif change == "passage":
        hits[0] = replace(hits[0], passage="Another part of it.")
    elif change == "guard":
        monkeypatch.setattr("recommendations.service.RULES", "another")
    elif change == "model":
        settings.CHAT_MODEL = "another-model"
    elif change == "writer":
        settings.RECOMMENDATION_WRITER = "per_article"
    elif change == "sampling":
        settings.RECOMMENDATION_TOP_P = 0.9
    elif change == "fresh":
        options = {"fresh": True}
    elif change == "age":
        KeptAnswer.objects.update(created_at=timezone.now() - timedelta(days=8))
    elif change == "off":
        settings.KEPT_ANSWER_DAYS = 0
    ask(hits, question, **options)
    assert len(chat.requests) > 1


def test_newer_answer_replaces_an_older_one(chat: ChatServer, hits: list[ArticleHit]) -> None:
    chat.reply(*pieces(array(*TEXTS)))
    ask(hits)
    chat.reply(*pieces(array("Better.", *TEXTS[1:])))
    ask(hits, fresh=True)
    assert ask(hits).texts()[0] == "Better."
    assert KeptAnswer.objects.count() == 1


def test_kept_sentence_stays_in_its_language(chat: ChatServer, hits: list[ArticleHit]) -> None:
    text = "Aquí aprendes a entrar en el sistema sin usar ninguna contraseña."
    chat.reply(*pieces(array(text)))
    for _first_and_again in range(2):
        out = b"".join(event_stream(recommend("Q?", "en", hits[:1]), "en")).decode()
        assert f'<span lang="es">{text}</span>' in out
    assert len(chat.requests) == 1


def test_what_was_logged_and_kept_is_forgotten_when_the_settings_say_so(
    chat: ChatServer, hits: list[ArticleHit], settings: Settings
) -> None:
    chat.reply(*pieces(array(*TEXTS)))
    ask(hits)
    assert QueryLog.objects.exists() and KeptAnswer.objects.exists()
    settings.QUERY_LOG_DAYS = settings.KEPT_ANSWER_DAYS = 0
    assert ask(hits, "Another one?").complete
    assert not QueryLog.objects.exists()
    assert not KeptAnswer.objects.exists()


def test_question_deleted_while_it_is_answered_does_not_come_back(
    chat: ChatServer, hits: list[ArticleHit], caplog: pytest.LogCaptureFixture
) -> None:
    chat.reply(*pieces(array(*TEXTS)))
    events = recommend("My secret?", "en", hits)
    next(events)
    QueryLog.objects.all().delete()
    assert read(events).complete
    assert not QueryLog.objects.exists()
    assert "could not be logged" not in caplog.text


def test_nothing_is_logged_or_kept_when_the_settings_say_so(
    chat: ChatServer, hits: list[ArticleHit], settings: Settings
) -> None:
    settings.QUERY_LOG_DAYS = settings.KEPT_ANSWER_DAYS = 0
    chat.reply(*pieces(array(*TEXTS)))
    assert ask(hits).complete
    assert not QueryLog.objects.exists()
    assert not KeptAnswer.objects.exists()


def test_database_that_fails_does_not_reach_the_reader(
    chat: ChatServer, hits: list[ArticleHit], caplog: pytest.LogCaptureFixture
) -> None:
    chat.reply(*pieces(array(*TEXTS)))

    def fail(execute: Any, sql: str, *args: Any) -> Any:
        if "recommendations_" in sql:
            raise DatabaseError("disk full")
        return execute(sql, *args)

    with connection.execute_wrapper(fail):
        assert ask(hits).complete
    assert caplog.text.count("disk full") >= 3


def test_old_rows_are_deleted_with_the_next_one(settings: Settings) -> None:
    old = timezone.now() - timedelta(days=settings.QUERY_LOG_DAYS + 1)
    values = {"question": "Q", "language": "en", "writer": "w", "total_ms": 1, "outcome": "written"}
    kept = QueryLog.objects.create(**values)
    QueryLog.objects.bulk_create([QueryLog(created_at=old, **values)])
    new = QueryLog.objects.create(**values)
    assert set(QueryLog.objects.all()) == {kept, new}
    assert str(logged()) == str(KeptAnswer(question="Q")) == "Q"
