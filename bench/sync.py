"""Documents a second into Elasticsearch: `reindex` and an outbox drain beside a bare bulk.

    python bench/sync.py [--vectors e5] [--articles N] [--rounds N]

The stand-in (`tests/standin`) is a process of its own. `reindex` and `drain` are timed from the
call to its return: reading and building documents, writing, comparing and swapping included. The
bare bulk is `elasticsearch.helpers.streaming_bulk` with the very same actions, built before, as
many in a request. A ratio is that of one round; the last line has medians.

`e5`: the stand-in computes real embeddings, as a cluster does; because it remembers texts that it
has seen, it is started anew for each measurement. `hash`: it knows the vectors already and stores a
document in a millisecond or two, so the site's own share is larger than with any real cluster.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
folder = tempfile.TemporaryDirectory()
os.environ |= {
    "DATABASE_URL": f"sqlite:///{folder.name}/bench.sqlite3",
    "DJANGO_SETTINGS_MODULE": "blogsite.settings",
    "DEBUG": "false",
    "SECRET_KEY": "only-for-this-run",
    "ALLOWED_HOSTS": "localhost",
    "ELASTICSEARCH_URL": "http://127.0.0.1:1",  # replaced for each measurement
    "ELASTICSEARCH_VECTORS": "semantic_text",
    "LOG_LEVEL": "WARNING",
}

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from elasticsearch import Elasticsearch  # noqa: E402
from elasticsearch.helpers import streaming_bulk  # noqa: E402

from articles.models import Article, Author, Category, OutboxEntry  # noqa: E402
from articles.search import outbox  # noqa: E402
from articles.search.base import get_engine  # noqa: E402
from articles.search.documents import to_document  # noqa: E402
from articles.search.elastic import bulk  # noqa: E402
from articles.search.elastic.mapping import Json  # noqa: E402
from articles.search.elasticsearch import ElasticsearchEngine  # noqa: E402
from articles.search.rebuild import compare, reindex  # noqa: E402
from tests.standin.process import StandInProcess  # noqa: E402

ARTICLES = {"hash": 2_000, "e5": 30}
ROUNDS = {"hash": 7, "e5": 3}
HEADER = """\
| round | bare bulk docs/s | reindex docs/s | drain docs/s | reindex : bare | drain : bare |
|---|---|---|---|---|---|"""


def fill(count: int) -> None:
    """`count` public articles: the texts of the demo, again and again under other titles."""
    demo = json.loads((ROOT / "fixtures/articles.json").read_text(encoding="utf-8"))
    author = Author.objects.create(name="Maeve Holloway", slug="maeve-holloway")
    category = Category.objects.create(name="Product", slug="product")
    Article.objects.bulk_create(
        Article(
            title=f"{demo[n % len(demo)]['title']['original']} {n}",
            slug=f"article-{n}",
            author=author,
            category=category,
            content=f"{demo[n % len(demo)]['content']}\n\nNumber {n}.",
            status="published",
            date=date(2026, 11, 1) - timedelta(days=n % 700),
        )
        for n in range(count)
    )


def engine() -> ElasticsearchEngine:
    found = get_engine()
    assert isinstance(found, ElasticsearchEngine)
    return found


def actions() -> Sequence[Json]:
    documents = [to_document(row) for row in Article.objects.published().for_list()]
    built, failures = bulk.index_actions(documents, engine().vectors)
    assert not failures
    return built


def bare(standin: StandInProcess) -> float:
    with Elasticsearch(standin.url, api_key=standin.api_key, request_timeout=120) as client:
        client.options(ignore_status=404).indices.delete(index="bare")
        client.indices.create(index="bare", **engine().vectors.index_body())
        built, size = actions(), engine().vectors.request_documents
        started = time.perf_counter()
        for ok, item in streaming_bulk(client, built, chunk_size=size, index="bare"):
            assert ok, item
        return time.perf_counter() - started


def rebuilt(standin: StandInProcess) -> float:
    OutboxEntry.objects.all().delete()
    started = time.perf_counter()
    assert not reindex().failures
    seconds = time.perf_counter() - started
    assert not compare(engine())
    return seconds


def drained(standin: StandInProcess) -> float:
    """Every article waits, and the index behind the alias is an empty one."""
    rebuild = engine().begin_rebuild()
    rebuild.commit()
    OutboxEntry.objects.enqueue(Article.objects.values_list("pk", flat=True))
    started = time.perf_counter()
    outbox.drain()
    seconds = time.perf_counter() - started
    assert not OutboxEntry.objects.exists()
    assert not compare(engine())
    return seconds


ACTIONS: Sequence[Callable[[StandInProcess], float]] = (bare, rebuilt, drained)


@contextmanager
def standin(vectors: str) -> Iterator[StandInProcess]:
    with (
        tempfile.TemporaryDirectory() as journal,
        StandInProcess(Path(journal), "--vectors", vectors) as process,
    ):
        settings.ELASTICSEARCH_URL = process.url
        settings.ELASTICSEARCH_API_KEY = process.api_key
        get_engine.cache_clear()
        with Elasticsearch(process.url, api_key=process.api_key, request_timeout=120) as client:
            client.inference.text_embedding(  # loads the model
                inference_id=settings.ELASTICSEARCH_EMBEDDING_ENDPOINT, input="warm"
            )
        yield process
        assert not process.violations


def rounds(vectors: str, count: int) -> Iterator[list[float]]:
    """Seconds of each action, in the order of `ACTIONS`; they take turns at being the first."""
    with ExitStack() as stack:
        if vectors == "hash":
            process = stack.enter_context(standin(vectors))
            for action in ACTIONS:
                action(process)  # every text is known from now on
        for number in range(count):
            seconds = [0.0] * len(ACTIONS)
            for turn in range(len(ACTIONS)):
                chosen = (number + turn) % len(ACTIONS)
                if vectors == "hash":
                    seconds[chosen] = ACTIONS[chosen](process)
                else:
                    with standin(vectors) as fresh:
                        seconds[chosen] = ACTIONS[chosen](fresh)
            yield seconds


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--vectors", choices=list(ARTICLES), default="hash")
    parser.add_argument("--articles", type=int)
    parser.add_argument("--rounds", type=int)
    options = parser.parse_args()
    count = options.articles or ARTICLES[options.vectors]
    call_command("migrate", verbosity=0)
    fill(count)
    print(HEADER)
    rows: list[tuple[float, ...]] = []
    for seconds in rounds(options.vectors, options.rounds or ROUNDS[options.vectors]):
        rates = [count / time_ for time_ in seconds]
        rows.append((*rates, rates[1] / rates[0], rates[2] / rates[0]))
        print(line(str(len(rows)), rows[-1]), flush=True)
    print(line("median", [statistics.median(column) for column in zip(*rows, strict=True)]))


def line(name: str, row: Sequence[float]) -> str:
    rates = " | ".join(f"{rate:,.1f}" for rate in row[:3])
    return f"| {name} | {rates} | {row[3]:.2f} | {row[4]:.2f} |"


if __name__ == "__main__":
    main()
