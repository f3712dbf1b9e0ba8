"""Questions to Elasticsearch: what is asked, and what becomes of the answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from pytest_django import Settings

from articles.models import Article
from articles.search.base import Hit, SearchError, SearchQuery, get_engine
from articles.search.elastic import answers
from articles.search.rebuild import reindex
from tests.articles.on_standin import elasticsearch_engine, standin_for
from tests.conftest import MakeArticle
from tests.standin.standin import StandIn

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def standin(settings: Settings, transactional_db: None) -> Iterator[StandIn]:
    with standin_for(settings) as standin:
        yield standin


def bodies(standin: StandIn) -> list[Any]:
    """The searches of the last `_msearch`."""
    lines: list[Any] = standin.requests_to("msearch")[-1].body
    return lines[1::2]


def found(text: str, **query: Any) -> list[int]:
    return [hit.pk for hit in get_engine().search(SearchQuery(text, **query)).hits]


def test_default_query_is_a_match_on_the_semantic_field(
    standin: StandIn, make_article: MakeArticle
) -> None:
    make_article()
    reindex()
    found("topic")
    (body,) = bodies(standin)
    assert body["query"] == {"bool": {"must": {"match": {"semantic_field": "topic"}}, "filter": []}}
    assert "retriever" not in body
    assert "min_score" not in body


def test_second_page_is_not_empty(standin: StandIn, make_article: MakeArticle) -> None:
    # The size of a request bounds the neighbours of a semantic query, and `from` does not count.
    for _number in range(15):
        make_article(content="Some words about a topic.")
    reindex()
    first, second = found("topic words", limit=10), found("topic words", offset=10, limit=10)
    assert (len(first), len(second)) == (10, 5)
    assert not set(first) & set(second)


def test_hits_end_with_the_candidates(
    standin: StandIn, make_article: MakeArticle, settings: Settings
) -> None:
    settings.ELASTICSEARCH_CANDIDATES = 12
    for _number in range(15):
        make_article(content="Some words about a topic.")
    reindex()
    result = get_engine().search(SearchQuery("topic words", limit=50))
    assert (len(result.hits), result.total) == (12, 12)
    assert sum(result.facets["year"].values()) == 12


def test_filter_finds_what_is_not_among_the_nearest_of_all(
    standin: StandIn, make_article: MakeArticle, settings: Settings
) -> None:
    settings.ELASTICSEARCH_CANDIDATES = 10
    for _number in range(12):
        make_article(title="Backups", content="Backups, backups and backups.")
    rare = make_article(title="Something else", content="One word on backups.", category="Rare")
    reindex()
    assert rare.pk not in found("backups")
    assert found("backups", filters={"category": "rare"}) == [rare.pk]


def test_each_filtered_facet_is_counted_without_its_own_filter(
    standin: StandIn, make_article: MakeArticle
) -> None:
    make_article(category="Security", author="Ann Lee", date=date(2025, 1, 1))
    make_article(category="Product", author="Ann Lee", date=date(2025, 2, 1))
    make_article(category="Product", author="Bo Diaz", date=date(2026, 2, 1))
    reindex()
    query = SearchQuery("topic", filters={"category": "product", "year": "2025"})
    result = get_engine().search(query)
    assert result.total == 1
    assert result.facets == {
        "category": {"product": 1, "security": 1},
        "author": {"ann-lee": 1},
        "language": {"en": 1},
        "year": {"2025": 1, "2026": 1},
    }
    assert len(standin.requests_to("msearch")) == 1
    assert len(bodies(standin)) == 4  # with both filters, without each, without any


def test_passage_is_text_of_the_article_even_where_a_label_fits_better(
    standin: StandIn, make_article: MakeArticle
) -> None:
    make_article(
        title="Security", category="Security", author="Security", content="Locks keep doors shut."
    )
    reindex()
    (hit,) = get_engine().search(SearchQuery("security")).hits
    assert hit.passage == "Locks keep doors shut."


def test_article_without_words_shows_its_title(standin: StandIn, make_article: MakeArticle) -> None:
    make_article(title="A picture", content="![](picture.png)")
    reindex()
    (hit,) = get_engine().search(SearchQuery("picture")).hits
    assert hit.passage == "A picture"


def test_minimum_score_cuts_off_what_is_too_far(
    standin: StandIn, make_article: MakeArticle, settings: Settings
) -> None:
    make_article(title="Backups", content="Backups.")
    reindex()
    assert found("zebra crossing")
    settings.ELASTICSEARCH_MIN_SCORE = 0.6
    assert found("zebra crossing") == []
    assert found("backups")


@pytest.mark.parametrize("kind", ["rrf", "linear"])
def test_hybrid_ranks_by_meaning_and_words(
    standin: StandIn, make_article: MakeArticle, settings: Settings, kind: str
) -> None:
    settings.ELASTICSEARCH_HYBRID = kind
    settings.ELASTICSEARCH_MIN_SCORE = 0.1
    wanted = make_article(title="Webhooks", content="Webhooks call a server.", category="Ops")
    make_article()
    reindex()
    assert kind in bodies(standin_after(standin, "webhooks"))[0]["retriever"]
    result = get_engine().search(SearchQuery("webhooks"))
    assert result.hits[0].pk == wanted.pk
    assert result.hits[0].passage == "Webhooks call a server."
    assert found("webhooks", filters={"category": "ops"}) == [wanted.pk]
    assert found("webhooks", sort="date")


def standin_after(standin: StandIn, text: str) -> StandIn:
    found(text)
    return standin


def test_newest_of_equal_days_is_the_later_article(
    standin: StandIn, make_article: MakeArticle
) -> None:
    pks = [make_article().pk for _number in range(3)]
    reindex()
    assert found("topic", sort="date") == pks[::-1]


def test_related_articles_cost_one_request(standin: StandIn, make_article: MakeArticle) -> None:
    article = make_article(title="Backups", content="Copies of the database.")
    near = make_article(title="Restoring", content="Copies of the database come back.")
    draft = make_article(status=Article.Status.DRAFT)
    reindex()
    before = len(standin.requests)
    assert [hit.pk for hit in get_engine().related(article.pk, 1)] == [near.pk]
    assert len(standin.requests) == before + 1
    assert get_engine().related(draft.pk, 1) == []


def test_part_of_the_index_that_is_down_is_said(
    standin: StandIn, make_article: MakeArticle
) -> None:
    make_article()
    reindex()
    engine = elasticsearch_engine()
    with standin.client() as client:
        question = engine.vectors.ask("topic")
        response = client.search(index="blog-posts", body=question.body([], 5)).body
    response["_shards"]["failed"] = 1
    result = answers.result([response], SearchQuery("topic"), question, engine.vectors, "x")
    assert result.hits
    assert "articles may be missing" in result.degraded


def test_search_before_the_first_reindex_says_what_to_run(standin: StandIn) -> None:
    with pytest.raises(SearchError, match=r"manage\.py reindex"):
        found("anything")
    assert not standin.cluster.indices


@pytest.mark.parametrize("id_", ["doc-1", "1"])
def test_index_of_somebody_else_behind_the_alias_is_recognised(standin: StandIn, id_: str) -> None:
    with standin.client() as client:
        semantic = {"type": "semantic_text", "inference_id": ".multilingual-e5-small-elasticsearch"}
        client.indices.create(
            index="theirs",
            aliases={"blog-posts": {}},
            mappings={"properties": {"semantic_field": semantic}},
        )
        client.index(
            index="theirs",
            id=id_,
            document={"semantic_field": "topic", "title": {"original": "t"}},
            refresh=True,
        )
    with pytest.raises(SearchError, match="not built by this site"):
        found("topic")


class TestDenseVector:
    @pytest.fixture(autouse=True)
    def own_vectors(self, settings: Settings) -> None:
        settings.ELASTICSEARCH_VECTORS = "dense_vector"

    def test_question_is_a_knn_section_with_its_filters_inside(
        self, standin: StandIn, make_article: MakeArticle
    ) -> None:
        make_article(title="Webhooks", content="A webhook calls your server.", category="Ops")
        reindex()
        assert found("call my server with webhooks", filters={"category": "ops"})
        section = bodies(standin)[0]["knn"]
        assert {"term": {"category_slug": "ops"}} in section["filter"]
        assert section["k"] <= section["num_candidates"]
        assert section["inner_hits"]["size"] == 1

    def test_cluster_of_a_basic_licence_is_enough(
        self, standin: StandIn, make_article: MakeArticle
    ) -> None:
        standin.license = "basic"
        article = make_article(title="Webhooks", content="A webhook calls your server.")
        near = make_article(title="Hooks", content="Your server is called by a webhook.")
        reindex()
        assert found("call my server with webhooks")[0] in {article.pk, near.pk}
        assert [hit.pk for hit in get_engine().related(article.pk, 3)] == [near.pk]
        assert get_engine().status().state == "ok"

    def test_vectors_of_another_encoder_do_not_count(
        self, standin: StandIn, make_article: MakeArticle
    ) -> None:
        make_article(title="Webhooks", content="A webhook calls your server.")
        reindex()
        with standin.client() as client:
            client.update(
                index="blog-posts", id=only(standin), doc={"encoder": "other"}, refresh=True
            )
        assert found("call my server with webhooks") == []
        assert list(get_engine().versions()) == []
        status = get_engine().status()
        assert status.state == "degraded"
        assert "1 articles have vectors of another encoder" in status.reason

    def test_encoder_that_is_down_is_a_search_error(
        self, standin: StandIn, make_article: MakeArticle, settings: Settings
    ) -> None:
        article = make_article()
        reindex()
        settings.EMBEDDINGS_URL = "http://127.0.0.1:9/v1/embeddings"
        settings.EMBEDDINGS_MODEL = "model"
        get_engine.cache_clear()
        with pytest.raises(SearchError):
            found("topic")
        article.save()
        assert get_engine().status().state in {"degraded", "down"}


def only(standin: StandIn) -> str:
    (pk,) = standin.sources("blog-posts")
    return pk


CORPUS = [
    ("Webhooks", "A webhook calls your server on an event.", "en"),
    ("Copias de seguridad", "Una copia solo sirve si la restauras cada mes.", "es"),
    ("Passkeys", "Signing in with a passkey needs no password.", "en"),
    ("Mapas de calor", "Dibuja gráficos de tus métricas en el panel.", "es"),
    ("Invoices", "An invoice is sent to the owner of the account each month.", "en"),
    ("Audit logs", "Who did what, and when: every sign-in is written down.", "en"),
    ("Claves de API", "Una clave de API caduca y se puede revocar.", "es"),
    ("Rate limits", "Your server may send a thousand requests a minute.", "en"),
]


@pytest.mark.parametrize("candidates", [50, 5])
def test_own_vectors_rank_as_the_embedded_engine_does(
    standin: StandIn, make_article: MakeArticle, settings: Settings, candidates: int
) -> None:
    for title, content, language in CORPUS:
        make_article(title=title, content=content, language=language)
    questions = ["restore a backup", "call my server", "API key", "sign in", "potato soup"]
    filters: list[dict[Any, str]] = [{}, {"language": "es"}]
    settings.ELASTICSEARCH_CANDIDATES = candidates
    settings.ELASTICSEARCH_VECTORS = "dense_vector"

    def answers_of(url: str) -> list[list[Hit]]:
        settings.ELASTICSEARCH_URL = url
        get_engine.cache_clear()
        reindex()
        return [
            list(get_engine().search(SearchQuery(text, filters=some, limit=3)).hits)
            for text in questions
            for some in filters
        ]

    theirs, ours = answers_of(standin.url), answers_of("")
    assert [[hit.pk for hit in hits] for hits in theirs] == [
        [hit.pk for hit in hits] for hits in ours
    ]
    for left, right in zip(theirs, ours, strict=True):
        assert [hit.score for hit in left] == pytest.approx([hit.score for hit in right], abs=0.01)
    assert ours[-1] == []  # nobody writes about soup
