"""Question and hits to card events: a kept answer, or a slot, a writer, a deadline; and the log.

Whatever happens, the events end with `Done`, every article has a card, and one sentence says what
the reader is looking at.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import connections
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.timesince import timesince
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from recommendations import kept, query_log, slots
from recommendations.deck import Deck
from recommendations.events import CardEvent, Done, Kind, Pulse, Status, TextAdded
from recommendations.guard import RULES
from recommendations.hits import ArticleHit
from recommendations.inference.base import (
    ChatClient,
    ChatRequest,
    InferenceError,
    Usage,
    get_client,
)
from recommendations.inference.pump import pumped
from recommendations.models import KeptAnswer, Outcome, QueryLog
from recommendations.writers import get_writer
from recommendations.writing import Task, prepare

logger = logging.getLogger(__name__)

PULSE_SECONDS = 0.25

READING = _("A language model is reading the articles for you.")
NOTHING_FOUND = _("There is no article to recommend for this question.")
QUOTED = _("The cards quote the articles.")
REST_QUOTED = _("The other cards quote the articles.")
WRITTEN = _("A language model wrote these texts; the articles themselves have the last word.")
PARTLY = _("A language model wrote these texts; some cards quote the article instead.")
UNUSABLE = _("The language model wrote nothing that can be shown.")
BUSY = _("Many readers are waiting for the language model right now.")
OUR_FAULT = _("Something went wrong on our side.")


def recommend(
    question: str,
    language: str,
    hits: Sequence[ArticleHit],
    *,
    engine: str = "",
    fresh: bool = False,
    on_delta: Callable[[str], None] | None = None,
) -> Generator[CardEvent]:
    """The cards for `hits`, best first, as they come into being.

    `language` is the page's, for the sentences to the reader and for the log, as is `engine`.
    `fresh` asks the model even where an answer is kept; `on_delta` sees the model's raw text.
    Closing the generator stops the model.
    """
    answer = Answer(question, language, hits, engine, fresh, on_delta)
    with closing(answer.events()) as events:
        yield from paced(events)


def paced(events: Iterable[CardEvent]) -> Generator[CardEvent]:
    """Drops a pulse that follows another event too closely: a model writes many deltas a second."""
    last = time.monotonic()
    for event in events:
        now = time.monotonic()
        if isinstance(event, Pulse) and now - last < PULSE_SECONDS:
            continue
        last = now
        yield event


@dataclass
class Answer:
    """One answer in the making."""

    question: str
    language: str
    hits: Sequence[ArticleHit]
    engine: str = ""
    fresh: bool = False
    on_delta: Callable[[str], None] | None = None
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.deck = Deck(self.hits)
        self.writer = get_writer(get_client())
        self.log = QueryLog(
            question=self.question[:500],
            language=self.language,
            hits=[hit.article.pk for hit in self.hits],
            engine=self.engine,
            writer=self.writer.name,
            total_ms=0,
            outcome=Outcome.OPEN,
        )

    def events(self) -> Generator[CardEvent]:
        """The answer between the two moments at which its row is written.

        First before anything is sent, while the connection to the database is still held, because
        the cards carry the row's key for the thumbs; then at the end with outcome and times.
        """
        if query_log.saved(self.log):
            self.deck.log = self.log.pk
        try:
            with closing(self.answer()) as events:
                for event in events:
                    if self.log.first_words_ms is None and isinstance(event, TextAdded):
                        self.log.first_words_ms = self.elapsed_ms()
                    yield event
        except GeneratorExit:
            self.log.outcome = Outcome.LEFT
            raise
        except InferenceError as error:
            logger.warning("%s: %s", type(error).__name__, error)
            self.log.outcome = Outcome(error.outcome)
            yield from self.finish(error.reader_sentence)
        except Exception:  # a stream has no error page; the reader gets the excerpts
            logger.exception("The recommendations failed.")
            self.log.outcome = Outcome.FAILED
            yield from self.finish(OUR_FAULT)
        finally:
            self.log.total_ms = self.elapsed_ms()
            if not self.deck.any_words:
                self.log.first_words_ms = None
            query_log.saved(self.log)

    def answer(self) -> Generator[CardEvent]:
        if not self.hits:
            self.log.outcome = Outcome.NOTHING
            yield Status(NOTHING_FOUND)
            yield Done()
            return
        if (write := self.writer.write) is None:
            release_connections()
            self.log.outcome = Outcome.EXCERPTS
            yield from self.deck.finish()
            yield Status(QUOTED)
            yield Done()
            return
        client = get_client()
        self.log.model = client.model
        key = kept.key_of(
            self.question,
            self.hits,
            client.name,
            client.model,
            self.writer.name,
            self.writer.version,
            RULES,
        )
        if not self.fresh and (answer := kept.find(key)):
            release_connections()
            yield from self.replay(answer)
            return
        release_connections()
        with slots.slot() as taken:
            if not taken:
                self.log.outcome = Outcome.BUSY
                yield from self.finish(BUSY)
                return
            prepare()
            yield Status(READING)
            yield from write(Task(self.question, self.deck, self.asking(client)))
        yield from self.deck.finish()
        yield from self.conclude(key)

    def asking(self, client: ChatClient) -> Callable[[ChatRequest], Generator[str | Usage | None]]:
        """What writers get their text from: this client, until the answer's deadline."""
        deadline = self.started + settings.RECOMMENDATION_DEADLINE

        def ask(request: ChatRequest) -> Generator[str | Usage | None]:
            with closing(pumped(client, request, deadline)) as items:
                for item in items:
                    if self.on_delta and isinstance(item, str):
                        self.on_delta(item)
                    yield item

        return ask

    def replay(self, answer: KeptAnswer) -> Generator[CardEvent]:
        """A kept answer at once; its key holds the articles, so each of them is here."""
        self.log.outcome = Outcome.KEPT
        hits = {hit.article.pk: hit for hit in self.hits}
        for card in answer.cards:
            yield from self.deck.whole(hits[card["article"]], Kind.KEPT, card["sentences"])
        with translation.override(self.language):
            if timezone.now() - answer.created_at < timedelta(minutes=1):
                sentence = gettext(
                    "A language model wrote these texts a moment ago for the same question."
                )
            else:
                sentence = gettext(
                    "A language model wrote these texts %(age)s ago for the same question."
                ) % {"age": timesince(answer.created_at, depth=1)}
        yield Status(sentence)
        yield Done()

    def conclude(self, key: str) -> Generator[CardEvent]:
        """After a model that ended as it should: what it wrote may still be unusable in part."""
        if self.deck.all_written:
            self.log.outcome = Outcome.WRITTEN
            kept.keep(key, self.question, self.log.model, self.deck)
            yield Status(WRITTEN)
            yield Done()
        elif self.deck.any_written:
            self.log.outcome = Outcome.PARTLY
            yield Status(PARTLY)
            yield Done(complete=False)
        else:
            self.log.outcome = Outcome.UNUSABLE
            yield from self.finish(UNUSABLE)

    def finish(self, sentence: str | Promise) -> Generator[CardEvent]:
        """The readable end of an answer that the model did not finish."""
        yield from self.deck.finish()
        rest: str | Promise = ""
        if self.deck.any_quoted:
            rest = REST_QUOTED if self.deck.any_written else QUOTED
        yield Status(format_lazy("{} {}", sentence, rest))
        yield Done(complete=False)

    def elapsed_ms(self) -> int:
        return round((time.monotonic() - self.started) * 1000)


def release_connections() -> None:
    """Give the database connection back before minutes of streaming: there are fewer than readers.

    The log opens one again at the end. Inside a transaction, which only tests have, it stays.
    """
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
