"""The embedded engine, with the real encoder."""

from __future__ import annotations

import pytest

from articles.models import Article, ArticleChunk, EmbeddedIndex, IndexedArticle
from articles.search.base import SearchEngine, SearchError, SearchQuery, get_engine
from articles.search.embedded import EmbeddedEngine
from articles.search.rebuild import compare, reindex
from tests.articles.conformance import EngineTests, found
from tests.conftest import MakeArticle


class TestEmbeddedEngine(EngineTests):
    def test_off_topic_question_finds_nothing(self, filled: SearchEngine) -> None:
        result = filled.search(SearchQuery("A recipe for potato soup with leeks"))
        assert (list(result.hits), result.total) == ([], 0)

    def test_write_of_another_process_is_seen_at_the_next_question(
        self, filled: SearchEngine, make_article: MakeArticle
    ) -> None:
        other_process = EmbeddedEngine()
        question = "call my server on events with webhooks"
        found(other_process, question)  # its matrix is loaded now
        article = make_article(title="Webhooks", content="A webhook calls your server on an event.")
        assert found(other_process, question)[0] == article.pk
        article.delete()
        assert article.pk not in found(other_process, question)

    def test_rebuild_of_another_process_is_seen_at_the_next_question(
        self, filled: SearchEngine, articles: dict[str, Article]
    ) -> None:
        other_process = EmbeddedEngine()
        before = found(other_process, "backups")
        reindex()
        assert found(other_process, "backups") == before
        assert EmbeddedIndex.objects.get().generation == 3
        assert set(IndexedArticle.objects.values_list("generation", flat=True)) == {3}

    def test_unchanged_question_costs_two_queries(
        self, filled: SearchEngine, django_assert_num_queries: object
    ) -> None:
        found(filled, "backups")
        with django_assert_num_queries(2):  # type: ignore[operator]
            found(filled, "backups")

    def test_vectors_of_another_encoder_are_not_used_and_count_as_missing(
        self, filled: SearchEngine
    ) -> None:
        IndexedArticle.objects.update(encoder="another-model")
        fresh = EmbeddedEngine()
        assert len(compare(fresh).missing) == 3
        assert fresh.status().state == "down"
        with pytest.raises(SearchError, match="reindex"):
            fresh.search(SearchQuery("backups"))
        reindex()
        assert not compare(get_engine())
        assert found(get_engine(), "restore a database backup")

    def test_article_without_its_passages_is_left_out_until_the_next_look(
        self, filled: SearchEngine, articles: dict[str, Article]
    ) -> None:
        """As it looks between two queries, while another process unpublishes it."""
        gone = ArticleChunk.objects.filter(indexed__article_id=articles["backups"].pk)
        gone.delete()
        other_process = EmbeddedEngine()
        assert articles["backups"].pk not in found(other_process, "restore a database backup")
        assert found(other_process, "gráficos y mapas de calor")

    def test_vectors_of_another_length_ask_for_a_reindex(self, filled: SearchEngine) -> None:
        """An embeddings server has another model under the same name."""
        ArticleChunk.objects.update(vector=b"\0\0" * 768)
        with pytest.raises(SearchError, match="reindex"):
            EmbeddedEngine().search(SearchQuery("backups"))

    def test_empty_database_answers_with_nothing(self, engine: SearchEngine) -> None:
        assert found(engine, "anything") == []
        assert engine.status().state == "ok"
