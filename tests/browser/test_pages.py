"""Every page type in both themes and at both widths: layout, accessibility, policy, keyboard."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD, OpenPage, Site, assert_accessible
from tests.recommendations.chat_server import ChatServer

PAGES = [
    "/",
    "/?page=2",
    "/articles/simulacros-restauracion-copias-seguridad/",  # contents, code and a table
    "/articles/expand-contract-schema-changes-no-downtime/",
    "/categories/security/",
    "/authors/ines-roldan/",
    "/archive/2026/",
    "/archive/2026/6/",
    "/search/",
    "/search/?q=Security+and+vulnerabilities",
    "/search/?q=seguridad&language=es",
    "/search/?q=a+recipe+for+potato+soup",
    "/search/?q=seguridad&language=fr",
    f"/search/?q={'too+long+' * 80}",
    "/search/?q=seguridad&year=1999",
    "/nowhere/at-all/",
    "/admin/login/",
]


@pytest.mark.parametrize("path", PAGES)
def test_page_is_accessible_and_fits_in_both_themes_and_widths(
    site: Site, open_page: OpenPage, path: str
) -> None:
    page = open_page()
    page.goto(site.url + path)
    if page.locator("#recommendations").count():
        expect(page.locator("#card-5")).to_contain_text("Written by a language model")
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    assert_accessible(page)


@pytest.mark.parametrize("path", ["/", PAGES[2], "/archive/2026/", "/search/?q=seguridad"])
def test_words_without_end_do_not_widen_a_page(site: Site, open_page: OpenPage, path: str) -> None:
    page = open_page()
    page.goto(site.url + path)
    page.evaluate(
        """() => {
            const places = "h1, h3 a, .item__excerpt, .hit__passage, .prose p, .prose h2, .toc a";
            for (const place of document.querySelectorAll(places)) {
                place.textContent = "SECURE_PROXY_".repeat(12);
            }
        }"""
    )
    for width in (320, 768, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_pages_for_what_went_wrong_are_accessible(site: Site, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site.url)
    page.locator("header [name=csrfmiddlewaretoken]").evaluate("field => field.remove()")
    page.get_by_role("button", name="Español").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Please try that again")
    assert_accessible(page)
    # Nothing fails on demand: the page itself, with the site's styles.
    page.route("**/broken/", lambda route: route.fulfill(body=render_to_string("500.html")))
    page.goto(f"{site.url}/broken/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Something broke on our side")
    assert page.evaluate("getComputedStyle(document.body).display") == "flex"  # it is styled
    assert_accessible(page)


def test_cards_without_javascript_are_accessible(site: Site, open_page: OpenPage) -> None:
    page = open_page()
    answer = page.request.get(f"{site.url}/search/?q=Security+and+vulnerabilities")
    address = re.search(r'src="(/recommendations/plain/[^"]+)"', answer.text())
    assert address
    page.goto(site.url + unescape(address[1]))
    expect(page.locator("#card-5")).to_contain_text("Written by a language model")
    # A frame: the page around it has the landmarks and the first heading.
    assert_accessible(page, without=["landmark-one-main", "page-has-heading-one", "region"])


def test_search_without_its_engine_says_so_and_still_finds(
    site_env: dict[str, str], chat: ChatServer, open_page: OpenPage
) -> None:
    site = Site(site_env | {"ELASTICSEARCH_URL": "http://127.0.0.1:9"})
    site.start()
    try:
        page = open_page()
        page.goto(f"{site.url}/search/?q=session+tokens")
        expect(page.locator(".notice")).to_contain_text("these results match your words only")
        expect(page.locator("[data-hit]").first).to_be_visible()
        expect(page.locator("#card-1")).to_contain_text("Written by a language model")
        assert_accessible(page)
    finally:
        site.stop()


def test_slash_focuses_the_question_box_and_enter_asks(site: Site, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site.url)
    page.locator("body").press("/")
    expect(page.get_by_role("combobox").first).to_be_focused()
    page.keyboard.type("rotate api keys")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=rotate*")
    expect(page.locator("[data-hit]").first).to_be_visible()


def test_chosen_theme_is_remembered(site: Site, open_page: OpenPage) -> None:
    page = open_page(theme="light")
    page.goto(site.url)
    page.locator("[data-theme-switch]").first.click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_pages_can_be_read_and_searched_without_javascript(site: Site, open_page: OpenPage) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(site.url)
    page.get_by_role("searchbox").first.fill("mapas de calor")
    page.get_by_role("button", name="Ask").first.click()
    page.locator("[data-hit] a").first.click()
    expect(page.locator("article h1, h1").first).to_be_visible()


def log_in(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/admin/")
    page.get_by_label("Username").fill("editor")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def test_editor_saves_and_a_reader_finds_it_a_moment_later(site: Site, open_page: OpenPage) -> None:
    page = open_page()
    log_in(page, site)
    page.goto(f"{site.url}/admin/articles/article/add/")
    page.locator("#id_title").fill("Carrier pigeons as a transport layer")
    page.locator("#id_content").fill("A pigeon carries a packet; latency depends on wind.")
    for field in ("author", "category"):
        page.locator(f"#id_{field}").select_option(index=1)
    page.locator("#id_status").select_option("published")
    page.locator("input[name=_save]").click()
    expect(page.locator(".success")).to_be_visible()
    reader = open_page()
    reader.goto(f"{site.url}/search/?q=pigeons+carrying+packets")
    expect(reader.locator("[data-hit]").first).to_contain_text("Carrier pigeons")
