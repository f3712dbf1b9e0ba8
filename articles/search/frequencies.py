"""How many published articles hold each word of a question, counted by the database."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Q, QuerySet

from articles.models import Article
from articles.search.chunks import terms

_WORD = re.compile(r"[^\W_]+")
_FIELDS = "title", "translated_title", "content", "author__name", "category__name"


def by_language(
    question: str, articles: QuerySet[Article]
) -> Mapping[str, tuple[int, Mapping[str, int]]]:
    """For each language the number of articles, and for each term how many of them hold it.

    A term is the beginning of its word, so the word's own first letters (with their accents) are
    looked for. Longer words that hold them count too; for a weight that is near enough.
    """
    letters = {term: term for term in terms(question)}
    for match in _WORD.finditer(question):
        # In the whole question a sign such as ™ is letters of the word before it.
        own = (term for term in terms(match[0]) if term in letters)
        letters |= {term: match[0][: len(term)] for term in own}
    conditions = {
        f"term_{number}": Count("pk", filter=_any(wanted))
        for number, wanted in enumerate(letters.values())
    }
    by_code = articles.order_by().values("language")
    counted: Any = by_code.annotate(total=Count("pk"), **conditions)
    return {
        row["language"]: (
            row["total"],
            dict(zip(letters, (row[name] for name in conditions), strict=True)),
        )
        for row in counted
    }


def _any(text: str) -> Q:
    condition = Q()
    for field in _FIELDS:
        condition |= Q(**{f"{field}__icontains": text})
    return condition
