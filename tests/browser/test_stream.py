"""Cards that arrive while the reader watches, and every way that can go wrong."""

from __future__ import annotations

import re
import time
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, Site, cards_json, in_pieces, slowly
from tests.recommendations.chat_server import ChatServer, Cut, Stall, delta, deltas, frame

QUESTION = "Security and vulnerabilities"


def ask(page: Page, site: Site, question: str = QUESTION) -> None:
    page.goto(f"{site.url}/search/?q={quote(question)}")


def status(page: Page) -> str:
    return page.locator(".recommendations__status").inner_text()


@pytest.mark.parametrize("width", ["phone", "desktop"])
@pytest.mark.parametrize("question", [QUESTION, "¿Cómo migro sin perder datos?"])
def test_five_cards_arrive_and_the_results_never_move(
    site: Site, chat: ChatServer, open_page: OpenPage, width: str, question: str
) -> None:
    chat.reply(*slowly(cards_json()))
    page = open_page(width)
    ask(page, site, question)
    first = page.locator("[data-hit]").first
    before = first.bounding_box()
    cards = page.locator("#recommendations .card")
    expect(cards).to_have_count(1)
    while_writing = first.bounding_box()
    expect(cards).to_have_count(5)
    expect(page.locator("#recommendations")).to_contain_text("A language model wrote these texts")
    assert before == while_writing == first.bounding_box()
    for n in range(5):
        expect(cards.nth(n)).to_have_id(f"card-{n + 1}")
        expect(cards.nth(n)).to_contain_text(
            "Worth your time because it answers you. Read it soon."
        )
        expect(cards.nth(n)).to_contain_text("Written by a language model")


def test_words_flow_and_a_sentence_with_an_invented_number_disappears(
    site: Site, chat: ChatServer, open_page: OpenPage
) -> None:
    whole = cards_json(text="It answers your question after 4711 days.")
    start, answers, rest = whole.partition("answers ")
    chat.reply(*map(delta, (start, answers, "your ")), Stall(1.5), *deltas(rest[5:]))
    page = open_page()
    ask(page, site)
    card = page.locator("#card-1 .card__text")
    expect(card).to_have_text("It answers your")
    expect(page.locator("#recommendations .card")).to_have_count(5)
    expect(card).to_have_text("Read it soon.")
    assert "4711" not in page.content()


def test_finished_stream_is_not_opened_again(
    site: Site, chat: ChatServer, open_page: OpenPage
) -> None:
    page = open_page()
    ask(page, site)
    expect(page.locator("#recommendations .card")).to_have_count(5)
    page.wait_for_timeout(4000)  # the extension would reconnect within three seconds
    assert len(chat.requests) == 1


def test_going_back_restores_the_cards_without_asking_again(
    site: Site, chat: ChatServer, open_page: OpenPage
) -> None:
    page = open_page()
    ask(page, site)
    expect(page.locator("#recommendations .card")).to_have_count(5)
    page.locator("#recommendations .card a").first.click()
    page.wait_for_url("**/articles/**")
    page.go_back()
    expect(page.locator("[data-hit]").first).to_be_visible()
    expect(page.locator("#recommendations .card")).to_have_count(5)
    assert len(chat.requests) == 1


def test_going_back_to_an_answer_that_was_left_half_way_shows_where_it_ended(
    site: Site, chat: ChatServer, open_page: OpenPage
) -> None:
    chat.reply(*slowly(cards_json(), every=0.1))
    page = open_page()
    ask(page, site)
    expect(page.locator("#card-1")).to_contain_text("Being written")
    expect(page.locator("#card-1 .card__text")).to_contain_text("Worth your")
    page.locator("#sort-date").click()
    page.wait_for_url("**sort=date*")
    page.go_back()
    expect(page.locator("#sort-relevance")).to_have_attribute("aria-current", "true")
    expect(page.locator("#card-1")).to_contain_text("Cut off")
    expect(page.locator("#recommendations")).not_to_contain_text("Being written")
    expect(page.locator(".recommendations__status")).to_contain_text("Stopped.")
    expect(page.get_by_role("link", name="Try again")).to_be_visible()
    expect(page.locator("#recommendations")).not_to_have_attribute("sse-connect", re.compile("."))


def test_page_restored_with_a_used_ticket_shows_no_card_as_being_written(
    site: Site, chat: ChatServer, open_page: OpenPage
) -> None:
    chat.reply(*slowly(cards_json(), every=0.1))
    page = open_page()
    ask(page, site)
    expect(page.locator("#card-1 .card__text")).to_contain_text("Worth your")
    # As a browser would bring it back, without the script that ends an answer before.
    page.evaluate(
        """() => {
            const part = document.querySelector("#recommendations");
            const copy = part.cloneNode(true);
            part.replaceWith(copy);
            htmx.process(copy);
        }"""
    )
    expect(page.locator(".recommendations__status")).to_contain_text("shown already")
    expect(page.locator("#recommendations")).not_to_contain_text("Being written")
    expect(page.locator("#card-1")).to_contain_text("Cut off")


def test_place_is_kept_for_the_next_card_only(
    site: Site, chat: ChatServer, open_page: OpenPage
) -> None:
    chat.reply(*slowly(cards_json(), every=0.06))
    page = open_page()
    ask(page, site)
    place = "getComputedStyle(document.querySelector('.cards'), '::after').content"
    expect(page.locator("#card-4")).to_contain_text("Being written", timeout=15_000)
    assert page.evaluate(place) != "none"
    expect(page.locator("#card-5")).to_contain_text("Being written", timeout=15_000)
    assert page.evaluate(place) == "none"


def test_same_question_is_replayed_and_says_so(
    site: Site, chat: ChatServer, open_page: OpenPage
) -> None:
    page = open_page()
    ask(page, site)
    expect(page.locator("#recommendations .card")).to_have_count(5)
    expect(page.locator("#recommendations")).to_contain_text("A language model wrote these texts")
    ask(page, site)
    expect(page.locator("#recommendations")).to_contain_text("ago for the same question")
    expect(page.locator("#recommendations .card")).to_have_count(5)
    assert len(chat.requests) == 1


def test_stop_keeps_the_text_and_stops_the_model(
    site: Site, chat: ChatServer, open_page: OpenPage
) -> None:
    chat.reply(*slowly(cards_json(), every=0.1))
    page = open_page()
    ask(page, site)
    expect(page.locator("#card-1")).to_contain_text("Worth your time")
    page.get_by_role("button", name="Stop").click()
    assert chat.wait_until_left(6) < 6
    expect(page.locator("#card-1")).to_contain_text("Worth your time")
    assert "Stopped" in status(page)
    chat.reply(*slowly(cards_json(text="Written anew, and better."), 0.0))
    page.get_by_role("link", name="Try again").click()
    expect(page.locator("#card-5")).to_contain_text("Written anew")


def test_leaving_the_page_stops_a_silent_model(
    site: Site, chat: ChatServer, open_page: OpenPage
) -> None:
    chat.reply(Stall(60))
    page = open_page()
    ask(page, site)
    assert chat.started.wait(10)
    page.wait_for_timeout(500)
    page.goto(f"{site.url}/")
    assert chat.wait_until_left(6) <= 6


def test_failing_model_gives_excerpts_a_sentence_and_another_try(
    site: Site, chat: ChatServer, open_page: OpenPage
) -> None:
    chat.reply(
        b'{"error": {"message": "out of memory"}}', status=500, content_type="application/json"
    )
    page = open_page()
    ask(page, site)
    cards = page.locator("#recommendations .card")
    expect(cards).to_have_count(5)
    expect(cards.first).to_contain_text("Excerpt from the article")
    assert "out of memory" not in page.content()
    chat.reply(*slowly(cards_json(), 0.0))
    page.get_by_role("link", name="Try again").click()
    expect(page.locator("#card-5")).to_contain_text("Written by a language model")


@pytest.mark.parametrize(
    "ending", [[Cut()], [frame({"error": {"message": "secret-detail"}}, event="error")]]
)
def test_model_that_breaks_off_leaves_a_complete_page(
    site: Site, chat: ChatServer, open_page: OpenPage, ending: list[object]
) -> None:
    half = cards_json()[:200]
    chat.reply(*deltas(*in_pieces(half), done=False)[:-1], *ending)  # type: ignore[arg-type]
    page = open_page()
    ask(page, site)
    expect(page.locator("#recommendations .card")).to_have_count(5)
    expect(page.locator("#card-1")).to_contain_text("Worth your time")
    expect(page.locator("#card-5")).to_contain_text("Excerpt from the article")
    assert "secret-detail" not in page.content()


def test_killed_server_leaves_a_readable_page(
    site_env: dict[str, str], chat: ChatServer, open_page: OpenPage
) -> None:
    site = Site(site_env)
    site.start()
    chat.reply(
        *slowly(cards_json(text="Read this because it explains the whole story."), every=0.1)
    )
    page = open_page()
    # A question that no other test asks, so that no kept answer comes.
    ask(page, site, "What did the leaked token teach you?")
    expect(page.locator("#card-1")).to_contain_text("Read this because")
    site.kill()
    expect(page.locator("#recommendations")).to_contain_text("The connection was lost")
    expect(page.locator("#card-1")).to_contain_text("Read this because")
    expect(page.locator("[data-hit]").first).to_be_visible()


def test_text_of_the_model_is_never_markup(
    site: Site, chat: ChatServer, open_page: OpenPage
) -> None:
    text = "Worth a look for its <b>bold</b> claims & its <img src=x onerror=alert> picture."
    chat.reply(*slowly(cards_json(text=text), 0.0))
    page = open_page()
    ask(page, site)
    expect(page.locator("#card-5")).to_contain_text("<b>bold</b>")
    assert page.locator("#recommendations .card__text b, #recommendations img").count() == 0


def test_without_javascript_the_same_cards_come(
    site: Site, chat: ChatServer, open_page: OpenPage
) -> None:
    page = open_page(java_script_enabled=False)
    ask(page, site)
    expect(page.locator("[data-hit]").first).to_be_visible()
    frame = page.frame_locator("#recommendations iframe")
    expect(frame.locator(".card")).to_have_count(5)
    expect(frame.locator("#card-1")).to_contain_text("Worth your time")


def test_hits_that_htmx_brings_have_cards_of_their_own(
    site: Site, chat: ChatServer, open_page: OpenPage
) -> None:
    page = open_page()
    ask(page, site)
    expect(page.locator("#card-5")).to_contain_text("Written by a language model")
    box = page.get_by_role("combobox").first
    box.fill("charts and dashboards")
    box.press("Enter")
    page.wait_for_url(re.compile("charts"))
    expect(page.locator("#card-1")).to_contain_text("Worth your time")
    page.go_back()
    page.wait_for_url(re.compile("Security"))
    expect(page.locator("[data-hit]").first).to_be_visible()
    time.sleep(0.5)
    assert len(chat.requests) <= 3
