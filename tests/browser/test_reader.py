"""What a reader does beside reading: suggestions, thumbs, the reason, copying a link."""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing
from urllib.parse import unquote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import OpenPage, Site, cards_json
from tests.browser.test_stream import ask
from tests.recommendations.chat_server import ChatServer, Stall, deltas


def votes(site: Site) -> list[int]:
    path = site.env["DATABASE_URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, timeout=10)) as database:
        return [value for (value,) in database.execute("SELECT value FROM recommendations_vote")]


def wait_for_votes(site: Site, wanted: list[int]) -> None:
    end = time.monotonic() + 5
    while votes(site) != wanted:
        assert time.monotonic() < end, votes(site)
        time.sleep(0.05)


@pytest.fixture
def no_votes(site: Site) -> None:
    path = site.env["DATABASE_URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, timeout=10)) as database:
        database.execute("DELETE FROM recommendations_vote")
        database.commit()


def test_thumb_is_stored_and_can_be_changed_and_withdrawn_and_nothing_moves(
    site: Site, no_votes: None, open_page: OpenPage
) -> None:
    page = open_page()
    for shown in ("Written by a language model", "Written by a language model earlier"):
        ask(page, site)
        card = page.locator("#card-1")
        expect(card).to_contain_text(shown)
        expect(page.locator("#recommendations:not([sse-connect])")).to_have_count(1)
    up = card.get_by_role("button", name="This helps")
    down = card.get_by_role("button", name="This does not help")
    before = card.bounding_box()
    up.click()
    expect(up).to_have_attribute("aria-pressed", "true")
    wait_for_votes(site, [1])
    down.focus()
    page.keyboard.press("Enter")
    expect(down).to_have_attribute("aria-pressed", "true")
    expect(up).to_have_attribute("aria-pressed", "false")
    wait_for_votes(site, [-1])
    page.route("**/vote/", lambda route: route.fulfill(status=500))
    up.click()
    expect(page.locator(".card__vote.htmx-request")).to_have_count(0)
    expect(down).to_have_attribute("aria-pressed", "true")
    down.click()  # a withdrawal that fails
    expect(page.locator(".card__vote.htmx-request")).to_have_count(0)
    expect(down).to_have_attribute("aria-pressed", "true")
    page.unroute("**/vote/")
    up.click(click_count=2, delay=100)  # one press, not a vote and its withdrawal
    expect(up).to_have_attribute("aria-pressed", "true")
    wait_for_votes(site, [1])
    assert card.bounding_box() == before
    up.click()
    for button in (up, down):
        expect(button).to_have_attribute("aria-pressed", "false")
    wait_for_votes(site, [])
    # Pressed again because nothing happens: the thumb still looked free, so it is the same vote.
    held: list[Route] = []
    page.route("**/vote/", lambda route: held.append(route))
    up.click()
    up.click()
    while not held:
        page.wait_for_timeout(10)
    with page.expect_request("**/vote/") as again:
        held[0].continue_()
    assert "value=1&" in f"{again.value.post_data}&"


def test_thumb_works_without_javascript_while_cards_are_being_written(
    site: Site, chat: ChatServer, no_votes: None, open_page: OpenPage
) -> None:
    whole = cards_json()
    cut = whole.index('"article_number": 3')
    chat.reply(*deltas(whole[:cut])[:-1], Stall(1.5), *deltas(whole[cut:]))
    page = open_page(java_script_enabled=False)
    page.goto(f"{site.url}/search/?q=Security+and+vulnerabilities", wait_until="commit")
    cards = page.frame_locator("#recommendations iframe")
    card = cards.locator("#card-2")
    button = card.get_by_role("button", name="This does not help")
    assert (button.bounding_box() or {"width": 99})["width"] < 48  # an icon there, too
    button.click()
    answer = card.frame_locator(".card__voted")
    expect(answer.get_by_role("status")).to_have_text("This does not help Thank you, stored.")
    wait_for_votes(site, [-1])
    expect(cards.locator(".card")).to_have_count(2)  # the model is still silent
    expect(cards.locator("#card-5")).to_contain_text("Worth your time")
    expect(card.get_by_text("Copy link")).to_be_hidden()
    answer.get_by_role("button", name="Withdraw").click()
    expect(answer.get_by_role("status")).to_have_text("Withdrawn.")
    wait_for_votes(site, [])


def test_card_says_why_and_its_link_can_be_copied(site: Site, open_page: OpenPage) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    ask(page, site)
    card = page.locator("#card-1")
    expect(card).to_contain_text("Written by a language model")
    card.get_by_text("Why this one").click()
    passage = card.locator("blockquote")
    expect(passage).to_be_visible()
    assert len(passage.inner_text().split()) >= 20
    assert passage.get_attribute("lang") in {"en", "es"}
    card.get_by_role("button", name="Copy link").click()
    expect(card.get_by_role("button", name="Copied")).to_be_visible()
    address = card.locator(".card__title a").get_attribute("href")
    assert page.evaluate("navigator.clipboard.readText()") == f"{site.url}{address}"
    expect(card.get_by_role("button", name="Copy link")).to_be_visible()


def test_excerpt_is_its_own_reason_and_takes_no_thumb(
    site: Site, chat: ChatServer, open_page: OpenPage
) -> None:
    chat.reply(b"{}", status=500)
    page = open_page()
    ask(page, site)
    card = page.locator("#card-1")
    expect(card).to_contain_text("Excerpt from the article")
    expect(card.get_by_text("Why this one")).to_be_hidden()
    expect(card.get_by_role("button", name="This helps")).to_have_count(0)


def type_into(page: Page, box: str, text: str) -> None:
    page.locator(box).press_sequentially(text)
    expect(page.locator(f"{box}-suggestions")).to_be_visible()


@pytest.mark.parametrize(
    ("width", "path", "box"),
    [("phone", "/", "#question"), ("desktop", "/categories/security/", "#header-question")],
)
def test_suggestions_open_over_the_page_and_answer_the_keyboard(
    site: Site, open_page: OpenPage, width: str, path: str, box: str
) -> None:
    page = open_page(width)
    page.goto(site.url + path)
    content = page.locator("main article").first
    before = content.bounding_box()
    type_into(page, box, "migracion")
    field, options = page.locator(box), page.locator(f"{box}-suggestions [role=option]")
    expect(field).to_have_role("combobox")
    expect(field).to_have_attribute("aria-expanded", "true")
    assert content.bounding_box() == before
    assert page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    page.keyboard.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(options.first).to_have_id(str(field.get_attribute("aria-activedescendant")))
    expect(field).to_be_focused()
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()
    page.keyboard.press("ArrowUp")
    expect(options.first).to_have_attribute("aria-selected", "false")
    page.keyboard.press("Escape")
    expect(options.first).to_be_hidden()
    expect(field).to_have_value("migracion")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/articles/.*migracion"))


def test_enter_asks_while_nothing_is_highlighted(site: Site, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(f"{site.url}/search/")
    page.evaluate("window.same = true")
    type_into(page, "#question", "security")
    page.keyboard.type(" and data")
    page.keyboard.press("Enter")  # before the suggestions for the last words are fetched
    expect(page.locator("[data-hit]").first).to_be_visible()
    assert unquote(page.url).endswith("/search/?q=security and data")
    assert page.evaluate("window.same")  # in place
    page.wait_for_timeout(400)
    expect(page.locator("#question-suggestions")).to_be_hidden()
    page.locator("#question").fill("secu")
    page.get_by_role("option", name="Security Topic").click()
    page.wait_for_url("**/categories/security/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Security")
