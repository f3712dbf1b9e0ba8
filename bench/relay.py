"""What the site adds to a sentence on its way from the model server to the reader.

    python bench/relay.py [--rounds N]

gunicorn runs with `gunicorn.conf.py` and production settings on a throw-away database, beside a
fake model server (`upstream.py`). 1, 10 and 50 readers open `/recommendations/stream/` at a time.

The last word of a sentence is shown when the guard has judged the whole, so what is measured is,
for each sentence, from the moment in which the model server sends the chunk that completes it to
the moment in which the reader has the server-sent event with that word. The same reader asks the
model server directly in the same round: that is what loopback, the fake server and the reader cost
without the site.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


SITE, MODEL = free_port(), free_port()
folder = tempfile.TemporaryDirectory()
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "blogsite.settings",
    "DATABASE_URL": f"sqlite:///{folder.name}/bench.sqlite3",
    "DEBUG": "false",
    "SECRET_KEY": secrets.token_hex(32),
    "ALLOWED_HOSTS": "127.0.0.1",
    "SECURE_SSL_REDIRECT": "false",
    "ELASTICSEARCH_URL": "",
    "CHAT_COMPLETIONS_URL": f"http://127.0.0.1:{MODEL}/v1/chat/completions",
    "CHAT_MODEL": "clock",
    "RECOMMENDATION_WRITER": "single_prompt",
    "KEPT_ANSWER_DAYS": "0",
    "PORT": str(SITE),
    "LOG_LEVEL": "WARNING",
}

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402

from articles.models import Article, Author, Category  # noqa: E402
from bench.upstream import CARDS, SENTENCES, STAMP, read  # noqa: E402
from recommendations.hits import ArticleHit  # noqa: E402
from recommendations.tickets import Ticket  # noqa: E402

STREAMS = (1, 10, 50)
START_SECONDS = 30.0
SPREAD_SECONDS = 0.4  # in which readers arrive: as long as a sentence takes

type Ask = Callable[[], tuple[int, bytes]]


def fill() -> list[ArticleHit]:
    author = Author.objects.create(name="Maeve Holloway", slug="maeve-holloway")
    category = Category.objects.create(name="Product", slug="product")
    rows = [
        Article.objects.create(
            title=f"Article {number}",
            author=author,
            category=category,
            content="A plain text about queues and workers. " * 50,
            status="published",
            date=date(2026, 1, 1),
        )
        for number in range(CARDS)
    ]
    return [ArticleHit(row, "A plain text about queues and workers.") for row in rows]


def from_model() -> tuple[int, bytes]:
    return MODEL, b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


def from_site(hits: list[ArticleHit]) -> tuple[int, bytes]:
    ticket = urlencode({"ticket": Ticket.for_hits("queues and workers", "", hits).signed()})
    line = f"GET /recommendations/stream/?{ticket} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    return SITE, line.encode()


async def delays(port: int, request: bytes, wait: float) -> list[float]:
    """Milliseconds that each sentence of one stream was under way."""
    await asyncio.sleep(wait)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    pending, found = b"", list[float]()
    while len(found) < CARDS * SENTENCES and (data := await reader.read(65_536)):
        now = time.monotonic_ns()
        pending += data
        end = 0
        for stamp in STAMP.finditer(pending):
            found.append((now - read(stamp[1])) / 1e6)
            end = stamp.end()
        pending = pending[end:][-100:]
    writer.close()
    assert len(found) == CARDS * SENTENCES, f"{len(found)} sentences arrived"
    return found


async def together(ask: Ask, streams: int) -> list[float]:
    asked = (ask() for _stream in range(streams))
    each = [delays(*request, n * SPREAD_SECONDS / streams) for n, request in enumerate(asked)]
    return [delay for stream in await asyncio.gather(*each) for delay in stream]


@contextmanager
def running(*command: str, port: int) -> Iterator[None]:
    with subprocess.Popen([sys.executable, *command], cwd=ROOT) as process:
        try:
            deadline = time.monotonic() + START_SECONDS
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    if time.monotonic() > deadline or process.poll() is not None:
                        sys.exit(f"{command[1]} did not start.")
                    time.sleep(0.05)
            yield
        finally:
            process.terminate()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    call_command("migrate", verbosity=0)
    hits = fill()
    asks: dict[str, Ask] = {"direct": from_model, "site": lambda: from_site(hits)}
    found: dict[tuple[str, int], list[float]] = {}
    with (
        running("bench/upstream.py", str(MODEL), port=MODEL),
        running("-m", "gunicorn", "--log-level", "warning", port=SITE),
    ):
        asyncio.run(together(asks["site"], max(STREAMS)))  # both workers have loaded everything
        for _round in range(options.rounds):
            for streams in STREAMS:
                for name, ask in asks.items():
                    times = asyncio.run(together(ask, streams))
                    found.setdefault((name, streams), []).extend(times)
    print(
        "| open streams | sentences | direct ms | through the site ms | p95 ms | the site adds ms |"
    )
    print("|---|---|---|---|---|---|")
    for streams in STREAMS:
        direct, site = found["direct", streams], found["site", streams]
        middle = [statistics.median(times) for times in (direct, site)]
        p95 = statistics.quantiles(site, n=20)[-1]
        cells = f"{middle[0]:.2f} | {middle[1]:.2f} | {p95:.2f} | {middle[1] - middle[0]:.2f}"
        print(f"| {streams} | {len(site)} | {cells} |")


if __name__ == "__main__":
    main()
