"""Editing in the admin."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db.models.signals import post_save
from django.test import Client
from django.urls import reverse

from articles.models import Article, Category, OutboxEntry
from articles.search import outbox
from articles.search.base import get_engine
from tests.conftest import MakeArticle

pytestmark = pytest.mark.django_db(transaction=True)

CHANGELIST = reverse("admin:articles_article_changelist")


def form(article: Article, **changes: Any) -> dict[str, Any]:
    values = {
        "title": article.title,
        "translated_title": article.translated_title,
        "slug": article.slug,
        "language": article.language,
        "content": article.content,
        "author": article.author_id,
        "category": article.category_id or "",
        "date": article.date.isoformat(),
        "status": article.status,
    }
    return values | changes


def opened_version(page: str) -> str:
    found = re.search(r'name="opened_version" value="(\d+)"', page)
    assert found is not None
    return found[1]


def run_action(client: Client, action: str, *articles: Article) -> str:
    data = {"action": action, "_selected_action": [article.pk for article in articles]}
    return client.post(CHANGELIST, data, follow=True).content.decode()


def test_edited_article_is_in_the_index_after_saving(
    admin_client: Client, make_article: MakeArticle
) -> None:
    article = make_article(title="Before")
    path = reverse("admin:articles_article_change", args=[article.pk])
    response = admin_client.post(path, form(article, title="After"))
    assert response.status_code == 302
    article.refresh_from_db()
    assert article.title == "After"
    assert dict(get_engine().versions()) == {article.pk: article.version}


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("category", "", "Choose a category before publishing."),
        ("translated_title", "A guide", "An English article has no separate English title."),
        ("content", "", "This field is required."),
    ],
)
def test_impossible_article_gets_a_sentence_at_the_field(
    admin_client: Client, make_article: MakeArticle, field: str, value: str, sentence: str
) -> None:
    article = make_article()
    path = reverse("admin:articles_article_change", args=[article.pk])
    page = admin_client.post(path, form(article, **{field: value})).content.decode()
    row = page.partition(f'<div class="form-row field-{field}">')[2].partition('class="form-row')[0]
    assert f">{sentence}<" in row
    assert page.count('<ul class="errorlist') == 1
    assert "errornote" in page


def test_editor_is_told_once_before_replacing_what_another_one_saved(
    admin_client: Client, make_article: MakeArticle
) -> None:
    article = make_article(title="As both opened it")
    path = reverse("admin:articles_article_change", args=[article.pk])
    opened = opened_version(admin_client.get(path).content.decode())
    theirs = form(article, title="Theirs", opened_version=opened)
    assert admin_client.post(path, theirs).status_code == 302
    mine = form(article, title="Mine", content="My words.", opened_version=opened)
    response = admin_client.post(path, mine)
    assert response.status_code == 200
    page = response.content.decode()
    assert "This article, or the name of its author or category, was changed at" in page
    assert f'<a href="{article.get_absolute_url()}" target="_blank">' in page
    assert 'value="Mine"' in page
    assert "My words.</textarea>" in page
    article.refresh_from_db()
    assert article.title == "Theirs"
    assert (
        admin_client.post(path, mine | {"opened_version": opened_version(page)}).status_code == 302
    )
    article.refresh_from_db()
    assert article.title == "Mine"


def test_second_click_on_save_is_no_conflict(
    admin_client: Client, make_article: MakeArticle
) -> None:
    article = make_article()
    path = reverse("admin:articles_article_change", args=[article.pk])
    opened = opened_version(admin_client.get(path).content.decode())
    for _click in range(2):
        data = form(article, title="Changed once", opened_version=opened)
        assert admin_client.post(path, data).status_code == 302
    assert "version" not in LogEntry.objects.latest("pk").get_change_message()


def test_list_shows_states_filters_and_search(
    admin_client: Client, make_article: MakeArticle
) -> None:
    make_article(title="Visible one")
    make_article(title="Draft one", status=Article.Status.DRAFT)
    page = admin_client.get(CHANGELIST, {"q": "one"}).content.decode()
    assert "Visible one" in page
    assert "Draft one" in page
    assert "Preview" in page
    page = admin_client.get(CHANGELIST, {"status__exact": "draft"}).content.decode()
    assert "Visible one" not in page


def test_published_and_unpublished_in_bulk_like_a_save(
    admin_client: Client, make_article: MakeArticle
) -> None:
    articles = [make_article(status=Article.Status.DRAFT) for _number in range(2)]
    shown = make_article()
    page = run_action(admin_client, "publish", *articles, shown)
    assert "2 articles published." in page
    assert len(dict(get_engine().versions())) == 3
    assert Article.objects.get(pk=articles[0].pk).version == 2
    assert Article.objects.get(pk=shown.pk).version == 1
    assert LogEntry.objects.count() == 2
    page = run_action(admin_client, "unpublish", *articles)
    assert "2 articles unpublished." in page
    assert dict(get_engine().versions()) == {shown.pk: 1}


def test_bulk_action_leaves_what_another_editor_saves_meanwhile(
    admin_client: Client, make_article: MakeArticle
) -> None:
    articles = [make_article(status=Article.Status.DRAFT) for _number in range(2)]

    def meanwhile(instance: Article, **kwargs: Any) -> None:
        others = Article.objects.filter(status=Article.Status.DRAFT).exclude(pk=instance.pk)
        others.update(content="Saved by another editor.")

    post_save.connect(meanwhile, sender=Article)
    try:
        page = run_action(admin_client, "publish", *articles)
    finally:
        post_save.disconnect(meanwhile, sender=Article)
    assert "2 articles published." in page
    saved = Article.objects.filter(pk__in=[article.pk for article in articles])
    assert [article.status for article in saved] == ["published", "published"]
    assert "Saved by another editor." in [article.content for article in saved]


def test_articles_deleted_in_bulk_share_one_attempt(
    admin_client: Client, make_article: MakeArticle, monkeypatch: pytest.MonkeyPatch
) -> None:
    articles = [make_article() for _number in range(2)]
    monkeypatch.setattr(outbox, "attempt", lambda pks: pytest.fail("one for each"))
    pks = [str(article.pk) for article in articles]
    data = {"action": "delete_selected", "post": "yes", "_selected_action": pks}
    admin_client.post(CHANGELIST, data)
    assert not Article.objects.exists()
    assert not OutboxEntry.objects.exists()
    assert not dict(get_engine().versions())


def test_incomplete_draft_is_not_published_in_bulk_and_named(
    admin_client: Client, make_article: MakeArticle
) -> None:
    draft = make_article(title="Half an article", status=Article.Status.DRAFT)
    draft.category = None
    draft.save()
    page = run_action(admin_client, "publish", draft)
    assert "Half an article: Choose a category" in page
    assert "0 articles published." in page
    assert not Article.objects.published().exists()


def test_bulk_actions_need_the_right_to_change(client: Client, make_article: MakeArticle) -> None:
    draft = make_article(status=Article.Status.DRAFT)
    client.force_login(User.objects.create_user("viewer", is_staff=True))
    data = {"action": "publish", "_selected_action": [draft.pk]}
    assert client.post(CHANGELIST, data).status_code == 403
    assert not Article.objects.published().exists()


@pytest.mark.parametrize("model", ["author", "category", "outboxentry", "reindexrun"])
def test_other_records_have_a_list(
    admin_client: Client, make_article: MakeArticle, model: str
) -> None:
    make_article()
    path = reverse(f"admin:articles_{model}_changelist")
    assert admin_client.get(path).status_code == 200


def test_records_of_the_site_are_read_only(admin_client: Client) -> None:
    assert admin_client.get(reverse("admin:articles_outboxentry_add")).status_code == 403


def test_category_with_articles_cannot_be_deleted(
    admin_client: Client, make_article: MakeArticle
) -> None:
    make_article()
    path = reverse("admin:articles_category_delete", args=[Category.objects.get().pk])
    admin_client.post(path, {"post": "yes"})
    assert Category.objects.exists()
