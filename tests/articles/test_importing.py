"""Importing JSON documents: good rows come in, bad rows are named."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from articles.models import Article, Author, OutboxEntry
from articles.search.base import get_engine
from articles.search.rebuild import compare, reindex

pytestmark = pytest.mark.django_db(transaction=True)

DOCUMENT: dict[str, Any] = {
    "id": "1",
    "title": {"original": "Una guía", "translated_title": "A guide"},
    "author": "Lucía Ferrández",
    "date": "2026-02-03",
    "category": "Tutorial",
    "content": "Un texto *breve*.",
}


def run(path: Path, documents: object) -> tuple[str, str]:
    text = documents if isinstance(documents, str) else json.dumps(documents)
    path.write_text(text, encoding="utf-8")
    out, err = StringIO(), StringIO()
    try:
        call_command("import_articles", str(path), stdout=out, stderr=err)
    except CommandError as error:
        return out.getvalue(), f"{err.getvalue()}{error}"
    return out.getvalue(), err.getvalue()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "articles.json"


def test_document_becomes_a_published_article_in_the_index(path: Path) -> None:
    out, err = run(path, [DOCUMENT])
    assert "1 created, 0 updated, 0 unchanged, 0 failed" in out
    assert err == ""
    article = Article.objects.published().get()
    assert (article.source_id, article.language, article.slug) == ("1", "es", "una-guia")
    assert (article.title, article.translated_title) == ("Una guía", "A guide")
    assert (str(article.author), str(article.category)) == ("Lucía Ferrández", "Tutorial")
    assert not compare(get_engine())


def test_second_import_changes_nothing(path: Path) -> None:
    run(path, [DOCUMENT])
    version = Article.objects.get().version
    out, _err = run(path, [DOCUMENT])
    assert "0 created, 0 updated, 1 unchanged, 0 failed" in out
    assert Article.objects.get().version == version


def test_changed_document_updates_its_article(path: Path) -> None:
    run(path, [DOCUMENT])
    out, _err = run(path, [DOCUMENT | {"content": "Nuevo.", "id": 1}])
    assert "0 created, 1 updated" in out
    assert Article.objects.get().content == "Nuevo."
    assert Author.objects.count() == 1


def test_optional_fields_are_taken(path: Path) -> None:
    title = {"original": "A plan"}
    run(
        path, [DOCUMENT | {"title": title, "status": "draft", "slug": "the-plan", "language": "en"}]
    )
    article = Article.objects.get()
    assert (article.status, article.slug, article.language) == ("draft", "the-plan", "en")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"title": "text"}, '"title" must be an object'),
        ({"title": {}}, '"original" is missing'),
        ({"title": {"original": 5}}, '"original" must be text, not int'),
        ({"title": {"original": "x", "translated_title": []}}, '"translated_title" must be text'),
        ({"title": {"original": "x" * 300}}, "250"),
        ({"title": {"original": "Half \ud83d"}}, '"original" holds half a character'),
        ({"id": None}, '"id" is missing'),
        ({"id": True}, '"id" must be text, not bool'),
        ({"author": "  "}, '"author" is empty'),
        ({"author": "x" * 200}, "100"),
        ({"category": ["a"]}, '"category" must be text'),
        ({"content": ""}, '"content" is empty'),
        ({"content": "\0"}, '"content" is empty'),
        ({"date": "31/03/2026"}, '"date" must look like 2026-03-31'),
        ({"date": 2026}, '"date" must be text'),
        ({"language": "fr"}, "not a valid choice"),
        ({"language": "en"}, "no separate English title"),
        ({"status": "hidden"}, "not a valid choice"),
        ({"slug": "no spaces"}, "slug"),
    ],
)
def test_bad_row_is_named_with_its_reason_and_the_good_one_imported(
    path: Path, change: dict[str, Any], reason: str
) -> None:
    out, err = run(path, [DOCUMENT | {"id": "bad"} | change, DOCUMENT | {"id": "good"}])
    assert "1 created, 0 updated, 0 unchanged, 1 failed" in out
    assert "row 1" in err
    assert reason in err
    assert "1 of 2 documents were not imported" in err
    assert Article.objects.get().source_id == "good"


def test_row_that_is_no_object_and_repeated_id_are_named(path: Path) -> None:
    out, err = run(path, [DOCUMENT, "text", DOCUMENT])
    assert "1 created, 0 updated, 0 unchanged, 2 failed" in out
    assert "row 2: it is not a JSON object" in err
    assert "row 3 (id '1'): its id stands in row 1 already" in err


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[{"id": 1', "not valid JSON"),
        ("", "not valid JSON"),
        ('{"id": 1}', "must hold a JSON array"),
        ("[" * 100_000, "not valid JSON"),
        (f"[{'9' * 5000}]", "not valid JSON"),
    ],
)
def test_file_that_is_no_array_ends_with_a_sentence(path: Path, text: str, reason: str) -> None:
    assert reason in run(path, text)[1]


def test_file_that_cannot_be_read_ends_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_articles", str(tmp_path / "absent.json"))
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_articles", str(tmp_path))
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CommandError, match="not a UTF-8"):
        call_command("import_articles", str(binary))


def test_names_that_share_a_slug_stay_apart(path: Path) -> None:
    reindex()
    run(path, [DOCUMENT | {"author": "Ana Ruiz"}, DOCUMENT | {"id": "2", "author": "Ana-Ruiz"}])
    assert set(Author.objects.values_list("slug", flat=True)) == {"ana-ruiz", "ana-ruiz-2"}
    assert not OutboxEntry.objects.exists()
