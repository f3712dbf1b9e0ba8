"""Reindexing: no gap, no loss, one at a time."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from articles.models import Article, IndexedArticle, OutboxEntry, ReindexRun
from articles.search import outbox, rebuild
from articles.search.base import get_engine
from articles.search.rebuild import AlreadyRunning, compare, reindex
from articles.search.vector_store import VectorStore
from tests.articles.embeddings_server import EmbeddingsServer, serving, vectors
from tests.conftest import MakeArticle

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def embeddings(settings: Settings) -> Iterator[EmbeddingsServer]:
    """An embeddings server that the embedded engine uses."""
    with serving() as server:
        settings.EMBEDDINGS_URL, settings.EMBEDDINGS_MODEL = server.url, "some-model"
        get_engine.cache_clear()
        yield server


def test_changes_made_while_the_index_is_built_are_in_it(make_article: MakeArticle) -> None:
    edited, removed = make_article(), make_article()

    def meanwhile(done: int, total: int) -> None:
        if done == 1:
            edited.title = "Edited meanwhile"
            edited.save()
        if done == 2:
            removed.delete()
            make_article(title="Written meanwhile")

    reindex(chunk_size=1, progress=meanwhile)
    assert not compare(get_engine())
    assert len(dict(get_engine().versions())) == 2


def test_failed_rebuild_leaves_the_old_index_serving(
    make_article: MakeArticle, settings: Settings
) -> None:
    article = make_article()

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reindex(progress=stop)
    assert dict(get_engine().versions()) == {article.pk: 1}
    assert set(IndexedArticle.objects.values_list("generation", flat=True)) == {1}
    assert ReindexRun.objects.get().state == "failed"


def test_second_reindex_is_refused_while_one_runs(make_article: MakeArticle) -> None:
    make_article()

    def second(done: int, total: int) -> None:
        with pytest.raises(AlreadyRunning, match="Another reindex is running"):
            reindex()

    reindex(progress=second)
    assert [run.state for run in ReindexRun.objects.all()] == ["done"]


def test_long_chunk_shows_signs_of_life(
    make_article: MakeArticle, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_article()
    monkeypatch.setattr(rebuild, "HEARTBEAT_SECONDS", 0.01)

    def slow(done: int, total: int) -> None:
        began = ReindexRun.objects.get().heartbeat_at
        end = time.monotonic() + 10
        while ReindexRun.objects.get().heartbeat_at == began:
            assert time.monotonic() < end, "no sign of life"
            time.sleep(0.01)

    reindex(progress=slow)
    assert ReindexRun.objects.get().state == "done"
    assert not [it for it in threading.enumerate() if it.name == "reindex-heartbeat"]


def test_lock_of_a_dead_process_is_taken_over() -> None:
    ReindexRun.objects.create()
    long_ago = timezone.now() - timedelta(hours=1)
    ReindexRun.objects.update(heartbeat_at=long_ago)
    reindex()
    assert [run.state for run in ReindexRun.objects.all()] == ["done", "failed"]


def test_articles_that_cannot_be_indexed_are_named(
    make_article: MakeArticle, embeddings: EmbeddingsServer
) -> None:
    article, poor = make_article(), make_article(content="Too poor for words.")
    embeddings.answer = lambda body: (400, b"") if "poor" in str(body) else vectors(body)
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError, match="1 articles could not be indexed"):
        call_command("reindex", stdout=out, stderr=err)
    assert f"article {poor.pk}: " in err.getvalue()
    assert set(dict(get_engine().versions())) == {article.pk}
    # It waits like any other change, so it comes in by itself when the server takes it.
    assert OutboxEntry.objects.get().article_id == poor.pk
    with pytest.raises(CommandError):
        call_command("reindex", stdout=StringIO(), stderr=StringIO())
    assert OutboxEntry.objects.get().article_id == poor.pk  # one entry, not one a run
    embeddings.answer = vectors
    outbox.drain(retry_now=True)
    assert not compare(get_engine())


def test_index_stays_as_it_was_when_nothing_can_be_written(
    make_article: MakeArticle, embeddings: EmbeddingsServer
) -> None:
    article = make_article()
    before = dict(get_engine().versions())
    embeddings.answer = lambda body: (503, b"")
    with pytest.raises(CommandError, match="Not one article could be written"):
        call_command("reindex", stdout=StringIO())
    assert dict(get_engine().versions()) == before == {article.pk: 1}
    assert [run.state for run in ReindexRun.objects.all()] == ["failed"]


def test_article_deleted_at_the_last_moment_leaves_the_index(
    make_article: MakeArticle, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed, kept = make_article(), make_article()
    commit = VectorStore.commit

    def late(store: VectorStore) -> None:
        removed.delete()
        commit(store)

    monkeypatch.setattr(VectorStore, "commit", late)
    reindex()
    assert not compare(get_engine())
    assert set(dict(get_engine().versions())) == {kept.pk}


def test_command_reports_progress_and_speed(make_article: MakeArticle) -> None:
    make_article()
    make_article()
    out = StringIO()
    call_command("reindex", chunk_size=1, stdout=out)
    assert "indexed 1 of 2\nindexed 2 of 2\n2 documents in " in out.getvalue()
    assert "documents/s" in out.getvalue()
    quiet = StringIO()
    call_command("reindex", verbosity=0, stdout=quiet)
    assert quiet.getvalue() == ""


def test_check_counts_differences_and_changes_nothing(make_article: MakeArticle) -> None:
    make_article()
    stale, orphan = make_article(), make_article()
    with outbox.deferred():
        make_article(title="missing")
        stale.save()
        orphan.delete()
    before = dict(get_engine().versions())
    out = StringIO()
    with pytest.raises(CommandError, match="differ"):
        call_command("reindex", check=True, stdout=out)
    assert out.getvalue() == "missing: 1\nstale: 1\norphaned: 1\n"
    assert dict(get_engine().versions()) == before
    outbox.drain()
    call_command("reindex", check=True, stdout=StringIO())


@pytest.mark.parametrize("size", ["0", "-1", "many"])
def test_impossible_chunk_size_is_refused_with_a_sentence(size: str) -> None:
    with pytest.raises(CommandError, match="not a whole number"):
        call_command("reindex", f"--chunk-size={size}")


def test_watch_ends_with_a_sentence_on_ctrl_c() -> None:
    command = [sys.executable, "manage.py", "sync_index", "--watch"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process:
        assert "Watching" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "Stopped.\n"
    assert process.returncode == 0


@pytest.mark.parametrize("loaded", [False, True])
def test_scheduled_articles_survive_a_reindex(make_article: MakeArticle, loaded: bool) -> None:
    make_article(date=timezone.localdate() + timedelta(days=1))
    if loaded:  # by `loaddata`, which sends no signal that leads here
        OutboxEntry.objects.all().delete()
    reindex()
    assert OutboxEntry.objects.get().due_at > timezone.now()
    assert not Article.objects.published().exists()
