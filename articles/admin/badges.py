"""Badges: a word whose colour says the same again. Kinds: good, due, bad, off."""

from __future__ import annotations

from typing import Literal

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from articles.models import Article

type Kind = Literal["good", "due", "bad", "off"]


def badge(kind: Kind, text: str | Promise, *, title: str | Promise = "") -> SafeString:
    hint = format_html(' title="{}"', title) if title else ""
    return format_html('<span class="badge badge--{}"{}>{}</span>', kind, hint, text)


def publication(article: Article) -> SafeString:
    """Draft, scheduled (the date says for when), or published."""
    if article.is_scheduled:
        day = date_format(article.date, "DATE_FORMAT")
        return badge("due", _("scheduled"), title=_("Appears on %(day)s.") % {"day": day})
    return badge("good" if article.is_public else "off", article.get_status_display())
