"""The panel of the search index, and the processes that its buttons start."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from articles.admin.panel import REINDEX, SYNC
from articles.models import OutboxEntry, ReindexRun
from articles.search import outbox
from tests.conftest import MakeArticle

pytestmark = pytest.mark.django_db

PANEL = reverse("admin:articles_search_index")
STATUS = reverse("admin:articles_search_index_status")
START_SYNC = reverse("admin:articles_search_index_sync")
START_REINDEX = reverse("admin:articles_search_index_reindex")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Started processes get a database of their own (an empty file) and leave their traces here."""
    settings.VAR_DIR = tmp_path
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'other.sqlite3'}")
    monkeypatch.setenv("ELASTICSEARCH_URL", "")
    return tmp_path


@pytest.fixture
def editor(client: Client) -> Callable[..., Client]:
    """A member of staff with these permissions, signed in."""

    def sign_in(*codenames: str) -> Client:
        user = User.objects.create_user("editor", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return client

    return sign_in


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def text(client: Client, path: str = PANEL) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_panel_shows_engine_documents_changes_and_the_last_reindex(
    admin_client: Client, make_article: MakeArticle
) -> None:
    with outbox.deferred():
        waiting, failed = make_article(), make_article()
    OutboxEntry.objects.filter(article_id=failed.pk).update(attempts=3, error="no route to host")
    ReindexRun.objects.create(
        state=ReindexRun.State.DONE, indexed=1234, failed=2, finished_at=timezone.now()
    )
    page = text(admin_client)
    assert "embedded" in page
    assert "0 for 2 published articles" in page
    assert "run manage.py reindex" in page  # the state's reason
    assert "no route to host" in page
    assert f"/articles/article/{failed.pk}/change/" in page
    assert f"/articles/article/{waiting.pk}/change/" not in page
    assert "1,234 articles written" in page
    assert "2 failed" in page


def test_panel_of_a_site_where_nothing_waits(admin_client: Client) -> None:
    page = text(admin_client)
    assert "The index has seen every change." in page
    assert "never" in page
    assert "hx-trigger" not in page


def test_engine_that_does_not_answer_is_a_sentence(
    admin_client: Client, settings: Settings
) -> None:
    settings.ELASTICSEARCH_URL = "http://127.0.0.1:9"
    page = text(admin_client)
    assert "does not answer" in page


def test_running_reindex_is_followed_and_a_second_one_refused(admin_client: Client) -> None:
    run = ReindexRun.objects.create(total=96, indexed=40)
    page = text(admin_client)
    assert "40 of 96 articles" in page
    assert f'hx-get="{STATUS}"' in page
    response = admin_client.post(START_REINDEX, follow=True)
    assert "A reindex is running already" in response.content.decode()
    assert not REINDEX.is_running()
    run.state, run.finished_at = ReindexRun.State.DONE, timezone.now()
    run.save()
    page = admin_client.get(STATUS, headers={"HX-Request": "true"}).content.decode()
    assert "hx-trigger" not in page
    assert "index-announcement" in page


def test_reindex_whose_process_died_holds_nothing_up(admin_client: Client) -> None:
    run = ReindexRun.objects.create(total=96)
    ReindexRun.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    assert "hx-trigger" not in text(admin_client)


def test_sync_runs_in_a_process_of_its_own_and_its_failure_is_shown(
    admin_client: Client, make_article: MakeArticle, own_folder: Path
) -> None:
    """The other process has an empty database, so it fails, and says why in one sentence."""
    with outbox.deferred():
        make_article()
    page = admin_client.post(START_SYNC, follow=True).content.decode()
    assert "being written to the index" in page
    assert "hx-trigger" in page
    assert "written already" in admin_client.post(START_SYNC, follow=True).content.decode()
    wait_until(lambda: (own_folder / "jobs/sync_index.exit").exists())
    assert not SYNC.is_running()
    assert "The database does not answer" in text(admin_client)


def test_reindex_process_starts_and_says_how_it_failed(
    admin_client: Client, own_folder: Path
) -> None:
    page = admin_client.post(START_REINDEX, follow=True).content.decode()
    assert "A new index is being built" in page
    assert "Starting" in page
    wait_until(lambda: (own_folder / "jobs/reindex.exit").exists())
    assert "no such table" in text(admin_client)
    ReindexRun.objects.create(state=ReindexRun.State.DONE)  # somebody ran it since
    assert "no such table" not in text(admin_client)


def test_process_that_cannot_be_started_is_a_sentence(
    admin_client: Client, own_folder: Path, settings: Settings
) -> None:
    settings.VAR_DIR = own_folder / "file"
    settings.VAR_DIR.write_text("not a folder")
    page = admin_client.post(START_SYNC, follow=True).content.decode()
    assert "The process cannot be started" in page


@pytest.mark.parametrize("path", [START_SYNC, START_REINDEX])
def test_nothing_starts_with_a_get(admin_client: Client, path: str) -> None:
    assert admin_client.get(path).status_code == 405


def test_panel_is_for_staff_who_may_see_articles(
    client: Client, editor: Callable[..., Client]
) -> None:
    assert client.get(PANEL).status_code == 302
    assert client.get(STATUS).status_code == 403
    page = text(editor("view_article"))
    assert "Sync now" not in page
    assert START_REINDEX not in page
    assert client.post(START_SYNC).status_code == 403
    assert client.post(START_REINDEX).status_code == 403


def test_writers_may_sync_and_only_some_may_reindex(editor: Callable[..., Client]) -> None:
    client = editor("change_article")
    page = text(client)
    assert "Sync now" in page
    assert START_REINDEX not in page
    assert client.post(START_REINDEX).status_code == 403
    user = User.objects.get()
    user.user_permissions.add(Permission.objects.get(codename="add_reindexrun"))
    assert START_REINDEX in text(client)


def test_pages_of_the_site_are_in_the_menu_of_those_who_may_open_them(
    client: Client, admin_client: Client, editor: Callable[..., Client]
) -> None:
    index = reverse("admin:index")
    assert PANEL in text(admin_client, index)
    assert "What readers ask" in text(admin_client, PANEL)
    page = text(editor("view_article"), index)
    assert PANEL in page
    assert "What readers ask" not in page
