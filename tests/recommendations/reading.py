"""What a reader has on the page after some card events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from recommendations.events import (
    CardClosed,
    CardEvent,
    CardOpened,
    Done,
    Kind,
    Pulse,
    Status,
    TextAdded,
    TextWithdrawn,
)


@dataclass
class ShownCard:
    article: int
    kind: Kind
    text: str = ""


@dataclass
class Page:
    cards: list[ShownCard] = field(default_factory=list)
    status: str = ""
    done: bool = False
    complete: bool = False
    pulses: int = 0
    withdrawn: list[str] = field(default_factory=list)

    def kinds(self) -> list[str]:
        return [card.kind.value for card in self.cards]

    def texts(self) -> list[str]:
        return [card.text for card in self.cards]


def read(events: Iterable[CardEvent], into: Page | None = None) -> Page:
    """Applies the events and checks their order: one card at a time, nothing after the end."""
    page = into or Page()
    open_card = 0
    for event in events:
        assert not page.done, "something came after the end"
        match event:
            case CardOpened(number=number):
                assert open_card == 0
                open_card = number
                page.cards.append(ShownCard(event.article.pk, event.kind))
                assert len(page.cards) == number
            case TextAdded(number=number):
                assert open_card == number
                page.cards[-1].text += event.text
            case TextWithdrawn(number=number):
                assert open_card == number
                assert page.cards[-1].text.endswith(event.text)
                page.cards[-1].text = page.cards[-1].text.removesuffix(event.text)
                page.withdrawn.append(event.text)
            case CardClosed(number=number, kind=kind):
                assert open_card == number
                page.cards[-1].kind = kind
                open_card = 0
            case Status():
                page.status = str(event.text)
            case Done(complete=complete):
                assert open_card == 0
                page.done, page.complete = True, complete
            case Pulse():
                page.pulses += 1
    return page
