"""From a question to an article with the keyboard alone, the focus always in sight."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, Site, cards_json, in_pieces
from tests.recommendations.chat_server import ChatServer, Stall, deltas

# The element with the focus as a reader sees it. The frame of a question box shows the focus of
# its input; of a link over two lines the first one counts.
FOCUSED = """() => {
  const element = document.activeElement;
  const frame = element.matches(".ask input") ? element.closest(".ask__box") : element;
  const part = element.closest(".card, [data-hit], .facet, .masthead, .recommendations");
  const { outlineStyle, outlineWidth } = getComputedStyle(frame);
  const { x, y, right, bottom, width, height } = frame.getClientRects()[0] ?? new DOMRect();
  return {
    name: element.id || element.innerText.trim() || element.ariaLabel || element.tagName,
    place: part?.className ?? "",
    outlined: outlineStyle !== "none" && parseFloat(outlineWidth) >= 1,
    inside: width > 0 && x >= 0 && right <= innerWidth && y >= 0 && bottom <= innerHeight,
    uncovered: frame.contains(document.elementFromPoint(x + width / 2, y + height / 2)),
  };
}"""
MOST_STOPS = 60


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the focus is: the element's name, and the class of the part that it stands in."""

    name: str
    place: str


def focused(page: Page) -> Stop:
    for _ in range(20):  # a strip of cards glides to where it snaps
        found = page.evaluate(FOCUSED)
        seen = [found.pop(what) for what in ("outlined", "inside", "uncovered")]
        if all(seen):
            return Stop(**found)
        page.wait_for_timeout(50)
    raise AssertionError((found, seen))


def tab_to(page: Page, name: str, place: str = "") -> list[Stop]:
    """Press Tab until the focus is there; everything on the way has to show its focus too."""
    stops: list[Stop] = []
    while len(stops) < MOST_STOPS:
        page.keyboard.press("Tab")
        stops.append(focused(page))
        if re.fullmatch(name, stops[-1].name) and place in stops[-1].place:
            return stops
    raise AssertionError((name, place, stops))


@pytest.mark.parametrize("width", ["phone", "desktop"])
def test_reader_goes_from_question_to_article_by_keyboard(
    site: Site, chat: ChatServer, open_page: OpenPage, width: str
) -> None:
    chat.reply(*deltas(*in_pieces(cards_json()[:120]), done=False)[:-1], Stall(60))
    page = open_page(width)
    press, write = page.keyboard.press, page.keyboard.type
    page.goto(site.url)
    press("/")
    write("security")
    expect(page.locator("#question-suggestions")).to_be_visible()
    press("ArrowDown")
    press("Escape")
    write(" and vulnerabilities")
    assert focused(page).name == "question"
    press("Enter")
    page.wait_for_url("**/search/?q=security+and+vulnerabilities")

    # A new page: the first thing is the way past its header, then all of it in order.
    card = page.locator("#card-1")
    expect(card).to_contain_text("Worth your time")
    way = tab_to(page, "Stop", "recommendations")
    assert way[0].name == "Skip to the content"
    assert [stop.name for stop in way if not stop.place][1:3] == ["question", "Ask"]
    press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Stopped")
    chat.reply(*deltas(*in_pieces(cards_json())))
    expect(page.get_by_role("link", name="Try again")).to_be_focused()
    press("Enter")
    expect(page.locator("#card-5")).to_contain_text("Written by a language model")
    expect(page.locator("#recommendations-heading")).to_be_focused()

    assert tab_to(page, "This helps", "card")[0].name == card.get_by_role("link").inner_text()
    press("Space")
    thumb = card.get_by_role("button", name="This helps")
    expect(thumb).to_have_attribute("aria-pressed", "true")
    expect(thumb).to_be_focused()
    tab_to(page, "Why this one", "card")
    press("Space")
    expect(card.locator("blockquote")).to_be_visible()
    *way, hit = tab_to(page, ".*", "hit")
    assert sum(stop.name == "This helps" for stop in way) == 4  # every card was passed
    press("Enter")
    page.wait_for_url("**/articles/**")
    expect(page.get_by_role("heading", level=1)).to_have_text(hit.name)

    assert len(tab_to(page, "Skip to the content")) == 1
    press("Enter")
    expect(page.locator("main")).to_be_focused()
    tab_to(page, ".+")
    expect(page.locator("main :focus")).to_have_count(1)
