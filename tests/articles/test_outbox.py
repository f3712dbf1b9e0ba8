"""Changes reach the index, and none is lost on the way."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from articles.models import Article, Author, OutboxEntry
from articles.search import outbox
from articles.search.base import get_engine
from articles.search.encoders import NOT_REACHED
from articles.search.rebuild import compare
from tests.conftest import MakeArticle

pytestmark = pytest.mark.django_db(transaction=True)

# A port that nothing listens on: the embeddings server is down.
DEAD_SERVER = "http://127.0.0.1:9/v1/embeddings"


@pytest.fixture
def dead_engine(settings: Settings) -> Settings:
    """The engine cannot write until `EMBEDDINGS_URL` is emptied again."""
    settings.EMBEDDINGS_URL = DEAD_SERVER
    settings.EMBEDDINGS_MODEL = "model"
    return settings


def indexed() -> dict[int, int]:
    return dict(get_engine().versions())


def test_saved_article_is_in_the_index_after_the_commit(make_article: MakeArticle) -> None:
    article = make_article()
    assert indexed() == {article.pk: 1}
    assert not OutboxEntry.objects.exists()


def test_rolled_back_change_leaves_nothing_behind(make_article: MakeArticle) -> None:
    article = make_article()
    with pytest.raises(RuntimeError), transaction.atomic():
        article.title = "Never"
        article.save()
        make_article()
        raise RuntimeError
    assert indexed() == {article.pk: 1}
    assert not OutboxEntry.objects.exists()


def test_draft_and_scheduled_article_stay_out_of_the_index(make_article: MakeArticle) -> None:
    make_article(status=Article.Status.DRAFT)
    scheduled = make_article(date=timezone.localdate() + timedelta(days=2))
    assert indexed() == {}
    entry = OutboxEntry.objects.get()
    assert entry.article_id == scheduled.pk
    assert timezone.localdate(entry.due_at) == scheduled.date
    assert not OutboxEntry.objects.filter(outbox.waiting()).exists()


def test_scheduled_article_appears_on_its_day(make_article: MakeArticle) -> None:
    article = make_article(date=timezone.localdate() + timedelta(days=2))
    # The day comes: neither the row nor its version changes, only the calendar.
    day = {"date": timezone.localdate(), "version": article.version}
    Article.objects.filter(pk=article.pk).update(**day)
    OutboxEntry.objects.exclude(due_at__gt=timezone.now()).delete()
    OutboxEntry.objects.update(due_at=timezone.now())
    outbox.drain()
    assert indexed() == {article.pk: 1}


def test_save_succeeds_while_the_engine_is_down_and_the_change_waits(
    dead_engine: Settings, make_article: MakeArticle
) -> None:
    article = make_article()
    entry = OutboxEntry.objects.get()
    assert (entry.article_id, entry.attempts) == (article.pk, 1)
    assert entry.error
    assert entry.due_at > timezone.now()


def test_sync_index_brings_the_waiting_change_in_when_the_engine_is_back(
    dead_engine: Settings, make_article: MakeArticle
) -> None:
    article = make_article()
    err = StringIO()
    with pytest.raises(CommandError):
        call_command("sync_index", stdout=StringIO(), stderr=err)
    assert f"article {article.pk}: " in err.getvalue()
    dead_engine.EMBEDDINGS_URL = ""
    get_engine.cache_clear()
    out = StringIO()
    call_command("sync_index", stdout=out)
    assert "2 changes synced" not in out.getvalue()
    assert ", 0 left" in out.getvalue()
    assert indexed() == {article.pk: 1}


def test_failed_change_waits_longer_each_time(
    dead_engine: Settings, make_article: MakeArticle
) -> None:
    make_article()
    delays = []
    for _attempt in range(3):
        entry = OutboxEntry.objects.get()
        delays.append(entry.due_at - timezone.now())
        outbox.drain(retry_now=True)
    assert delays == sorted(delays)
    assert delays[-1] > 2 * delays[0]
    outbox.drain()  # not due yet: nothing is tried
    assert OutboxEntry.objects.get().attempts == 4


def test_renamed_author_is_renamed_in_the_index(make_article: MakeArticle) -> None:
    articles = [make_article(), make_article()]
    make_article(author="Somebody Else")
    author = Author.objects.get(slug="maeve-holloway")
    author.name = "Maeve H."
    author.save()
    assert [indexed()[article.pk] for article in articles] == [2, 2]
    assert not compare(get_engine())
    assert not OutboxEntry.objects.exists()


def test_queryset_update_waits_for_sync_index(make_article: MakeArticle) -> None:
    article = make_article()
    Article.objects.update(status=Article.Status.DRAFT)
    assert article.pk in indexed()
    outbox.drain()
    assert indexed() == {}


def test_instance_older_than_its_row_is_deleted_from_the_index_all_the_same(
    make_article: MakeArticle,
) -> None:
    article = make_article()
    for _change in range(3):
        Article.objects.update(title="Newer than the instance")
    outbox.drain()
    article.delete()
    assert indexed() == {}


def test_deferred_changes_are_drained_at_once(make_article: MakeArticle) -> None:
    with outbox.deferred():
        article = make_article()
        make_article().delete()
        assert indexed() == {}
    outbox.attempt_waiting()
    assert indexed() == {article.pk: 1}


def test_many_changes_are_drained_in_batches(
    make_article: MakeArticle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BATCH", 2)
    with outbox.deferred():
        articles = [make_article() for _number in range(5)]
        articles[2].delete()
        articles[4].save()
    outbox.drain()
    assert len(indexed()) == 4
    assert not compare(get_engine())
    assert not OutboxEntry.objects.exists()


def test_change_made_while_an_older_one_is_written_still_waits(make_article: MakeArticle) -> None:
    with outbox.deferred():
        article = make_article()
        changes = outbox.Changes.read([article.pk])
        article.save()
    changes.settle({})
    assert OutboxEntry.objects.count() == 1


def test_attempt_stops_when_its_time_is_over(settings: Settings, make_article: MakeArticle) -> None:
    settings.SYNC_ATTEMPT_SECONDS = 0
    make_article()
    assert OutboxEntry.objects.count() == 1
    outbox.drain(seconds=0)
    assert OutboxEntry.objects.count() == 1


def test_long_article_does_not_keep_its_editor_and_comes_in_later(
    settings: Settings, make_article: MakeArticle
) -> None:
    settings.SYNC_ATTEMPT_SECONDS = 0.5
    article = make_article(content="A sentence about backups. " * 6000)  # minutes to embed
    assert OutboxEntry.objects.get().error == NOT_REACHED
    Article.objects.filter(pk=article.pk).update(content="Short now.")
    outbox.drain(retry_now=True)
    assert set(indexed()) == {article.pk}


def test_loaddata_leaves_the_index_alone(make_article: MakeArticle) -> None:
    article = make_article()
    from articles.signals import article_saved, name_saved

    article_saved(article, raw=True)
    name_saved(Author, article.author, created=False, raw=True)
    assert not OutboxEntry.objects.exists()
