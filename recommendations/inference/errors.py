"""What can go wrong with a model server, said twice: to the reader and to the operator."""

from __future__ import annotations

import re
from http import HTTPStatus

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class InferenceError(Exception):
    """No (more) text from the model. `str()` tells an operator what happened and what to do.

    `reader_sentence` is all that a reader gets to see: true, short, and without addresses.
    """

    reader_sentence: str | Promise = _("The language model failed.")
    outcome = "failed"  # in the query log


class ModelUnavailable(InferenceError):
    """Nobody listens, the address is wrong, or the model is not loaded yet."""

    reader_sentence = _("The language model cannot be reached right now.")
    outcome = "unavailable"


class ModelBusy(InferenceError):
    """The server works, but not for us: rate limit or a full queue."""

    reader_sentence = _("The language model is busy right now.")
    outcome = "overloaded"


class ModelRefused(InferenceError):
    """The server understood and said no: key, licence, request, content."""

    reader_sentence = _("The language model did not accept the question.")
    outcome = "refused"


class StreamBroken(InferenceError):
    """The answer began and did not end as it should."""

    reader_sentence = _("The language model stopped before it was finished.")
    outcome = "broken"


class TookTooLong(InferenceError):
    """Our own deadline passed."""

    reader_sentence = _("The language model took too long.")
    outcome = "late"


def from_status(status: int, text: str) -> InferenceError:
    """The error that an HTTP status means; `text` already says it for the operator."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return ModelBusy(text)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.NOT_FOUND:
        return ModelUnavailable(text)
    return ModelRefused(text)


def masked(text: str, *secrets: str) -> str:
    """`text` without our own secrets and without the user part of any address in it.

    Servers quote the key they did not like ("Incorrect API key provided: …"), and the text goes
    to the log.
    """
    for secret in secrets:
        if secret:
            text = text.replace(secret, "•••")
    return re.sub(r"(?<=://)[^/@\s]+@", "", text)
