"""A demo site of its own in a temporary folder: articles, model, an editor, and readers who asked.

The questions are those of `fixtures/`; who asked them when, and the thumbs, are invented.
"""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 120
DAYS = 30


@dataclass(frozen=True, slots=True)
class DemoSite:
    url: str
    session: str  # the key of a session in which the editor is signed in
    draft: int  # primary key of an article that is not published yet


@contextmanager
def demo_site() -> Iterator[DemoSite]:
    """Prepares everything in this process, then serves it from processes of their own."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        port, model_port = free_port(), free_port()
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "blogsite.settings",
            "DEBUG": "true",
            "DATABASE_URL": f"sqlite:///{folder}/demo.sqlite3",
            "EMBEDDED_MODEL_PORT": str(model_port),
            "LOG_LEVEL": "ERROR",
        }
        session, draft = prepare()
        for command in (["run_model"], ["runserver", "--noreload", str(port)]):
            process = subprocess.Popen(
                [sys.executable, "manage.py", *command],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url)
        yield DemoSite(url, session, draft)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            answer = requests.get(f"{url}/readyz", timeout=(1, 5)).json()
            if answer["search"]["status"] == answer["model"]["status"] == "ok":
                return
        except requests.RequestException:
            pass
        time.sleep(0.5)
    sys.exit("The demo site did not get ready; try `make run` to see why.")


def prepare() -> tuple[str, int]:
    """Database, index, editor, log; the session's key and the draft's primary key."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    session = signed_in_editor()
    call_command("bootstrap")
    draft = unpublish_some()
    invent_readers(random.Random(7))  # noqa: S311  (the same pictures each time)
    return session, draft


def signed_in_editor() -> str:
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.create_superuser("editor", first_name="Maeve"))
    return str(client.session.session_key)


def unpublish_some() -> int:
    """One draft, one scheduled article, and one that the index could not take yet."""
    from django.utils import timezone

    from articles.models import Article, OutboxEntry

    draft, scheduled, failed = Article.objects.order_by("-date", "-pk")[:3]
    draft.status = Article.Status.DRAFT
    draft.save()
    scheduled.date = timezone.localdate() + timedelta(days=3)
    scheduled.save()
    OutboxEntry.objects.create(
        article_id=failed.pk,
        attempts=2,
        due_at=timezone.now() + timedelta(minutes=4),
        error="The search index did not answer within 2 seconds.",
    )
    return draft.pk


def invent_readers(chance: random.Random) -> None:
    from django.utils import timezone

    from articles.models import Article
    from recommendations.models import Outcome, QueryLog, Vote

    articles = dict(Article.objects.values_list("source_id", "pk"))
    questions = questions_with_hits(articles)
    weights = [1 / (place + 2) for place in range(len(questions))]
    for day in range(DAYS):
        busy = 3 if (timezone.localdate() - timedelta(days=day)).weekday() < 5 else 1
        for text, language, hits in chance.choices(
            questions, weights, k=busy * chance.randint(3, 8)
        ):
            written = Outcome.UNAVAILABLE if chance.random() < 0.04 else Outcome.WRITTEN
            log = QueryLog.objects.create(
                question=text,
                language=language,
                hits=hits,
                engine="embedded",
                writer="per_article",
                model="1.5b",
                first_words_ms=chance.randint(900, 2600),
                total_ms=chance.randint(9000, 21000),
                outcome=written if hits else Outcome.EXCERPTS,
                created_at=timezone.now() - timedelta(days=day, minutes=chance.randint(0, 400)),
            )
            if hits and chance.random() < 0.3:
                value = Vote.Value.UP if chance.random() < 0.8 else Vote.Value.DOWN
                Vote.objects.create(log=log, article_id=chance.choice(hits), value=value)


def questions_with_hits(articles: dict[str | None, int]) -> list[tuple[str, str, list[int]]]:
    def fixture(name: str) -> Any:
        return json.loads((ROOT / "fixtures" / name).read_text(encoding="utf-8"))

    asked = [
        (entry["query"], entry["language"], [articles[key] for key in entry["relevant_ids"]])
        for entry in fixture("queries.json")
    ]
    off_topic = [(text, "en", list[int]()) for text in fixture("off_topic.json")]
    return [*asked[:6], *off_topic[:1], *asked[6:20], *off_topic[1:4]]
