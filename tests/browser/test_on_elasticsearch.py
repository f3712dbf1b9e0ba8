"""`make run` on Elasticsearch, played by the stand-in: asked, edited, killed and brought back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD, ROOT, OpenPage, Site, free_port
from tests.browser.test_pages import log_in
from tests.standin.process import StandInProcess

QUESTION = "Security and vulnerabilities"
START_SECONDS = 60.0
FOUND_SECONDS = 20.0  # the cluster's refresh, and the pause before the outbox is tried again
# In the form of the seed: `id, title{original, translated_title}, author, date, category, content`.
TEXTS = [
    ("A vulnerability in session tokens", "Tokens were not checked, a security flaw."),
    ("Security advisories by mail", "We announce each vulnerability to all customers."),
    ("Rotating keys", "A leaked key is a vulnerability; rotate it for security."),
    ("Hardening your servers", "Close ports and patch vulnerabilities for better security."),
    ("Auditoría de seguridad", "Una auditoría encuentra vulnerabilidades antes que nadie."),
    ("Passkeys", "Signing in without a password improves security."),
    ("Heat maps", "Draw charts of your metrics."),
]


def seed(folder: Path) -> Path:
    documents = [
        {
            "id": str(number),
            "title": {"original": title}
            | ({"translated_title": "Security audit"} if "Auditoría" in title else {}),
            "author": "Maeve Holloway",
            "date": f"2026-01-{number:02}",
            "category": "Security",
            "content": text,
        }
        for number, (title, text) in enumerate(TEXTS, 1)
    ]
    path = folder / "articles.json"
    path.write_text(json.dumps(documents, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[StandInProcess]:
    with StandInProcess(tmp_path, "--delay", "0.005") as cluster:
        yield cluster
        assert cluster.violations == []


@pytest.fixture
def development_site(cluster: StandInProcess, tmp_path: Path) -> Iterator[Site]:
    """Prepared with the commands of docs/elasticsearch.md, then started by `make run`."""
    site = Site(
        os.environ
        | {
            "DEBUG": "true",
            "DATABASE_URL": f"sqlite:///{tmp_path}/site.sqlite3",
            "CACHE_URL": f"file://{tmp_path}/cache",
            "ELASTICSEARCH_URL": cluster.url,
            "ELASTICSEARCH_API_KEY": cluster.api_key,
            "ELASTICSEARCH_VECTORS": "semantic_text",
            "ELASTICSEARCH_TIMEOUT": "10",  # a busy machine embeds slowly
            "INDEX_NAME": "blog-posts",
            "HUGGING_FACE_API_KEY": "hf_key",
            "HUGGING_FACE_INFERENCE_ENDPOINT_URL": "https://example.org/v1/chat/completions",
            "CHAT_COMPLETIONS_URL": "",
            "RECOMMENDATION_WRITER": "",
            "EMBEDDED_MODEL_PORT": str(free_port()),
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
        }
    )
    site.manage("migrate", "--verbosity=0")
    site.manage("createsuperuser", "--noinput", "--username=editor", "--email=e@vereda.example")
    assert "7 created" in site.manage("import_articles", str(seed(tmp_path)))
    assert "Created" in site.manage("setup_inference")
    make = shutil.which("make")
    if make is None:
        pytest.fail("make is needed for this test (on Debian: apt install make).")
    with subprocess.Popen(
        # `-o`: the environment that the tests run in is the one that has been installed.
        [make, "-o", ".venv/run", "run"],
        cwd=ROOT,
        env=site.env | {"PORT": str(site.port)},
        start_new_session=True,
    ) as process:
        try:
            wait_for(site, process)
            yield site
        finally:
            os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
            process.wait(20)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", site.port), 1)


def wait_for(site: Site, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "make run has ended"
        try:
            if requests.get(f"{site.url}/healthz", timeout=(1, 5)).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError("make run did not start the site.")


def ask(page: Page, site: Site, question: str) -> None:
    page.goto(f"{site.url}/search/?q={quote(question)}")


def edit(page: Page, site: Site, old: str, title: str, content: str) -> None:
    page.goto(f"{site.url}/admin/articles/article/")
    page.get_by_role("link", name=old, exact=True).click()
    page.locator("#id_title").fill(title)
    page.locator("#id_content").fill(content)
    page.locator("input[name=_save]").click()
    expect(page.locator(".success")).to_be_visible()


def expect_first_hit(page: Page, site: Site, question: str, title: str) -> None:
    deadline = time.monotonic() + FOUND_SECONDS
    while True:
        ask(page, site, question)
        if page.locator(".notice").count() == 0:
            first = page.locator("[data-hit]").first
            if first.count() and title in first.inner_text():
                return
        assert time.monotonic() < deadline, f"{title} was not found"
        time.sleep(0.5)


def test_reader_and_editor_on_a_cluster_that_dies_and_comes_back(
    cluster: StandInProcess, development_site: Site, open_page: OpenPage
) -> None:
    site, reader, editor = development_site, open_page(), open_page()
    ask(reader, site, QUESTION)
    expect(reader.locator("[data-hit]").nth(4)).to_be_visible()
    for number in range(1, 6):
        expect(reader.locator(f"#card-{number}")).to_contain_text("Written by a language model")
    assert len(cluster.control()["chat_requests"]) == 1

    log_in(editor, site)
    edit(editor, site, "Heat maps", "Carrier pigeons", "A pigeon carries packets over the hills.")
    expect_first_hit(reader, site, "pigeons that carry packets", "Carrier pigeons")

    cluster.kill()
    edit(editor, site, "Passkeys", "Beekeeping", "Bees make honey in a hive on the roof.")
    ask(reader, site, "honey and bees")
    expect(reader.locator(".notice")).to_be_visible()
    expect(reader.locator("[data-hit]").first).to_contain_text("Beekeeping")

    cluster.start()
    expect_first_hit(reader, site, "honey and bees", "Beekeeping")
    assert site.manage("reindex", "--check") == "missing: 0\nstale: 0\norphaned: 0\n"
