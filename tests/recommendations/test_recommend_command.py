"""`manage.py recommend`, with the embedded search engine and a chat server on loopback."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from pytest_django import Settings

from articles.models import Article
from articles.search.base import get_engine
from articles.search.outbox import drain
from recommendations.hits import ArticleHit
from recommendations.management.commands import recommend as command
from tests.recommendations.chat_server import ChatServer, deltas

pytestmark = pytest.mark.django_db

QUESTION = "How do I sign in with my finger?"
SENTENCE = "Curious about [passkeys]? Start here."


@pytest.fixture
def indexed(hits: list[ArticleHit]) -> list[Article]:
    drain(retry_now=True)
    return [hit.article for hit in hits]


def run(*args: str, **options: Any) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("recommend", *args, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def says(chat: ChatServer, sentence: str = SENTENCE) -> str:
    text = json.dumps([{"article_number": 1, "title": "T", "recommendation": sentence}])
    chat.reply(*deltas(text[:40], text[40:]))
    return text


def test_live_text_comes_before_boxes(chat: ChatServer, indexed: list[Article]) -> None:
    says(chat)
    out, err = run(QUESTION, "--articles=1")
    live, _, boxes = out.partition("╭")
    assert SENTENCE in live
    assert SENTENCE in boxes
    assert "1. Passkeys for everyone" in boxes
    assert "written" in boxes
    assert "language model wrote these texts" in err


def test_quiet_run_prints_boxes_only(chat: ChatServer, indexed: list[Article]) -> None:
    says(chat)
    out, _err = run(QUESTION, "--articles=1", verbosity=0)
    assert out.startswith("╭")


def test_raw_prints_the_models_own_text(chat: ChatServer, indexed: list[Article]) -> None:
    text = says(chat)
    for _ in range(2):  # also where an answer is kept
        assert run(QUESTION, "--articles=1", "--raw")[0].strip() == text


def test_json_is_an_array_and_nothing_else(chat: ChatServer, indexed: list[Article]) -> None:
    says(chat)
    [card] = json.loads(run(QUESTION, "--articles=1", "--json")[0])
    article = indexed[0]
    assert card == {
        "id": article.pk,
        "source_id": article.source_id,
        "title": article.title,
        "url": article.get_absolute_url(),
        "kind": "written",
        "recommendation": SENTENCE,
    }


def test_without_a_model_it_quotes_and_says_so(chat: ChatServer, indexed: list[Article]) -> None:
    chat.reply(b"{}", status=503)
    out, err = run(QUESTION, "--articles=1")
    assert "excerpt from the article" in out
    assert "cannot be reached" in err


def test_off_topic_question_finds_nothing(indexed: list[Article]) -> None:
    question = "A recipe for potato soup with leeks"
    assert "try other words" in run(question)[0]
    assert json.loads(run(question, "--json")[0]) == []


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["  \0 "], "The question is empty"),
        (["x" * 401], "401 characters"),
        (["q", "--articles=21"], "At most 20"),
        (["q", "--articles=0"], "not a whole number"),
        (["q", "--raw", "--json"], "not allowed with"),
    ],
)
def test_bad_input_gets_one_sentence(args: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        run(*args)


def test_question_of_bytes_that_are_no_text_is_asked_all_the_same(indexed: list[Article]) -> None:
    assert json.loads(run("lasagne \udce9", "--json")[0]) == []


def test_dead_database_gets_one_sentence() -> None:
    def fail(*args: Any) -> Any:
        raise DatabaseError("no such table")

    with (
        connection.execute_wrapper(fail),
        pytest.raises(CommandError, match="The database does not answer: no such table"),
    ):
        run("passkeys for everyone")


def test_degraded_search_is_mentioned(indexed: list[Article], settings: Settings) -> None:
    get_engine.cache_clear()
    settings.ELASTICSEARCH_URL = "http://127.0.0.1:9"
    settings.RECOMMENDATION_WRITER = "passages"
    assert "match your words only" in run("finger")[1]


def test_interrupted_run_ends_with_a_sentence(
    chat: ChatServer, indexed: list[Article], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command.Command, "show_live", interrupt)
    with pytest.raises(CommandError, match="Stopped") as raised:
        run(QUESTION)
    assert raised.value.returncode == 130
