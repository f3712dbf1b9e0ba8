"""What every search engine must do. An engine's tests inherit `EngineTests`."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from articles.models import Article, OutboxEntry
from articles.search import outbox
from articles.search.base import SearchEngine, SearchQuery, get_engine
from articles.search.documents import to_document
from articles.search.rebuild import compare, reindex
from tests.conftest import MakeArticle

PASSKEYS = {
    "title": "Passkeys instead of passwords",
    "content": "Signing in with a passkey needs no password, so there is nothing to steal.",
    "category": "Security",
    "date": date(2025, 5, 2),
}
BACKUPS = {
    "title": "Copias de seguridad que se pueden restaurar",
    "translated_title": "Backups that can be restored",
    "language": "es",
    "content": "Una copia de la base de datos solo sirve si la restauras cada mes.",
    "category": "Operations",
    "author": "Tomás Quiroga",
    "date": date(2026, 2, 3),
}
CHARTS = {
    "title": "Heat maps on your dashboard",
    "content": "Draw charts of your metrics: heat maps, lines and bars, refreshed every minute.",
    "category": "Product",
    "date": date(2026, 3, 4),
}


def found(engine: SearchEngine, text: str, **query: Any) -> list[int]:
    return [hit.pk for hit in engine.search(SearchQuery(text, **query)).hits]


@pytest.mark.django_db(transaction=True)
class EngineTests:
    """Subclasses give settings for their engine in a fixture that runs before each test."""

    @pytest.fixture
    def engine(self) -> SearchEngine:
        reindex()
        return get_engine()

    @pytest.fixture
    def articles(self, make_article: MakeArticle) -> dict[str, Article]:
        return {
            "passkeys": make_article(**PASSKEYS),
            "backups": make_article(**BACKUPS),
            "charts": make_article(**CHARTS),
        }

    @pytest.fixture
    def filled(self, articles: dict[str, Article], engine: SearchEngine) -> SearchEngine:
        return engine

    def refresh(self) -> None:
        """Make writes visible to searches, for engines that need it."""

    # Searching

    def test_question_finds_the_article_that_answers_it_first(
        self, filled: SearchEngine, articles: dict[str, Article]
    ) -> None:
        assert found(filled, "How do I log in without a password?")[0] == articles["passkeys"].pk

    def test_question_finds_an_article_in_the_other_language(
        self, filled: SearchEngine, articles: dict[str, Article]
    ) -> None:
        assert found(filled, "restore a database backup")[0] == articles["backups"].pk
        assert found(filled, "gráficos y mapas de calor")[0] == articles["charts"].pk

    def test_hits_have_descending_scores_and_a_passage_of_the_article(
        self, filled: SearchEngine, articles: dict[str, Article]
    ) -> None:
        hits = filled.search(SearchQuery("restore a database backup")).hits
        assert "restauras" in hits[0].passage
        assert [hit.score for hit in hits] == sorted((h.score for h in hits), reverse=True)

    @pytest.mark.parametrize(
        ("facet", "value", "expected"),
        [
            ("category", "operations", {"backups"}),
            ("author", "tomas-quiroga", {"backups"}),
            ("language", "en", {"passkeys", "charts"}),
            ("year", "2025", {"passkeys"}),
            ("category", "no-such-category", set()),
        ],
    )
    def test_filter_leaves_only_matching_articles(
        self,
        filled: SearchEngine,
        articles: dict[str, Article],
        facet: Any,
        value: str,
        expected: set[str],
    ) -> None:
        names = {articles[name].pk for name in expected}
        result = filled.search(SearchQuery("password backup charts", filters={facet: value}))
        assert {hit.pk for hit in result.hits} <= names
        assert result.total == len(result.hits)
        if expected:
            assert result.hits

    def test_facet_counts_ignore_their_own_filter(
        self, filled: SearchEngine, articles: dict[str, Article]
    ) -> None:
        question = "password backup charts"
        everything = filled.search(SearchQuery(question))
        filtered = filled.search(SearchQuery(question, filters={"language": "es"}))
        assert filtered.facets["language"] == everything.facets["language"]
        assert sum(filtered.facets["category"].values()) == filtered.total
        assert sum(everything.facets["year"].values()) == everything.total

    def test_pages_follow_each_other_without_overlap(self, filled: SearchEngine) -> None:
        question = "password backup charts"
        everything = found(filled, question)
        pages = [found(filled, question, offset=n, limit=1) for n in range(len(everything))]
        assert [pk for page in pages for pk in page] == everything
        assert filled.search(SearchQuery(question, offset=50)).hits == []

    def test_sorting_by_date_puts_the_newest_first(
        self, filled: SearchEngine, articles: dict[str, Article]
    ) -> None:
        pks = found(filled, "password backup charts", sort="date")
        dates = [Article.objects.get(pk=pk).date for pk in pks]
        assert len(dates) > 1
        assert dates == sorted(dates, reverse=True)

    def test_related_articles_leave_out_the_article_itself(
        self, filled: SearchEngine, articles: dict[str, Article], make_article: MakeArticle
    ) -> None:
        near = make_article(
            title="Two-factor sign-in",
            content="A second factor protects the password of an account.",
        )
        self.refresh()
        pks = [hit.pk for hit in filled.related(articles["passkeys"].pk, 2)]
        assert pks[0] == near.pk
        assert articles["passkeys"].pk not in pks
        assert filled.related(999_999, 2) == []

    # Writing

    def test_saved_article_is_found_and_unpublished_one_is_not(
        self, filled: SearchEngine, make_article: MakeArticle
    ) -> None:
        article = make_article(title="Webhooks", content="A webhook calls your server on an event.")
        self.refresh()
        assert found(filled, "call my server on events with webhooks")[0] == article.pk
        article.status = Article.Status.DRAFT
        article.save()
        self.refresh()
        assert article.pk not in found(filled, "call my server on events with webhooks")
        assert not OutboxEntry.objects.exists()

    def test_older_version_never_replaces_a_newer_one(
        self, filled: SearchEngine, articles: dict[str, Article]
    ) -> None:
        old = to_document(articles["charts"])
        article = Article.objects.get(pk=articles["charts"].pk)
        article.content = "Nothing but audit logs: who did what, and when."
        article.save()
        assert filled.index([old]) == {}
        assert dict(filled.versions())[article.pk] == article.version
        assert filled.delete({article.pk: old.version}) == {}
        assert article.pk in dict(filled.versions())

    def test_deleting_a_missing_document_is_fine(self, filled: SearchEngine) -> None:
        assert filled.delete({999_999: 3}) == {}

    def test_deleted_article_leaves_the_index(
        self, filled: SearchEngine, articles: dict[str, Article]
    ) -> None:
        pk = articles["charts"].pk
        articles["charts"].delete()
        assert pk not in dict(filled.versions())

    def test_versions_come_in_ascending_order(
        self, filled: SearchEngine, articles: dict[str, Article]
    ) -> None:
        assert list(filled.versions()) == sorted((a.pk, a.version) for a in articles.values())

    # Rebuilding

    def test_rebuild_serves_the_old_index_until_it_is_committed(
        self, filled: SearchEngine, articles: dict[str, Article]
    ) -> None:
        rebuild = filled.begin_rebuild()
        rebuild.index([to_document(articles["charts"])])
        assert len(list(filled.versions())) == 3
        assert [pk for pk, _version in rebuild.versions()] == [articles["charts"].pk]
        rebuild.commit()
        assert [pk for pk, _version in filled.versions()] == [articles["charts"].pk]

    def test_aborted_rebuild_changes_nothing(
        self, filled: SearchEngine, articles: dict[str, Article]
    ) -> None:
        before = list(filled.versions())
        rebuild = filled.begin_rebuild()
        rebuild.index([to_document(articles["charts"])])
        rebuild.abort()
        assert list(filled.versions()) == before
        assert found(filled, "How do I log in without a password?")

    def test_reindex_repairs_every_difference(
        self, filled: SearchEngine, articles: dict[str, Article], make_article: MakeArticle
    ) -> None:
        with outbox.deferred():
            articles["charts"].delete()
            articles["backups"].save()
            make_article()
        OutboxEntry.objects.all().delete()
        difference = compare(filled)
        assert (len(difference.missing), len(difference.stale), len(difference.orphaned)) == (
            1,
            1,
            1,
        )
        report = reindex(chunk_size=1)
        assert (report.documents, report.failures) == (3, {})
        assert not compare(get_engine())

    def test_status_counts_the_documents(self, filled: SearchEngine) -> None:
        status = filled.status()
        assert (status.state, status.documents) == ("ok", 3)
