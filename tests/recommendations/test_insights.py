"""What readers ask: counted, drawn, exported."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from articles.search.asked import nothing_found
from recommendations.export import harmless
from recommendations.insights import Day, Insights, without_good_answer
from recommendations.models import Outcome, QueryLog, Vote
from tests.conftest import MakeArticle

pytestmark = pytest.mark.django_db

PAGE = reverse("admin:recommendations_insights")
EXPORT = reverse("admin:recommendations_insights_export")

type Asked = Callable[..., QueryLog]


@pytest.fixture
def asked() -> Asked:
    """One question in the log, `days` ago."""

    def ask(question: str, days: int = 0, **fields: Any) -> QueryLog:
        values = {
            "hits": [1],
            "language": "en",
            "outcome": Outcome.WRITTEN,
            "total_ms": 900,
            "created_at": timezone.now() - timedelta(days=days),
        }
        return QueryLog.objects.create(question=question, **values | fields)

    return ask


def test_spellings_of_one_question_are_counted_together(asked: Asked) -> None:
    asked("what are PASSKEYS", days=3)
    asked("What are passkeys?")
    asked("charts", days=1)
    questions = Insights(30).questions()
    assert [(entry.text, entry.asked) for entry in questions] == [
        ("What are passkeys?", 2),
        ("charts", 1),
    ]
    assert questions[0].last.date() == timezone.now().date()


def test_only_questions_of_the_period_count(asked: Asked) -> None:
    asked("old", days=40)
    asked("new", days=29)
    assert [entry.text for entry in Insights(30).questions()] == ["new"]
    assert len(Insights(90).questions()) == 2


def test_questions_without_a_good_answer_come_with_what_happened(
    asked: Asked, make_article: MakeArticle
) -> None:
    asked("soup", hits=[], outcome=Outcome.EXCERPTS)
    for outcome in (Outcome.UNAVAILABLE, Outcome.UNUSABLE):
        asked("passkeys", outcome=outcome)
    disliked = asked("charts")
    for value in (Vote.Value.DOWN, Vote.Value.DOWN, Vote.Value.UP):
        Vote.objects.create(log=disliked, article=make_article(), value=value)
    for outcome in (Outcome.LATE, Outcome.BROKEN):
        asked("hanging", outcome=outcome, first_words_ms=None)
        asked("some words", outcome=outcome, first_words_ms=900)
    asked("fine", outcome=Outcome.KEPT)
    asked("as configured", outcome=Outcome.EXCERPTS)
    asked("gone", outcome=Outcome.LEFT)
    without = {entry.text: entry for entry in without_good_answer(Insights(30).questions())}
    assert set(without) == {"passkeys", "charts", "soup", "hanging"}
    assert without["hanging"].excerpts == 2
    assert list(without)[-1] == "soup"  # the others went wrong twice
    assert without["soup"].nothing == 1
    assert without["soup"].excerpts == 0
    assert without["passkeys"].excerpts == 2
    assert (without["charts"].asked, without["charts"].up, without["charts"].down) == (1, 1, 2)


def test_days_are_complete_and_a_question_counts_once(
    asked: Asked, make_article: MakeArticle
) -> None:
    log = asked("charts", hits=[])
    for _number in range(2):
        Vote.objects.create(log=log, article=make_article(), value=Vote.Value.DOWN)
    asked("passkeys")
    asked("old", days=29)
    days = Insights(30).by_day()
    assert len(days) == 30
    assert days[-1] == Day(timezone.localdate(), asked=2, unanswered=1, down=2)
    assert (days[0].asked, sum(day.asked for day in days)) == (1, 3)


def test_thumbs_count_on_the_day_of_their_answer(asked: Asked, make_article: MakeArticle) -> None:
    yesterday = asked("charts", days=1)
    for value in (Vote.Value.UP, Vote.Value.UP, Vote.Value.DOWN):
        Vote.objects.create(log=yesterday, article=make_article(), value=value)  # given today
    before = asked("old", days=30)
    Vote.objects.create(log=before, article=make_article(), value=Vote.Value.UP)
    asked("passkeys")
    days = Insights(30).by_day()
    assert [(day.up, day.down) for day in days] == [(0, 0)] * 28 + [(2, 1), (0, 0)]
    assert (days[-2].asked, days[-2].unanswered) == (1, 1)
    questions = Insights(30).questions()  # where the totals of the page come from
    assert (sum(q.up for q in questions), sum(q.down for q in questions)) == (2, 1)


def test_articles_with_votes_most_disliked_first(asked: Asked, make_article: MakeArticle) -> None:
    liked, disliked = make_article(), make_article()
    make_article()
    for number in range(3):
        log = asked(f"question {number}")
        Vote.objects.create(log=log, article=liked, value=Vote.Value.UP)
        Vote.objects.create(log=log, article=disliked, value=Vote.Value.DOWN)
    Vote.objects.create(log=asked("old", days=50), article=liked, value=Vote.Value.DOWN)
    found = Insights(30).articles(10)
    assert [(a.pk, a.up, a.down) for a in found] == [
        (disliked.pk, 0, 3),
        (liked.pk, 3, 0),
    ]


def test_question_that_found_nothing_is_logged(settings: Settings) -> None:
    nothing_found.send(None, question="bread" * 200, language="es", engine="embedded")
    log = QueryLog.objects.get()
    assert (log.hits, log.language, len(log.question)) == ([], "es", 500)
    assert without_good_answer(Insights(30).questions())[0].nothing == 1
    settings.QUERY_LOG_DAYS = 0
    nothing_found.send(None, question="soup", language="es", engine="embedded")
    assert not QueryLog.objects.filter(question="soup").exists()


# The charts on the page


@pytest.mark.parametrize("language", ["en", "es"])
def test_charts_are_valid_svg_without_inline_style_in_every_language(
    admin_client: Client, asked: Asked, make_article: MakeArticle, language: str
) -> None:
    for number, value in enumerate([1, -1, -1, 1, 1]):
        log = asked(f"<question> & {number}", days=number)
        Vote.objects.create(log=log, article=make_article(), value=value)
    page = admin_client.get(PAGE, headers={"Accept-Language": language}).content.decode()
    charts = re.findall(r'<svg class="chart".*?</svg>', page, re.DOTALL)
    assert len(charts) == 2
    for svg in charts:
        root = ElementTree.fromstring(svg)  # noqa: S314  (our own page)
        for element in root.iter():
            assert "style" not in element.attrib
            for name in ("x", "y", "width", "height"):
                assert element.get(name, "0").isdecimal()
    titles = re.findall(r"<title>\s*(.*?)\s*</title>", charts[1])
    up, down = {"en": ("up", "down"), "es": ("a favor", "en contra")}[language]
    assert len(titles) == 5
    assert titles[-1].endswith(f": 1 {up}, 0 {down}")
    assert titles[-2].endswith(f": 0 {up}, 1 {down}")


# The page


def test_page_shows_numbers_and_links_questions_to_the_site(
    admin_client: Client, asked: Asked, make_article: MakeArticle
) -> None:
    article = make_article(title="Passkeys for everyone")
    log = asked("¿qué son los passkeys? a&b")
    Vote.objects.create(log=log, article=article, value=Vote.Value.DOWN)
    asked("<script>", hits=[])
    page = admin_client.get(PAGE).content.decode()
    assert "/search/?q=%C2%BFqu%C3%A9%20son%20los%20passkeys%3F%20a%26b" in page
    assert "&lt;script&gt;" in page
    assert "nothing found: 1" in page
    assert "thumbs down: 1" in page
    assert "Passkeys for everyone" in page
    assert "2 questions in the last 30 days, 2 without a good answer" in page
    assert "Thumbs on the answers of the last 30 days: 0 up, 1 down" in page
    table = page[page.index("<table", page.index("votes-chart-title")) :]
    numbers = re.findall(r'<td class="number">(\d+)</td>', table[: table.index("</table>")])
    assert numbers == ["0", "1"] + ["0", "0"] * 29  # today first


def test_page_without_any_thumb_draws_none(admin_client: Client, asked: Asked) -> None:
    asked("passkeys")
    page = admin_client.get(PAGE).content.decode()
    assert page.count('<svg class="chart"') == 1
    assert page.count("No reader has voted in this period yet.") == 2


def test_page_without_any_question_says_so(admin_client: Client) -> None:
    assert "Nobody has asked anything" in admin_client.get(PAGE).content.decode()


def test_page_shows_the_chosen_period(admin_client: Client, asked: Asked) -> None:
    asked("long ago", days=60)
    assert "long ago" in admin_client.get(PAGE, {"days": "90"}).content.decode()
    for value in ("30", "31", "x", ""):
        assert "long ago" not in admin_client.get(PAGE, {"days": value}).content.decode()


def test_page_costs_few_queries_however_much_was_asked(
    admin_client: Client,
    asked: Asked,
    make_article: MakeArticle,
    django_assert_max_num_queries: Any,
) -> None:
    article = make_article()
    for number in range(40):
        log = asked(f"question {number}", days=number % 25)
        Vote.objects.create(log=log, article=article, value=1)
    with django_assert_max_num_queries(12):
        admin_client.get(PAGE)


@pytest.mark.parametrize("path", [PAGE, EXPORT])
def test_page_and_export_are_for_staff_who_may_see_the_log(client: Client, path: str) -> None:
    assert client.get(path).status_code == 302
    user = User.objects.create_user("editor", is_staff=True)
    client.force_login(user)
    assert client.get(path).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_querylog"))
    response = client.get(path)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert client.post(path).status_code == 405


# The export


def exported(client: Client, **query: str) -> list[dict[str, str]]:
    response: Any = client.get(EXPORT, query)
    assert response.streaming
    assert response["Content-Disposition"].endswith('-days.csv"')
    text = b"".join(response).decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text)))


def test_export_has_one_line_a_question(
    admin_client: Client, asked: Asked, make_article: MakeArticle
) -> None:
    asked('long, "quoted"\nquestion ñ', days=2, model="a-model", first_words_ms=120)
    log = asked("passkeys", hits=[1, 2, 3])
    Vote.objects.create(log=log, article=make_article(), value=Vote.Value.DOWN)
    asked("long ago", days=60)
    first, second = exported(admin_client)
    assert first["question"] == 'long, "quoted"\nquestion ñ'
    assert (first["model"], first["first_words_ms"]) == ("a-model", "120")
    assert (second["found_articles"], second["thumbs_up"], second["thumbs_down"]) == ("3", "0", "1")
    assert len(exported(admin_client, days="90")) == 3


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =HYPERLINK(1)", "＝1+1"]
)
def test_no_exported_question_is_a_formula(admin_client: Client, asked: Asked, text: str) -> None:
    asked(text)
    assert exported(admin_client)[0]["question"] == f"'{text}"


@pytest.mark.parametrize("mark", [";", "; ", "|"])
def test_no_part_of_a_question_is_a_formula_where_other_marks_part_cells(mark: str) -> None:
    value = harmless(f"hola{mark}=cmd|' /C calc'!A1;+1")
    assert not re.search(r"[;|]\s*[=+@-]", value)


def test_ordinary_text_and_numbers_are_exported_as_they_are() -> None:
    ordinary = "git commit -a, --amend?"
    assert [harmless(value) for value in ("a=b", ordinary, "", 5, None, "¿qué?")] == [
        "a=b",
        ordinary,
        "",
        5,
        None,
        "¿qué?",
    ]
