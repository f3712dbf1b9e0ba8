"""The same site in Spanish: because the browser asks for it, or because the reader chose it."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, Site

QUESTION = "¿Cómo migro sin perder datos?"


def assert_spanish_and_sound(page: Page) -> None:
    expect(page.locator("html")).to_have_attribute("lang", "es")
    assert page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()


@pytest.mark.parametrize(("width", "theme"), [("phone", "light"), ("desktop", "dark")])
def test_reader_goes_from_question_to_article_in_spanish(
    site: Site, open_page: OpenPage, width: str, theme: str
) -> None:
    page = open_page(width, theme, locale="es-ES")  # type: ignore[arg-type]
    page.goto(site.url)
    expect(page.get_by_role("heading", level=1)).to_have_text("¿Qué quieres averiguar?")
    assert_spanish_and_sound(page)
    page.get_by_role("combobox", name="Tu pregunta").fill(QUESTION)
    page.get_by_role("button", name="Preguntar").click()
    expect(page.locator("#card-5")).to_contain_text("Escrito por un modelo de lenguaje")
    expect(page.locator("#card-5 .card__text")).to_have_attribute("lang", "en")
    expect(page.get_by_role("status")).to_contain_text("Un modelo de lenguaje ha escrito")
    expect(page.get_by_role("heading", name="artículos para")).to_be_visible()
    expect(page.locator("[data-hit] time").first).to_contain_text(" de ")
    assert_spanish_and_sound(page)
    page.locator("[data-hit] h3 a[lang=es]").first.click()
    expect(page.get_by_text("min de lectura").first).to_be_visible()
    assert_spanish_and_sound(page)


def test_way_back_after_a_switch_is_in_the_chosen_language(site: Site, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(f"{site.url}/search/?q=seguridad+y+datos")
    page.locator("#sort-date").click()
    page.wait_for_url("**sort=date*")
    page.get_by_role("button", name="Español").click()
    expect(page.locator("html")).to_have_attribute("lang", "es")
    for _step in range(2):
        page.go_back()
    expect(page.locator("#sort-relevance")).to_have_attribute("aria-current", "true")
    expect(page.locator("#sort-relevance")).to_have_text("Relevancia")
    expect(page.locator("html")).to_have_attribute("lang", "es")


def test_language_is_switched_without_javascript_and_the_question_stays(
    site: Site, open_page: OpenPage
) -> None:
    page = open_page(java_script_enabled=False)
    address = f"{site.url}/search/?q={quote(QUESTION)}&language=es"
    page.goto(address)
    button = page.get_by_role("button", name="Español")
    expect(button).to_have_attribute("lang", "es")
    button.click()
    expect(page.locator("html")).to_have_attribute("lang", "es")
    assert page.url == address
    cards = page.frame_locator("#recommendations iframe")
    expect(cards.locator("html")).to_have_attribute("lang", "es")
    expect(cards.locator("#card-1")).to_contain_text("por un modelo de lenguaje")
    page.goto(site.url)  # the choice is remembered
    expect(page.locator("html")).to_have_attribute("lang", "es")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
