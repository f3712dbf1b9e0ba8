"""Tickets: the right to open one stream, given out with the search page.

A stream costs a model's time and is opened by a GET, so it needs a proof that a search page of
ours asked for it: signed, valid for ten minutes, good for one use. The ticket carries all that the
stream needs and no process has to remember: the question, the primary keys, and of each passage
only its first words and length (`hits.Anchor`). A cache would lose the passages where each process
has its own, which is the default; whole passages would make the address too long for gunicorn.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from django.core import signing
from django.core.cache import cache
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from articles.models import Article
from recommendations.hits import Anchor, ArticleHit

logger = logging.getLogger(__name__)

SALT = "recommendations.ticket"
VALID_SECONDS = 10 * 60


class TicketError(Exception):
    """The ticket opens nothing; `reader_sentence` says why and what to do."""

    reader_sentence: str | Promise = _(
        "This address is not valid. Search again to see recommendations."
    )


class TicketExpired(TicketError):
    reader_sentence = _("This page is too old for recommendations. Search again to see them.")


class TicketUsed(TicketError):
    reader_sentence = _("These recommendations were shown already. Search again to see them anew.")


@dataclass(frozen=True, slots=True)
class Ticket:
    question: str
    engine: str
    anchors: dict[int, Anchor]

    @classmethod
    def for_hits(cls, question: str, engine: str, hits: Sequence[ArticleHit]) -> Ticket:
        return cls(question, engine, {hit.article.pk: Anchor.of(hit.passage) for hit in hits})

    def signed(self) -> str:
        anchors = [[pk, anchor.start, anchor.words] for pk, anchor in self.anchors.items()]
        payload = [secrets.token_urlsafe(9), self.question, self.engine, anchors]
        return signing.dumps(payload, salt=SALT, compress=True)

    @classmethod
    def redeem(cls, value: str) -> Ticket:
        """The ticket, which is used up now; `TicketError` where it opens nothing."""
        try:
            number, question, engine, anchors = signing.loads(
                value, salt=SALT, max_age=VALID_SECONDS
            )
        except signing.SignatureExpired as error:
            raise TicketExpired from error
        except signing.BadSignature as error:
            raise TicketError from error
        if not is_first_use(number):
            raise TicketUsed
        return cls(question, engine, {pk: Anchor(start, words) for pk, start, words in anchors})

    def hits(self) -> list[ArticleHit]:
        """The articles as they are now, those that are still public, in the order of the page."""
        rows = Article.objects.published().for_list().in_order_of(list(self.anchors))
        hits = []
        for row in rows:
            text = ArticleHit(row, "").text
            hits.append(ArticleHit(row, self.anchors[row.pk].cut(text)))
        return hits


def is_first_use(number: str) -> bool:
    """Whether nobody has used this ticket yet, as far as the cache knows.

    Without a cache every ticket counts as unused: signature, age and the number of slots still
    bound what it can cost, and a dead cache should not take the recommendations away.
    """
    try:
        return cache.add(f"{SALT}:{number}", 1, VALID_SECONDS)
    except Exception as error:  # noqa: BLE001  (each cache backend raises errors of its own)
        logger.warning("The cache does not answer, tickets are not single-use: %s", error)
        return True
