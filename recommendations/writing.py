"""What every writer works with: the question, the cards so far, a model to ask, and the guard."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import cache
from threading import Thread

from recommendations.added_words import adds_too_much
from recommendations.deck import Deck
from recommendations.events import CardEvent, Pulse
from recommendations.guard import harmless_start, is_english, showable
from recommendations.hits import ArticleHit
from recommendations.inference.base import ChatRequest, Usage
from recommendations.sentences import SentenceStream

MAX_SENTENCES = 3  # of one card; what a model writes beyond is not shown

type Ask = Callable[[ChatRequest], Generator[str | Usage | None]]


@dataclass(frozen=True, slots=True)
class Task:
    """`ask` streams a model's text, `None` when it has been silent for a while, usage at the end.

    It raises `InferenceError`; a writer lets it pass, the service finishes the deck.
    """

    question: str
    deck: Deck
    ask: Ask

    def sources(self, hit: ArticleHit) -> tuple[str, ...]:
        """All texts that a fact about the article may come from."""
        return (self.question, hit.text, hit.article.date.isoformat(), *names(hit))


def names(hit: ArticleHit) -> tuple[str, ...]:
    """What is said as it is in any language."""
    article = hit.article
    return (article.title, article.translated_title, article.author.name, str(article.category))


@cache
def prepare() -> None:
    """Load what the guard needs while the model still thinks; it takes a second, once a process."""
    sentence = "This is an English sentence."
    Thread(target=is_english, args=(sentence,), name="guard-loads", daemon=True).start()


class CheckedText:
    """The text of one card on its way to the reader.

    A sentence is checked when it is complete. One with a fact that neither the article nor the
    question has is not shown; with `english` a Spanish one is not shown either: a small model then
    repeats the article instead of recommending it. With `literal` nor is one that adds words of its
    own to those of the article (`added_words`). Until then its reader sees as many of its words
    as state no fact, and a sentence that is not shown takes them away again. So what the guard is
    there for, a wrong number or address, never stands on the page, not even for a moment.

    The text ends when `enough` sentences are shown, or when `MAX_SENTENCES` were written; with
    `unbroken` before one that may not be shown, because what follows it hangs in the air.
    """

    def __init__(
        self,
        task: Task,
        hit: ArticleHit,
        *,
        english: bool = False,
        literal: bool = False,
        unbroken: bool = False,
        enough: int = MAX_SENTENCES,
    ) -> None:
        self._deck = task.deck
        self._sources = task.sources(hit)
        self._names = names(hit)
        self._english = english
        self._literal = literal
        self._unbroken = unbroken
        self._wanted = enough
        self._broken = False
        self.shown = 0  # sentences
        self._stream = SentenceStream(MAX_SENTENCES)
        self._start = ""  # the words of the next sentence that were looked at last

    @property
    def done(self) -> bool:
        """Nothing more will be shown: the model may be stopped."""
        return self._broken or self.shown == self._wanted or self._stream.done

    def feed(self, delta: str) -> Generator[CardEvent]:
        """The sentences that `delta` completes, what it adds to the next one, and a pulse."""
        yield from self._show(self._stream.feed(delta))
        start = "" if self.done else harmless_start(self._stream.whole_words)
        if start != self._start:
            self._start = start  # most deltas are part of a word; the language costs 0.3 ms
            if self._adds_too_much(start):  # more words will make it no better
                yield from self._hold_back()
            else:
                yield from self._deck.draft(start if is_english(start, self._names) else "")
        yield Pulse()

    def close(self) -> Generator[CardEvent]:
        """The last sentence, where it has an end."""
        yield from self._show(self._stream.close())

    def _show(self, sentences: list[str]) -> Generator[CardEvent]:
        for sentence in sentences:
            if self._broken or self.shown == self._wanted:
                break
            text = showable(sentence, self._sources, english=self._english, names=self._names)
            if text is None or self._adds_too_much(text):
                yield from self._hold_back()
            else:
                language = "en" if self._english or is_english(text, self._names) else "es"
                yield from self._deck.add(text, language)
                self.shown += 1

    def _hold_back(self) -> Generator[CardEvent]:
        yield from self._deck.draft("")
        self._broken = self._unbroken

    def _adds_too_much(self, text: str) -> bool:
        return self._literal and adds_too_much(text, self._sources)
