"""Thumbs up and down. The page gets the signed id of the answer's log row, and posts it back."""

from __future__ import annotations

import logging
from http import HTTPStatus

from django import forms
from django.core import signing
from django.db import DatabaseError, transaction
from django.db.models import BigIntegerField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from django_htmx.middleware import HtmxDetails

from articles.models import Article
from recommendations.models import QueryLog, Vote

logger = logging.getLogger(__name__)

SALT = "recommendations.vote"
VALID_SECONDS = 24 * 60 * 60  # a page that is open since yesterday is still read by somebody
NO_VOTE = 0  # what withdraws a vote; the client says it, so that no repeated request can undo one


def signed_log(pk: int) -> str:
    """What a card posts as `log`: only who was shown the answer can vote on it."""
    return signing.dumps(pk, salt=SALT)


class HtmxHttpRequest(HttpRequest):
    """A request after `HtmxMiddleware`."""

    htmx: HtmxDetails


class VoteForm(forms.Form):
    """`log`, `article`, `value` as the buttons post them; `log` becomes a primary key."""

    log = forms.CharField(max_length=200)
    article = forms.IntegerField(min_value=1, max_value=BigIntegerField.MAX_BIGINT)
    value = forms.TypedChoiceField(choices=[*Vote.Value.choices, (NO_VOTE, "")], coerce=int)

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
def vote(request: HtmxHttpRequest) -> HttpResponse:
    """Store the vote, replacing an earlier one on the same card, or withdraw it.

    For htmx the status says all, and any but 204 leaves the thumb as it was. Without JavaScript no
    button can show what is stored, so there a page of one sentence says it.
    """
    form = VoteForm(request.POST)
    status = stored(form.cleaned_data) if form.is_valid() else HTTPStatus.BAD_REQUEST
    if request.htmx:
        return HttpResponse(status=status)
    done = status == HTTPStatus.NO_CONTENT
    value = form.cleaned_data["value"] if done else NO_VOTE
    context = {"form": form, "value": value, "sentence": sentence(form, done), "no_vote": NO_VOTE}
    return render(
        request, "recommendations/voted.html", context, status=HTTPStatus.OK if done else status
    )


def sentence(form: VoteForm, done: bool) -> str:
    """What became of a vote, for its reader."""
    if form.errors:
        return str(next(iter(form.errors.values()))[0])
    if not done:
        return _("This could not be stored.")
    return _("Withdrawn.") if form.cleaned_data["value"] == NO_VOTE else _("Thank you, stored.")


def stored(vote: dict[str, int]) -> HTTPStatus:
    """Whether the vote holds now: 204, or 410 without its card, or 503 when the database fails."""
    try:
        return HTTPStatus.NO_CONTENT if store(**vote) else HTTPStatus.GONE
    except DatabaseError:
        logger.exception("A vote could not be stored.")
        return HTTPStatus.SERVICE_UNAVAILABLE


def store(log: int, article: int, value: int) -> bool:
    """Whether the vote holds now. It does not if answer or article is gone, or the answer had no
    card for the article. Withdrawing asks for none of this: a vote that is there can always go.
    """
    if value == NO_VOTE:
        Vote.objects.filter(log=log, article=article).delete()
        return True
    row = QueryLog.objects.filter(pk=log).first()
    if row is None or article not in row.hits:
        return False
    if not Article.objects.published().filter(pk=article).exists():
        return False
    with transaction.atomic():
        Vote.objects.update_or_create(log=row, article_id=article, defaults={"value": value})
    return True
