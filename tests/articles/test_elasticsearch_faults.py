"""Thousands of random changes while Elasticsearch fails in every way: nothing is lost.

The operations and the faults follow from the seed; only timing differs between two runs.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from pytest_django import Settings

from articles.models import Article, Author, Category, OutboxEntry
from articles.search import outbox
from articles.search.base import SearchError
from articles.search.elastic import bulk
from articles.search.rebuild import reindex
from tests.articles.on_standin import elasticsearch_engine, standin_for
from tests.standin.standin import StandIn

SEED = 20261125
OPERATIONS = 2_000
ATTEMPT_SECONDS = 0.4
SLACK_SECONDS = 1.0  # for the database; a busy machine gets more, see `Editors.limit`
STALL_SECONDS = 10.0
ALIAS = "blog-posts"
WORDS = ["backup", "restore", "passkey", "chart", "webhook", "invoice", "audit", "metric", "map"]


class RolledBack(Exception):
    """Ends a transaction that must leave nothing behind."""


class Editors:
    """People who change content at random, and how long each change took."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311  (repeatable, not secret)
        self.authors = [Author.objects.create(name=f"Author {n}", slug=f"a{n}") for n in range(5)]
        self.categories = [
            Category.objects.create(name=f"Category {n}", slug=f"c{n}") for n in range(4)
        ]
        self.count = 0
        self.done: Counter[str] = Counter()
        self.slowest = self.slowest_without_fault = 0.0
        self.operations: list[tuple[Callable[[], None], int]] = [
            (self.create, 22),
            (self.edit, 34),
            (self.publish_or_not, 14),
            (self.delete, 10),
            (self.roll_back, 8),
            (self.rename_author, 3),
            (self.rename_category, 3),
            (self.update_many, 3),
            (self.several_at_once, 3),
        ]

    def act(self, *, is_healthy: bool = False) -> None:
        functions, weights = zip(*self.operations, strict=True)
        (operation,) = self.random.choices(functions, weights)
        started = time.monotonic()
        operation()
        seconds = time.monotonic() - started
        self.slowest = max(self.slowest, seconds)
        if is_healthy:
            self.slowest_without_fault = max(self.slowest_without_fault, seconds)
        self.done[operation.__name__] += 1

    @property
    def limit(self) -> float:
        """What an operation may take at most, on a machine as busy as this one was."""
        return ATTEMPT_SECONDS + SLACK_SECONDS + 3 * self.slowest_without_fault

    def some(self) -> Article | None:
        pks = list(Article.objects.order_by("pk").values_list("pk", flat=True))
        return Article.objects.get(pk=self.random.choice(pks)) if pks else None

    def text(self) -> str:
        return " ".join(self.random.choices(WORDS, k=12)).capitalize() + "."

    def create(self) -> None:
        self.count += 1
        Article.objects.create(
            title=f"Article {self.count}",
            slug=f"article-{self.count}",
            content=self.text(),
            author=self.random.choice(self.authors),
            category=self.random.choice(self.categories),
            date=date(2025, 1, 1) + timedelta(days=self.random.randrange(300)),
            status=self.random.choice(["published", "published", "published", "draft"]),
        )

    def edit(self) -> None:
        if article := self.some():
            article.title, article.content = f"Edited {self.text()[:40]}", self.text()
            article.save()

    def publish_or_not(self) -> None:
        if article := self.some():
            is_public = article.status == Article.Status.PUBLISHED
            article.status = Article.Status.DRAFT if is_public else Article.Status.PUBLISHED
            article.save()

    def delete(self) -> None:
        if article := self.some():
            article.delete()

    def roll_back(self) -> None:
        with suppress(RolledBack), transaction.atomic():
            self.create()
            self.edit()
            self.delete()
            raise RolledBack

    def several_at_once(self) -> None:
        with transaction.atomic():
            self.create()
            self.edit()
            self.delete()

    def rename_author(self) -> None:
        author = self.random.choice(self.authors)
        author.name = f"{author.slug} {self.text()[:30]}"
        author.save()

    def rename_category(self) -> None:
        category = self.random.choice(self.categories)
        category.name = f"{category.slug} {self.text()[:30]}"
        category.save()

    def update_many(self) -> None:
        pks = list(Article.objects.order_by("pk").values_list("pk", flat=True))
        chosen = self.random.sample(pks, k=min(len(pks), 12))
        status = self.random.choice(list(Article.Status))
        Article.objects.filter(pk__in=chosen).update(status=status)


class Saboteur:
    """Breaks the cluster in one way for some operations, then in another."""

    def __init__(self, standin: StandIn, seed: int) -> None:
        self.standin = standin
        self.random = random.Random(seed)  # noqa: S311  (repeatable, not secret)
        self.seen: Counter[str] = Counter()
        self.is_healthy = True

    def strike(self) -> None:
        self.heal()
        kinds: list[Callable[[], None]] = [
            self.heal,
            self.refuse,
            self.stall,
            self.overload,
            self.reject,
            self.unavailable,
            self.forbid,
            self.die_in_bulk,
            self.chaos,
        ]
        kind = self.random.choice(kinds)
        kind()
        self.is_healthy = kind == self.heal
        self.seen[kind.__name__] += 1

    def heal(self) -> None:
        self.standin.faults.clear()
        self.standin.start()

    def refuse(self) -> None:
        self.standin.stop()

    def stall(self) -> None:
        self.standin.faults.stall(STALL_SECONDS, times=3)

    def overload(self) -> None:
        self.standin.faults.status(429, times=None)

    def reject(self) -> None:
        seed = self.random.randrange(10**6)
        self.standin.faults.reject_items(times=None, probability=0.5, seed=seed)

    def unavailable(self) -> None:
        self.standin.faults.status(503, times=None)

    def forbid(self) -> None:
        self.standin.faults.status(403, times=None)

    def die_in_bulk(self) -> None:
        self.standin.faults.die_in_bulk(times=None)

    def chaos(self) -> None:
        seed = self.random.randrange(10**6)
        self.standin.faults.chaos(seed=seed, probability=0.5, items=0.2)


@pytest.fixture
def standin(
    settings: Settings, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StandIn]:
    settings.SYNC_ATTEMPT_SECONDS = ATTEMPT_SECONDS
    settings.ELASTICSEARCH_BULK_TIMEOUT = 2 * ATTEMPT_SECONDS
    # The same repetitions and rests as on a real cluster, in a shorter time.
    monkeypatch.setattr(bulk, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(bulk, "RECONNECTS", (0.02,) * 4)
    with standin_for(settings) as standin:
        cluster = elasticsearch_engine().cluster
        cluster.breaker.patience = ATTEMPT_SECONDS / 2
        cluster.reader_rest = cluster.background_rest = ATTEMPT_SECONDS / 2
        reindex()
        yield standin


def sync_index() -> bool:
    try:
        call_command("sync_index", stdout=StringIO(), stderr=StringIO())
    except CommandError:
        return False
    return True


def check() -> str:
    out = StringIO()
    with suppress(CommandError):
        call_command("reindex", check=True, stdout=out)
    return out.getvalue()


def wrong_documents(standin: StandIn) -> list[str]:
    """Documents whose text is not that of their row, whatever their version says."""
    rows = {str(row.pk): row for row in Article.objects.published().for_list()}
    sources = standin.sources(ALIAS)
    return [
        pk
        for pk in rows.keys() | sources.keys()
        if pk not in rows
        or pk not in sources
        or (rows[pk].title, rows[pk].author.name, rows[pk].category.name)  # type: ignore[union-attr]
        != (sources[pk]["title"]["original"], sources[pk]["author"], sources[pk]["category"])
    ]


def test_no_change_is_lost_whatever_the_cluster_does(standin: StandIn) -> None:
    editors, saboteur = Editors(SEED), Saboteur(standin, SEED)
    for number in range(OPERATIONS):
        if number % 25 == 0:
            saboteur.strike()
        editors.act(is_healthy=saboteur.is_healthy)
        if number % 100 == 99:
            sync_index()  # while the fault lasts, as a running `sync_index --watch` would
    saboteur.heal()
    time.sleep(ATTEMPT_SECONDS)  # the rest that a stalled cluster is left

    assert sync_index(), list(OutboxEntry.objects.values_list("article_id", "error"))
    assert check() == "missing: 0\nstale: 0\norphaned: 0\n"
    assert wrong_documents(standin) == []
    assert editors.slowest < editors.limit < STALL_SECONDS
    # The test has teeth: every operation and every fault took part.
    assert sum(editors.done.values()) == OPERATIONS
    assert len(editors.done) == len(editors.operations)
    assert len(saboteur.seen) == 9
    assert {"reset", "stall", "status", "die_in_bulk"} <= {
        fault.kind for _route, fault in standin.faults.injected
    }


def drain_all() -> None:
    """The breaker may still be open from the faults before; then changes wait for some seconds."""
    end = time.monotonic() + 30
    outbox.drain(retry_now=True)
    while OutboxEntry.objects.filter(outbox.waiting()).exists():
        assert time.monotonic() < end, "the outbox was not drained in time"
        time.sleep(0.1)
        outbox.drain(retry_now=True)


def test_reindex_under_faults_leaves_a_whole_index_every_time(standin: StandIn) -> None:
    editors = Editors(SEED)
    for _number in range(30):
        editors.create()
    with suppress(SearchError):
        reindex()
    outcomes: Counter[bool] = Counter()
    for round_ in range(25):
        standin.faults.chaos(seed=SEED + round_, probability=0.15, items=0.1)
        try:
            reindex(chunk_size=10)
        except SearchError:
            outcomes[False] += 1
        else:
            outcomes[True] += 1
        standin.faults.clear()
        assert len(standin.cluster.alias_targets(ALIAS)) == 1
        assert wrong_documents(standin) == []
        editors.edit()
        drain_all()
    reindex()
    assert list(standin.cluster.indices) == [
        index.name for index in standin.cluster.alias_targets(ALIAS)
    ]
    assert check() == "missing: 0\nstale: 0\norphaned: 0\n"
    assert set(outcomes) == {True, False}
