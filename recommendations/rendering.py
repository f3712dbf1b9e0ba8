"""Card events as bytes: server-sent events for htmx, or the body of the plain page.

Text of a model is only ever escaped text; titles and links come from our own rows.
https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Sequence
from dataclasses import replace

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

from recommendations.events import (
    Ballot,
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
from recommendations.votes import signed_log

PING = b": ping\n\n"
HTML_PING = b"<!-- ping -->\n"
BODY, FOOT = "[[cards]]", "[[status]]"  # where the template is cut
LINE_BREAK = re.compile(r"\r\n|\r|\n")


def event_stream(events: Iterable[CardEvent], language: str) -> Generator[bytes]:
    """Server-sent events, each with an id, so that a reconnecting browser says it was here before.

    `language` is set around each rendering and not around the loop: between two events the thread
    belongs to somebody else.
    """
    number = 0
    for event in events:
        if isinstance(event, Pulse):
            yield PING
            continue
        number += 1
        with translation.override(language):
            name, data = _named(event)
        yield frame(name, data, number)


def frame(event: str, data: str, number: int) -> bytes:
    """One event. Each line of the data is a line of its own, or text could forge an event."""
    lines = "".join(f"data: {line}\n" for line in LINE_BREAK.split(data))
    return f"id: {number}\nevent: {event}\n{lines}\n".encode()


def _named(event: CardEvent) -> tuple[str, str]:
    match event:
        case CardOpened(number=number):
            return "card", card_html(event)
        case TextAdded(number=number):
            return f"text-{number}", text_html(event)
        case TextWithdrawn(number=number):
            return f"text-{number}", withdrawal_html(event)
        case CardClosed(number=number, kind=kind, ballot=ballot):
            return f"label-{number}", label_html(number, kind, ballot)
        case Status(text=text):
            return "status", escape(str(text))  # `escape` alone would stay lazy
        case Done(complete=complete):
            return "done", "complete" if complete else "incomplete"
        case _:
            raise AssertionError(event)


def page(events: Iterable[CardEvent], language: str) -> Generator[bytes]:
    """The page without JavaScript: its head at once, then each card as soon as it is complete.

    Whole cards only, so that a page that is cut off is well-formed as far as it goes.
    """
    context = {"body": BODY, "foot": FOOT}
    with translation.override(language):
        whole = render_to_string("recommendations/plain.html", context)
    head, _, rest = whole.partition(BODY)
    between, _, foot = rest.partition(FOOT)
    yield head.encode()
    status: Status | None = None
    opened: CardOpened | None = None
    texts: list[TextAdded] = []
    for event in events:
        match event:
            case Pulse():
                yield HTML_PING
            case CardOpened():
                opened, texts = event, []
            case TextAdded():
                texts.append(event)
            case TextWithdrawn(draft=draft):
                texts = [text for text in texts if text.draft != draft]
            case CardClosed(kind=kind) if opened is not None:
                settled = [replace(text, draft=None) for text in texts]
                with translation.override(language):
                    yield card_html(replace(opened, kind=kind), settled, opened.language).encode()
            case Status():
                status = event
    yield between.encode()
    if status is not None:
        with translation.override(language):
            yield format_html('<p class="recommendations__status">{}</p>', status.text).encode()
    yield foot.encode()


def card_html(
    event: CardOpened, texts: Sequence[TextAdded] | None = None, language: str | None = None
) -> str:
    """The card's element: with places for what the stream sends, or with its texts, for the plain
    page.
    """
    return render_to_string(
        "recommendations/_card.html",
        {
            "article": event.article,
            "language": language or event.language,
            "text": format_html_join("", "{}", ((text_html(text),) for text in texts or ())),
            "plain": texts is not None,
            "passage": event.passage,
            "last": event.last,
        }
        | label_context(event.number, event.kind, event.ballot),
    ).strip()


def text_html(event: TextAdded) -> SafeString:
    if event.language:
        return format_html('<span lang="{}">{}</span>', event.language, event.text)
    if event.draft is not None:
        return format_html('<span class="draft-{}">{}</span>', event.draft, event.text)
    return escape(event.text)


def withdrawal_html(event: TextWithdrawn) -> SafeString:
    """Nothing to append; htmx deletes what the selector names. https://htmx.org/attributes/hx-swap-oob/"""
    selector = f"#card-{event.number} .draft-{event.draft}"
    return format_html('<span hx-swap-oob="delete:{}"></span>', selector)


def label_html(number: int, kind: Kind, ballot: Ballot | None = None) -> str:
    """A card's label and, beside what a model wrote, the thumbs."""
    context = label_context(number, kind, ballot)
    return render_to_string("recommendations/_label.html", context).strip()


def label_context(number: int, kind: Kind, ballot: Ballot | None) -> dict[str, object]:
    context: dict[str, object] = {"number": number, "kind": kind.value}
    if ballot is not None and kind in {Kind.WRITTEN, Kind.KEPT}:
        context["ballot"] = {"log": signed_log(ballot.log), "article": ballot.article}
    return context
