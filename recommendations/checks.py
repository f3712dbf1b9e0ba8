"""Settings that cannot work stop the start with a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from recommendations.writers import WRITERS


@register()
def check_recommendation_settings(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    errors = []
    if (writer := settings.RECOMMENDATION_WRITER) and writer not in WRITERS:
        names = ", ".join(WRITERS)
        errors.append(
            Error(
                f"RECOMMENDATION_WRITER is {writer!r}; it must be one of {names}, or empty.",
                id="recommendations.E001",
            )
        )
    url = settings.CHAT_COMPLETIONS_URL
    if url and not (urlsplit(url).scheme in {"http", "https"} and urlsplit(url).hostname):
        errors.append(
            Error(
                "CHAT_COMPLETIONS_URL must be an address such as http://host:8000/v1.",
                id="recommendations.E002",
            )
        )
    return errors
