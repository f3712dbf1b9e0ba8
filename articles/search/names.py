"""The names of authors and topics that stand beside the filters."""

from __future__ import annotations

import time
from collections.abc import Mapping, Set
from functools import lru_cache

from django.utils.translation import get_language

from articles.models import NamedPage

KEPT_SECONDS = 10  # how long another process may show a name that an editor has changed


def names_of(model: type[NamedPage], slugs: Set[str]) -> Mapping[str, str]:
    """The names of all pages of this kind by slug, in the language of the page.

    They are few and hardly ever change, so a process keeps them for some seconds. One that is
    missing is looked up at once; it stays missing where the index lags behind the database.
    """
    key = model, get_language(), int(time.monotonic() / KEPT_SECONDS)
    names = kept_names(*key)
    if not slugs <= names.keys():
        kept_names.cache_clear()
        names = kept_names(*key)
    return names


@lru_cache(maxsize=8)  # two models, two languages, the period before
def kept_names(model: type[NamedPage], _language: str | None, _period: int) -> Mapping[str, str]:
    return {page.slug: page.shown_name for page in model._default_manager.order_by()}
