"""Links and the question box that change the search page without loading another one."""

from __future__ import annotations

import contextlib

import pytest
from playwright.sync_api import Error, Page, Route, expect

from tests.browser.conftest import OpenPage, Site


@pytest.fixture
def page(site: Site, open_page: OpenPage) -> Page:
    page = open_page()
    page.goto(f"{site.url}/search/?q=seguridad+y+datos")
    return page


def htmx_says(event: str) -> pytest.MarkDecorator:
    """htmx logs a request that another one has replaced like one that failed."""
    return pytest.mark.may_say(event, "htmx:afterRequest")


def test_filter_changes_the_hits_and_back_undoes_it(page: Page) -> None:
    before = page.locator("[data-hit]").count()
    page.get_by_role("link", name="Spanish").first.click()
    page.wait_for_url("**language=es*")
    expect(page.locator("[data-hit]")).not_to_have_count(before)
    page.go_back()
    expect(page.locator("[data-hit]")).to_have_count(before)


def test_filter_opens_in_a_tab_of_its_own_when_the_reader_wants_that(page: Page) -> None:
    before = page.url
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Spanish").first.click(modifiers=["ControlOrMeta"])
    assert "language=es" in opened.value.url
    assert page.url == before


def test_filter_leaves_the_page_where_it_was_scrolled_to(page: Page) -> None:
    link = page.get_by_role("link", name="Spanish").first
    page.mouse.wheel(0, 200)
    page.wait_for_function("scrollY > 100")
    before = page.evaluate("scrollY")
    link.click()
    page.wait_for_url("**language=es*")
    expect(page.locator(".chips")).to_be_visible()
    page.wait_for_timeout(300)
    assert abs(page.evaluate("scrollY") - before) < 5


def test_filter_chosen_on_a_phone_shows_the_answer(site: Site, open_page: OpenPage) -> None:
    page = open_page("phone")
    page.goto(f"{site.url}/search/?q=seguridad+y+datos")
    page.locator("summary", has_text="Filters").click()
    page.locator("#facet-language-es").click()
    page.wait_for_url("**language=es*")
    expect(page.locator("#results-title")).to_be_focused()
    expect(page.locator("#results-title")).to_be_in_viewport()


@htmx_says("htmx:sendAbort")
def test_last_click_decides_what_the_page_shows(page: Page) -> None:
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/search/?q=*language=*", hold_the_first)
    page.get_by_role("link", name="Spanish").first.click()
    page.wait_for_function("document.querySelector('.htmx-request')")
    page.get_by_role("link", name="English").first.click()
    expect(page.locator(".chips")).to_contain_text("English")
    assert len(held) == 1
    with contextlib.suppress(Error):  # given up by the page
        held[0].continue_()
    page.wait_for_timeout(500)
    expect(page.locator(".chips")).to_contain_text("English")
    assert "language=en" in page.url


@htmx_says("htmx:sendError")
@pytest.mark.parametrize("failure", ["no connection", "error page"])
def test_answer_that_cannot_be_swapped_in_is_loaded_as_a_page(page: Page, failure: str) -> None:
    def fail(route: Route) -> None:
        if "hx-request" not in route.request.headers:
            route.continue_()
        elif failure == "no connection":
            route.abort("connectionrefused")
        else:
            route.fulfill(status=500, body="broken")

    page.route("**/search/?q=*", fail)
    page.get_by_role("link", name="Spanish").first.click()
    page.wait_for_url("**language=es*")
    expect(page.locator(".chips")).to_contain_text("Spanish")
    box = page.locator("input#question")
    box.fill("mapas de calor")
    box.press("Enter")
    page.wait_for_url("**q=mapas*")
    expect(page.locator("[data-hit]").first).to_be_visible()
