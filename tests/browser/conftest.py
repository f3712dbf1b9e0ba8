"""A real site in a process of its own, a real Chromium, and a scriptable chat server."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.recommendations.chat_server import ChatServer, Stall, Step, deltas

ROOT = Path(__file__).parent.parent.parent
WIDTHS = {"phone": (360, 740), "desktop": (1440, 900)}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 60
# Enough for each question of these tests: security, migration, charts, in both languages.
DEMO_IDS = {f"vereda-{n:03}" for n in (1, 2, 3, 4, 5, 6, 8, 15, 20, 23, 28, 29, 32, 35, 42, 51)}
PASSWORD = "a-password-for-tests"
# Run inside the site's own process, whose secret key signs the session.
SIGN_IN_AND_ASK = """
from datetime import timedelta
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from articles.models import Article
from recommendations.models import QueryLog, Vote

client = Client()
client.force_login(User.objects.get(username="editor"))

article = Article.objects.earliest("pk")
asked = [("How do I rotate a key?", "written", [article.pk]), ("potato soup", "excerpts", [])]
for day in range(9):
    for question, outcome, hits in asked:
        log = QueryLog.objects.create(
            question=question, language="en", writer="single_prompt", total_ms=900,
            outcome=outcome, hits=hits, created_at=timezone.now() - timedelta(days=day),
        )
        if hits:
            Vote.objects.create(log=log, article=article, value=-1 if day else 1)
print(client.session.session_key)
"""
# Django's styles import each other, which axe would read through inline styles of its own.
AXE_OPTIONS: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
# What a page may say when a test takes its server away or lets it fail.
EXPECTED = ("net::ERR", "Failed to load resource", "[object Event]", "Response Status Error Code")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass
class Site:
    """A site under gunicorn with production settings, on loopback."""

    env: dict[str, str]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def manage(self, *command: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=self.env,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--log-level", "warning"],
            cwd=ROOT,
            env=self.env | {"PORT": str(self.port)},
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                if requests.get(f"{self.url}/healthz", timeout=(1, 5)).ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.1)
        raise AssertionError("The site did not start.")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def kill(self) -> None:
        """Die at once, as a machine does."""
        assert self.process is not None
        subprocess.run(["pkill", "-KILL", "-P", str(self.process.pid)], check=False)
        self.process.kill()
        self.process.wait(5)
        self.process = None


def cards_json(count: int = 5, text: str = "Worth your time because it answers you.") -> str:
    """What the single prompt asks a model for, about the first `count` articles."""
    return json.dumps(
        [
            {"article_number": n, "title": f"Title {n}", "recommendation": f"{text} Read it soon."}
            for n in range(1, count + 1)
        ],
        ensure_ascii=False,
    )


def in_pieces(text: str, size: int = 8) -> list[str]:
    return [text[n : n + size] for n in range(0, len(text), size)]


def slowly(text: str, every: float = 0.02) -> list[Step]:
    """The text as deltas with a pause before each, as a model writes."""
    frames = deltas(*in_pieces(text))
    return [step for frame in frames for step in (Stall(every), frame)]


def assert_accessible(page: Page, *, fits: bool = True, without: Sequence[str] = ()) -> None:
    """In both themes and at both widths; with `fits`, nothing is wider than the window either.

    `without` names rules of axe that do not hold for this page.
    """
    options = AXE_OPTIONS | {"rules": {rule: {"enabled": False} for rule in without}}
    for across, down in WIDTHS.values():
        page.set_viewport_size({"width": across, "height": down})
        if fits:
            assert page.evaluate(
                "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
            )
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            while page.evaluate("document.getAnimations().length"):  # colours that fade
                page.wait_for_timeout(50)
            result = Axe().run(page, options=options)
            assert result.violations_count == 0, (across, theme, result.generate_report())


@pytest.fixture(scope="session")
def chat_server() -> Iterator[ChatServer]:
    with ChatServer() as server:
        yield server


@pytest.fixture
def chat(chat_server: ChatServer) -> ChatServer:
    """The model's server: five cards for every request, until a test says otherwise."""
    chat_server.requests.clear()
    chat_server.left.clear()
    chat_server.reply(*slowly(cards_json(), 0.0))
    return chat_server


@pytest.fixture(scope="session")
def site_env(tmp_path_factory: pytest.TempPathFactory, chat_server: ChatServer) -> dict[str, str]:
    """A database with some of the demo articles, indexed with the real encoder."""
    folder = tmp_path_factory.mktemp("site")
    env = os.environ | {
        "DEBUG": "false",
        "SECRET_KEY": secrets.token_hex(32),
        "ALLOWED_HOSTS": "127.0.0.1",
        "CSRF_TRUSTED_ORIGINS": "http://127.0.0.1",
        "SECURE_SSL_REDIRECT": "false",
        "DATABASE_URL": f"sqlite:///{folder}/site.sqlite3",
        "CACHE_URL": f"file://{folder}/cache",
        "CHAT_COMPLETIONS_URL": f"{chat_server.url}/chat/completions",
        "CHAT_MODEL": "test-model",
        "ELASTICSEARCH_URL": "",
        "WEB_CONCURRENCY": "1",
        "WEB_THREADS": "32",
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
    }
    site = Site(env)
    articles = json.loads((ROOT / "fixtures/articles.json").read_text(encoding="utf-8"))
    wanted = [article for article in articles if article["id"] in DEMO_IDS]
    (folder / "articles.json").write_text(json.dumps(wanted), encoding="utf-8")
    site.manage("migrate", "--verbosity=0")
    site.manage("import_articles", str(folder / "articles.json"))
    site.manage("collectstatic", "--noinput", "--verbosity=0")
    site.manage("createsuperuser", "--noinput", "--username=editor", "--email=e@vereda.example")
    return env


@pytest.fixture(scope="session")
def editor_session(site_env: dict[str, str]) -> str:
    """The key of a session in which the editor is signed in; readers have asked meanwhile."""
    output = Site(site_env).manage("shell", "--verbosity=0", "--command", SIGN_IN_AND_ASK)
    return output.split()[-1]


@pytest.fixture(scope="session")
def site_process(site_env: dict[str, str]) -> Iterator[Site]:
    site = Site(site_env)
    site.start()
    yield site
    site.stop()


@pytest.fixture
def site(site_process: Site, chat: ChatServer) -> Site:
    """The running site, without a kept answer."""
    path = site_process.env["DATABASE_URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, timeout=10)) as database:
        database.execute("DELETE FROM recommendations_keptanswer")
        database.commit()
    return site_process


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if path is None:
        pytest.fail("Chromium is needed for the browser tests (on Debian: apt install chromium).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


class OpenPage(Protocol):
    def __call__(
        self, width: str = "desktop", theme: Literal["light", "dark"] = "light", **options: Any
    ) -> Page: ...


@pytest.fixture
def open_page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[OpenPage]:
    """New pages; at the end none of them may have complained, about the CSP or anything else.

    But for what the test's marker `may_say` names.
    """
    expected = [
        *EXPECTED,
        *(text for mark in request.node.iter_markers("may_say") for text in mark.args),
    ]
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    def make(
        width: str = "desktop", theme: Literal["light", "dark"] = "light", **options: Any
    ) -> Page:
        across, down = WIDTHS[width]
        context = browser.new_context(
            viewport={"width": across, "height": down}, color_scheme=theme, **options
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert [text for text in complaints if not any(part in text for part in expected)] == []
