"""The commands that ask and measure the search, and the one that prepares a checkout."""

from __future__ import annotations

import itertools
import json
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import Settings

from articles.importing import ImportedArticle
from articles.models import Article, Author, StarterQuestion
from articles.search.base import get_engine
from articles.search.rebuild import compare
from tests.articles.conformance import BACKUPS, CHARTS, PASSKEYS
from tests.conftest import MakeArticle

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def articles(make_article: MakeArticle) -> list[Article]:
    fields = {"source_id": "p"}, {"source_id": "b"}, {"source_id": "c"}
    rows = PASSKEYS, BACKUPS, CHARTS
    return [make_article(**row | extra) for row, extra in zip(rows, fields, strict=True)]


def output(name: str, *args: str, **options: object) -> str:
    out = StringIO()
    call_command(name, *args, stdout=out, stderr=out, **options)
    return out.getvalue()


class TestSearch:
    def test_table_names_the_articles_found(self, articles: list[Article]) -> None:
        printed = output("search", "How do I log in without a password?")
        assert "Passkeys instead of passwords" in printed

    def test_json_is_an_array_in_rank_order(self, articles: list[Article]) -> None:
        rows = json.loads(output("search", "restore a backup", "--json", "--limit=1"))
        assert [set(row) for row in rows] == [{"id", "source_id", "title", "score", "passage"}]
        assert (rows[0]["id"], rows[0]["source_id"]) == (articles[1].pk, "b")

    def test_question_about_something_else_gets_a_sentence(self, articles: list[Article]) -> None:
        assert "Nothing here matches" in output("search", "potato soup with leeks and cream")
        assert json.loads(output("search", "potato soup with leeks and cream", "--json")) == []

    def test_degraded_answer_says_so(self, articles: list[Article], settings: Settings) -> None:
        settings.EMBEDDINGS_URL, settings.EMBEDDINGS_MODEL = "http://127.0.0.1:9/v1/embeddings", "m"
        get_engine.cache_clear()
        assert "match your words only" in output("search", "passkey")

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["  "], "The question is empty"),
            (["x" * 401], "has 401 characters"),
            (["a", "--limit=0"], "not a whole number"),
        ],
    )
    def test_bad_input_gets_a_sentence(self, arguments: list[str], sentence: str) -> None:
        with pytest.raises(CommandError, match=sentence):
            output("search", *arguments)


class TestEvaluateSearch:
    def write(self, path: Path, rows: object) -> str:
        file = path / "queries.json"
        file.write_text(json.dumps(rows), encoding="utf-8")
        return str(file)

    def test_figures_are_printed_overall_and_by_language(
        self, articles: list[Article], tmp_path: Path
    ) -> None:
        rows = [
            {"query": "log in without a password", "relevant_ids": ["p"]},
            {"query": "¿Cómo restauro una copia de seguridad?", "relevant_ids": ["b", "x"]},
            {"query": "mapas de calor", "relevant_ids": ["nowhere"], "language": "es"},
        ]
        printed = output("evaluate_search", self.write(tmp_path, rows), verbosity=2)
        lines = {line.split("│")[1].strip(): line for line in printed.splitlines() if "│" in line}
        # recall@1 counts one of one, one of one (of two), none; recall@5 1, 1/2 and 0.
        assert lines["all"].split("│")[3:6] == [" 0.667    ", " 0.500    ", " 0.667  "]
        assert lines["en"].count("1.000") == 3
        assert "wanted nowhere; got" in printed

    @pytest.mark.parametrize(
        ("rows", "sentence"),
        [
            ([], "holds no query"),
            (["text"], "Row 1: an object"),
            ([{"query": 5}], "Row 1: an object"),
            ([{"query": " ", "relevant_ids": ["1"]}], '"query" is empty'),
            ([{"query": "a", "relevant_ids": []}], '"relevant_ids" must be a list'),
            ([{"query": "a", "relevant_ids": [[]]}], '"relevant_ids" must be a list'),
            ([{"query": "a", "relevant_ids": [1], "language": ["en"]}], '"language" must be'),
        ],
    )
    def test_bad_file_gets_a_sentence(
        self, articles: list[Article], tmp_path: Path, rows: object, sentence: str
    ) -> None:
        with pytest.raises(CommandError, match=sentence):
            output("evaluate_search", self.write(tmp_path, rows))

    def test_engine_that_cannot_answer_ends_it(
        self, make_article: MakeArticle, tmp_path: Path, settings: Settings
    ) -> None:
        settings.EMBEDDINGS_URL, settings.EMBEDDINGS_MODEL = "http://127.0.0.1:9/v1/embeddings", "m"
        make_article()
        rows = [{"query": "a", "relevant_ids": ["1"], "language": "en"}]
        with pytest.raises(CommandError):
            output("evaluate_search", self.write(tmp_path, rows))


class TestBootstrap:
    @pytest.fixture(autouse=True)
    def folder(self, settings: Settings, tmp_path: Path) -> Path:
        settings.VAR_DIR = tmp_path / "var"
        return tmp_path / "var"

    def test_fresh_database_gets_demo_index_and_editor(
        self, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.DEBUG = True
        monkeypatch.setenv("PORT", "8765")
        # A handful of the real demo articles, so that the test need not embed all of them.
        full = json.loads((settings.BASE_DIR / "fixtures/articles.json").read_text())
        (folder.parent / "fixtures").mkdir()
        for name in ("authors.json", "categories.json", "starters.json"):
            text = (settings.BASE_DIR / "fixtures" / name).read_text()
            (folder.parent / "fixtures" / name).write_text(text)
        (folder.parent / "fixtures/articles.json").write_text(json.dumps(full[:3]))
        settings.BASE_DIR = folder.parent

        printed = output("bootstrap")
        assert "http://127.0.0.1:8765/" in printed
        assert Article.objects.count() == 3
        assert Author.objects.exclude(bio="").exists()
        assert StarterQuestion.objects.filter(language="es").exists()
        assert not compare(get_engine())
        password = (folder / "editor-password.txt").read_text()
        assert password in printed
        assert User.objects.get(username="editor").check_password(password)

        version = Article.objects.first().version  # type: ignore[union-attr]
        again = output("bootstrap")
        assert "demo" not in again and "Building" not in again
        assert password in again
        assert Article.objects.first().version == version  # type: ignore[union-attr]

        User.objects.all().delete()  # as in a second database
        assert password in output("bootstrap")
        editor = User.objects.get(username="editor")
        assert editor.check_password(password)
        editor.set_password("of their own")
        editor.save()
        assert password not in output("bootstrap")

    def test_demo_that_was_stopped_half_way_is_loaded_by_the_next_start(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stored = itertools.count()
        store = ImportedArticle.store

        def stop(document: ImportedArticle) -> str:
            if next(stored) == 2:
                raise KeyboardInterrupt
            return store(document)

        monkeypatch.setattr(ImportedArticle, "store", stop)
        with pytest.raises(KeyboardInterrupt):
            output("bootstrap")
        assert not Article.objects.exists()

    def test_site_without_its_engine_is_prepared_all_the_same(
        self, settings: Settings, make_article: MakeArticle
    ) -> None:
        settings.EMBEDDINGS_URL, settings.EMBEDDINGS_MODEL = "http://127.0.0.1:9/v1/embeddings", "m"
        make_article()
        printed = output("bootstrap")
        assert "The search index is not up to date" in printed
        assert "The site: " in printed
        assert not User.objects.exists()  # not in development
