"""From a question and its hits to cards, whatever the model server does."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from articles.models import Article
from recommendations.events import Ballot, CardClosed, CardOpened, TextAdded
from recommendations.hits import ArticleHit
from recommendations.models import KeptAnswer, Outcome, QueryLog
from recommendations.service import recommend
from recommendations.slots import slot
from tests.recommendations.answers import TEXTS, array, ask, logged, pieces
from tests.recommendations.chat_server import ChatServer, Cut, Stall, Step, delta, deltas, frame
from tests.recommendations.reading import read

pytestmark = pytest.mark.django_db


def test_model_writes_a_card_for_each_article(chat: ChatServer, hits: list[ArticleHit]) -> None:
    chat.reply(*pieces("<think>\n\n</think>\n\n```json\n" + array(*TEXTS) + "\n```"))
    page = ask(hits)
    assert page.texts() == TEXTS
    assert page.kinds() == ["written"] * 3
    assert [card.article for card in page.cards] == [hit.article.pk for hit in hits]
    assert page.complete
    assert "language model wrote these texts" in page.status


def test_question_is_logged_with_times_and_nothing_about_the_person(
    chat: ChatServer, hits: list[ArticleHit]
) -> None:
    chat.reply(Stall(0.1), *pieces(array(*TEXTS)))
    ask(hits)
    log = logged()
    assert log.question == "How do I sign in?"
    assert (log.language, log.engine, log.model) == ("en", "embedded", "test-model")
    assert (log.writer, log.outcome) == ("single_prompt", Outcome.WRITTEN)
    assert log.hits == [hit.article.pk for hit in hits]
    assert log.first_words_ms is not None
    assert 100 <= log.first_words_ms <= log.total_ms
    assert {field.name for field in QueryLog._meta.fields} == {
        "id", "question", "language", "hits", "engine", "model", "writer",
        "first_words_ms", "total_ms", "outcome", "created_at",
    }  # fmt: skip


def test_cards_carry_the_key_of_a_row_that_is_there_before_them(
    chat: ChatServer, hits: list[ArticleHit]
) -> None:
    chat.reply(*pieces(array(*TEXTS)))
    for question in ("New?", "New?"):  # written, then kept
        events = recommend(question, "en", hits)
        opened = next(event for event in events if isinstance(event, CardOpened))
        log = logged()
        assert (log.outcome, opened.ballot) == (Outcome.OPEN, Ballot(log.pk, hits[0].article.pk))
        closed = [event.ballot for event in events if isinstance(event, CardClosed)]
        assert closed == [Ballot(log.pk, hit.article.pk) for hit in hits]
    assert list(QueryLog.objects.values_list("outcome", flat=True)) == ["kept", "written"]


def test_without_a_log_there_is_nothing_to_vote_on(
    chat: ChatServer, hits: list[ArticleHit], settings: Settings
) -> None:
    settings.QUERY_LOG_DAYS = 0
    chat.reply(*pieces(array(*TEXTS)))
    opened = [event for event in recommend("Q?", "en", hits) if isinstance(event, CardOpened)]
    assert [event.ballot for event in opened] == [None] * 3
    assert not QueryLog.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_log_that_cannot_be_written_takes_nothing_but_the_thumbs(
    chat: ChatServer, hits: list[ArticleHit], caplog: pytest.LogCaptureFixture
) -> None:
    chat.reply(*pieces(array(*TEXTS)))
    name = connection.ops.quote_name(QueryLog._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {name} RENAME TO hidden")
    try:
        events = list(recommend("Q?", "en", hits))
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE hidden RENAME TO {name}")
    page = read(events)
    assert page.kinds() == ["written"] * 3
    assert page.complete
    assert all(event.ballot is None for event in events if isinstance(event, CardClosed))
    assert "could not be logged" in caplog.text


def test_no_hits_call_no_model(chat: ChatServer) -> None:
    page = ask([])
    assert page.cards == []
    assert page.done
    assert chat.requests == []
    assert logged().outcome == Outcome.NOTHING


def test_words_that_were_seen_count_though_their_sentence_never_ended(
    chat: ChatServer, hits: list[ArticleHit], settings: Settings
) -> None:
    settings.RECOMMENDATION_WRITER = "per_article"
    chat.reply(delta("You can sign in "), Stall(5), delta("now."))
    events = recommend("How do I sign in?", "en", hits)
    assert any(isinstance(event, TextAdded) for event in events)
    events.close()
    assert (logged().outcome, logged().first_words_ms is None) == (Outcome.LEFT, False)


def test_article_that_the_model_left_out_gets_its_passage(
    chat: ChatServer, hits: list[ArticleHit]
) -> None:
    chat.reply(*pieces(array(TEXTS[0], TEXTS[2], numbers=(1, 3))))
    page = ask(hits)
    assert page.texts() == [TEXTS[0], TEXTS[2], hits[1].passage]
    assert page.kinds() == ["written", "written", "excerpt"]
    assert not page.complete
    assert "some cards quote" in page.status
    assert logged().outcome == Outcome.PARTLY
    assert not KeptAnswer.objects.exists()


def test_unknown_and_repeated_articles_make_no_card(
    chat: ChatServer, hits: list[ArticleHit]
) -> None:
    chat.reply(
        *pieces(array("No.", TEXTS[0], "Again.", TEXTS[1], TEXTS[2], numbers=(9, 1, 1, 2, 3)))
    )
    assert ask(hits).texts() == TEXTS


def test_garbage_leaves_excerpts_and_says_so(chat: ChatServer, hits: list[ArticleHit]) -> None:
    chat.reply(*deltas("I am sorry, ", "I cannot do that."))
    page = ask(hits)
    assert page.kinds() == ["excerpt"] * 3
    assert (
        page.status
        == "The language model wrote nothing that can be shown. The cards quote the articles."
    )
    assert logged().outcome == Outcome.UNUSABLE


def test_sentence_with_an_invented_number_is_never_shown(
    chat: ChatServer, hits: list[ArticleHit]
) -> None:
    texts = [
        "It takes 12 seconds. Over 4711 companies use it. It is easy.",
        "Only 99 days are kept.",
        TEXTS[2],
    ]
    chat.reply(*pieces(array(*texts), size=1))
    seen = ""
    for event in recommend("How?", "en", hits):
        seen += repr(event)
        assert "4711" not in seen
        assert "4" + "7" not in seen.replace("47", "", 0) or "4711" not in seen
    page = ask(hits, "Otherwise?")
    assert page.texts() == ["It takes 12 seconds. It is easy.", hits[1].passage, TEXTS[2]]
    assert page.kinds() == ["written", "excerpt", "written"]


def test_number_from_the_question_may_be_repeated(chat: ChatServer, hits: list[ArticleHit]) -> None:
    chat.reply(*pieces(array("Good for 4711 users.", *TEXTS[1:])))
    assert ask(hits, "Does it work for 4711 users?").texts()[0] == "Good for 4711 users."


FAILURES: list[tuple[list[Step], dict[str, Any], Outcome, str]] = [
    ([b'{"error": "key"}'], {"status": 401}, Outcome.REFUSED, "did not accept the question"),
    ([b'{"error": "slow"}'], {"status": 429}, Outcome.OVERLOADED, "is busy right now"),
    ([b"<html>"], {"status": 502}, Outcome.UNAVAILABLE, "cannot be reached"),
    ([Cut()], {}, Outcome.BROKEN, "stopped before it was finished"),
    ([frame("no json")], {}, Outcome.BROKEN, "stopped before it was finished"),
    ([Stall(30)], {}, Outcome.LATE, "took too long"),
    ([], {"before_headers": 30}, Outcome.LATE, "took too long"),
]


@pytest.mark.parametrize(("steps", "options", "outcome", "sentence"), FAILURES)
def test_failing_model_leaves_excerpts_and_one_honest_sentence(
    chat: ChatServer,
    hits: list[ArticleHit],
    settings: Settings,
    steps: list[Step],
    options: dict[str, Any],
    outcome: Outcome,
    sentence: str,
) -> None:
    settings.RECOMMENDATION_DEADLINE = 0.5
    chat.reply(*steps, **options)
    page = ask(hits)
    assert page.texts() == [hit.excerpt for hit in hits]
    assert page.kinds() == ["excerpt"] * 3
    assert sentence in page.status
    assert "The cards quote the articles." in page.status
    assert page.done
    assert not page.complete
    assert logged().outcome == outcome


def test_error_in_the_middle_keeps_the_words_so_far(
    chat: ChatServer, hits: list[ArticleHit]
) -> None:
    text = array("First one. It is good.", "Second one. And it").removesuffix('"\n }\n]')
    chat.reply(delta(text), Cut())
    page = ask(hits)
    assert page.texts() == ["First one. It is good.", "Second one.", hits[2].excerpt]
    assert page.kinds() == ["written", "written", "excerpt"]
    assert page.status.endswith("The other cards quote the articles.")
    assert not KeptAnswer.objects.exists()


def test_answer_that_ran_out_of_tokens_is_not_complete(
    chat: ChatServer, hits: list[ArticleHit]
) -> None:
    text = array(TEXTS[0], TEXTS[1], "Third one. It is").removesuffix('"\n }\n]')
    chat.reply(*deltas(text, finish="length"))
    page = ask(hits)
    assert page.texts() == [TEXTS[0], TEXTS[1], "Third one."]
    assert page.status.strip() == "The language model stopped before it was finished."
    assert logged().outcome == Outcome.BROKEN


def test_error_of_our_own_ends_readably(
    chat: ChatServer, hits: list[ArticleHit], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(text: str) -> None:
        raise ZeroDivisionError

    page = ask(hits, on_delta=broken)
    assert page.kinds() == ["excerpt"] * 3
    assert page.status == "Something went wrong on our side. The cards quote the articles."
    assert logged().outcome == Outcome.FAILED
    assert "ZeroDivisionError" in caplog.text


def test_full_slots_give_excerpts_at_once(
    chat: ChatServer, hits: list[ArticleHit], settings: Settings
) -> None:
    settings.RECOMMENDATION_SLOTS = 1
    with slot() as taken:
        assert taken
        page = ask(hits)
    assert page.kinds() == ["excerpt"] * 3
    assert "Many readers are waiting" in page.status
    assert logged().outcome == Outcome.BUSY
    assert chat.requests == []


def test_slot_is_free_again_after_an_answer(
    chat: ChatServer, hits: list[ArticleHit], settings: Settings
) -> None:
    settings.RECOMMENDATION_SLOTS = 1
    chat.reply(*pieces(array(*TEXTS)))
    for number in range(3):
        assert ask(hits, f"Question {'abc'[number]}?").complete


def test_generator_that_never_started_takes_no_slot(
    chat: ChatServer, hits: list[ArticleHit], settings: Settings
) -> None:
    settings.RECOMMENDATION_SLOTS = 1
    recommend("Q?", "en", hits).close()
    recommend("Q?", "en", hits)
    with slot() as taken:
        assert taken


def test_passages_need_no_model(
    chat: ChatServer, hits: list[ArticleHit], settings: Settings
) -> None:
    settings.RECOMMENDATION_WRITER = "passages"
    page = ask(hits)
    assert page.texts() == [hit.excerpt for hit in hits]
    assert page.complete
    assert page.status == "The cards quote the articles."
    assert chat.requests == []
    assert (logged().outcome, logged().model) == (Outcome.EXCERPTS, "")


def test_raw_text_of_the_model_can_be_watched(chat: ChatServer, hits: list[ArticleHit]) -> None:
    chat.reply(*pieces(array(*TEXTS)))
    raw: list[str] = []
    ask(hits, on_delta=raw.append)
    assert "".join(raw) == array(*TEXTS)


def test_leaving_stops_the_model_and_is_logged(chat: ChatServer, hits: list[ArticleHit]) -> None:
    chat.reply(delta('[{"article_number": 1, "recommendation": "One sentence. '), Stall(30))
    events = recommend("Q?", "en", hits)
    for event in events:
        if isinstance(event, CardOpened):
            break
    events.close()
    assert chat.wait_until_left(1) < 0.5
    assert logged().outcome == Outcome.LEFT


def test_held_back_text_gives_pulses_but_not_too_many(
    chat: ChatServer, hits: list[ArticleHit]
) -> None:
    slow = [step for _ in range(40) for step in (delta("x"), Stall(0.02))]
    chat.reply(delta('[{"article_number": 1, "recommendation": "'), *slow, *deltas("."))
    page = ask(hits)
    assert 2 <= page.pulses <= 6


def test_titles_come_from_our_rows_only(chat: ChatServer, hits: list[ArticleHit]) -> None:
    chat.reply(*pieces(array(*TEXTS)))
    opened = [event for event in recommend("Q?", "en", hits) if isinstance(event, CardOpened)]
    assert [event.article.title for event in opened] == [hit.article.title for hit in hits]
    assert Article.objects.filter(title__startswith="Invented").count() == 0


def test_answer_takes_no_longer_than_its_deadline(
    chat: ChatServer, hits: list[ArticleHit], settings: Settings
) -> None:
    settings.RECOMMENDATION_DEADLINE = 0.3
    chat.reply(*[step for _ in range(500) for step in (delta(" "), Stall(0.01))])
    begin = time.monotonic()
    assert "took too long" in ask(hits).status
    assert time.monotonic() - begin < 1.5
