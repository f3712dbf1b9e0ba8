"""The names of authors and topics that stand beside the filters."""

from __future__ import annotations

from collections.abc import Mapping, Set

from django.conf import settings
from django.core.cache import caches
from django.utils.translation import get_language

from articles.models import NamedPage

KEPT_SECONDS = 10  # how long another process may show a name that an editor has changed


def names_of(model: type[NamedPage], slugs: Set[str]) -> Mapping[str, str]:
    """The names of all pages of this kind by slug, in the language of the page.

    They are few and hardly ever change, so a process keeps them for some seconds. One that is
    missing is looked up at once; it stays missing where the index lags behind the database.
    """
    cache, key = caches["template_fragments"], _key(model, get_language())
    names: Mapping[str, str] | None = cache.get(key)
    if names is None or not slugs <= names.keys():
        names = {page.slug: page.shown_name for page in model._default_manager.order_by()}
        cache.set(key, names, KEPT_SECONDS)
    return names


def forget_names(model: type[NamedPage]) -> None:
    """This process asks the database again."""
    caches["template_fragments"].delete_many(_key(model, code) for code, _ in settings.LANGUAGES)


def _key(model: type[NamedPage], language: str | None) -> str:
    return f"names.{model.__name__}.{language}"
