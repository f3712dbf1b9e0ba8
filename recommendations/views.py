"""The stream of cards and the same cards as a page. Both open with a ticket of the search page."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import closing

from django.conf import settings
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from recommendations import rendering
from recommendations.events import CardClosed, CardEvent, Done, Kind, Status
from recommendations.service import recommend
from recommendations.tickets import Ticket, TicketError

logger = logging.getLogger(__name__)

INTERRUPTED = _("The connection was interrupted. What has been written so far stays.")


# Not `require_safe`: a HEAD request would use the ticket up and show nothing.
@require_http_methods(["GET"])
def stream(request: HttpRequest) -> StreamingHttpResponse:
    """`text/event-stream`. Always 200 and always `done`: on anything else a browser tries again."""
    language = get_language() or settings.LANGUAGE_CODE
    again = "Last-Event-ID" in request.headers
    events = interrupted() if again else answer(request, language)
    chunks = rendering.event_stream(events, language)
    last_words = rendering.frame("done", "incomplete", 0)
    return streaming(unbroken(events, chunks, last_words), "text/event-stream")


@require_http_methods(["GET"])
def plain(request: HttpRequest) -> StreamingHttpResponse:
    """One HTML page that grows card by card, for browsers without JavaScript."""
    language = get_language() or settings.LANGUAGE_CODE
    events = answer(request, language)
    chunks = rendering.page(events, language)
    return streaming(unbroken(events, chunks, b"</body></html>"), "text/html; charset=utf-8")


def answer(request: HttpRequest, language: str) -> Generator[CardEvent]:
    """The events that the request's ticket opens, its articles read now, before the first byte."""
    try:
        ticket = Ticket.redeem(request.GET.get("ticket", ""))
    except TicketError as error:
        return only(error.reader_sentence)
    return recommend(ticket.question, language, ticket.hits(), engine=ticket.engine)


def only(sentence: str | Promise) -> Generator[CardEvent]:
    yield Status(sentence)
    yield Done(complete=False)


def interrupted() -> Generator[CardEvent]:
    """For a browser that reconnects: nothing is written twice, and open cards say that they end.

    A label is taken only by a card that has none yet, so it is sent to each possible card.
    """
    for number in range(1, settings.RECOMMENDATION_CARDS + 1):
        yield CardClosed(number, Kind.INTERRUPTED)
    yield from only(INTERRUPTED)


def streaming(chunks: Generator[bytes], content_type: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(chunks, content_type=content_type)
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"  # nginx would hold the cards back until they are all there
    response["X-Robots-Tag"] = "noindex"
    return response


def unbroken(
    events: Generator[CardEvent], chunks: Generator[bytes], last_words: bytes
) -> Generator[bytes]:
    """An error while rendering must not end in the server's hands: the headers are long gone.

    However it ends, `events` is closed here and now: that stops the model and frees the slot.
    """
    try:
        with closing(events):
            yield from chunks
    except Exception:  # a stream has no error page
        logger.exception("The stream of recommendations failed.")
        yield last_words
