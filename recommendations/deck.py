"""The cards of one answer: which articles have one, which is open, and what it says so far.

Writers only add; whatever happens to them, `finish` gives every article its card. So a failure in
any place ends the same way: the words so far stay and the rest are excerpts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from recommendations.events import (
    Ballot,
    CardClosed,
    CardEvent,
    CardOpened,
    Kind,
    TextAdded,
    TextWithdrawn,
)
from recommendations.hits import ArticleHit


@dataclass(slots=True)
class Card:
    """`sentences` are complete, each with its language; `draft` is what is shown of the next one,
    number `drafts`."""

    number: int
    hit: ArticleHit
    kind: Kind
    language: str
    draft: str = ""
    drafts: int = 1
    sentences: list[tuple[str, str]] = field(default_factory=list)

    def piece(self, text: str) -> str:
        """The text as it goes on after the sentences before it."""
        return f" {text}" if self.sentences else text


class Deck:
    """`log` is the primary key of the answer's row in the query log; None where it has none."""

    def __init__(self, hits: Sequence[ArticleHit], log: int | None = None) -> None:
        self.hits = hits
        self.log = log
        self.cards: list[Card] = []
        self._open: Card | None = None

    @property
    def all_written(self) -> bool:
        """Every article has a card, and a model wrote each of them."""
        return len(self.cards) == len(self.hits) and all(
            card.kind is Kind.WRITTEN for card in self.cards
        )

    @property
    def any_written(self) -> bool:
        return any(card.kind is Kind.WRITTEN for card in self.cards)

    @property
    def any_words(self) -> bool:
        """Something that a model wrote is shown, now or from a kept answer."""
        return any(
            (card.sentences or card.draft) and card.kind is not Kind.EXCERPT for card in self.cards
        )

    @property
    def any_quoted(self) -> bool:
        return any(card.kind is Kind.EXCERPT for card in self.cards)

    def has(self, hit: ArticleHit) -> bool:
        return any(card.hit is hit for card in self.cards)

    def ballot(self, hit: ArticleHit) -> Ballot | None:
        return None if self.log is None else Ballot(self.log, hit.article.pk)

    def open(self, hit: ArticleHit, kind: Kind = Kind.WRITING) -> Iterator[CardEvent]:
        yield from self.close()
        number = len(self.cards) + 1
        ballot, last = self.ballot(hit), number == len(self.hits)
        opened = CardOpened(number, hit.article, kind, hit.whole_passage, ballot, last)
        self._open = Card(opened.number, hit, kind, opened.language)
        self.cards.append(self._open)
        yield opened

    def draft(self, text: str) -> Iterator[CardEvent]:
        """What may be shown already of the open card's next sentence; "" withdraws it."""
        assert self._open is not None  # noqa: S101
        card = self._open
        shown, wanted = card.draft, card.piece(text) if text else ""
        if not wanted.startswith(shown):
            yield TextWithdrawn(card.number, card.drafts, shown)
            card.drafts += 1
            shown = ""
        card.draft = wanted
        if new := wanted.removeprefix(shown):
            yield TextAdded(card.number, new, draft=card.drafts)

    def add(self, text: str, language: str = "en") -> Iterator[CardEvent]:
        """A complete sentence for the open card, the rest of its draft where it has one; the space
        between sentences is put here."""
        assert self._open is not None  # noqa: S101
        card = self._open
        other = language if language != card.language else ""
        piece = card.piece(text)
        if other or not piece.startswith(card.draft):
            yield from self.draft("")
        if new := piece.removeprefix(card.draft):
            yield TextAdded(card.number, new, other)
        card.sentences.append((text, language))
        card.draft = ""
        card.drafts += 1

    def close(self) -> Iterator[CardEvent]:
        """Close the open card, if any; a sentence without an end is withdrawn, and a card without
        a sentence gets its article's excerpt."""
        if (card := self._open) is None:
            return
        yield from self.draft("")
        if card.kind is Kind.WRITING:
            card.kind = Kind.WRITTEN if card.sentences else Kind.EXCERPT
        if not card.sentences:
            yield from self.add(card.hit.excerpt, card.hit.article.language)
        self._open = None
        yield CardClosed(card.number, card.kind, self.ballot(card.hit))

    def whole(
        self, hit: ArticleHit, kind: Kind, sentences: Iterable[tuple[str, str]] = ()
    ) -> Iterator[CardEvent]:
        """A card that is complete at once; without `sentences` an excerpt."""
        yield from self.open(hit, kind)
        for text, language in sentences:
            yield from self.add(text, language)
        yield from self.close()

    def finish(self) -> Iterator[CardEvent]:
        """Close what is open, and an excerpt for every article that has no card yet."""
        yield from self.close()
        for hit in self.hits:
            if not self.has(hit):
                yield from self.whole(hit, Kind.EXCERPT)
