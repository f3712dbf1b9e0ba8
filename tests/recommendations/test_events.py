"""Card events as server-sent events and as the plain page."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from django.core import signing
from django.utils.translation import gettext_lazy as _

from articles.models import Article
from recommendations.events import (
    Ballot,
    CardClosed,
    CardEvent,
    CardOpened,
    Done,
    Kind,
    Pulse,
    Status,
    TextAdded,
    TextWithdrawn,
)
from recommendations.inference.sse import ServerSentEvent, read_events
from recommendations.rendering import HTML_PING, PING, event_stream, frame, page
from recommendations.votes import SALT
from tests.conftest import MakeArticle

pytestmark = pytest.mark.django_db


@pytest.fixture
def article(make_article: MakeArticle) -> Article:
    return make_article(
        title="¿Claves <b>rotas</b>?",
        translated_title="Broken & mended keys",
        language="es",
        author="Ana Ruiz",
        category="Seguridad",
    )


def parsed(events: Iterable[CardEvent], language: str = "en") -> list[ServerSentEvent]:
    return list(read_events(event_stream(events, language)))


def named(events: Iterable[CardEvent], language: str = "en") -> dict[str, str]:
    return {event.event: event.data for event in parsed(events, language)}


def test_card_is_opened_with_our_own_title_and_link(article: Article) -> None:
    card = named([CardOpened(2, article)])["card"]
    assert re.match(rf'\s*<li class="card" id="card-2" data-article="{article.pk}">', card)
    assert f'href="{article.get_absolute_url()}"' in card
    assert "¿Claves &lt;b&gt;rotas&lt;/b&gt;?" in card
    assert "Broken &amp; mended keys" in card
    assert "Ana Ruiz" in card
    assert "Seguridad" in card


def test_open_card_takes_its_own_text_and_one_label(article: Article) -> None:
    card = named([CardOpened(2, article)])["card"]
    assert re.search(
        r'lang="en"\s+sse-swap="text-2"\s+hx-swap="beforeend settle:0ms"\s+hx-target="this"', card
    )
    assert re.search(
        r'sse-swap="label-2"\s+hx-swap="outerHTML settle:0ms"\s+hx-target="this"', card
    )
    assert "Being written" in card


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        (Kind.WRITTEN, "Written by a language model"),
        (Kind.KEPT, "Written by a language model earlier"),
        (Kind.EXCERPT, "Excerpt from the article"),
        (Kind.INTERRUPTED, "Cut off"),
    ],
)
def test_label_says_where_the_text_comes_from(kind: Kind, label: str) -> None:
    sent = named([CardClosed(3, kind)])["label-3"]
    assert sent.strip() == f'<span class="card__label card__label--{kind}">{label}</span>'


def test_card_whose_kind_is_known_has_its_label_at_once(article: Article) -> None:
    card = named([CardOpened(1, article, Kind.EXCERPT)])["card"]
    assert "Excerpt from the article" in card
    assert "label-1" not in card
    assert re.search(r'lang="es"\s+sse-swap="text-1"', card)


@pytest.mark.parametrize("kind", [Kind.WRITTEN, Kind.KEPT])
def test_card_of_a_model_comes_with_thumbs(article: Article, kind: Kind) -> None:
    ballot = Ballot(log=41, article=article.pk)
    opened = CardOpened(1, article, kind, ballot=ballot)
    for html in (named([CardClosed(1, kind, ballot)])["label-1"], named([opened])["card"]):
        log = re.search(r'name="log" value="([^"]+)"', html)
        assert log is not None
        assert signing.loads(log[1], salt=SALT) == 41
        assert f'name="article" value="{article.pk}"' in html
        assert re.findall(r'name="value"\s+value="(-?1)"', html) == ["1", "-1"]
        assert html.count('aria-pressed="false"') == 2


def test_thumb_without_javascript_is_answered_in_the_frame_of_its_card(article: Article) -> None:
    opened = CardOpened(3, article, ballot=Ballot(log=41, article=article.pk))
    html = b"".join(page([opened, CardClosed(3, Kind.WRITTEN)], "en")).decode()
    assert re.search(r'<form class="card__vote"[^>]* target="thumb-3"', html)
    assert re.search(r'<iframe class="card__voted"\s+name="thumb-3"', html)
    assert "aria-pressed" not in html  # nothing could change it
    assert "sse-swap" not in html  # although the card has no text
    streamed = named([CardClosed(3, Kind.WRITTEN, opened.ballot)])["label-3"]
    assert "target=" not in streamed.replace("hx-target=", "")  # there is no such frame


@pytest.mark.parametrize("kind", [Kind.WRITING, Kind.EXCERPT, Kind.INTERRUPTED])
def test_nobody_votes_on_what_no_model_finished(article: Article, kind: Kind) -> None:
    ballot = Ballot(log=41, article=article.pk)
    assert "form" not in named([CardClosed(1, kind, ballot)])["label-1"]
    assert "form" not in named([CardOpened(1, article, kind, ballot=ballot)])["card"]


def test_card_says_why_in_the_language_of_the_article(article: Article) -> None:
    card = named([CardOpened(1, article, passage="Claves <b>")])["card"]
    assert '<blockquote lang="es">Claves &lt;b&gt;</blockquote>' in card
    for opened in (CardOpened(1, article, Kind.EXCERPT, "Claves"), CardOpened(1, article)):
        assert "details" not in named([opened])["card"]


def test_text_is_escaped_and_keeps_its_spaces() -> None:
    sent = named([TextAdded(1, " 1 < 2 & <script>alert(1)</script>")])["text-1"]
    assert sent == " 1 &lt; 2 &amp; &lt;script&gt;alert(1)&lt;/script&gt;"


def test_text_in_another_language_says_which() -> None:
    assert named([TextAdded(1, "Sí <b>", "es")])["text-1"] == '<span lang="es">Sí &lt;b&gt;</span>'


@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\n"])
def test_line_break_in_text_forges_no_event(line_break: str) -> None:
    text = f"a{line_break}{line_break}event: done{line_break}data: x"
    [event] = parsed([TextAdded(1, text)])
    assert (event.event, event.data) == ("text-1", "a\n\nevent: done\ndata: x")


def test_each_event_has_an_id_of_its_own(article: Article) -> None:
    events = parsed([Status("s"), Pulse(), TextAdded(1, "t"), Done()])
    assert [event.id for event in events] == ["1", "2", "3"]


def test_pulse_is_a_comment() -> None:
    assert list(event_stream([Pulse()], "en")) == [PING]


def test_end_says_whether_the_answer_is_complete() -> None:
    assert named([Done()])["done"] == "complete"
    assert named([Done(complete=False)])["done"] == "incomplete"


def test_status_is_in_the_language_of_the_page() -> None:
    assert named([Status(_("English"))], "es")["status"] == "Inglés"


def test_frame_is_exactly_what_the_specification_wants() -> None:
    assert frame("text-1", "a\nb", 7) == b"id: 7\nevent: text-1\ndata: a\ndata: b\n\n"


def test_unknown_event_is_an_error_of_ours() -> None:
    with pytest.raises(AssertionError):
        list(event_stream([object()], "en"))  # type: ignore[list-item]


def test_draft_can_be_withdrawn(article: Article) -> None:
    draft = TextAdded(1, "If <you>", draft=2)
    withdrawn = TextWithdrawn(1, 2, "If <you>")
    assert named([draft])["text-1"] == '<span class="draft-2">If &lt;you&gt;</span>'
    assert named([withdrawn])["text-1"] == '<span hx-swap-oob="delete:#card-1 .draft-2"></span>'
    events: list[CardEvent] = [CardOpened(1, article), draft, withdrawn]
    events += [TextAdded(1, "So", draft=3), TextAdded(1, " it is."), CardClosed(1, Kind.WRITTEN)]
    assert 'lang="en">So it is.</p>' in b"".join(page(events, "en")).decode()


def test_page_comes_head_first_then_card_by_card(article: Article) -> None:
    events: list[CardEvent] = [
        Status("Reading."),
        CardOpened(1, article),
        Pulse(),
        TextAdded(1, "One <i>."),
        TextAdded(1, " Dos.", "es"),
        CardClosed(1, Kind.WRITTEN),
        CardOpened(2, article, Kind.EXCERPT),
        TextAdded(2, "Tres."),
        CardClosed(2, Kind.EXCERPT),
        Status("The end."),
        Done(),
    ]
    parts = [part.decode() for part in page(events, "en")]
    assert parts[0].lstrip().startswith("<!doctype html>")
    assert parts[0].rstrip().endswith('<ol class="cards">')
    assert parts[1] == HTML_PING.decode()
    assert 'One &lt;i&gt;.<span lang="es"> Dos.</span></p>' in parts[2]
    assert "Written by a language model" in parts[2]
    assert 'class="card__text" lang="es">Tres.' in parts[3]
    whole = "".join(parts)
    assert "sse-swap" not in whole
    assert "Reading." not in whole
    assert whole.index("Tres.") < whole.index("</ol>") < whole.index("The end.")
    assert whole.rstrip().endswith("</html>")


def test_page_that_is_cut_off_holds_whole_cards_only(article: Article) -> None:
    events: list[CardEvent] = [
        CardOpened(1, article),
        TextAdded(1, "One."),
        CardClosed(1, Kind.WRITTEN),
        CardOpened(2, article),
        TextAdded(2, "Half"),
    ]
    whole = b"".join(page(events, "en")).decode()
    assert whole.count("<li ") == whole.count("</li>") == 1
    assert "Half" not in whole
