"""The editor's pages in the admin: accessible in both themes, and what their buttons do."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, Site, assert_accessible

type Admin = Callable[[str], Page]


@pytest.fixture
def admin(site: Site, editor_session: str, open_page: OpenPage) -> Admin:
    """Opens a page below /admin/ as the editor."""

    def go(path: str) -> Page:
        page = open_page()
        page.context.add_cookies([{"name": "sessionid", "value": editor_session, "url": site.url}])
        page.goto(f"{site.url}/admin/{path}")
        return page

    return go


def database(site: Site) -> closing[sqlite3.Connection]:
    path = site.env["DATABASE_URL"].removeprefix("sqlite:///")
    return closing(sqlite3.connect(path, timeout=10, isolation_level=None))


def article_id(site: Site, language: str) -> int:
    with database(site) as rows:
        query = "SELECT min(id) FROM articles_article WHERE language = ?"
        return int(rows.execute(query, [language]).fetchone()[0])


def new_draft(admin: Admin, title: str) -> Page:
    """The change form of a new article that no reader sees."""
    page = admin("articles/article/add/")
    page.locator("#id_title").fill(title)
    page.locator("#id_slug").fill(title.lower().replace(" ", "-"))
    page.locator("#id_content").fill("Words.")
    page.locator("#id_author").select_option(index=1)
    page.locator("input[name=_continue]").click()
    expect(page.locator(".messagelist .success")).to_be_visible()
    return page


def fail_a_change(site: Site, article: int) -> None:
    """As if the index had not answered when the article was saved."""
    with database(site) as rows:
        rows.execute(
            "INSERT INTO articles_outboxentry"
            " (article_id, version, created_at, due_at, attempts, error)"
            " VALUES (?, 0, datetime('now'), datetime('now', '+1 hour'), 2, 'No route to host')",
            [article],
        )


def test_list_shows_the_state_of_each_article_and_the_panel_mends_it(
    site: Site, admin: Admin
) -> None:
    article = article_id(site, "es")
    fail_a_change(site, article)
    page = admin("")
    expect(page.get_by_role("link", name="Search index")).to_be_visible()
    assert_accessible(page, fits=False)
    page.goto(f"{site.url}/admin/articles/article/?index=failed")
    row = page.locator("#result_list tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("No route to host")
    page.goto(f"{site.url}/admin/articles/article/")
    assert_accessible(page, fits=False)  # Django's tables scroll

    page.goto(f"{site.url}/admin/articles/article/search-index/")
    expect(page.locator("#index-state")).to_contain_text("No route to host")
    assert_accessible(page, fits=False)
    page.get_by_role("button", name="Sync now").click()
    expect(page.locator(".messagelist")).to_contain_text("being written to the index")
    expect(page.locator("#index-state")).to_contain_text("The index has seen every change.")
    page.get_by_role("button", name="Reindex").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    assert_accessible(page, fits=False)
    expect(page.get_by_role("button", name="Reindex")).to_be_enabled(timeout=60_000)
    expect(page.locator("#index-state")).to_contain_text("articles written")
    expect(page.locator("#index-announcement")).to_have_text("Finished.")


def test_form_warns_previews_and_says_how_readers_would_find_the_text(
    site: Site, admin: Admin
) -> None:
    article = article_id(site, "es")
    page = admin(f"articles/article/{article}/change/")
    expect(page.locator("#preview .prose")).to_have_attribute("lang", "es")
    expect(page.locator("#preview")).to_contain_text("words")
    page.locator("#id_translated_title").fill("")
    expect(page.locator("#preview")).to_contain_text("needs an English title")
    page.locator("#id_content").fill("## Palomas\n\nUna *paloma* lleva el paquete.")
    expect(page.locator("#preview em")).to_have_text("paloma")
    page.get_by_label("A reader's question").fill("palomas que llevan paquetes")
    page.keyboard.press("Enter")
    answer = page.locator("#standing blockquote")
    expect(answer).to_contain_text("lleva el paquete", timeout=15_000)  # the encoder may be cold
    expect(page.locator("#standing")).to_contain_text("Readers would find it first")
    assert_accessible(page, fits=False)
    with database(site) as rows:  # the form was only read
        query = "SELECT content FROM articles_article WHERE id = ?"
        assert "Palomas" not in rows.execute(query, [article]).fetchone()[0]


def test_question_about_a_new_text_is_answered_before_it_has_an_author(admin: Admin) -> None:
    page = admin("articles/article/add/")
    page.locator("#id_title").fill("Carrier pigeons")
    page.locator("#id_content").fill("A pigeon carries the parcel over the sea.")
    page.get_by_label("A reader's question").fill("pigeons that carry parcels")
    page.keyboard.press("Enter")
    answer = page.locator("#standing blockquote")
    expect(answer).to_contain_text("over the sea", timeout=15_000)  # the encoder may be cold


def test_two_editors_of_one_article_are_told_of_each_other(admin: Admin) -> None:
    mine = new_draft(admin, "Written by two")
    theirs = admin(mine.url.split("/admin/")[1])
    for page, words in ((theirs, "Theirs."), (mine, "Mine.")):
        page.locator("#id_content").press("ControlOrMeta+End")
        page.locator("#id_content").press_sequentially(f"\n\n{words}")
        page.locator("input[name=_continue]").click()
    expect(theirs.locator(".messagelist .success")).to_be_visible()
    expect(mine.get_by_text("after you opened this form")).to_be_in_viewport()
    expect(mine.locator("#id_title")).to_be_in_viewport()
    expect(mine.locator("#preview .prose")).to_contain_text("Mine.")
    assert_accessible(mine, fits=False)
    content = mine.locator("#id_content").input_value()
    assert content.endswith("Mine.")
    assert "Theirs." not in content
    with mine.expect_popup() as popup:
        mine.get_by_role("link", name="the article as it is now").click()
    expect(popup.value.get_by_text("Theirs.")).to_be_visible()
    mine.locator("input[name=_continue]").click()
    expect(mine.locator(".messagelist .success")).to_be_visible()


@pytest.mark.parametrize("new", [True, False], ids=["new", "changed"])
def test_text_that_could_not_be_saved_is_put_back(admin: Admin, new: bool) -> None:
    page = admin("articles/article/add/") if new else new_draft(admin, "Not yet finished")
    form = page.url
    page.locator("#id_title").fill("An hour of work")
    page.locator("#id_content").fill("Typed\n\nfor an hour.")
    page.route("**/article/**", lambda route: route.abort("connectionrefused"))
    page.locator("input[name=_continue]").click()
    page.wait_for_url("chrome-error://**")
    page.unroute("**/article/**")

    page.goto(form)
    notice = page.get_by_text("What you typed here last was not saved.")
    expect(notice).to_be_visible()
    assert_accessible(page, fits=False)
    page.get_by_role("button", name="Put it back").click()
    expect(notice).to_have_count(0)
    expect(page.locator("#id_content")).to_have_value("Typed\n\nfor an hour.")
    expect(page.locator("#preview .prose")).to_contain_text("for an hour.")

    session = page.context.cookies()
    page.context.clear_cookies(name="sessionid")  # as if it had ended
    page.locator("input[name=_continue]").click()
    expect(page.get_by_label("Username")).to_be_visible()
    page.context.add_cookies(session)  # type: ignore[arg-type]  # what it gives is what it takes
    page.goto(form)
    page.get_by_role("button", name="Put it back").click()
    page.locator("#id_author").select_option(index=1)
    page.locator("input[name=_continue]").click()
    expect(page.locator(".messagelist .success")).to_be_visible()
    expect(page.locator("#id_title")).to_have_value("An hour of work")

    page.goto(form)
    expect(page.locator("#preview")).to_contain_text("words")
    expect(notice).to_have_count(0)


def test_text_that_was_not_saved_can_be_thrown_away(site: Site, admin: Admin) -> None:
    page = admin("articles/article/add/")
    page.locator("#id_title").fill("A passing thought")
    page.goto(f"{site.url}/admin/articles/article/add/")
    page.get_by_role("button", name="Throw it away").click()
    expect(page.locator("#id_title")).to_be_focused()
    page.reload()
    expect(page.locator("#preview")).to_contain_text("words")
    expect(page.get_by_role("button", name="Put it back")).to_have_count(0)


def test_what_readers_ask_is_counted_drawn_and_exported(site: Site, admin: Admin) -> None:
    page = admin("recommendations/querylog/insights/")
    for kind in ("asked", "up", "down"):
        expect(page.locator(f"svg.chart rect.chart__{kind}").first).to_be_visible()
    expect(page.get_by_role("table").filter(has_text="potato soup").first).to_be_visible()
    assert_accessible(page, fits=False)
    page.get_by_role("link", name="Last 90 days").click()
    page.wait_for_url("**days=90")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as CSV").click()
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("asked_at,question,")
    assert sum(",potato soup," in line for line in lines) == 9
