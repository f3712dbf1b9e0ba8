"""What the templates and their tags promise, whichever engine answers."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.paginator import Paginator
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from articles.forms import SearchForm
from articles.models import Article, Category
from articles.passages import in_context, one_paragraph
from articles.search.base import Facet, Hit, SearchQuery, SearchResult
from articles.search.results import Answer
from articles.snippets import SNIPPET_WORDS, snippet
from articles.templatetags import articles as content
from articles.templatetags.pages import words_of_address
from tests.conftest import MakeArticle

TEMPLATES = settings.BASE_DIR / "templates"
STATIC = settings.BASE_DIR / "static"

# Content


def test_headings_get_ids_that_are_unique_and_readable() -> None:
    html = content.markdown("## Qué pasó\n\ntext\n\n## Qué pasó\n\n## `a < b`\n\n## 🙂\n")
    found = content.headings(html)
    assert [heading.id for heading in found] == [
        "section-que-paso",
        "section-que-paso-2",
        "section-a-lt-b",
        "section-part",
    ]
    assert [heading.text for heading in found][2:] == ["a &lt; b", "🙂"]
    assert '<h2 id="section-que-paso">Qué pasó</h2>' in html


def test_wide_content_scrolls_in_a_frame_that_the_keyboard_reaches() -> None:
    html = content.markdown("|a|b|\n|-|-|\n|1|2|\n\n```python\nx = 1\n```\n\n![A dog](/dog.png)\n")
    assert re.search(
        r'<div class="scroll" role="region" aria-label="Table" tabindex="0"><table>', html
    )
    assert html.count("</table></div>") == 1
    assert '<pre tabindex="0"><code class="language-python">' in html
    assert '<img loading="lazy" decoding="async" src="/dog.png" alt="A dog">' in html


@pytest.mark.parametrize("tag", ["<pre>", "<h2>x</h2>", "<table>", '<img src="x" onerror="y">'])
def test_tags_in_text_and_attributes_stay_text(tag: str) -> None:
    html = content.markdown(f"![{tag}](/a.png) `{tag}` \\{tag} and {tag}")
    assert set(re.findall(r"<(/?\w+)", html)) == {"p", "/p", "img", "code", "/code"}


@pytest.mark.parametrize(("words", "minutes"), [(0, 1), (220, 1), (440, 2), (2200, 10)])
def test_reading_time_is_whole_minutes(words: int, minutes: int) -> None:
    assert content.reading_time(Article(content="word " * words)) == minutes


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "# Title\n\n![](/a.png)\n\n```\ncode\n```\n\nThe *first* paragraph.",
            "The first paragraph.",
        ),
        ("«Ayer tuvimos 412 errores.» Y hoy no.", "«Ayer tuvimos 412 errores.» Y hoy no."),
        ("Short one. " + "x" * 300 + ".", "Short one."),
        ("y" * 300, "y" * 219 + "…"),
        ("- a\n- b", ""),
        ("", ""),
    ],
)
def test_excerpt_is_the_opening_in_whole_sentences(source: str, expected: str) -> None:
    assert content.excerpt(Article(content=source)) == expected


@pytest.mark.django_db
def test_list_that_left_the_content_out_costs_no_query_for_it(
    make_article: MakeArticle, django_assert_num_queries: Any
) -> None:
    make_article()
    article = Article.objects.defer("content").get()
    with django_assert_num_queries(0):
        assert (content.excerpt(article), content.reading_time(article)) == ("", 0)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Inés Roldán", "IR"), ("Ana María de la Cruz", "AC"), ("ñandú", "Ñ"), ("", "")],
)
def test_initials(name: str, expected: str) -> None:
    assert content.initials(name) == expected


def test_terms_of_the_question_are_marked_in_any_form() -> None:
    marked = snippet("Migrations of the database: a migración.", "How do I run a migration?")
    assert "<mark>Migrations</mark> of the database" in marked
    assert "<mark>How" not in marked


@pytest.mark.parametrize("question", ["script alert", "img", "", "&amp; lt", "<script>"])
def test_passage_is_only_ever_text(question: str) -> None:
    text = snippet("<script>alert(1)</script> & <img src=x>", question)
    assert set(re.findall(r"<(/?\w+)", text)) <= {"mark", "/mark"}
    assert text.count("&amp;") == 1


def test_snippet_is_the_part_with_most_of_the_question() -> None:
    passage = f"{'Nothing to see. ' * 30}Passkeys replace passwords. {'More of the same. ' * 30}"
    text = snippet(passage, "passkeys instead of passwords")
    assert text.startswith("… <mark>Passkeys</mark> replace <mark>passwords</mark>.")
    assert len(text.split()) <= SNIPPET_WORDS + 2
    assert snippet("Short and without them.", "zebra") == "Short and without them."


def test_heading_is_set_off_from_the_sentence_after_it() -> None:
    passage = "One bucket per key\n\nEach key has a bucket:\n\nvereda keys list\n\nIt refills."
    shown = "One bucket per key · Each key has a bucket: vereda keys list · It refills."
    assert snippet(passage, "zebra") == shown
    assert one_paragraph(passage) == shown
    assert one_paragraph('He said "stop."\n(So did I.)\nEnd') == 'He said "stop." (So did I.) End'
    assert one_paragraph(" \n") == ""
    assert one_paragraph("Only a heading\n") == "Only a heading"


@pytest.mark.django_db
def test_passage_that_is_too_short_comes_with_the_sentences_around_it(
    make_article: MakeArticle,
) -> None:
    before = " ".join(f"Sentence {n} has five words." for n in range(9))
    article = make_article(content=f"# Title\n\n{before}\n\nIt ends **here**.")
    wider = in_context(article, "It ends here.")
    assert wider.startswith("Sentence 4 has")
    assert wider.endswith("five words.\n\nIt ends here.")
    assert in_context(article, "Title").startswith("Title\n\nSentence 0")
    assert len(in_context(article, "Title").split()) == 26
    for same in ("", "Not in the article.", before):
        assert in_context(article, same) == same
    short = make_article(content="All of it.")
    assert in_context(short, "All of it.") == "All of it."


# Pages


@pytest.mark.django_db
def test_every_piece_of_a_spanish_article_says_its_language(
    client: Client, make_article: MakeArticle
) -> None:
    article = make_article(
        title="Título", translated_title="Its title", language="es", content="Un texto."
    )
    page = client.get(article.get_absolute_url()).content.decode()
    assert '<html lang="en">' in page
    assert '<h1 lang="es">Título</h1>' in page
    assert re.search(r'lang="en">Its title<', page)
    assert re.search(r'<div class="prose" lang="es">', page)
    in_spanish = client.get(article.get_absolute_url(), headers={"accept-language": "es"})
    assert '<html lang="es">' in in_spanish.content.decode()
    assert ">Its title<" not in in_spanish.content.decode()


@pytest.mark.django_db
def test_metadata_of_an_article_survives_hostile_text(
    client: Client, make_article: MakeArticle
) -> None:
    title = '</script><script>alert("1")</script>'
    article = make_article(title=title, slug="hostile", content="An opening sentence.")
    page = client.get(article.get_absolute_url()).content.decode()
    assert "<script>alert" not in page
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    assert (data["headline"], data["description"]) == (title, "An opening sentence.")
    address = "http://testserver/articles/hostile/"
    assert data["mainEntityOfPage"] == address
    assert f'href="{address}"' in page


@pytest.mark.django_db
def test_preview_says_what_it_is_and_is_not_advertised(
    admin_client: Client, make_article: MakeArticle
) -> None:
    draft = make_article(status=Article.Status.DRAFT)
    later = make_article(date=timezone.localdate() + timedelta(days=2))
    page = admin_client.get(draft.get_absolute_url()).content.decode()
    assert "is a draft" in page
    assert "noindex" in page
    assert "ld+json" not in page
    assert "appears on" in admin_client.get(later.get_absolute_url()).content.decode()


@pytest.mark.django_db
def test_further_pages_have_addresses_and_titles_of_their_own(
    client: Client, make_article: MakeArticle
) -> None:
    for day in range(1, 15):
        make_article(date=date(2026, 1, day))
    page = client.get("/?page=2&utm_source=x").content.decode()
    assert re.search(r'rel="canonical"\s+href="http://testserver/\?page=2"', page)
    assert "page 2" in re.search(r"<title>(.*?)</title>", page, re.DOTALL)[1]  # type: ignore[index]


@pytest.mark.django_db
def test_robots_name_the_sitemap_and_keep_out_of_searches(client: Client) -> None:
    lines = client.get("/robots.txt").content.decode().splitlines()
    assert "Disallow: /search/" in lines
    assert "Disallow: /recommendations/" in lines
    assert "Sitemap: http://testserver/sitemap.xml" in lines


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/blog/how-to-upgrade_postgres.html", "how to upgrade postgres"),
        ("/art%C3%ADculos/qu%C3%A9-es-esto/", "qué es esto"),
        ("/", ""),
        ("/%00/..;/%3Cscript%3E/", "script"),
    ],
)
def test_missing_page_searches_for_the_words_of_its_address(path: str, words: str) -> None:
    assert words_of_address(path) == words


@pytest.mark.django_db
def test_missing_page_offers_a_search(client: Client) -> None:
    page = client.get("/old/postgres-upgrade.html").content.decode()
    assert 'value="postgres upgrade"' in page


def test_broken_server_still_has_a_page() -> None:
    page = render_to_string("500.html")
    assert "Something broke" in page
    assert '<html lang="en">' in page


# Search


@pytest.fixture
def found(make_article: MakeArticle) -> list[Article]:
    return [make_article(title="One", language="en"), make_article(title="Dos", language="es")]


def answered(found: list[Article], path: str, degraded: str = "", total: int | None = None) -> str:
    """The part of the search page that shows an answer which holds `found`."""
    request = RequestFactory().get(path)
    request.htmx = True  # type: ignore[attr-defined]
    form = SearchForm(request.GET)
    assert form.is_valid()
    total = len(found) if total is None else total
    query = SearchQuery(form.cleaned_data["q"], form.filters(), limit=10)
    facets: dict[Facet, dict[str, int]] = {}
    if found:
        facets = {"language": {"en": 1, "es": 1}, "year": {"2026": 2}}
    hits = [Hit(article.pk, 1.0, "Words about topics.") for article in found]
    context = {
        "question": query.text,
        "form": form,
        "answer": Answer(query, SearchResult(hits, total, facets, "test", degraded)),
        "page_obj": Paginator(range(max(total, 1)), 10).page(int(request.GET.get("page", 1))),
    }
    return render_to_string("articles/_search_answer.html", context, request=request)


def test_hits_stand_in_rank_order_with_the_words_of_the_question(found: list[Article]) -> None:
    page = answered(found, "/search/?q=topic")
    assert re.findall(r'data-hit="(\d+)"', page) == [str(article.pk) for article in found]
    assert "about <mark>topics</mark>" in page
    assert "sse-connect" in page


def test_facets_keep_the_question_and_leave_the_page(found: list[Article]) -> None:
    page = answered(found, "/search/?q=a+%26+b&year=2026&page=2", total=12)
    assert 'href="?q=a+%26+b&amp;year=2026&amp;language=es"' in page
    selected = re.search(r'<a id="facet-year-2026"\s+href="([^"]*)"[^>]*>', page)
    assert selected is not None
    assert selected[1] == "?q=a+%26+b"
    assert 'aria-current="true"' in selected[0]


def test_next_page_is_shown_from_its_top(found: list[Article]) -> None:
    page = answered(found, "/search/?q=a", total=12)
    link = re.search(r'<a [^>]*id="page-next"[^>]*>', page)
    assert link is not None
    assert "show:#results-title:top" in link[0]
    assert 'id="results-title"' in page


def test_cards_come_with_the_first_page_only(found: list[Article]) -> None:
    assert "sse-connect" not in answered(found, "/search/?q=a&page=2", total=12)


def test_filter_is_removable_also_when_it_leaves_nothing(found: list[Article]) -> None:
    Category.objects.create(name="Empty shelf", slug="empty")
    page = answered([], "/search/?q=a&category=empty&language=es")
    assert "Nothing with these filters" in page
    assert re.search(
        r'class="pill pill--chip"\s+href="\?q=a&amp;language=es"[^>]*>\s*Empty shelf', page
    )
    assert re.search(r'class="button"\s+href="\?q=a"', page)


def test_nothing_found_without_filters_is_said_plainly(db: None) -> None:
    page = answered([], "/search/?q=lasagne")
    assert "Nothing here matches" in page
    assert "Filters" not in page


def test_degraded_answer_says_so(found: list[Article]) -> None:
    assert "By keyword only." in answered(found, "/search/?q=a", degraded="By keyword only.")


# All templates and static files


def test_errors_of_requests_by_htmx_replace_no_page_in_development_either(
    admin_client: Client, settings: Settings
) -> None:
    """django-htmx would: with what an editor typed there, and against our policy."""
    settings.DEBUG = True
    for path in ("/search/", "/admin/articles/article/add/"):
        page = admin_client.get(path).content.decode()
        assert "htmx-2.min.js" in page
        assert "django-htmx.js" not in page


def all_templates() -> list[Path]:
    return sorted(path for path in TEMPLATES.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", all_templates(), ids=lambda path: path.name)
def test_template_needs_no_exception_from_the_content_security_policy(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:", source)


@pytest.mark.parametrize("path", all_templates(), ids=lambda path: path.name)
def test_template_names_static_files_that_exist(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    names = re.findall(r"{% static '([^']+)'", source) + re.findall(r'"/static/([^"]+)"', source)
    assert [name for name in names if not finders.find(name)] == []


def test_styles_and_fonts_stay_within_their_budget() -> None:
    assert sum(path.stat().st_size for path in (STATIC / "css").iterdir()) < 33_000
    assert sum(path.stat().st_size for path in (STATIC / "fonts").glob("*.woff2")) < 120_000
