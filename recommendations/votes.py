"""Thumbs up and down. The page gets the signed id of the answer's log row, and posts it back."""

from __future__ import annotations

import logging

from django import forms
from django.core import signing
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from articles.models import Article
from recommendations.models import QueryLog, Vote

logger = logging.getLogger(__name__)

SALT = "recommendations.vote"
VALID_SECONDS = 24 * 60 * 60  # a page that is open since yesterday is still read by somebody


def signed_log(pk: int) -> str:
    """What a card posts as `log`: only who was shown the answer can vote on it."""
    return signing.dumps(pk, salt=SALT)


class VoteForm(forms.Form):
    """`log`, `article`, `value` as the buttons post them; `log` becomes a primary key."""

    log = forms.CharField(max_length=200)
    article = forms.IntegerField(min_value=1)
    value = forms.TypedChoiceField(choices=Vote.Value.choices, coerce=int)

    def clean_log(self) -> int:
        try:
            return int(signing.loads(self.cleaned_data["log"], salt=SALT, max_age=VALID_SECONDS))
        except signing.BadSignature as error:
            raise forms.ValidationError(_("This answer is too old to vote on.")) from error


# Exempt because the signed id is the proof that a token would be: it is known only to pages that
# showed the answer, and the request carries no rights of the visitor's session. It also keeps the
# streamed cards free of a token that could not be refreshed.
@csrf_exempt
@require_POST
def vote(request: HttpRequest) -> HttpResponse:
    """Store the vote, replacing an earlier one on the same card. 204 in any case that is not a
    fault of the request: a reader never waits for, or hears of, what becomes of a thumb.
    """
    form = VoteForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=400)
    try:
        store(**form.cleaned_data)
    except DatabaseError:
        logger.exception("A vote could not be stored.")
    return HttpResponse(status=204)


def store(log: int, article: int, value: int) -> None:
    """Nothing happens if answer or article is gone, or the answer had no card for the article."""
    row = QueryLog.objects.filter(pk=log).first()
    if row is None or article not in row.hits:
        return
    if Article.objects.published().filter(pk=article).exists():
        with transaction.atomic():
            Vote.objects.update_or_create(log=row, article_id=article, defaults={"value": value})
