"""The last resort: words in the database."""

from __future__ import annotations

import pytest

from articles.models import Article
from articles.search.base import SearchQuery, SearchResult
from articles.search.keyword import KeywordEngine
from tests.articles.conformance import BACKUPS, CHARTS, PASSKEYS
from tests.conftest import MakeArticle

pytestmark = pytest.mark.django_db


@pytest.fixture
def articles(make_article: MakeArticle) -> list[Article]:
    return [make_article(**fields) for fields in (PASSKEYS, BACKUPS, CHARTS)]


def search(text: str, **query: object) -> SearchResult:
    return KeywordEngine().search(SearchQuery(text, **query), degraded="words only")  # type: ignore[arg-type]


def test_article_with_the_words_is_found_with_its_passage(articles: list[Article]) -> None:
    result = search("heat maps")
    assert [hit.pk for hit in result.hits] == [articles[2].pk]
    assert "heat maps" in result.hits[0].passage
    assert result.degraded == "words only"


def test_words_of_the_title_weigh_more(make_article: MakeArticle) -> None:
    in_text = make_article(title="Other", content="A word about webhooks.")
    in_title = make_article(title="Webhooks", content="How your server is called.")
    assert [hit.pk for hit in search("webhooks").hits] == [in_title.pk, in_text.pk]


def test_filters_facets_pages_and_dates(articles: list[Article]) -> None:
    question = "passkey copia charts"
    result = search(question)
    assert result.total == 3
    assert result.facets["language"] == {"en": 2, "es": 1}
    assert result.facets["year"] == {"2026": 2, "2025": 1}
    filtered = search(question, filters={"language": "es", "category": "operations"})
    assert [hit.pk for hit in filtered.hits] == [articles[1].pk]
    assert filtered.facets["author"] == {"tomas-quiroga": 1}
    newest = search(question, sort="date", limit=1)
    assert [hit.pk for hit in newest.hits] == [articles[2].pk]


@pytest.mark.parametrize("text", ["", "the of and", "?!", "100%", "_", "zzzzzz"])
def test_question_without_a_word_to_find_finds_nothing(articles: list[Article], text: str) -> None:
    assert search(text).total == 0


def test_unpublished_article_is_not_found(make_article: MakeArticle) -> None:
    make_article(title="Webhooks", status=Article.Status.DRAFT)
    assert search("webhooks").total == 0
