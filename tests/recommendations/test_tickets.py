"""Tickets open one stream, once, for ten minutes."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha512
from typing import Any

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.utils import timezone
from pytest_django import Settings

from articles.models import Article
from recommendations.embedded.prompt import excerpt
from recommendations.hits import Anchor, ArticleHit
from recommendations.tickets import (
    VALID_SECONDS,
    Ticket,
    TicketError,
    TicketExpired,
    TicketUsed,
)
from tests.conftest import MakeArticle

pytestmark = pytest.mark.django_db

TEXT = """First words of it.

Then **comes** the passage about backups, which is long enough. And the end."""


@pytest.fixture
def article(make_article: MakeArticle) -> Article:
    return make_article(content=TEXT)


def ticket_for(*articles: Article, passage: str = "") -> str:
    return Ticket.for_hits("¿Qué?", "embedded", [ArticleHit(a, passage) for a in articles]).signed()


def test_ticket_carries_question_engine_and_passage(article: Article) -> None:
    passage = "comes the passage about backups, which is long enough."
    ticket = Ticket.redeem(ticket_for(article, passage=passage))
    assert (ticket.question, ticket.engine) == ("¿Qué?", "embedded")
    [hit] = ticket.hits()
    assert hit.article == article
    assert hit.passage == passage


def test_ticket_for_long_passages_stays_short(make_article: MakeArticle) -> None:
    words = " ".join(f"autenticación{number}" for number in range(120))
    articles = [make_article(content=words) for _ in range(5)]
    assert len(ticket_for(*articles, passage=words)) < 1500


def test_word_without_end_does_not_make_it_long(make_article: MakeArticle) -> None:
    data = sha512(b"icon").hexdigest() + "".join(sha512(b"%d" % n).hexdigest() for n in range(40))
    image = f"The icon as data: {data} ends here. The rest of it is text."
    article = make_article(content=image)
    ticket = ticket_for(article, passage=image)
    assert len(ticket) < 1000
    assert Ticket.redeem(ticket).hits()[0].passage.startswith(f"The icon as data: {data}")


def test_hits_keep_the_order_of_the_page(make_article: MakeArticle) -> None:
    first, second, third = (make_article() for _ in range(3))
    ticket = Ticket.redeem(ticket_for(third, first, second))
    assert [hit.article for hit in ticket.hits()] == [third, first, second]


def test_article_that_is_not_public_any_more_is_left_out(
    article: Article, make_article: MakeArticle
) -> None:
    draft, scheduled, gone = (make_article() for _ in range(3))
    ticket = Ticket.redeem(ticket_for(draft, article, scheduled, gone))
    Article.objects.filter(pk=draft.pk).update(status="draft")
    Article.objects.filter(pk=scheduled.pk).update(date=timezone.localdate() + timedelta(days=2))
    gone.delete()
    assert [hit.article for hit in ticket.hits()] == [article]


def test_passage_that_was_edited_away_is_not_quoted(article: Article) -> None:
    ticket = Ticket.redeem(ticket_for(article, passage="the passage about backups"))
    Article.objects.filter(pk=article.pk).update(content="Something new altogether.")
    assert ticket.hits()[0].passage == "Something new altogether."


def test_ticket_opens_once(article: Article) -> None:
    value = ticket_for(article)
    Ticket.redeem(value)
    with pytest.raises(TicketUsed):
        Ticket.redeem(value)
    Ticket.redeem(ticket_for(article))  # another one for the same question does


def test_old_ticket_is_expired(article: Article, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    value = ticket_for(article)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + VALID_SECONDS + 1)
    with pytest.raises(TicketExpired):
        Ticket.redeem(value)


@pytest.mark.parametrize(
    "change", [lambda v: "", lambda v: v[:-1], lambda v: "x" + v, lambda v: v + "\0é"]
)
def test_forged_ticket_opens_nothing(article: Article, change: Any) -> None:
    with pytest.raises(TicketError):
        Ticket.redeem(change(ticket_for(article)))


def test_signature_for_another_purpose_opens_nothing(article: Article) -> None:
    from django.core import signing

    with pytest.raises(TicketError):
        Ticket.redeem(signing.dumps(["n", "q", "e", []], salt="something.else"))


class DeadCache(LocMemCache):
    """A cache server that is down."""

    def add(self, *args: Any, **kwargs: Any) -> bool:
        raise ConnectionError("nobody listens")


def test_dead_cache_lets_the_ticket_pass(article: Article, settings: Settings) -> None:
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.DeadCache"}}
    assert Ticket.redeem(ticket_for(article)).question == "¿Qué?"


def test_anchor_cuts_the_passage_out_again() -> None:
    anchor = Anchor.of("two three")
    assert anchor.cut("one  two\nthree four") == "two\nthree"
    assert anchor.cut("something else") == "something else"
    assert Anchor.of("").cut("the  opening") == "the  opening"
    assert Anchor.of("a (b) c").cut("see a (b) c") == "a (b) c"


def test_hit_without_a_passage_quotes_the_opening(article: Article) -> None:
    assert ArticleHit(article, "").excerpt.startswith("First words of it. Then comes")


def test_excerpt_is_never_empty_and_never_long(make_article: MakeArticle) -> None:
    assert (
        ArticleHit(make_article(title="Only a title", content="---"), "").excerpt == "Only a title"
    )
    long = ArticleHit(make_article(), "word " * 200).excerpt
    assert len(long.split()) <= 61
    assert long.endswith("…")


def test_small_model_is_told_the_same_after_the_ticket(make_article: MakeArticle) -> None:
    passage = "The day\n\nPause the queues and wait for them to finish."
    article = make_article(content=f"We moved to another region in June.\n\n## {passage}")
    hit = ArticleHit(article, passage)
    (again,) = Ticket.redeem(Ticket.for_hits("?", "embedded", [hit]).signed()).hits()
    told = excerpt(again.text, again.passage)
    assert told == excerpt(hit.text, hit.passage)
    assert "The day" not in told  # a heading, which would become a part of the sentence
