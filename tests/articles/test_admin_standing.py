"""How would readers find this? Asked of a text that nobody but its editor has seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from articles.models import Article, IndexedArticle, OutboxEntry
from articles.search import outbox
from articles.search.base import SearchError, SearchQuery, get_engine
from articles.search.encoders import get_encoder
from articles.search.standing import COMPARED, standing
from tests.articles.conformance import BACKUPS, CHARTS, PASSKEYS
from tests.conftest import MakeArticle

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "How do I log in without a password?"
WEAKER = {
    "title": "Forgotten passwords",
    "content": "If you have forgotten your password, we send you a link to choose another one.",
    "language": "en",
}
FINDABILITY = reverse("admin:articles_article_findability")


@pytest.fixture
def articles(make_article: MakeArticle) -> list[Article]:
    return [make_article(**fields) for fields in (PASSKEYS, BACKUPS, CHARTS)]


@pytest.fixture
def fresh_encoder() -> Iterator[None]:
    yield
    get_encoder.cache_clear()


def ask(client: Client, question: str, **values: Any) -> str:
    response = client.post(FINDABILITY, {"question": question, **values})
    assert response.status_code == 200
    return response.content.decode()


def test_text_that_answers_best_stands_first_with_the_passage_that_answers(
    articles: list[Article],
) -> None:
    filler = "The office moved to a new street, and the kitchen has a better oven now. " * 8
    answer = (
        "How do you log in without a password? Your phone asks for your finger, and you are in. "
        "No password is typed, sent or stored, so you log in without a password on every device, "
        "at home and at work, and nobody can ask you for one or read it over your shoulder."
    )
    found = standing(
        QUESTION, Article(title="Log in without a password", content=f"{filler}\n\n{answer}")
    )
    assert (found.rank, found.on_topic, list(found.above)) == (1, True, [])
    assert "asks for your finger" in found.passage


def test_weaker_text_stands_behind_and_sees_who_is_above(articles: list[Article]) -> None:
    found = standing(QUESTION, Article(**WEAKER))
    assert (found.rank, found.on_topic) == (2, True)
    assert [hit.article for hit in found.above] == [articles[0]]
    assert "nothing to steal" in found.above[0].passage


def test_text_that_has_nothing_to_do_with_the_question_is_not_found(
    articles: list[Article],
) -> None:
    draft = Article(**WEAKER)
    assert not standing("A recipe for potato soup with leeks", draft).on_topic


def test_draft_takes_the_place_of_its_published_version(articles: list[Article]) -> None:
    changed = Article(title="Charts", content="Draw charts of your metrics.", language="en")
    found = standing(QUESTION, changed, published_pk=articles[0].pk)
    assert found.published_rank == 1
    assert articles[0] not in [hit.article for hit in found.above]


def test_rank_is_the_one_that_publishing_brings(articles: list[Article]) -> None:
    """The estimate keeps its word: the engine agrees once the text is public."""
    draft = articles[2]
    draft.title, draft.content = WEAKER["title"], WEAKER["content"]
    expected = standing(QUESTION, draft, published_pk=draft.pk).rank
    draft.save()
    hits = get_engine().search(SearchQuery(QUESTION)).hits
    assert [hit.pk for hit in hits].index(draft.pk) + 1 == expected


def test_asking_writes_nothing(articles: list[Article], admin_client: Client) -> None:
    before = list(get_engine().versions()), IndexedArticle.objects.count()
    page = ask(admin_client, QUESTION, title="New", content="Log in without a password.")
    assert "Place 1" in page or "first" in page
    assert (list(get_engine().versions()), IndexedArticle.objects.count()) == before
    assert Article.objects.count() == len(articles)
    assert not OutboxEntry.objects.exists()


def test_text_behind_all_compared_articles_is_told_so(make_article: MakeArticle) -> None:
    with outbox.deferred():
        for number in range(COMPARED + 1):
            make_article(title=f"Log in without a password {number}", content=PASSKEYS["content"])
    outbox.drain()
    found = standing(QUESTION, Article(**WEAKER))
    assert found.behind_all
    assert found.compared == COMPARED


def test_page_shows_rank_passage_and_those_above(
    admin_client: Client, articles: list[Article]
) -> None:
    page = ask(
        admin_client,
        QUESTION,
        **WEAKER,
    )
    assert "Place 2" in page
    assert "<mark>password</mark>" in page
    assert articles[0].title in page
    page = ask(admin_client, QUESTION, article=articles[0].pk, title="x", content="password")
    assert "stands at place 1 now" in page


@pytest.mark.parametrize(
    "question", ["What does Vereda™ cost?", "¿Co\N{COMBINING ACUTE ACCENT}mo restauro una copia?"]
)
def test_signs_and_loose_accents_are_parts_of_words(
    admin_client: Client, articles: list[Article], question: str
) -> None:
    assert "standing__rank" in ask(admin_client, question, **WEAKER)


def test_errors_are_sentences(
    admin_client: Client, articles: list[Article], settings: Settings, fresh_encoder: None
) -> None:
    assert "Write a question" in ask(admin_client, " ", title="x", content="y")
    assert "no content yet" in ask(admin_client, QUESTION, title="", content="")
    settings.EMBEDDINGS_URL = "http://127.0.0.1:9/v1/embeddings"
    settings.EMBEDDINGS_MODEL = "model"
    get_encoder.cache_clear()
    get_engine.cache_clear()
    page = ask(admin_client, QUESTION, title="x", content="y")
    assert "assistant__error" in page
    assert "127.0.0.1 cannot be reached" in page
    with pytest.raises(SearchError):
        standing(QUESTION, articles[0])
