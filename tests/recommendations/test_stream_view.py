"""The stream and the plain page over HTTP."""

from __future__ import annotations

import re
import time
from itertools import groupby
from typing import Any

import pytest
import requests
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.urls import reverse
from django_htmx.middleware import HtmxDetails
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from articles.search.results import FoundArticle
from recommendations import rendering
from recommendations.hits import ArticleHit
from recommendations.inference.sse import ServerSentEvent, read_events
from recommendations.models import QueryLog
from recommendations.slots import slots
from recommendations.tickets import Ticket
from tests.recommendations.answers import TEXTS, array
from tests.recommendations.chat_server import ChatServer, Stall, delta, deltas, endless

STREAM, PLAIN = "/recommendations/stream/", "/recommendations/plain/"


def ticket(hits: list[ArticleHit], question: str = "How do I sign in?") -> dict[str, str]:
    return {"ticket": Ticket.for_hits(question, "embedded", hits).signed()}


def events_of(response: Any) -> list[ServerSentEvent]:
    return list(read_events(response.streaming_content))


def named(events: list[ServerSentEvent]) -> dict[str, str]:
    return {event.event: event.data for event in events}


@pytest.mark.django_db
class TestStream:
    def test_cards_come_as_events(
        self, client: Client, chat: ChatServer, hits: list[ArticleHit]
    ) -> None:
        chat.reply(*deltas(array(*TEXTS)))
        response = client.get(STREAM, ticket(hits))
        assert response.status_code == 200
        assert response["Content-Type"] == "text/event-stream"
        assert response["Cache-Control"] == "no-store"
        assert response["X-Accel-Buffering"] == "no"
        events = events_of(response)
        assert [name for name, _ in groupby(event.event for event in events)] == [
            "status",
            "card", "text-1", "label-1",
            "card", "text-2", "label-2",
            "card", "text-3", "label-3",
            "status", "done",
        ]  # fmt: skip
        for number, text in enumerate(TEXTS, 1):
            pieces = [event.data for event in events if event.event == f"text-{number}"]
            assert re.sub(r'</?span(?: class="draft-\d+")?>', "", "".join(pieces)) == text
        assert f'data-article="{hits[0].article.pk}"' in events[1].data
        assert events[-1].data == "complete"

    @pytest.mark.parametrize("value", ["", "forged", "a:b:c"])
    def test_bad_ticket_ends_at_once_with_a_sentence(self, client: Client, value: str) -> None:
        response = client.get(STREAM, {"ticket": value})
        assert response.status_code == 200
        events = named(events_of(response))
        assert events["status"].startswith("This address is not valid.")
        assert events["done"] == "incomplete"

    def test_missing_ticket_ends_at_once(self, client: Client) -> None:
        assert "done" in named(events_of(client.get(STREAM)))

    def test_used_ticket_calls_no_model_again(
        self, client: Client, chat: ChatServer, hits: list[ArticleHit]
    ) -> None:
        query = ticket(hits)
        events_of(client.get(STREAM, query))
        events = named(events_of(client.get(STREAM, query)))
        assert "shown already" in events["status"]
        assert "done" in events
        assert len(chat.requests) == 1

    def test_reconnect_ends_and_labels_only_cards_that_are_open(
        self, client: Client, chat: ChatServer, hits: list[ArticleHit]
    ) -> None:
        response = client.get(STREAM, ticket(hits), headers={"Last-Event-ID": "3"})
        assert response.status_code == 200
        events = named(events_of(response))
        assert [name for name in events if name.startswith("label-")] == [
            f"label-{number}" for number in range(1, 6)
        ]
        assert "interrupted" in events["status"]
        assert "done" in events
        assert chat.requests == []

    @pytest.mark.parametrize("method", ["head", "post", "options"])
    def test_only_get_uses_a_ticket_up(
        self, client: Client, chat: ChatServer, hits: list[ArticleHit], method: str
    ) -> None:
        query = ticket(hits)
        assert getattr(client, method)(f"{STREAM}?ticket={query['ticket']}").status_code == 405
        assert "shown already" not in str(events_of(client.get(STREAM, query)))

    def test_sentences_are_in_the_language_of_the_page(
        self, client: Client, settings: Settings, hits: list[ArticleHit]
    ) -> None:
        settings.RECOMMENDATION_WRITER = "passages"
        events_of(client.get(STREAM, ticket(hits), headers={"Accept-Language": "es"}))
        log = QueryLog.objects.first()
        assert log is not None
        assert log.language == "es"

    def test_error_while_rendering_still_ends_with_done(
        self,
        client: Client,
        chat: ChatServer,
        hits: list[ArticleHit],
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def broken(*args: object) -> str:
            raise ZeroDivisionError

        monkeypatch.setattr(rendering, "card_html", broken)
        events = events_of(client.get(STREAM, ticket(hits)))
        assert events[-1].event == "done"
        assert "ZeroDivisionError" in caplog.text


@pytest.mark.django_db
class TestPlainPage:
    def test_same_cards_as_one_page(
        self, client: Client, chat: ChatServer, hits: list[ArticleHit]
    ) -> None:
        chat.reply(*deltas(array(*TEXTS)))
        response = client.get(PLAIN, ticket(hits))
        assert response["Content-Type"].startswith("text/html")
        assert response["Cache-Control"] == "no-store"
        assert response["X-Accel-Buffering"] == "no"
        page = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
        assert re.findall(r'data-article="(\d+)"', page) == [str(hit.article.pk) for hit in hits]
        for text in TEXTS:
            assert text in page
        assert "script" not in page
        assert "style=" not in page

    def test_bad_ticket_gives_a_readable_page(self, client: Client) -> None:
        response = client.get(PLAIN, {"ticket": "forged"})
        page = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
        assert "This address is not valid." in page
        assert page.rstrip().endswith("</html>")


@pytest.mark.django_db
class TestSection:
    """What `{% recommendations %}` puts into the search page."""

    def render(self, hits: list[ArticleHit], question: str = "Sign in?", **headers: str) -> str:
        request = RequestFactory().get("/search/?q=Sign+in%3F&page=1", headers=headers)
        request.htmx = HtmxDetails(request)  # type: ignore[attr-defined]
        template = Template(
            "{% load recommendations %}{% recommendations question found engine='embedded' %}"
        )
        found = [FoundArticle(hit.article, 1.0, hit.passage) for hit in hits]
        return template.render(Context({"request": request, "question": question, "found": found}))

    def test_section_connects_to_the_stream_and_closes_at_its_end(
        self, client: Client, chat: ChatServer, hits: list[ArticleHit]
    ) -> None:
        section = self.render(hits)
        address = re.search(r'sse-connect="([^"]+)"', section)
        assert address
        assert address[1].startswith(reverse("recommendations:stream") + "?ticket=")
        assert 'sse-close="done"' in section
        assert 'id="recommendations"' in section
        assert "card" in named(events_of(client.get(address[1])))

    @pytest.mark.parametrize("question", ["", "  "])
    def test_no_question_renders_nothing(self, hits: list[ArticleHit], question: str) -> None:
        assert self.render(hits, question).strip() == ""

    def test_no_hits_render_nothing(self, db: None) -> None:
        assert self.render([]).strip() == ""

    def test_only_the_best_hits_are_recommended(
        self, client: Client, settings: Settings, hits: list[ArticleHit]
    ) -> None:
        settings.RECOMMENDATION_CARDS = 2
        settings.RECOMMENDATION_WRITER = "passages"
        address = re.search(r'sse-connect="([^"]+)"', self.render(hits))
        assert address
        assert str(events_of(client.get(address[1]))).count("event='card'") == 2

    def test_browser_without_javascript_gets_the_plain_page(
        self, client: Client, chat: ChatServer, hits: list[ArticleHit]
    ) -> None:
        address = re.search(r'(?s)<noscript>.*<iframe[^>]*src="([^"]+)"', self.render(hits))
        assert address
        assert client.get(address[1]).status_code == 200

    def test_htmx_gets_no_noscript(self, hits: list[ArticleHit]) -> None:
        assert "noscript" not in self.render(hits, **{"HX-Request": "true"})

    def test_trying_again_asks_for_a_new_section(self, hits: list[ArticleHit]) -> None:
        section = self.render(hits)
        assert 'hx-get="/search/?q=Sign+in%3F&amp;page=1"' in section
        assert 'hx-select="#recommendations"' in section

    def test_no_inline_style_or_script(self, hits: list[ArticleHit]) -> None:
        section = self.render(hits)
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=", section)


@pytest.mark.django_db(transaction=True)
class TestLeaving:
    """A reader who closes the page, over real sockets and a real WSGI server."""

    @pytest.fixture(autouse=True)
    def site(self, live_server: LiveServer, settings: Settings) -> None:
        self.url = live_server.url
        settings.RECOMMENDATION_SLOTS = 1

    def open(self, hits: list[ArticleHit]) -> requests.Response:
        return requests.get(self.url + STREAM, params=ticket(hits), stream=True, timeout=30)

    def wait_until_slot_is_free(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while slots()._value != 1:
            assert time.monotonic() < end, "the slot is still taken"
            time.sleep(0.01)

    def leave_after(self, response: requests.Response, wanted: bytes) -> None:
        received = b""
        while wanted not in received:
            received += response.raw.read1(65536)  # `iter_content` waits for the end
        response.close()

    def test_model_stops_within_a_second_while_text_flows(
        self, chat: ChatServer, hits: list[ArticleHit]
    ) -> None:
        steps = endless("A sentence. ")
        opening = delta('[{"article_number": 1, "recommendation": "')
        chat.reply(opening, *[step for _, step in zip(range(3000), steps, strict=False)])
        self.leave_after(self.open(hits), b"text-1")
        assert chat.wait_until_left(3) < 1
        self.wait_until_slot_is_free(1)

    def test_model_stops_within_a_second_while_the_guard_holds_text_back(
        self, chat: ChatServer, hits: list[ArticleHit]
    ) -> None:
        steps = endless("word ")
        opening = delta('[{"article_number": 1, "recommendation": "')
        chat.reply(opening, *[step for _, step in zip(range(3000), steps, strict=False)])
        self.leave_after(self.open(hits), b"event: card")
        assert chat.wait_until_left(3) < 1
        self.wait_until_slot_is_free(1)

    @pytest.mark.parametrize("before_headers", [True, False])
    def test_model_stops_within_six_seconds_while_it_is_silent(
        self, chat: ChatServer, hits: list[ArticleHit], before_headers: bool
    ) -> None:
        if before_headers:
            chat.reply(before_headers=60)
        else:
            chat.reply(delta("["), Stall(60))
        self.leave_after(self.open(hits), b"event: status")
        assert chat.wait_until_left(8) < 6
        self.wait_until_slot_is_free(1)

    def test_plain_page_that_is_closed_stops_the_model_too(
        self, chat: ChatServer, hits: list[ArticleHit]
    ) -> None:
        chat.reply(*[step for _, step in zip(range(3000), endless("word "), strict=False)])
        response = requests.get(self.url + PLAIN, params=ticket(hits), stream=True, timeout=30)
        self.leave_after(response, b"<ol")
        assert chat.wait_until_left(3) < 1
        self.wait_until_slot_is_free(1)
