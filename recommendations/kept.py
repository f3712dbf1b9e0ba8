"""Answers that are given again: a model's words about the same articles for the same question.

Nothing is ever invalidated. The key holds all that an answer depends on, so a changed article,
model or prompt simply asks for another key, and the old row is deleted when its time is over.
"""

from __future__ import annotations

import hashlib
import json
import logging
import unicodedata
from collections.abc import Sequence

from django.conf import settings
from django.db import DatabaseError, transaction

from recommendations.deck import Deck
from recommendations.hits import ArticleHit, one_line
from recommendations.models import KeptAnswer

logger = logging.getLogger(__name__)


def normalised(question: str) -> str:
    """The question without differences that mean nothing: case, spaces, marks at its ends."""
    return one_line(unicodedata.normalize("NFKC", question).casefold()).strip(" ?!¿¡.")


def key_of(question: str, hits: Sequence[ArticleHit], *writer: str) -> str:
    """`writer` is everything else that shapes the words: model, way of writing, prompts, guard."""
    articles = [(hit.article.pk, hit.article.version, one_line(hit.passage)) for hit in hits]
    parts = json.dumps([normalised(question), articles, writer], ensure_ascii=False)
    return hashlib.sha256(parts.encode()).hexdigest()


def find(key: str) -> KeptAnswer | None:
    """The kept answer, unless it is too old; none when the database cannot say."""
    if not settings.KEPT_ANSWER_DAYS:
        return None
    try:
        answer = KeptAnswer.objects.filter(key=key).first()
    except DatabaseError:
        logger.exception("No kept answer can be read.")
        return None
    return None if answer is None or answer.is_expired else answer


def keep(key: str, question: str, model: str, deck: Deck) -> None:
    """Keep a complete answer. A reader who has all cards never sees that this failed."""
    cards = [{"article": card.hit.article.pk, "sentences": card.sentences} for card in deck.cards]
    try:
        with transaction.atomic():
            if not settings.KEPT_ANSWER_DAYS:  # those of the time before, too
                KeptAnswer.objects.expired().delete()
                return
            KeptAnswer.objects.filter(key=key).delete()  # too old, or another reader was faster
            KeptAnswer.objects.create(key=key, question=question[:500], model=model, cards=cards)
    except DatabaseError:
        logger.exception("The answer could not be kept.")
