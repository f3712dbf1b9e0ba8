"""What the form of an article says about the text: preview, length, what is still to do."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from articles import editing
from articles.models import Article
from tests.conftest import MakeArticle, demo

PREVIEW = reverse("admin:articles_article_preview")
FINDABILITY = reverse("admin:articles_article_findability")

SPANISH_TEXT = (
    "Una copia de la base de datos solo sirve si la restauras cada mes y mides el tiempo que "
    "tarda, porque el día en que la necesites no habrá nadie que te espere mientras lees el manual."
)


def warnings(**values: str) -> list[str]:
    return [str(warning) for warning in editing.warnings(editing.draft_from(values))]


def finished(**changes: str) -> dict[str, str]:
    category = Article.objects.values_list("category", flat=True).first()
    values = {"title": "Passkeys", "content": "Words.", "language": "en", "category": f"{category}"}
    return values | changes


@pytest.mark.django_db
def test_finished_article_has_nothing_left_to_do(make_article: MakeArticle) -> None:
    assert editing.warnings(make_article()) == []
    make_article()
    assert warnings(**finished()) == []


@pytest.mark.django_db
def test_long_text_without_headings_is_no_warning(make_article: MakeArticle) -> None:
    make_article()
    assert warnings(**finished(content="One more sentence about keys. " * 300)) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"title": " "}, editing.NO_TITLE),
        ({"content": " \n"}, editing.NO_CONTENT),
        ({"category": ""}, editing.NO_CATEGORY),
        ({"category": "99999999999999999999999"}, editing.NO_CATEGORY),
        ({"category": "²"}, editing.NO_CATEGORY),
        ({"language": "es", "content": "Palabras."}, editing.NO_ENGLISH_TITLE),
        ({"translated_title": "Passkeys"}, editing.NEEDLESS_ENGLISH_TITLE),
        ({"content": SPANISH_TEXT}, editing.READS_LIKE["es"]),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(
    make_article: MakeArticle, changes: dict[str, str], sentence: Any
) -> None:
    make_article()
    assert warnings(**finished(**changes)) == [str(sentence)]


@pytest.mark.django_db
def test_language_of_no_demo_article_is_doubted() -> None:
    for document in demo("articles.json"):
        article = Article(content=document["content"], language=document["language"])
        assert not set(editing.warnings(article)) & set(editing.READS_LIKE.values())


def test_words_are_counted_as_a_reader_sees_them() -> None:
    assert editing.word_count(Article(content="## Two words\n\n**three** [more words](/x)")) == 5
    assert editing.word_count(Article(content="| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |")) == 6
    assert editing.word_count(Article(content="")) == 0


@pytest.mark.django_db
def test_preview_shows_the_unsaved_text_as_the_site_would(admin_client: Client) -> None:
    values = {
        "title": "Copias <b>",
        "translated_title": "Backups",
        "language": "es",
        "content": "## Cada mes\n\n`restore`\n\n<script>alert(1)</script>\n\n|a|\n|-|\n|b|",
    }
    response = admin_client.post(PREVIEW, values)
    page = response.content.decode()
    assert "Copias &lt;b&gt;" in page
    assert '<h2 id="section-cada-mes">Cada mes</h2>' in page  # as the article page renders it
    assert "<script" not in page
    assert 'lang="es"' in page
    assert str(editing.NO_CATEGORY) in page
    assert "min read" in page
    assert "no-store" in response["Cache-Control"]
    assert not Article.objects.exists()


@pytest.mark.django_db
def test_preview_of_an_empty_form_is_no_error(admin_client: Client) -> None:
    page = admin_client.post(PREVIEW, {}).content.decode()
    assert "0 words" in page


@pytest.mark.django_db
@pytest.mark.parametrize("path", [PREVIEW, FINDABILITY])
def test_only_editors_get_help_while_writing(client: Client, path: str) -> None:
    assert client.post(path, {}).status_code == 403
    user = User.objects.create_user("somebody", is_staff=True)
    client.force_login(user)
    assert client.post(path, {}).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="change_article"))
    assert client.post(path, {}).status_code == 200
    assert client.get(path).status_code == 405
    user.is_staff = False
    user.save()
    assert client.post(path, {}).status_code == 403


@pytest.mark.django_db
def test_form_has_preview_and_question_box_for_those_who_may_write(
    admin_client: Client, client: Client, make_article: MakeArticle
) -> None:
    paths = [
        reverse("admin:articles_article_add"),
        reverse("admin:articles_article_change", args=[make_article().pk]),
    ]
    for path in paths:
        page = admin_client.get(path).content.decode()
        assert PREVIEW in page
        assert FINDABILITY in page
        assert "<script>" not in page
        assert "style=" not in page.replace("<style", "")
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_article"))
    client.force_login(user)
    assert PREVIEW not in client.get(paths[1]).content.decode()
