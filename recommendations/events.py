"""What happens to the cards while they are written; `rendering.py` turns it into bytes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise

from articles.models import Article


class Kind(StrEnum):
    """Where a card's text comes from; the label of the card says so."""

    WRITING = "writing"
    WRITTEN = "written"
    KEPT = "kept"
    EXCERPT = "excerpt"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Ballot:
    """What a thumb on a card is about: the answer's row in the query log, and the article."""

    log: int
    article: int


@dataclass(frozen=True, slots=True)
class CardOpened:
    """Card `number` (from 1) stands on the page; WRITING means that its kind is known later.

    `passage` made the article a hit. Without a `ballot` nobody can vote on the card.
    """

    number: int
    article: Article
    kind: Kind = Kind.WRITING
    passage: str = ""
    ballot: Ballot | None = None
    last: bool = False  # none comes after it

    @property
    def language(self) -> str:
        """Of the text that is expected: models write English, excerpts are quoted."""
        return self.article.language if self.kind is Kind.EXCERPT else "en"


@dataclass(frozen=True, slots=True)
class TextAdded:
    """Plain text for the end of a card. `language` only where it is not the card's own.

    `draft` numbers a sentence that is still being written: its text may be withdrawn.
    """

    number: int
    text: str
    language: str = ""
    draft: int | None = None


@dataclass(frozen=True, slots=True)
class TextWithdrawn:
    """A draft's text, which stands at the card's end, is taken away: its sentence is not shown."""

    number: int
    draft: int
    text: str


@dataclass(frozen=True, slots=True)
class CardClosed:
    """The card is complete; a card is always closed before the next one is opened."""

    number: int
    kind: Kind
    ballot: Ballot | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """One sentence for the reader about the whole; replaces the one before."""

    text: str | Promise


@dataclass(frozen=True, slots=True)
class Pulse:
    """Nothing to show yet. Written as a keep-alive, by which a reader's leaving is noticed."""


@dataclass(frozen=True, slots=True)
class Done:
    """The end, always. `complete` is false where asking again may give a better answer."""

    complete: bool = True


type CardEvent = CardOpened | TextAdded | TextWithdrawn | CardClosed | Status | Pulse | Done
