"""The section of the search page in which the cards appear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils.http import urlencode

from articles.search.results import FoundArticle
from recommendations.hits import ArticleHit
from recommendations.tickets import Ticket

register = template.Library()


@register.inclusion_tag("recommendations/_section.html", takes_context=True)
def recommendations(
    context: dict[str, Any], question: str, found: Sequence[FoundArticle], engine: str = ""
) -> dict[str, Any]:
    """`{% recommendations question answer.found engine=answer.result.engine %}`

    Renders nothing, and no model is ever asked, without a question or without a hit.
    """
    hits = [ArticleHit.of(hit) for hit in found[: settings.RECOMMENDATION_CARDS]]
    if not question.strip() or not hits:
        return {"hits": []}
    request = context["request"]
    ticket = urlencode({"ticket": Ticket.for_hits(question, engine, hits).signed()})
    return {
        "hits": hits,
        "request": request,
        "stream_url": f"{reverse('recommendations:stream')}?{ticket}",
        "plain_url": f"{reverse('recommendations:plain')}?{ticket}",
        "again_url": request.get_full_path(),
    }
